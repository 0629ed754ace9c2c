"""The values of a formula's factors: arithmetic on columns, and nothing else.

Functions: ``value_of``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.core.formula.grammar import Call, Expression, Name, Number
from cte_metrics.errors import InputTypeError

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": np.power,
}  # fmt: skip


def value_of(expression: Expression, rows: pd.DataFrame) -> np.ndarray:
    """Return one number a row (float64); infinities and nan are left for the caller to find.

    Raises
    ------
    InputTypeError
        If a column that is computed with is not numeric.
    """
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(_value(expression, rows), len(rows)), dtype=np.float64)


def _value(expression: Expression, rows: pd.DataFrame) -> np.ndarray:
    if isinstance(expression, Number):
        return np.asarray(expression.value)
    if isinstance(expression, Name):
        return numbers(rows[expression.column], expression.column)
    if isinstance(expression, Call):
        return _called(expression.function, [_value(a, rows) for a in expression.arguments])
    parts = [_value(p, rows) for p in expression.parts]
    return np.asarray(-parts[0] if len(parts) == 1 else OPERATIONS[expression.sign](*parts))


def _called(function: str, values: list[np.ndarray]) -> np.ndarray:
    first = values[0]
    if function == "I":
        return first
    if function == "center":
        return first - first.mean()
    if function in ("scale", "standardize"):
        return (first - first.mean()) / (first.std(ddof=1) if first.size > 1 else np.nan)
    return np.asarray(getattr(np, function)(*values))


def numbers(series: pd.Series, name: str) -> np.ndarray:
    """Return a column as float64, or say that it is none."""
    dtype = series.dtype
    if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise InputTypeError(
            f"Column {name!r} is not numeric ({dtype}) and cannot be computed with.",
            hint="Use it as a category, C(column), or make it a number first.",
        )
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
