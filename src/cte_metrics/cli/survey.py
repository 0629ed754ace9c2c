"""The options that describe a survey file, and the commands that read one.

Functions: ``read_survey, reads_survey, item_columns``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer

from cte_metrics.cli import output
from cte_metrics.errors import InputError

if TYPE_CHECKING:
    from cte_metrics.core.survey.responses import Responses

Command = Callable[..., None]

_TABS = {"tab": "\t", "\\t": "\t"}
_FIELD = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^",=]*))(?:=([^,]*))?(?:,|$)')

SurveyFile = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, Excel, OpenDocument, Parquet, Arrow, SPSS, Stata or SAS file, or an export "
        "of Qualtrics, SurveyMonkey, LimeSurvey or Google Forms."
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
        help="Item columns in item order, by name or by position from 0, separated by commas; or "
        "COLUMN=ITEM pairs. A name with a comma goes in quotes: '\"Yes, we can\",b'. By default "
        "columns are matched to item ids and labels."
    ),
]
Covariates = Annotated[
    str | None, typer.Option(help="Columns to carry along, separated by commas.")
]
MissingCodes = Annotated[
    list[str] | None,
    typer.Option("--missing-code", help="A code that means no answer, such as -99; repeatable."),
]
Weights = Annotated[str | None, typer.Option(help="Column of sampling weights.")]
Labels = Annotated[
    str | None,
    typer.Option(
        help="Texts of the answers from the lowest to the highest, separated by commas; or "
        "TEXT=CODE pairs."
    ),
]
MaxInvalid = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Greatest share of an item's answers that --on-invalid missing may take."
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="Rows to keep that are left out otherwise: preview, unfinished (Qualtrics, "
        "LimeSurvey); repeatable."
    ),
]
Long = Annotated[
    str | None,
    typer.Option(
        metavar="RESPONDENT,ITEM,ANSWER",
        help="Columns of a file with one row an answer: respondent, item, answer.",
    ),
]
Delimiter = Annotated[
    str | None, typer.Option(help="Of delimited text, 'tab' for a tab; found out by default.")
]
Encoding = Annotated[
    str | None, typer.Option(help="Such as utf-8, cp1252, latin-1; found out by default.")
]
Sheet = Annotated[
    str | None, typer.Option(help="Sheet of a workbook by name, or by position from 0.")
]
Skip = Annotated[
    int | None, typer.Option(min=0, help="Lines above the header; found out by default.")
]
Header = Annotated[
    int | None, typer.Option(min=0, help="Rows of the header, 0 for none; found out by default.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace output files that exist.")]
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
    weights: Weights = None,
    labels: Labels = None,
    missing_code: MissingCodes = None,
    on_invalid: OnInvalid = "raise",
    max_invalid: MaxInvalid = 0.5,
    keep_rows: Keep = None,
    long: Long = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    skip: Skip = None,
    header: Header = None,
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
        covariates=tuple(_names(covariates, "--covariates")),
        weights=weights,
        labels=_labels(labels),
        missing_codes=tuple(_code(c) for c in missing_code or ()),
        on_invalid=cast(Any, on_invalid),
        max_invalid=max_invalid,
        keep_rows=cast(Any, keep_rows or ()),
        long=None if long is None else cast(Any, tuple(_names(long, "--long"))),
        delimiter=_TABS.get(delimiter or "", delimiter),
        encoding=encoding,
        sheet=sheet,
        skip=skip,
        header=header,
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
            targets = [given.get(name) for name in ("path", "page", "json_path")]
            read = (described["survey"], described["instrument"])
            output.check_targets(targets, force=given.pop("force"), sources=read)
            function(read_survey(**described), **given)

        told = [*options, *_parameters(function)[1:], *_parameters(_writes)]
        command.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in told}
        return command

    return command_of


def _writes(*, force: Force = False) -> None:
    """Stand for the options of commands that write files."""


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return a function's parameters by keyword, with what they are told to be."""
    told = get_type_hints(function, localns={"Responses": object}, include_extras=True)
    return [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=told[p.name])
        for p in inspect.signature(function).parameters.values()
    ]


def item_columns(text: str | None) -> list[str] | list[int] | dict[str, str] | None:
    """Read ``a,b,c`` as columns in item order and ``a=q1,b=q2`` as a mapping.

    Whole numbers are handed on as such: names where the file has columns so called, else positions.

    Examples
    --------
    >>> item_columns("a, b"), item_columns("a=q1,b=q2"), item_columns(None)
    (['a', 'b'], {'a': 'q1', 'b': 'q2'}, None)
    >>> item_columns('"Yes, we can",b'), item_columns("5,6"), item_columns('"1 = no"=a')
    (['Yes, we can', 'b'], [5, 6], {'1 = no': 'a'})
    """
    if text is None:
        return None
    parts = _fields(text, "--columns")
    if parts and all(value is not None for _, value in parts):
        return {name: str(value) for name, value in parts}
    if all(name.isdecimal() for name, _ in parts):
        return [int(name) for name, _ in _plain(parts, "--columns")]
    return [name for name, _ in _plain(parts, "--columns")]


def _labels(text: str | None) -> list[str] | dict[str, str] | None:
    if text is None:
        return None
    parts = _fields(text, "--labels")
    if parts and all(value is not None for _, value in parts):
        return {name: str(value) for name, value in parts}
    return [name for name, _ in _plain(parts, "--labels")]


def _names(text: str | None, option: str) -> list[str]:
    return [name for name, _ in _plain(_fields(text or "", option), option)]


def _plain(parts: list[tuple[str, str | None]], option: str) -> list[tuple[str, str | None]]:
    """Return fields of which none is a pair."""
    if any(value is not None for _, value in parts):
        raise InputError(
            f"{option} mixes NAME=VALUE pairs with plain names, or takes plain names only.",
            hint="Give a pair for each name, or plain names in order; a name with '=' goes in "
            "quotes.",
        )
    return parts


def _fields(text: str, option: str) -> list[tuple[str, str | None]]:
    """Split at commas outside of quotes; each field is a name, or a name and what it stands for."""
    parts, position = [], 0
    while position < len(text):
        found = _FIELD.match(text, position)
        if found is None:
            raise InputError(
                f"{option} cannot be read at {text[position:]!r}.",
                hint='Names with a comma or "=" go in double quotes, within single ones.',
            )
        position = found.end()
        quoted, plain, value = found.groups()
        name = plain.strip() if quoted is None else quoted.replace('""', '"')
        if name or value:
            parts.append((name, None if value is None else value.strip().strip('"')))
    return parts


def _code(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
