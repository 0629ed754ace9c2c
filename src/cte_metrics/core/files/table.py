"""A table as it stands in a file, what the caller said about the file, and optional readers.

Classes: ``SurveyFile``, ``FileOptions``. Functions: ``need``, ``unique_names``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cte_metrics.errors import MissingExtraError

STANDARD_MISSING = ("NA", "N/A", "#N/A", "NaN", "<NA>", "NULL", "None")


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """A table as it stands in a file, with what the file says about its columns.

    Created by: ``cte_metrics.core.files.delimited.read_delimited``,
    ``cte_metrics.core.files.workbooks.read_workbook``,
    ``cte_metrics.core.files.statistical.read_spss``,
    ``cte_metrics.core.files.survey_files.read_file``.
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
    formulas : tuple of str
        Columns with formulas whose values the file does not hold.
    sheets : tuple of str
        Sheets of the workbook.
    decimal_comma : bool or None
        Whether the text "1,5" states a number; ``None`` where texts state none.
    """

    frame: Any
    texts: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    missing_texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    decimal_comma: bool | None = None


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the caller said about the file; see :func:`read_responses`.

    Created by: ``cte_metrics.core.files.ingest.read_responses``.
    Consumed by: ``cte_metrics.core.files.survey_files.read_file``,
    ``cte_metrics.core.files.heading.find_heading``.

    Attributes
    ----------
    delimiter, encoding, sheet, skip, header
        As given; ``None`` where the file is to say.
    identifiers : tuple of str
        Columns that name persons, schools and waves: leading zeros stay.
    filled : tuple of str
        Columns whose merged cells hold for every row that they cover.
    known : frozenset of str
        Names to look for in a header, as :func:`bare` writes them.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | int | None = None
    skip: int | None = None
    header: int | None = None
    identifiers: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names as pandas keeps them: blank ones by position, repeated ones numbered.

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ['a', 'Unnamed: 1', 'a.1']
    """
    out: list[str] = []
    taken = set(names)
    for position, name in enumerate(names):
        unique, times = name or f"Unnamed: {position}", 0
        while unique in out or (times and unique in taken):
            times += 1
            unique = f"{name}.{times}"
        out.append(unique)
    return out


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
        package = {"odf": "odfpy"}.get(module, module.partition(".")[0])
        raise MissingExtraError(
            f"Reading {path.name} needs the package {package!r}, which is not installed.",
            hint='Install the optional readers: python -m pip install "cte_metrics[io]".',
        ) from None
