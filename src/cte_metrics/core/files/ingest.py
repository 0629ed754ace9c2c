"""Survey files become Responses.

Function: ``read_responses``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.arguments import check_arguments, is_list
from cte_metrics.core.files.left_out import Keep, is_mark, left_out
from cte_metrics.core.files.long_format import long_hint, widened
from cte_metrics.core.files.natural import natural
from cte_metrics.core.files.survey_files import read_file
from cte_metrics.core.files.table import FileOptions, SurveyFile
from cte_metrics.core.files.workbooks import sheets_hint
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.issues import IssueLog
from cte_metrics.core.survey.columns import item_columns
from cte_metrics.core.survey.headers import as_name, columns_by_text, header_keys, named_columns
from cte_metrics.core.survey.reading import OnInvalid, Roles, instrument_of, read_survey
from cte_metrics.core.survey.responses import Responses
from cte_metrics.core.survey.value_labels import recode_by_labels
from cte_metrics.core.survey.wording import Wording
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError

ALONE = "The file was read as one column: pass delimiter= if another stands between its fields."
ABOVE = "Lines above the header are passed over with skip=; header= says how many rows it has."


def read_responses(
    path: str | PathLike[str],
    instrument: Instrument | str,
    *,
    respondent: str | None = None,
    group: str | None = None,
    wave: str | None = None,
    columns: Mapping[Any, str] | Sequence[str] | Sequence[int] | None = None,
    covariates: str | Iterable[str] = (),
    weights: str | None = None,
    on_invalid: OnInvalid = "raise",
    missing_codes: Any = (),
    labels: Sequence[str] | Mapping[Any, Any] | None = None,
    max_invalid: float = 0.5,
    keep_rows: Keep | Iterable[Keep] = (),
    long: tuple[str, str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
    skip: int | None = None,
    header: int | None = None,
) -> Responses:
    """Read a survey file and check it against its instrument.

    Parameters
    ----------
    path : str or path
        CSV or other delimited text (.csv, .tsv, .txt, .dat, also .gz), Excel (.xlsx), OpenDocument
        (.ods), Parquet, Arrow (.feather, .arrow), SPSS (.sav, .por), Stata (.dta) or SAS
        (.sas7bdat, .xpt). The header rows of Qualtrics (three, two in old exports) and
        SurveyMonkey (two) are recognised, and so are question texts as headers (Google Forms).
    instrument : Instrument or str
        What was asked; a name or file as for :func:`load_instrument`.
    respondent, group, wave, covariates, weights, on_invalid, missing_codes, labels, max_invalid
        As for :class:`Responses`.
    columns : mapping or sequence, optional
        As for :class:`Responses`; whole numbers are names where the file has columns so called,
        positions from 0 elsewhere, e.g. ``range(1, 13)``. By default a column belongs to the item
        whose id or label it carries, as its name, as the row of a grid question in square
        brackets, or as the question text.
    keep_rows : {"preview", "unfinished"} or sequence of them
        Rows that stay although they are no finished answers: previews and tests of a Qualtrics
        survey; respondents who did not finish (Qualtrics, LimeSurvey). By default they are left
        out, and a note counts them.
    long : tuple of three str, optional
        Columns of the respondent, the item and the answer in a file with one row an answer; other
        columns that are asked for must be the same in all rows of a respondent (and wave).
    delimiter, encoding : str, optional
        Of delimited text; found out by default (a line ``sep=;``, else the delimiter that splits
        evenly; UTF-8 with or without mark, UTF-16 with mark, otherwise Windows-1252 or Latin-1).
        An encoding also holds for SPSS, Stata and SAS.
    sheet : str or int, optional
        Sheet of a workbook by name or position; the first by default.
    skip, header : int, optional
        Lines above the header, and rows of the header (0 where there is none: columns are called
        column_0, column_1, ...), of text and workbooks; found out by default.

    Returns
    -------
    Responses

    Raises
    ------
    InputError
        If the file is missing or cannot be read, an option has no meaning for its kind, and as
        :class:`Responses`.
    UnknownNameError
        If a column does not exist.
    MissingExtraError
        If the format needs a package of the extra ``io``.

    Notes
    -----
    Texts become codes through the response scale's labels and ``labels``. Value labels of SPSS and
    Stata are compared with them: where a file numbers the same answers differently, its codes are
    recoded by the labels, and :attr:`Responses.issues` says so; schools bear the names that their
    value labels give. User-missing values, and the texts NA, N/A, NaN, NULL, None in delimited
    text and workbooks, become missing answers with an entry in :attr:`Responses.issues`.
    Identifiers keep leading zeros. Merged cells of identifiers and covariates in Excel hold for
    every row that they cover. An answer that is a formula without a stored value is refused.
    """
    settings: dict[str, Any] = {
        "delimiter": delimiter,
        "encoding": encoding,
        "sheet": sheet,
        "skip": skip,
    }
    settings |= {"path": path, "header": header, "columns": columns}
    check_arguments(read_responses, settings)
    _refuse_no_names(respondent=respondent, group=group, wave=wave, weights=weights)
    asked = instrument_of(instrument)
    log = IssueLog()
    one = isinstance(covariates, str) or not is_list(covariates)
    carried = [covariates] if one else list(covariates)
    roles = Roles(respondent, group, wave, columns, carried, weights)
    options = _options(roles, asked, long, (delimiter, encoding, sheet, skip, header))
    file = read_file(Path(path), options, log)
    file = _rows(file, keep_rows)
    file, roles = _one_row_each(file, roles, long)
    present = _names(file.frame)
    roles = _found(file, roles, present, asked)
    _refuse_repeated(file, asked, roles)
    _refuse_formulas(file, roles)
    wording = Wording.of(asked.response_scale, labels)
    file = _prepared(file, asked, roles, wording, log)
    survey = read_survey(
        file.frame,
        asked,
        roles,
        on_invalid=on_invalid,
        missing_codes=_missing_codes(missing_codes, file, wording),
        labels=labels,
        max_invalid=max_invalid,
        log=log,
    )
    return Responses.of(replace(survey, notes=(*survey.notes, *file.notes)))


def _options(roles: Roles, asked: Instrument, long: Any, given: tuple[Any, ...]) -> FileOptions:
    """Return what is known of the file before it is read."""
    delimiter, encoding, sheet, skip, header = given
    of_answer = list(long) if is_list(long) and not isinstance(long, str) else []
    roles_named = (roles.respondent, roles.group, roles.wave, *of_answer[:1])
    identifiers = [n for n in roles_named if isinstance(n, str)]
    named = [*identifiers, *roles.covariates, roles.weights, *of_answer]
    listed = () if roles.columns is None or isinstance(roles.columns, str) else roles.columns
    names = listed if isinstance(listed, Mapping) else [n for n in listed if isinstance(n, str)]
    told = [str(n) for n in (*named, *names) if n is not None]
    items = [text for item in asked.items for text in (item.id, item.label) if text]
    return FileOptions(
        delimiter=delimiter,
        encoding=encoding,
        sheet=sheet,
        skip=skip,
        header=header,
        identifiers=tuple(dict.fromkeys(n for name in identifiers for n in (name, name.strip()))),
        filled=tuple(str(n).strip() for n in (*identifiers, *roles.covariates)),
        known=frozenset(key for text in (*told, *items) for key in header_keys([text])),
    )


def _names(frame: Any) -> list[str]:
    names = frame.columns if isinstance(frame, pd.DataFrame) else frame.column_names
    return [str(c) for c in names]


def _rows(file: SurveyFile, keep: Any) -> SurveyFile:
    """Leave out previews, tests and unfinished rows of survey platforms."""
    if isinstance(file.frame, pd.DataFrame):
        frame, notes = left_out(file.frame, keep)
    else:
        told = file.frame.select([n for n in file.frame.column_names if is_mark(n)]).to_pandas()
        stay, notes = left_out(told, keep)
        frame = file.frame.take(stay.index.to_numpy()) if notes else file.frame
    return replace(file, frame=frame, notes=(*file.notes, *notes))


def _refuse_no_names(**roles: Any) -> None:
    for role, name in roles.items():
        if not isinstance(name, Hashable):
            raise InputTypeError(
                f"{role} names a column of the file; got {type(name).__name__}.",
                hint="Responses takes arrays of identifiers, schools, waves and weights.",
            )


def _one_row_each(file: SurveyFile, roles: Roles, long: Any) -> tuple[SurveyFile, Roles]:
    """Turn one row an answer into one row a respondent, where the caller says so."""
    if long is None:
        return file, roles
    if not bool(is_list(long)):  # the type stays any
        raise InputTypeError(f"long takes three names; got {type(long).__name__} {long!r}.")
    frame = file.frame if isinstance(file.frame, pd.DataFrame) else file.frame.to_pandas()
    frame = frame.rename(columns=str)
    others = [roles.respondent, roles.group, *roles.covariates, roles.weights]
    named = [n for n in others if n in frame.columns]
    wide = widened(frame, long, roles.wave, named)
    respondent = long[0] if roles.respondent is None else roles.respondent
    labels = {n: v for n, v in file.labels.items() if n in wide.columns}
    answers = file.labels.get(long[2])
    if answers is not None:
        carried = {*named, long[0], roles.wave}
        labels |= dict.fromkeys((c for c in wide.columns if c not in carried), answers)
    return replace(file, frame=wide, labels=labels), replace(roles, respondent=respondent)


def _found(file: SurveyFile, roles: Roles, present: list[str], asked: Instrument) -> Roles:
    """Return the roles by the names that the file has."""
    chosen = named_columns(roles.columns, present)
    if chosen is None:
        chosen = columns_by_text(present, file.texts, asked)
    by_name = {
        role: as_name(getattr(roles, role), present)
        for role in ("respondent", "group", "wave", "weights")
        if isinstance(getattr(roles, role), str)
    }
    covariates = [as_name(name, present) for name in roles.covariates]
    roles = replace(roles, columns=chosen, covariates=covariates, **by_name)
    try:
        item_columns(present, asked, chosen)
    except UnknownNameError as error:
        frame = file.frame if isinstance(file.frame, pd.DataFrame) else pd.DataFrame()
        above = ABOVE if file.sheets or file.decimal_comma is not None else None
        alone = ALONE if len(present) == 1 and file.decimal_comma is not None else None
        hints = (
            long_hint(frame, asked.item_ids),
            sheets_hint(file.sheets),
            error.hint,
            alone,
            above,
        )
        told = " ".join(hint for hint in (*hints, alone, above) if hint)
        raise UnknownNameError(error.problem, hint=told) from None
    return roles


def _refuse_repeated(file: SurveyFile, asked: Instrument, roles: Roles) -> None:
    """Refuse a column that is asked for but stands in the file more than once."""
    if not file.repeated:
        return
    found = item_columns(_names(file.frame), asked, roles.columns)
    named = (roles.respondent, roles.group, roles.wave, roles.weights)
    used = {*found.values(), *(n for n in named if isinstance(n, str)), *roles.covariates}
    twice = next((name for name in file.repeated if name in used), None)
    if twice is not None:
        raise InputError(
            f"The file has two columns named {twice!r}.",
            hint="Rename one, or name columns by their positions from 0: columns=[1, 2, ...].",
        )


def _refuse_formulas(file: SurveyFile, roles: Roles) -> None:
    """Refuse formulas without a stored value where they stand for no answer."""
    named = (roles.respondent, roles.group, roles.wave, roles.weights, *roles.covariates)
    found = next((name for name in file.formulas if name in named), None)
    if found is not None:
        raise InputError(
            f"Column {found!r} holds formulas whose values the file does not hold.",
            hint="Open the file in a spreadsheet program and save it once.",
        )


def _prepared(
    file: SurveyFile, asked: Instrument, roles: Roles, wording: Wording, log: IssueLog
) -> SurveyFile:
    """Bring items to the instrument's codes, other columns to numbers, schools to their names."""
    if not isinstance(file.frame, pd.DataFrame):
        return file
    frame = file.frame.rename(columns=str)
    found = set(item_columns(list(frame.columns), asked, roles.columns).values())
    named = {roles.respondent, roles.group, roles.wave, roles.weights, *roles.covariates}
    changed = {c: _stated(frame[c], file) for c in frame.columns if c in found or c in named}
    for column in changed:
        if column not in found:
            changed[column] = _without_marks(changed[column], file.missing_texts)
        elif column in file.labels:
            changed[column] = recode_by_labels(changed[column], file.labels[column], wording, log)
    if roles.group in file.labels and roles.group in changed:
        changed[roles.group] = _school_names(changed[roles.group], file.labels[roles.group], log)
    return replace(file, frame=frame.assign(**changed))


