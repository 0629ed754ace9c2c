"""What the modifiers of a model text do to the rows of the parameter table.

Functions: ``apply_modifiers``.
"""

from __future__ import annotations

import math

from cte_metrics.errors import InputError
from cte_metrics.sem.syntax.reader import ParsedModel, Row
from cte_metrics.sem.table.defaults import Columns


def apply_modifiers(c: Columns, model: ParsedModel) -> None:
    """Fixed values, starts, labels and bounds of the text; one value serves all groups."""
    rows_of: dict[int, list[int]] = {}
    for i, number in enumerate(c.mod):
        if number and model.rows[number - 1].modifier is not None:
            rows_of.setdefault(number, []).append(i)
    for number, rows in rows_of.items():
        row = model.rows[number - 1]
        modifier = row.modifier
        assert modifier is not None
        for kind in ("fixed", "start", "lower", "upper", "label", "equal", "efa"):
            values = getattr(modifier, kind)
            if values is not None:
                _apply(c, kind, rows, _spread(values, len(rows), row))
    for i in range(len(c)):
        if c.free[i] == 0 and not math.isnan(c.ustart[i]):
            if c.lower[i] > -math.inf:
                c.lower[i] = c.ustart[i]
            if c.upper[i] < math.inf:
                c.upper[i] = c.ustart[i]


def _spread(values: tuple, n: int, row: Row) -> tuple:
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise InputError(
            f"{row.lhs} {row.op} {row.rhs} carries {len(values)} values in c(), "
            f"but the model has {n} group{'s' if n > 1 else ''}.",
            hint="Give one value, or one for each group.",
        )
    return values


def _apply(c: Columns, kind: str, rows: list[int], values: tuple) -> None:
    for i, value in zip(rows, values, strict=True):
        if kind == "fixed":
            c.free[i] = int(math.isnan(value))
            c.ustart[i] = value
        elif kind == "start":
            c.ustart[i] = value
            c.has_start[i] = True
        else:
            getattr(c, kind)[i] = value
