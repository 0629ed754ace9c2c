"""Files of every kind that surveys come in, each read into one ``SurveyFile``.

Functions: ``read_file``; class ``SurveyFile``.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.files.delimited import decode, delimiter_of, header_rows, natural, read_table
from cte_metrics.core.issues import IssueLog
from cte_metrics.errors import CTEError, InputError, MissingExtraError, close_names

STANDARD_MISSING = ("NA", "N/A", "#N/A", "NaN", "<NA>", "NULL", "None")


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """A table as it stands in a file, with what the file says about its columns.

    Created by: ``cte_metrics.core.files.survey_files.read_file``.
    Consumed by: ``cte_metrics.core.files.ingest.read_responses``.

    Attributes
    ----------
    frame : DataFrame or Table
        The answers.
    texts : dict of column to str
        Question texts.
    labels : dict of column to (dict of code to str)
        Value labels.
    missing_texts : tuple of str
        Texts that programs write for "nothing here".
    notes : tuple of str
        What was done while reading.
    repeated : tuple of str
        Column names that the file has more than once; the frame keeps the first as named.
    """

    frame: Any
    texts: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    missing_texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the caller said about the file; see :func:`read_responses`.

    Created by: ``cte_metrics.core.files.ingest.read_responses``.
    Consumed by: ``cte_metrics.core.files.survey_files.read_file``.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | int = 0
    identifiers: tuple[str, ...] = ()


def read_file(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read a survey file by its suffix.

    Raises
    ------
    InputError
        If there is no such file, its kind is unknown, or it cannot be read.
    MissingExtraError
        If reading it needs a package that is not installed.
    """
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"There is no file {str(path)!r}.{close_names(path.name, beside)}")
    reader = _READERS.get(_suffix(path))
    if reader is None:
        raise InputError(
            f"{path.name}: files ending in {_suffix(path)!r} cannot be read.",
            hint=f"Known endings: {', '.join(_READERS)} (also with .gz for text). Save older "
            "Excel files as .xlsx.",
        )
    try:
        return reader(path, options, log)
    except CTEError:
        raise
    except Exception as error:  # readers of foreign formats raise errors of their own
        raise InputError(
            f"{path.name} cannot be read as a {_suffix(path)} file: {error}.",
            hint="The file may be damaged, or of another kind than its ending says.",
        ) from error


def _suffix(path: Path) -> str:
    parts = [s.lower() for s in path.suffixes]
    return parts[-2] if len(parts) > 1 and parts[-1] == ".gz" else (parts or [""])[-1]


