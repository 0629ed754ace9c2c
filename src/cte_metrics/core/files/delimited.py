"""Delimited text of unknown encoding and delimiter.

Functions: ``decode, delimiter_of, header_rows, natural, read_table``.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from cte_metrics.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 65_536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMA_NUMBER = re.compile(r"\s*-?\d+(,\d+)?\s*")
_WIDTH = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_ZERO_LED = re.compile(r"-?0\d")


def decode(path: Path, encoding: str | None = None) -> str:
    """Return a file's text: by its byte-order mark, else UTF-8, else Windows-1252 or Latin-1.

    Raises
    ------
    InputError
        If a given encoding is unknown or does not fit, or the file is empty.
    """
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw
    if not raw.strip():
        raise InputError(f"{path.name} is empty.")
    if encoding is None:
        marked = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
        return _first_fitting(raw, (marked,) if marked else ("utf-8", "cp1252", "latin-1"))
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not text in {encoding!r}: {error}.") from None


def _first_fitting(raw: bytes, encodings: tuple[str, ...]) -> str:
    for encoding in encodings[:-1]:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode(encodings[-1], errors="replace")


def delimiter_of(text: str) -> str:
    r"""Return the delimiter that splits the first rows most evenly, and into most fields.

    Examples
    --------
    >>> delimiter_of("a;b\n1,5;2\n")
    ';'
    """
    scores = {}
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _sample(text, delimiter) if row]
        even = sum(w == widths[0] for w in widths) / len(widths)
        scores[delimiter] = (widths[0] > 1, round(even, 1), widths[0])
    return max(scores, key=lambda d: scores[d])


def _sample(text: str, delimiter: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text[:_SAMPLE]), delimiter=delimiter))
    return rows if len(text) <= _SAMPLE or len(rows) == 1 else rows[:-1]


def header_rows(text: str, delimiter: str) -> tuple[list[str], list[str], list[int]]:
    r"""Return column names, question texts, and the rows to skip (Qualtrics has two headers more).

    Examples
    --------
    >>> header_rows('Q1\n"How?"\n"{""ImportId"":""QID1""}"\n3\n', ",")
    (['Q1'], ['How?'], [1, 2])
    """
    first = _sample(text, delimiter)[:3]
    if len(first) == 3 and any(cell.startswith('{"ImportId"') for cell in first[2]):
        return first[0], first[1], [1, 2]
    return first[0], [], []


def read_table(
    name: str, text: str, delimiter: str, skipped: list[int], identifiers: tuple[str, ...]
) -> pd.DataFrame:
    """Return the table; only empty cells are missing, and identifiers keep leading zeros.

    Raises
    ------
    InputError
        If a row has more fields than the header.
    """
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            skiprows=skipped,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
            dtype=dict.fromkeys(identifiers, str),
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            f"{name} cannot be read as a table: {_width_fault(str(error))}.",
            hint=f"The delimiter was taken to be {delimiter!r}; pass delimiter= if it is another.",
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.rename_axis("row_names").reset_index()
    for column in frame.columns[[not pd.api.types.is_numeric_dtype(t) for t in frame.dtypes]]:
        frame[column] = natural(frame[column], comma=delimiter != ",")
    return frame


def _width_fault(told: str) -> str:
    """Say which line has too many fields, where that is the fault."""
    found = _WIDTH.search(told)
    if found is None:
        return told.strip()
    return f"line {found[2]} has {found[3]} fields, the header {found[1]}"


def natural(series: pd.Series, *, comma: bool) -> pd.Series:
    """Return texts as numbers where every one states a number (no leading zeros)."""
    if pd.api.types.infer_dtype(series, skipna=True) != "string":
        return series  # pandas reads a column of "True" and gaps as truths
    series = series.mask(series.str.strip() == "", None)
    present = series.dropna()
    distinct = [str(v) for v in present.unique()]
    if not distinct or any(_ZERO_LED.match(v.strip()) for v in distinct):
        return series
    if comma and all(_COMMA_NUMBER.fullmatch(v) for v in distinct):
        series = series.str.replace(",", ".", regex=False)
    figures = pd.to_numeric(series, errors="coerce")
    whole = figures.notna().sum() == len(present) and np.isfinite(figures.dropna()).all()
    return figures if whole else series