def _stated(series: pd.Series, file: SurveyFile) -> pd.Series:
    """Return a column of texts as the numbers that they state, in files that hold texts only."""
    if file.decimal_comma is None or pd.api.types.is_numeric_dtype(series.dtype):
        return series
    return natural(series, comma=file.decimal_comma, marks=file.missing_texts)


def _school_names(series: pd.Series, labels: Mapping[Any, str], log: IssueLog) -> pd.Series:
    """Return the names that value labels give to the codes of schools.

    Schools that share a name keep their codes beside it; codes without a label stay codes.
    """
    texts = {code: str(text).strip() for code, text in labels.items() if str(text).strip()}
    present = list(series.dropna().unique())
    named = [code for code in present if code in texts]
    if not named:
        return series
    times = Counter(texts[code] for code in named)
    names = {c: texts[c] if times[texts[c]] == 1 else f"{texts[c]} ({_told(c)})" for c in named}
    names |= {code: _told(code) for code in present if code not in texts}
    log.about(series.name, None, "schools are named by the file's value labels")
    return series.astype(object).map(names)


def _told(code: Any) -> str:
    return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)


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


def _missing_codes(given: Any, file: SurveyFile, wording: Wording) -> list[Any]:
    listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    marks = [m for m in file.missing_texts if wording.code_of(m) is None]
    return [*listed, *marks]
