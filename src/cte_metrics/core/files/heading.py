"""Where the answers of a table begin, and what its columns are called.

Survey platforms write two or three header rows, people write titles above them. A header is found
by the names that are looked for, by the marks of the platforms, or as the caller says.

Functions: ``find_heading``. Class: ``Heading``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cte_metrics.core.files.table import FileOptions, unique_names
from cte_metrics.core.survey.headers import header_keys
from cte_metrics.errors import InputError

SEARCHED = 30
QUALTRICS = "Qualtrics export: its rows of question texts and import ids are not answers."
SURVEYMONKEY = "SurveyMonkey export: its second row belongs to the header and is no answer."
TWO_ROWS = "The header has two rows."
_IMPORT_ID = re.compile(r"\s*\{\s*[\"']ImportId")
_LEGACY_NAME = re.compile(r"V\d+")
_FILLERS = {"response", "openendedresponse"}

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Heading:
    """The header of a table.

    Created by: ``cte_metrics.core.files.heading.find_heading``.
    Consumed by: ``cte_metrics.core.files.delimited.read_delimited``,
    ``cte_metrics.core.files.workbooks.read_workbook``.

    Attributes
    ----------
    names : tuple of str
        Column names, none twice.
    first : int
        Position of the first row of answers.
    texts : dict of column to str
        Question texts.
    repeated : tuple of str
        Names that the file has more than once.
    notes : tuple of str
        What the reader must know.
    """

    names: tuple[str, ...]
    first: int
    texts: dict[str, str]
    repeated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_heading(rows: Rows, options: FileOptions) -> Heading:
    """Find the header among a table's first rows.

    Parameters
    ----------
    rows : sequence of sequences of str
        The first rows, cells as texts.
    options : FileOptions
        ``skip`` and ``header`` as the caller gave them, and the names to look for.

    Raises
    ------
    InputError
        If ``skip`` or ``header`` are no counts of rows, or leave none.

    Examples
    --------
    >>> find_heading([["Staff survey"], [], ["q1", "q2", "q3"], ["1", "2", "3"]], FileOptions())
    Heading(names=('q1', 'q2', 'q3'), first=3, texts={}, repeated=(), notes=("1 line above the \
header is no answer: 'Staff survey'.",))
    """
    _check_counts(options, len(rows))
    cleaned = [[cell.strip() for cell in row] for row in rows]
    start = _start(cleaned, options)
    platform = _platform(cleaned[start:])
    depth = _depth(cleaned[start:], options, platform)
    head = cleaned[start : start + depth]
    width = max((len(row) for row in head or cleaned[start : start + 1]), default=0)
    stated, texts = _names(head, width, qualtrics=platform is not None and platform[1] == QUALTRICS)
    names = unique_names(stated)
    above = [" ".join(filter(None, row)) for row in cleaned[:start]]
    told = [_passed_over([line for line in above if line])]
    told += [platform[1] if platform else TWO_ROWS] if depth > 1 else []
    return Heading(
        tuple(names),
        start + depth,
        {name: text for name, text in zip(names, texts, strict=True) if text and depth > 1},
        tuple(n for n, times in Counter(stated).items() if times > 1 and n),
        tuple(filter(None, told)),
    )


def _check_counts(options: FileOptions, n_rows: int) -> None:
    for name in ("skip", "header"):
        given = getattr(options, name)
        whole = isinstance(given, int) and not isinstance(given, bool) and given >= 0
        if given is not None and not whole:
            raise InputError(f"{name}={given!r} is no number of rows.")
    if n_rows <= (options.skip or 0) + (options.header or 0):
        raise InputError(
            f"skip={options.skip or 0} and header={options.header or 0} leave no rows; fewer stand "
            "in the file, or no table begins within the first of them.",
            hint="skip= counts the lines above the header, header= the rows of the header.",
        )


def _passed_over(lines: list[str]) -> str:
    if not lines:
        return ""
    noun, verb = ("line", "is no answer") if len(lines) == 1 else ("lines", "are no answers")
    return f"{len(lines)} {noun} above the header {verb}: {'; '.join(map(repr, lines[:3]))}."


def _start(rows: Rows, options: FileOptions) -> int:
    """Return the position of the header's first row."""
    if options.skip is not None:
        return options.skip
    head = rows[:SEARCHED]
    filled = [sum(map(bool, row)) for row in head]
    begin = next((i for i, n in enumerate(filled) if n), 0)
    if _platform(rows[begin:]):
        return begin
    for position, row in enumerate(head):
        above, found = max(filled[:position], default=0), len(_known(row, options))
        if found and above < filled[position] and (found > 1 or above <= 1):
            return position
    wide = next((i for i, n in enumerate(filled) if n > 1), begin)
    return wide if max(filled, default=0) > 2 else begin


