"""Survey files become Responses.

Function: ``read_responses``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.files.survey_files import FileOptions, SurveyFile, read_file
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.issues import IssueLog
from cte_metrics.core.survey.columns import item_columns
from cte_metrics.core.survey.headers import columns_by_text, named_columns
from cte_metrics.core.survey.reading import OnInvalid, Roles, instrument_of, read_survey
from cte_metrics.core.survey.responses import Responses
from cte_metrics.core.survey.value_labels import recode_by_labels
from cte_metrics.errors import InputError


def read_responses(
    path: str | PathLike[str],
    instrument: Instrument | str,
    *,
    respondent: str | None = None,
    group: str | None = None,
    wave: str | None = None,
    columns: Mapping[str, str] | Sequence[str] | Sequence[int] | None = None,
    covariates: str | Iterable[str] = (),
    weights: str | None = None,
    on_invalid: OnInvalid = "raise",
    missing_codes: Any = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | int = 0,
) -> Responses:
    """Read a survey file and check it against its instrument.

    Parameters
    ----------
    path : str or path
        CSV or other delimited text (.csv, .tsv, .txt, .dat, also .gz), Excel (.xlsx), Parquet,
        Arrow (.feather, .arrow), SPSS (.sav) or Stata (.dta). Qualtrics' three header rows are
        recognised, and so are question texts as headers (Google Forms).
    instrument : Instrument or str
        What was asked; a name or file as for :func:`load_instrument`.
    respondent, group, wave, covariates, weights, on_invalid, missing_codes
        As for :class:`Responses`.
    columns : mapping or sequence, optional
        As for :class:`Responses`; also column positions from 0, e.g. ``range(1, 13)``. By default
        a column belongs to the item whose id or label it carries, as its name, as the row of a
        grid question in square brackets, or as the question text.
    delimiter, encoding : str, optional
        Of delimited text; found out by default (UTF-8 with or without mark, UTF-16 with mark,
        otherwise Windows-1252 or Latin-1).
    sheet : str or int
        Sheet of an Excel file.

    Returns
    -------
    Responses

    Raises
    ------
    InputError
        If the file is missing or cannot be read, and as :class:`Responses`.
    UnknownNameError
        If a column does not exist.
    MissingExtraError
        If the format needs a package of the extra ``io``.

    Notes
    -----
    Texts become codes through the response scale's labels. Value labels of SPSS and Stata are
    compared with them: where a file numbers the same answers differently, its codes are recoded
    by the labels, and :attr:`Responses.issues` says so. User-missing values, and the texts NA,
    N/A, NaN, NULL, None in delimited text and Excel, become missing answers with an entry in
    :attr:`Responses.issues`. Identifiers keep leading zeros.
    """
    asked = instrument_of(instrument)
    log = IssueLog()
    named = tuple(n for n in (respondent, group, wave) if isinstance(n, str))
    file = read_file(Path(path), FileOptions(delimiter, encoding, sheet, named), log)
    present = [str(c) for c in _columns(file.frame)]
    chosen = named_columns(columns, present)
    if chosen is None:
        chosen = columns_by_text(present, file.texts, asked)
    roles = Roles(respondent, group, wave, chosen, covariates, weights)
    _refuse_repeated(file, asked, roles)
    file = _prepared(file, asked, roles, log)
    survey = read_survey(
        file.frame,
        asked,
        roles,
        on_invalid=on_invalid,
        missing_codes=_missing_codes(missing_codes, file, asked),
        log=log,
    )
    return Responses.of(replace(survey, notes=(*survey.notes, *file.notes)))


def _columns(frame: Any) -> list[Any]:
    return list(frame.columns if isinstance(frame, pd.DataFrame) else frame.column_names)


def _refuse_repeated(file: SurveyFile, asked: Instrument, roles: Roles) -> None:
    """Refuse a column that is asked for but stands in the file more than once."""
    if not file.repeated:
        return
    found = item_columns([str(c) for c in _columns(file.frame)], asked, roles.columns)
    covariates = [roles.covariates] if isinstance(roles.covariates, str) else roles.covariates
    named = (roles.respondent, roles.group, roles.wave, roles.weights)
    used = {*found.values(), *(n for n in named if isinstance(n, str)), *covariates}
    twice = next((name for name in file.repeated if name in used), None)
    if twice is not None:
        raise InputError(
            f"The file has two columns named {twice!r}.",
            hint="Rename one, or name columns by their positions from 0: columns=[1, 2, ...].",
        )


def _prepared(file: SurveyFile, asked: Instrument, roles: Roles, log: IssueLog) -> SurveyFile:
    """Bring items to the instrument's codes, and other columns to numbers where they are."""
    if not isinstance(file.frame, pd.DataFrame):
        return file
    frame = file.frame.rename(columns=str)
    found = item_columns(list(frame.columns), asked, roles.columns)
    for column in found.values():
        if column in file.labels:
            frame[column] = recode_by_labels(frame[column], file.labels[column], asked, log)
    for column in set(frame.columns) - set(found.values()):
        frame[column] = _without_marks(frame[column], file.missing_texts)
    return replace(file, frame=frame)


def _without_marks(series: pd.Series, marks: tuple[str, ...]) -> pd.Series:
    """Return a column that is not an item with marks of nothing blank; numbers if that is left."""
    if not marks or pd.api.types.is_numeric_dtype(series.dtype):
        return series
    blank = series.isin(marks)
    if not blank.any():
        return series
    rest = series.mask(blank, None)
    figures = pd.to_numeric(rest, errors="coerce")
    return figures if figures.notna().sum() == rest.notna().sum() else rest


def _missing_codes(given: Any, file: SurveyFile, asked: Instrument) -> list[Any]:
    listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    marks = [m for m in file.missing_texts if asked.response_scale.code_of(m) is None]
    return [*listed, *marks]
