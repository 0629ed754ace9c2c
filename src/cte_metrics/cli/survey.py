"""The options that describe a survey file, and the commands that read one.

Functions: ``read_survey, reads_survey, item_columns``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer

from cte_metrics.errors import InputError

if TYPE_CHECKING:
    from cte_metrics.core.survey.responses import Responses

Command = Callable[..., None]

SurveyFile = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, Excel, Parquet, Arrow, SPSS or Stata file, or a Qualtrics or Google "
        "Forms export."
    ),
]
InstrumentName = Annotated[
    str,
    typer.Option(
        "--instrument", "-i", help="An instrument's id (see 'cte-metrics instruments') or a file."
    ),
]
Group = Annotated[str | None, typer.Option("--group", "-g", help="Column that names the school.")]
Respondent = Annotated[str | None, typer.Option(help="Column that identifies the respondent.")]
Wave = Annotated[str | None, typer.Option(help="Column that names the wave.")]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Item columns in item order, separated by commas; or COLUMN=ITEM pairs. By default "
        "columns are matched to item ids by name."
    ),
]
Covariates = Annotated[
    str | None, typer.Option(help="Columns to carry along, separated by commas.")
]
MissingCodes = Annotated[
    list[str] | None,
    typer.Option("--missing-code", help="A code that means no answer, such as -99; repeatable."),
]
OnInvalid = Annotated[
    str,
    typer.Option(
        help="raise: stop at answers outside the range; missing: set them to missing and list them."
    ),
]


def read_survey(
    survey: SurveyFile,
    instrument: InstrumentName,
    *,
    group: Group = None,
    respondent: Respondent = None,
    wave: Wave = None,
    columns: Columns = None,
    covariates: Covariates = None,
    missing_code: MissingCodes = None,
    on_invalid: OnInvalid = "raise",
) -> Responses:
    """Read a survey file as the options describe it."""
    from cte_metrics.core.files.ingest import read_responses

    return read_responses(
        survey,
        instrument,
        group=group,
        respondent=respondent,
        wave=wave,
        columns=item_columns(columns),
        covariates=tuple(_split(covariates)),
        missing_codes=tuple(_code(c) for c in missing_code or ()),
        on_invalid=cast(Any, on_invalid),
    )


def reads_survey(*, covariates: bool = False) -> Callable[[Command], Command]:
    """Make a command of a function of Responses: its own options follow those of `read_survey`.

    Parameters
    ----------
    covariates : bool
        Whether the command has a use for further columns.
    """
    options = [p for p in _parameters(read_survey) if covariates or p.name != "covariates"]

    def command_of(function: Command) -> Command:
        @wraps(function)
        def command(**given: Any) -> None:
            described = {p.name: given.pop(p.name) for p in options}
            function(read_survey(**described), **given)

        told = [*options, *_parameters(function)[1:]]
        command.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in told}
        return command

    return command_of


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return a function's parameters by keyword, with what they are told to be."""
    told = get_type_hints(function, localns={"Responses": object}, include_extras=True)
    return [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=told[p.name])
        for p in inspect.signature(function).parameters.values()
    ]


def item_columns(text: str | None) -> list[str] | dict[str, str] | None:
    """Read ``a,b,c`` as columns in item order and ``a=q1,b=q2`` as a mapping.

    Examples
    --------
    >>> item_columns("a, b"), item_columns("a=q1,b=q2"), item_columns(None)
    (['a', 'b'], {'a': 'q1', 'b': 'q2'}, None)
    """
    if text is None:
        return None
    parts = _split(text)
    pairs = [p.partition("=") for p in parts if "=" in p]
    if pairs and len(pairs) != len(parts):
        raise InputError(
            "--columns mixes COLUMN=ITEM pairs with plain names.",
            hint="Give a pair for each column, or plain names in item order.",
        )
    return {c.strip(): i.strip() for c, _, i in pairs} if pairs else parts


def _split(text: str | None) -> list[str]:
    return [p.strip() for p in (text or "").split(",") if p.strip()]


def _code(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
