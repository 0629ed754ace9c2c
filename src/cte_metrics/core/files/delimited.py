"""Delimited text of unknown encoding and delimiter.

Functions: ``read_delimited, decode, delimiter_of``.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cte_metrics.core.files.heading import find_heading
from cte_metrics.core.files.table import STANDARD_MISSING, FileOptions, SurveyFile
from cte_metrics.core.issues import IssueLog
from cte_metrics.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 65_536
_BEGINNING = 200
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=(.)\"?[^\S\t]*\r?\n", re.IGNORECASE)
GUESSED = "The file is not UTF-8; it was read as {} (encoding= names another)."
TRAILING = "Rows end in delimiters beyond the header; these hold nothing and were passed over."
ROW_NAMES = "The first field of each row has no header; it was read as the column row_names."


def read_delimited(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read delimited text; only empty cells are missing, and identifiers keep leading zeros.

    Raises
    ------
    InputError
        If the text cannot be decoded, or a row has more fields than the header.
    """
    whole, said = decode(path, options.encoding)
    text, stated = _without_separator_line(whole)
    delimiter = _one_character(options.delimiter) or stated or delimiter_of(text)
    rows = _sample(text, delimiter, _SAMPLE if options.skip is None else len(text))
    heading = find_heading(rows, options)
    table = _Table(path.name, text, delimiter, heading.names, heading.first, options.identifiers)
    width = next((len(row) for row in rows[heading.first :] if row), 0)
    frame, notes = _read(table, even=width <= len(heading.names))
    return SurveyFile(
        frame,
        texts=heading.texts,
        missing_texts=STANDARD_MISSING,
        notes=(*said, *heading.notes, *notes),
        repeated=heading.repeated,
        decimal_comma=delimiter != ",",
    )


def decode(path: Path, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return a file's text: by its byte-order mark, else UTF-8, else Windows-1252 or Latin-1.

    Lines end in a line feed, whatever they end in in the file. A note says where the encoding was
    guessed.

    Raises
    ------
    InputError
        If a given encoding is unknown or does not fit, the file is empty, or it is no text.
    """
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw
    if not raw.strip():
        raise InputError(f"{path.name} is empty.")
    if encoding is None:
        marked = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
        text, used = _first_fitting(raw, (marked,) if marked else ("utf-8", "cp1252", "latin-1"))
        notes = () if marked or used == "utf-8" else (GUESSED.format(used),)
    else:
        text, notes = _in_encoding(path, raw, encoding), ()
    if "\0" in text[:_BEGINNING]:
        raise InputError(
            f"{path.name} begins with null characters; it is no text in this encoding.",
            hint="Pass encoding='utf-16-le' or another, or name the file by what it is "
            "(a workbook ends in .xlsx).",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _in_encoding(path: Path, raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except (LookupError, ValueError) as error:
        raise InputError(f"{path.name} is not text in {encoding!r}: {error}.") from None


def _first_fitting(raw: bytes, encodings: tuple[str, ...]) -> tuple[str, str]:
    for encoding in encodings[:-1]:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode(encodings[-1], errors="replace"), encodings[-1]


def _without_separator_line(text: str) -> tuple[str, str | None]:
    """Return the text below the line ``sep=;`` that Excel reads, and the delimiter it states."""
    found = _SEPARATOR_LINE.match(text)
    return (text[found.end() :], found[1]) if found else (text, None)


def _one_character(delimiter: str | None) -> str | None:
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise InputError(
            f"delimiter={delimiter!r} is not one character that may stand between fields.",
            hint="A tab is delimiter='\\t'.",
        )
    return delimiter


def delimiter_of(text: str) -> str:
    r"""Return the delimiter that splits rows most evenly, and into most fields.

    Examples
    --------
    >>> delimiter_of("a;b\n1,5;2\n"), delimiter_of("Staff, May\n\na;b\n1;2\n3;4\n")
    (';', ';')
    """
    scores = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in _sample(text, delimiter) if row)
        width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
        scores[delimiter] = (width > 1, round(times / widths.total(), 1), width)
    return max(scores, key=lambda d: scores[d])


def _sample(text: str, delimiter: str, size: int = _SAMPLE) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text[:size]), delimiter=delimiter))
    return rows if len(text) <= size or len(rows) == 1 else rows[:-1]


@dataclass(frozen=True, slots=True)
class _Table:
    """A table in a text: where its answers begin and what its columns are called."""

    name: str
    text: str
    delimiter: str
    names: tuple[str, ...]
    first: int
    identifiers: tuple[str, ...]

    def parsed(self) -> pd.DataFrame:
        """Return the frame as pandas parses it."""
        try:
            return pd.read_csv(
                io.StringIO(self.text),
                sep=self.delimiter,
                header=None,
                names=list(self.names),
                skiprows=list(range(self.first)),
                keep_default_na=False,
                na_values=[""],
                low_memory=False,
                dtype=dict.fromkeys(set(self.identifiers) & set(self.names), str),
            )
        except pd.errors.EmptyDataError:
            return pd.DataFrame(columns=list(self.names))

    def evened(self) -> tuple[_Table, str]:
        """Return the table with rows as wide as the header, and the note that says how.

        Raises
        ------
        InputError
            If a row has more answers than the header has names.
        """
        reader = csv.reader(io.StringIO(self.text), delimiter=self.delimiter)
        rows = [(reader.line_num, row) for row in reader][self.first :]
        body = [row for _, row in rows if row]
        names, note = self.names, TRAILING
        if _has_row_names(body, len(names)):
            names, note = ("row_names", *names), ROW_NAMES
        for line, row in rows:
            if any(cell.strip() for cell in row[len(names) :]):
                raise self.too_wide(line, row)
        out = io.StringIO()
        csv.writer(out, delimiter=self.delimiter).writerows(row[: len(names)] for row in body)
        return replace(self, text=out.getvalue(), names=names, first=0), note

    def too_wide(self, line: int, row: list[str]) -> InputError:
        """Return the error about a row with more fields than the header."""
        return InputError(
            f"{self.name} cannot be read as a table: line {line} has {len(row)} fields, the "
            f"header {len(self.names)}; {row[len(self.names)]!r} stands in no column.",
            hint=f"The delimiter was taken to be {self.delimiter!r}; pass delimiter= if it is "
            "another. Where it stands within a text, the text must be in quotes. Lines above the "
            "header are passed over with skip=.",
        )


def _read(table: _Table, *, even: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table; where its first row is wider than the header pandas would shift it."""
    try:
        if even:
            return table.parsed(), ()
    except pd.errors.ParserError:
        pass
    evened, note = table.evened()
    try:
        return evened.parsed(), (note,)
    except pd.errors.ParserError as error:
        raise InputError(
            f"{table.name} cannot be read as a table: {str(error).strip()}.",
            hint=f"The delimiter was taken to be {table.delimiter!r}; pass delimiter= if it is "
            "another.",
        ) from None


def _has_row_names(body: list[list[str]], width: int) -> bool:
    """Whether every row is one field wider, its first field is its own and its last is filled.

    So R writes row names; an unnamed column of remarks behind the answers has gaps.
    """
    wider = bool(body) and all(len(row) == width + 1 for row in body)
    names = {row[0] for row in body if row}
    return wider and len(names) == len(body) and all(row[-1].strip() for row in body)
