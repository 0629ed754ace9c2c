"""What the commands print and write."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cte_metrics.cli.hints import in_flags
from cte_metrics.core.writing import write_file
from cte_metrics.errors import InputError
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.render.json import jsonable
from cte_metrics.results.render.text import to_text

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.core.survey.responses import Responses
    from cte_metrics.report.validation import Validation

FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
COLOURS = {"good": "green", "caution": "yellow", "stop": "red", "info": "blue"}


class TableFormat(StrEnum):
    """The forms in which a table is written."""

    csv = "csv"
    json = "json"


def write_table(table: pd.DataFrame, path: Path, table_format: TableFormat | None) -> None:
    """Write a table as CSV or JSON; index levels with names become columns.

    In CSV a text that a spreadsheet program would run as a formula gets an apostrophe before it.
    """
    chosen = table_format or (TableFormat.json if path.suffix == ".json" else TableFormat.csv)
    levels = [n for n in table.index.names if n is not None and n not in table.columns]
    frame = table.reset_index(levels) if levels else table
    if chosen is TableFormat.csv:
        _write(_inert(frame).to_csv(index=False), path)
    else:
        rows = [jsonable(row) for row in frame.astype(object).to_dict(orient="records")]
        _write(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", path)


def _inert(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of which no text is a formula to a spreadsheet program; say so on stderr."""
    texts = frame.select_dtypes(exclude=["number", "bool"])
    risky = texts.map(_is_formula)
    n = int(risky.to_numpy().sum()) + sum(map(_is_formula, frame.columns))
    if not n:
        return frame
    inert = frame.copy()
    for name in texts.columns:
        inert[name] = texts[name].where(~risky[name], "'" + texts[name].astype(str))
    tell_notes([
        f"{n} {'text' if n == 1 else 'texts'} beginning with {', '.join(map(repr, FORMULA_MARKS))} "
        "got an apostrophe, so that no spreadsheet program runs a formula."
    ])  # fmt: skip
    return inert.set_axis([f"'{c}" if _is_formula(c) else c for c in frame.columns], axis=1)


def _is_formula(value: object) -> bool:
    return isinstance(value, str) and value.startswith(FORMULA_MARKS)


def show_instruments(table: pd.DataFrame) -> None:
    """Print the list of instruments, one line each."""
    shown = ["name", "key_certainty", "n_items", "minimum", "maximum", "n_reversed"]
    typer.echo(to_text("Instruments", "", [Block("", table.set_index("id")[shown])], []))
    typer.echo("\n'cte-metrics instruments ID' shows one in full.")


def write_record(
    record: Mapping[str, Any], path: Path, table_format: TableFormat | None = None
) -> None:
    """Write one record as YAML, or as JSON when asked or when the file's ending says so.

    Raises
    ------
    InputError
        If CSV is asked for: a record is no table.
    """
    if table_format is TableFormat.csv:
        raise InputError(
            "One instrument is no table and cannot be written as CSV.",
            hint="Leave --format out for YAML, or ask for json.",
        )
    if table_format is TableFormat.json or path.suffix == ".json":
        _write(json.dumps(record, indent=1, ensure_ascii=False) + "\n", path)
        return
    import yaml

    _write(yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True), path)


def _write(text: str, path: Path) -> None:
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write_file(path, text)


def check_targets(
    targets: Sequence[Path | None], *, force: bool, sources: Sequence[object] = ()
) -> None:
    """Refuse to write over files, before anything is computed.

    Parameters
    ----------
    targets : sequence of Path or None
        Files to write; ``-`` is standard output.
    force : bool
        Whether files that exist may be replaced.
    sources : sequence
        Files that are read, which are never replaced.

    Raises
    ------
    InputError
        If a target exists and ``force`` is false, is also read, or its folder does not exist.
    """
    read = [os.path.realpath(str(source)) for source in sources if os.path.isfile(str(source))]
    for target in targets:
        if target is None or str(target) == "-":
            continue
        if os.path.realpath(target) in read:
            raise InputError(
                f"'{target}' is read by this command and would be lost.",
                hint="Name another file in --output.",
            )
        if target.is_file() and not force:
            raise InputError(
                f"'{target}' exists already, perhaps from an earlier run.",
                hint="Pass --force to write it anew, or name another file, as in "
                f"--output {target.with_stem(target.stem + '-2')}",
            )
        if not target.parent.is_dir():
            raise InputError(
                f"'{target}' cannot be written: there is no folder '{target.parent}'.",
                hint="Make the folder first, or name another file in --output.",
            )


def survey_frame(responses: Responses) -> pd.DataFrame:
    """Return answers as a survey file has them: identifiers, items, covariates."""
    import pandas as pd

    parts = {
        "respondent": responses.respondent,
        "group": responses.group,
        "wave": responses.wave,
    }
    known = {k: pd.Series(list(v)) for k, v in parts.items() if v is not None}
    items = responses.items.reset_index(drop=True).astype("Int64")
    covariates = responses.covariates
    tables = [pd.DataFrame(known), items]
    if covariates is not None and covariates.shape[1]:
        tables.append(covariates.reset_index(drop=True))
    return pd.concat(tables, axis=1)


def tell_notes(notes: Sequence[str]) -> None:
    """Print notes to standard error, so that piped tables stay clean."""
    for note in notes:
        typer.secho(f"Note: {in_flags(note)}", err=True, dim=True)


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """Show a progress bar on standard error; yield a function of (step, share done)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)
        bar.update(task, description="Done", completed=1.0)


def show_decisions(validation: Validation) -> None:
    """Print the decisions, one paragraph each."""
    typer.secho(f"\n{validation.title}", bold=True)
    typer.echo(validation.subtitle)
    for line in validation.banners:
        typer.secho(line, fg="yellow")
    for decision in validation.decisions:
        typer.secho(f"\n{decision.question}", bold=True)
        typer.secho(f"  {decision.verdict}", fg=COLOURS[decision.level])
        figures = ", ".join(f"{k} {_short(v)}" for k, v in decision.figures.items())
        if figures:
            typer.echo(f"  {figures}")
    typer.echo("")


def _short(value: Any) -> str:
    from cte_metrics.results.render.blocks import cell

    return cell(value)
