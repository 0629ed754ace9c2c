"""The numbers of one column or of an argument, or the value that is none.

Functions: ``pandas_numbers, frame_numbers, numbers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cte_metrics.core.floats import TOO_LARGE, floats_with_gaps
from cte_metrics.core.naming import short
from cte_metrics.errors import InputError, InputTypeError


def pandas_numbers(series: Any, name: Any) -> np.ndarray:
    """Return one pandas column as float64, or say which value is not a number.

    Raises
    ------
    InputTypeError
        If a value is not a number.
    InputError
        If a whole number is larger than any float.
    """
    import pandas as pd

    is_number = pd.api.types.is_numeric_dtype(series.dtype)
    if is_number and not pd.api.types.is_complex_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if series.isna().all():
        return np.full(len(series), np.nan)
    _refuse_text(series.tolist(), list(series.index), name)
    try:
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    except OverflowError:
        raise InputError(f"Column {name!r} holds whole numbers that are too large.") from None


def _refuse_text(values: list[Any], labels: Sequence[Any], name: Any) -> None:
    for label, value in zip(labels, values, strict=True):
        missing = value is None or value != value or str(value) == "<NA>"
        if not missing and not isinstance(value, int | float | np.number):
            raise InputTypeError(
                f"Column {name!r} is not numeric: row {label!r} holds {value!r}.",
                hint="Leave out columns that are not items (pass items only, or name the "
                "grouping column), or read answer texts with Responses or read_responses, "
                "which map them to codes through the response scale's labels; or declare the order "
                "of the answers, as pandas.Categorical(..., ordered=True) does.",
            )


def frame_numbers(series: Any, name: str) -> np.ndarray:
    """Return one column of a polars, Arrow or other frame in its own numeric type.

    Raises
    ------
    InputTypeError
        If a value is not a number.
    """
    import narwhals as nw

    if series.dtype == nw.Boolean:
        series = series.cast(nw.Int8)
    if not series.dtype.is_numeric():
        _refuse_text(series.to_list(), range(len(series)), name)
        series = series.cast(nw.Float64)
    if series.is_null().any():
        return floats_with_gaps(series)
    return np.asarray(series.to_numpy())


def numbers(values: Any, what: str) -> np.ndarray:
    """Return a number, a list or a table of numbers as float64; nan and infinity stay.

    Raises
    ------
    InputTypeError
        If an entry is no number.
    InputError
        If an entry is too large to be squared.

    Examples
    --------
    >>> numbers([1, True, 0.5], "r").tolist()
    [1.0, 1.0, 0.5]
    """
    try:
        out = np.asarray(values)
        if out.dtype.kind not in "biufO":
            raise TypeError(f"entries of type {out.dtype}")
        out = out.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputTypeError(f"{what} holds other things than numbers: {short(values)}.") from error
    if (np.isfinite(out) & (np.abs(out) >= TOO_LARGE)).any():
        raise InputError(
            f"{what} holds numbers too large to be squared.", hint="Divide by a constant."
        )
    return out