def _delimited(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    text = decode(path, options.encoding)
    delimiter = options.delimiter or delimiter_of(text)
    names, texts, skipped = header_rows(text, delimiter)
    frame = read_table(path.name, text, delimiter, skipped, options.identifiers)
    return _with_header(frame, names, texts, bool(skipped))


def _with_header(
    frame: pd.DataFrame, names: list[str], texts: list[str], qualtrics: bool
) -> SurveyFile:
    told = ("Qualtrics export: its rows of question texts and import ids are not answers.",)
    questions = dict(zip(names, texts, strict=False)) if qualtrics else {}
    return SurveyFile(
        frame,
        texts=questions,
        missing_texts=STANDARD_MISSING,
        notes=told if qualtrics else (),
        repeated=tuple(n for n, times in Counter(names).items() if times > 1),
    )


def _excel(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    need("openpyxl", path)
    try:
        frame = pd.read_excel(
            path,
            sheet_name=options.sheet,
            keep_default_na=False,
            na_values=[""],
            dtype=dict.fromkeys(options.identifiers, object),
            engine="openpyxl",
        )
    except ValueError as error:
        raise InputError(f"{path.name} cannot be read: {error}") from None
    header = _excel_header(path, options, frame)
    head = [[str(cell) for cell in row] for row in frame.head(2).to_numpy().tolist()]
    if len(head) == 2 and any("ImportId" in cell for cell in head[1]):
        rest = frame.iloc[2:].reset_index(drop=True).infer_objects()
        return _with_header(_identified(rest, options), header, head[0], True)
    return _with_header(_identified(frame, options), header, [], False)


def _excel_header(path: Path, options: FileOptions, frame: pd.DataFrame) -> list[str]:
    """Return the column names as the sheet has them (pandas numbers repeated ones)."""
    names = [str(c) for c in frame.columns]
    if not any(f"{name}.1" in names for name in names):
        return names
    first = pd.read_excel(
        path, sheet_name=options.sheet, header=None, nrows=1, keep_default_na=False
    )
    return [str(c) for c in first.to_numpy()[0].tolist()]


def _identified(frame: pd.DataFrame, options: FileOptions) -> pd.DataFrame:
    """Return identifiers as numbers only where no text among them has a leading zero."""
    for name in set(options.identifiers) & set(frame.columns):
        column = frame[name].infer_objects()
        frame[name] = natural(column, comma=False)
    return frame


def _parquet(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    return SurveyFile(need("pyarrow.parquet", path).read_table(path))


def _arrow(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    arrow = need("pyarrow", path)
    with arrow.memory_map(str(path)) as source:
        try:
            table = arrow.ipc.open_file(source).read_all()
        except arrow.ArrowInvalid:
            source.seek(0)
            table = arrow.ipc.open_stream(source).read_all()
    return SurveyFile(_plain_texts(table, arrow))


def _plain_texts(table: Any, arrow: Any) -> Any:
    """Return categories whose texts are string views as texts: few functions take such ones."""
    for j, kind in enumerate(table.schema.types):
        if arrow.types.is_dictionary(kind) and "view" in str(kind.value_type):
            texts = [arrow.array(part.to_pylist(), arrow.string()) for part in table[j].chunks]
            table = table.set_column(j, table.column_names[j], arrow.chunked_array(texts))
    return table


def _spss(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    frame, meta = need("pyreadstat", path).read_sav(str(path), user_missing=True)
    for column, ranges in meta.missing_ranges.items():
        declared = pd.Series(False, index=frame.index)
        for part in ranges:
            declared |= _between(frame[column], part["lo"], part["hi"])
        frame[column] = _blank(frame[column], declared, log)
    return _labelled(frame, meta)


def _between(series: pd.Series, low: Any, high: Any) -> pd.Series:
    if isinstance(low, str):
        return series.astype(object) == low
    return series.between(low, high)


def _stata(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    frame, meta = need("pyreadstat", path).read_dta(str(path), user_missing=True)
    for column, codes in meta.missing_user_values.items():
        declared = frame[column].isin(codes)
        frame[column] = pd.to_numeric(_blank(frame[column], declared, log))
    return _labelled(frame, meta)


def _blank(series: pd.Series, declared: pd.Series, log: IssueLog) -> pd.Series:
    """Set user-missing values to missing and record how many of each there were."""
    for value, n in series[declared].value_counts(sort=False).items():
        log.about(series.name, value, f"user-missing in the file: {n} set to missing")
    return series.mask(declared, None if series.dtype == object else float("nan"))


def _labelled(frame: pd.DataFrame, meta: Any) -> SurveyFile:
    texts = {k: v for k, v in meta.column_names_to_labels.items() if v}
    return SurveyFile(frame, texts=texts, labels=dict(meta.variable_value_labels))


def need(module: str, path: Path) -> Any:
    """Import an optional package.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"Reading {path.name} needs the package {package!r}, which is not installed.",
            hint='Install the optional readers: python -m pip install "cte_metrics[io]".',
        ) from None


_READERS: dict[str, Callable[[Path, FileOptions, IssueLog], SurveyFile]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".tab": _delimited,
    ".txt": _delimited,
    ".dat": _delimited,
    ".xlsx": _excel,
    ".xlsm": _excel,
    ".parquet": _parquet,
    ".feather": _arrow,
    ".arrow": _arrow,
    ".ipc": _arrow,
    ".sav": _spss,
    ".zsav": _spss,
    ".dta": _stata,
}
