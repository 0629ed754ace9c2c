"""Workbooks: Excel and OpenDocument sheets, with their headers, merged cells and formulas.

Functions: ``read_workbook``, ``sheets_hint``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.files.heading import SEARCHED, Heading, find_heading
from cte_metrics.core.files.natural import natural
from cte_metrics.core.files.table import STANDARD_MISSING, FileOptions, SurveyFile, need
from cte_metrics.core.issues import IssueLog
from cte_metrics.errors import InputError, close_names

# What a sheet shows where a formula fails.
FAILED = ("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The cells of one sheet.

    ``merged`` holds (column, first row, last row) of cells that are merged downwards, ``formulas``
    the (row, column) of formulas whose value the file does not hold.
    """

    rows: list[list[Any]]
    sheets: tuple[str, ...]
    merged: tuple[tuple[int, int, int], ...] = ()
    formulas: tuple[tuple[int, int], ...] = field(default=())


def read_workbook(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read one sheet; only empty cells are missing, and identifiers keep leading zeros.

    A formula whose value the file does not hold stays as its text.

    Raises
    ------
    InputError
        If there is no such sheet, or it is empty.
    MissingExtraError
        If the package that reads such workbooks is not installed.
    """
    sheet = (
        _open_document(path, options) if path.suffix.lower() == ".ods" else _excel(path, options)
    )
    if not sheet.rows:
        raise InputError(f"{path.name}: the sheet is empty.", hint=sheets_hint(sheet.sheets))
    searched = sheet.rows[: SEARCHED + (options.skip or 0) + (options.header or 0)]
    heading = find_heading([["" if v is None else str(v) for v in r] for r in searched], options)
    names = (*heading.names, *(f"Unnamed: {j}" for j in range(len(heading.names), _width(sheet))))
    filled, others = _filled(sheet, names, heading, options)
    frame = pd.DataFrame(sheet.rows[heading.first :], columns=list(names))
    for name in set(options.identifiers) & set(names):
        frame[name] = natural(frame[name].infer_objects(), comma=False)
    notes = [f"Merged cells of {name!r} were read as their value in each row." for name in filled]
    notes += [f"Merged cells of {name!r} count in their first row only." for name in others]
    return SurveyFile(
        frame,
        texts=heading.texts,
        missing_texts=(*STANDARD_MISSING, *FAILED),
        notes=(*heading.notes, *notes),
        repeated=heading.repeated,
        sheets=sheet.sheets,
        formulas=tuple({names[j] for i, j in sheet.formulas if i >= heading.first}),
    )


def _width(sheet: _Sheet) -> int:
    return max(map(len, sheet.rows))


def _filled(
    sheet: _Sheet, names: Sequence[str], heading: Heading, options: FileOptions
) -> tuple[list[str], list[str]]:
    """Write merged cells of identifiers and covariates into every row; return columns."""
    below = [part for part in sheet.merged if part[1] >= heading.first]
    found = dict.fromkeys(names[column] for column, _, _ in below)
    filled = [name for name in found if name in options.filled]
    for column, first, last in below:
        if names[column] in filled:
            for row in range(first + 1, min(last + 1, len(sheet.rows))):
                sheet.rows[row][column] = sheet.rows[first][column]
    return filled, [name for name in found if name not in filled]


def sheets_hint(sheets: Sequence[str]) -> str | None:
    """Return a hint where a workbook has several sheets, else ``None``."""
    listed = ", ".join(map(repr, sheets))
    return f"The workbook has the sheets {listed}: pass sheet=." if len(sheets) > 1 else None


def _chosen(path: Path, sheets: Sequence[str], asked: str | int | None) -> str:
    """Return the name of the sheet asked for by name or position."""
    wanted = 0 if asked is None else asked
    if wanted in sheets:
        return str(wanted)
    position = int(wanted) if isinstance(wanted, int) or str(wanted).isdecimal() else None
    if position is not None and 0 <= position < len(sheets):
        return sheets[position]
    raise InputError(
        f"{path.name} has no sheet {wanted!r}.{close_names(wanted, sheets)}",
        hint=f"Its sheets are, from position 0: {', '.join(map(repr, sheets))}. Pass sheet=.",
    )


def _excel(path: Path, options: FileOptions) -> _Sheet:
    openpyxl = need("openpyxl", path)
    book = openpyxl.load_workbook(path, data_only=True)
    sheets = tuple(s.title for s in book.worksheets)
    name = _chosen(path, sheets, options.sheet)
    sheet = book[name]
    rows = [[_plain(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    formulas = []
    if _has_formulas(path):
        for cell in _formulas(openpyxl.load_workbook(path)[name]):
            known = sheet.cell(cell.row, cell.column)
            if known.value is None and known.data_type == "n":  # an empty text is of type "str"
                rows[cell.row - 1][cell.column - 1] = _text_of(cell.value)
                formulas.append((cell.row - 1, cell.column - 1))
    merged = (
        (part.min_col - 1, part.min_row - 1, part.max_row - 1)
        for part in sheet.merged_cells.ranges
        if part.min_col == part.max_col
    )
    return _Sheet(_trimmed(rows), sheets, tuple(merged), tuple(formulas))


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as packed:
        parts = [n for n in packed.namelist() if n.startswith("xl/worksheets/")]
        return any(b"<f" in packed.read(part) for part in parts)


def _formulas(sheet: Any) -> Iterable[Any]:
    return (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f")


def _text_of(formula: Any) -> str:
    """Return a formula's text (those over several cells are objects)."""
    return formula if isinstance(formula, str) else str(getattr(formula, "text", None) or "=?")


def _open_document(path: Path, options: FileOptions) -> _Sheet:
    need("odf", path)
    with pd.ExcelFile(path, engine="odf") as book:
        sheets = tuple(map(str, book.sheet_names))
        name = _chosen(path, sheets, options.sheet)
        frame = pd.read_excel(
            book, sheet_name=name, header=None, keep_default_na=False, na_values=[""], dtype=object
        )
    rows = [[None if v != v else _plain(v) for v in row] for row in frame.to_numpy().tolist()]
    return _Sheet(_trimmed(rows), sheets)


def _plain(value: Any) -> Any:
    """Return a cell's value: no empty texts, whole numbers as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value == "" else value


def _trimmed(rows: list[list[Any]]) -> list[list[Any]]:
    """Return rows without the empty ones below the table, and columns without those beside it."""
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    width = max((j + 1 for row in rows for j, v in enumerate(row) if v is not None), default=0)
    return [row[:width] for row in rows]
