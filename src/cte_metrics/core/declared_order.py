"""Columns whose data type declares an order of categories.

A pandas ordered categorical, a polars ``Enum`` and an ordered Arrow dictionary say which category
comes after which. That order is kept: categories that are rising numbers stay these numbers, all
others (texts, or numbers in another order) become their places 1, 2, ... with a note.

Functions: ``declared_order, declared_categories, order_notes``. Class: ``Declared``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

_LISTED = 12


@dataclass(frozen=True, slots=True)
class Declared:
    """Answers (n,) as numbers that rise in the declared order; nan where missing.

    ``replaced`` holds the categories that became 1, 2, ...; it is empty where they are rising
    numbers and stand for themselves.

    Created by: ``cte_metrics.core.declared_order.declared_order``.
    Consumed by: ``cte_metrics.core.door.item_data``.
    """

    values: np.ndarray
    replaced: tuple[Any, ...]


def declared_order(series: Any) -> Declared | None:
    """Return a column's answers in the order that its type declares; ``None`` if it declares none.

    Parameters
    ----------
    series : pandas or narwhals Series (n,)

    Examples
    --------
    >>> import pandas as pd
    >>> found = declared_order(pd.Series(pd.Categorical(["x", "w"], list("wx"), ordered=True)))
    >>> found.values.tolist(), found.replaced
    ([2.0, 1.0], ('w', 'x'))
    """
    categories = declared_categories(series)
    if categories is None:
        return None
    rising = _are_rising_numbers(categories)
    number = {c: float(c if rising else k) for k, c in enumerate(categories, 1)}
    answers = series.tolist() if hasattr(series, "tolist") else series.to_list()
    values = np.array([number.get(a, np.nan) for a in answers], dtype=np.float64)
    return Declared(values, () if rising else tuple(categories))


def declared_categories(series: Any) -> list[Any] | None:
    """Categories in their order: of pandas itself, or through narwhals of polars and Arrow."""
    dtype = series.dtype
    if hasattr(dtype, "ordered"):
        return list(dtype.categories) if dtype.ordered else None
    kind = type(dtype).__name__
    if kind == "Enum":
        return list(dtype.categories)
    native: Any = getattr(series, "to_native", lambda: None)()
    arrow = getattr(native, "type", None)
    if kind == "Categorical" and getattr(arrow, "ordered", False):
        return list(native.unify_dictionaries().chunk(0).dictionary.to_pylist())
    return None


def _are_rising_numbers(categories: list[Any]) -> bool:
    if not all(isinstance(c, int | float | np.number) for c in categories):
        return False
    return all(a < b for a, b in pairwise(categories))


def order_notes(replaced: Mapping[str, tuple[Any, ...]]) -> tuple[str, ...]:
    """Say for each set of categories which columns had it and which numbers stand for it."""
    columns: dict[tuple[Any, ...], list[str]] = {}
    for name, categories in replaced.items():
        if categories:
            columns.setdefault(categories, []).append(name)
    return tuple(
        f"The declared order of {', '.join(names[:_LISTED])}"
        f"{f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''} was used: "
        f"{' < '.join(str(c) for c in categories)} became 1 to {len(categories)}."
        for categories, names in columns.items()
    )
