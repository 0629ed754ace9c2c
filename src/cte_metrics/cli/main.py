"""``cte-metrics``: the library's main jobs from a shell.

Exit codes: 0 done; 1 the input cannot be used (the message says why); 2 the command line cannot
be read; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cte_metrics import __version__
from cte_metrics.cli import output
from cte_metrics.cli.hints import in_flags
from cte_metrics.cli.survey import Force, reads_survey

if TYPE_CHECKING:
    from cte_metrics.core.survey.responses import Responses

app = typer.Typer(
    name="cte-metrics",
    help="Measure Collective Teacher Efficacy: from a survey file to school scores.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Output = Annotated[
    Path, typer.Option("--output", "-o", help="File to write; '-' is standard output.")
]
Format = Annotated[
    output.TableFormat | None,
    typer.Option("--format", "-f", help="csv or json; by default by the file's ending, else csv."),
]
Page = Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")]
Minimum = Annotated[
    int, typer.Option("--minimum-group-size", min=1, help="Schools with fewer are suppressed.")
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cte-metrics {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(page: Page = Path("cte-report.html"), force: Force = False) -> None:
    """Run the main job on the bundled example (simulated answers) and write the report."""
    output.check_targets([page], force=force)
    from cte_metrics.simulation import load_example

    _validate_to(load_example(), page, title="Collective teacher efficacy: a simulated survey")


@app.command()
def instruments(
    instrument: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show one instrument in full.")
    ] = None,
    path: Output = Path("-"),
    table_format: Format = None,
    force: Force = False,
) -> None:
    """List the instruments, or show one (its key, range, sources and what is unconfirmed)."""
    output.check_targets([path], force=force, sources=[instrument])
    from cte_metrics.core.instrument.registry import list_instruments, load_instrument

    if instrument is None and str(path) == "-" and table_format is None:
        output.show_instruments(list_instruments())
    elif instrument is None:
        output.write_table(list_instruments(), path, table_format)
    else:
        record = load_instrument(instrument).model_dump(mode="json")
        output.write_record(record, path, table_format)


@app.command()
@reads_survey()
def score(
    responses: Responses,
    method: Annotated[str, typer.Option(help="mean, sum, pomp (0 to 100), z or t.")] = "mean",
    missing: Annotated[
        str, typer.Option(help="prorate, listwise, item_mean or item_median.")
    ] = "prorate",
    min_answered: Annotated[
        float | None,
        typer.Option(help="Least answered items a scale: a share below 1, or a count."),
    ] = None,
    path: Output = Path("-"),
    table_format: Format = None,
) -> None:
    """Score each respondent: one row a respondent, one column a scale."""
    from cte_metrics.scoring import score as score_responses

    scores = score_responses(
        responses,
        method=cast(Any, method),
        missing=cast(Any, missing),
        min_answered=_count(min_answered),
    )
    output.write_table(scores.table, path, table_format)
    output.tell_notes(scores.notes)


def _count(min_answered: float | None) -> float | int | None:
    whole = min_answered is not None and min_answered >= 1 and float(min_answered).is_integer()
    return int(min_answered) if whole and min_answered is not None else min_answered


@app.command()
@reads_survey()
def aggregate(
    responses: Responses,
    minimum_group_size: Minimum = 5,
    rule: Annotated[str, typer.Option(help="teacher_means or item_means.")] = "teacher_means",
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Write the evidence for aggregating instead.")
    ] = False,
    path: Output = Path("-"),
    table_format: Format = None,
) -> None:
    """Turn teacher answers into school scores, with agreement, reliability and intervals."""
    from cte_metrics.aggregation import aggregate as aggregate_responses

    scores = aggregate_responses(
        responses,
        minimum_group_size=minimum_group_size,
        rule=cast(Any, rule),
    )
    output.write_table(scores.evidence if evidence else scores.table, path, table_format)
    output.tell_notes(scores.notes)


@app.command()
@reads_survey(covariates=True)
def validate(
    responses: Responses,
    minimum_group_size: Minimum = 5,
    title: Annotated[str | None, typer.Option(help="Heading of the report.")] = None,
    page: Page = Path("cte-report.html"),
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Also write every figure as JSON.")
    ] = None,
) -> None:
    """Examine one survey whole: print the decisions and write the report."""
    _validate_to(responses, page, title, json_path, minimum_group_size)


def _validate_to(
    responses: Responses,
    page: Path,
    title: str | None = None,
    json_path: Path | None = None,
    minimum_group_size: int = 5,
) -> None:
    from cte_metrics.report.validation import validate as validate_responses

    with output.progress() as advance:
        validation = validate_responses(
            responses,
            title=title,
            minimum_group_size=minimum_group_size,
            progress=advance,
        )
        advance("Writing the report", 0.95)
        validation.to_html(page)
    output.show_decisions(validation)
    if json_path is not None:
        validation.to_json(json_path)
    typer.echo(f"Report written to {page}")


@app.command()
def simulate(
    instrument: Annotated[
        str, typer.Argument(help="An instrument's id (see 'cte-metrics instruments') or a file.")
    ],
    groups: Annotated[int, typer.Option("--groups", min=1, help="Schools.")] = 60,
    group_size: Annotated[int, typer.Option("--group-size", min=1, help="Teachers a school.")] = 20,
    icc: Annotated[float, typer.Option(min=0, max=0.99, help="ICC(1) of the factors.")] = 0.2,
    missing: Annotated[float, typer.Option(min=0, max=0.9, help="Share of missing answers.")] = 0.0,
    careless: Annotated[
        float, typer.Option(min=0, max=1, help="Share of careless respondents.")
    ] = 0.0,
    waves: Annotated[int, typer.Option(min=1, help="Waves.")] = 1,
    growth: Annotated[float, typer.Option(help="Change a wave, in within-school SDs.")] = 0.0,
    seed: Annotated[
        int | None, typer.Option(help="Seed; the same seed gives the same answers.")
    ] = None,
    path: Output = Path("-"),
    table_format: Format = None,
    force: Force = False,
) -> None:
    """Simulate answers to an instrument from a two-level ordinal factor model."""
    output.check_targets([path], force=force, sources=[instrument])
    from cte_metrics.core.instrument.registry import load_instrument
    from cte_metrics.simulation import simulate_responses

    responses = simulate_responses(
        load_instrument(instrument), n_groups=groups, group_size=group_size, icc=icc,
        missing=missing, careless=careless, n_waves=waves, growth=growth, rng=seed,
    )  # fmt: skip
    output.write_table(output.survey_frame(responses), path, table_format)
    output.tell_notes(responses.notes)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code (the entry point exits with it)."""
    from cte_metrics.errors import CTEError

    try:
        app(args=arguments, prog_name="cte-metrics")
    except CTEError as error:
        typer.secho(f"Error: {in_flags(str(error))}", err=True, fg="red")
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename!r}" if error.filename else ""
        typer.secho(f"Error: {error.strerror or error}{where}", err=True, fg="red")
        sys.exit(1)
    return 0