def _known(row: Sequence[str], options: FileOptions) -> set[str]:
    """Return the names looked for that stand in a row."""
    return {key for cell in row for key in header_keys([cell]) if key in options.known}


def _platform(rows: Rows) -> tuple[int, str] | None:
    """Return how many header rows a survey platform wrote, and the note that says so."""
    first, second, third = [*rows[:3], [], [], []][:3]
    if any(_IMPORT_ID.match(cell) for cell in third):
        return 3, QUALTRICS
    pairs = [
        (_letters(above), _letters(below)) for above, below in zip(first, second, strict=False)
    ]
    for (above, below), cell in zip(pairs, first, strict=False):
        if below == "responseid" and (above == below or _LEGACY_NAME.fullmatch(cell)):
            return 2, QUALTRICS
        if above == "respondentid" and not below and any(second):
            return 2, SURVEYMONKEY
    return None


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _depth(rows: Rows, options: FileOptions, platform: tuple[int, str] | None) -> int:
    """Return how many rows the header has."""
    if options.header is not None:
        return options.header
    if platform is not None:
        return platform[0]
    first, second = [*rows[:2], [], []][:2]
    under_blanks = any(below and not above for above, below in zip_longest(first, second))
    numbers = any(_is_number(cell) for cell in second)
    named_below = _known(second, options) - _known(first, options)
    return 2 if under_blanks and named_below and not numbers else 1


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _names(head: Rows, width: int, *, qualtrics: bool) -> tuple[list[str], list[str]]:
    """Return each column's name and its question text.

    Qualtrics names columns in its first row; elsewhere the lowest cell names the column, with
    those above it where it would stand twice.
    """
    padded = [[*row, *[""] * (width - len(row))] for row in head]
    if not padded:
        return [f"column_{j}" for j in range(width)], [""] * width
    if qualtrics:
        return padded[0], padded[1] if len(padded) > 1 else [""] * width
    if len(padded) == 1:
        return padded[0], [""] * width
    columns = list(zip(*[_spread(row) for row in padded[:-1]], padded[-1], strict=True))
    own = list(zip(*padded, strict=True))
    names = [_lowest(cells) for cells in own]
    texts = [" - ".join(dict.fromkeys(filter(None, _telling(cells)))) for cells in columns]
    twice = {n for n, times in Counter(names).items() if times > 1}
    return [t if n in twice else n for n, t in zip(names, texts, strict=True)], texts


def _spread(row: Sequence[str]) -> list[str]:
    """Return a row with each cell standing for the blank ones after it."""
    out: list[str] = []
    for cell in row:
        out.append(cell or (out[-1] if out else ""))
    return out


def _telling(cells: Sequence[str]) -> list[str]:
    """Return a column's header cells without those that only say that answers follow."""
    return [cell for cell in cells if _letters(cell) not in _FILLERS] or list(cells)


def _lowest(cells: Sequence[str]) -> str:
    return next((cell for cell in reversed(_telling(cells)) if cell), "")
