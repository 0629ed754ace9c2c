"""What every rendering starts from: titled blocks of rows, and cells as people read them.

Functions: ``cell``, ``grid``. Class: ``Block``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ROWS = 60


@dataclass(frozen=True, slots=True)
class Block:
    """A titled part of a summary: a data frame, or pairs of label and value."""

    title: str
    rows: Any


def cell(value: Any) -> str:
    """Format one value for people: three decimals, whole numbers whole, nan as a dash.

    Examples
    --------
    >>> cell(0.12345), cell(3), cell(float("nan")), cell(0.00001), cell(None)
    ('0.123', '3', '-', '1.00e-05', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value)}"
    if isinstance(value, float | np.floating):
        return _number(float(value))
    if isinstance(value, tuple | list):
        return ", ".join(cell(v) for v in value)
    text = str(value)
    return "-" if text in ("nan", "<NA>", "NaT") else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value != 0 and (abs(value) < 0.0005 or abs(value) >= 1e6):
        return f"{value:.2e}"
    return f"{value:.3f}"


def _frame(rows: Any, most: int | None) -> tuple[list[str], list[list[str]], int]:
    """Return header, body and the number of rows that were left out."""
    shown = rows.iloc[:most]
    index = shown.index.to_frame(index=False)
    unnamed = shown.index.nlevels == 1 and shown.index.name is None
    plain = unnamed and shown.index.dtype.kind in "iu"
    names = [] if plain else ["" if n is None or n == 0 else str(n) for n in shown.index.names]
    header = [*names, *(_column(c) for c in shown.columns)]
    # column by column: DataFrame.itertuples would turn whole numbers into floats
    left = [] if plain else [index.iloc[:, j].tolist() for j in range(index.shape[1])]
    columns = [*left, *(shown.iloc[:, j].tolist() for j in range(shown.shape[1]))]
    body = [[cell(v) for v in row] for row in zip(*columns, strict=True)]
    return header, body, len(rows) - len(shown)


def _column(name: Any) -> str:
    return " ".join(str(n) for n in name) if isinstance(name, tuple) else str(name)


def grid(rows: Any, most: int | None = MAX_ROWS) -> tuple[list[str], list[list[str]], int]:
    """Return header, body and the number of rows left out of a frame or of labelled values."""
    if hasattr(rows, "itertuples"):
        return _frame(rows, most)
    if hasattr(rows, "to_frame"):
        return _frame(rows.to_frame(), most)
    return [], [[str(label), cell(value)] for label, value in rows], 0
