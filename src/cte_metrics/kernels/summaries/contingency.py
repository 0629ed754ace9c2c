"""Category counts of items and of all their pairs, in one pass over the rows.

With ``Z`` the 0/1 matrix that has one column for each category of each item, all two-way tables of
``k`` items are the blocks of ``Z'Z``, and the counts of each item its diagonal. A missing answer is
a row of zeros, so every table counts the rows in which both items were answered. Counts of parts of
a sample add.

Functions: ``category_codes, category_counts, item_pairs``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cte_metrics.arrays import Array, Codes, Flags, Integers

_CELLS_PER_BLOCK = 2_000_000
_WIDEST_INTEGER_RANGE = 1_000


@dataclass(frozen=True, slots=True)
class CategoryCodes:
    """Answers as category numbers.

    Attributes
    ----------
    codes : (n, k) int16 or int32
        ``0 ... K_i - 1`` in the order of the answers' values; -1 where missing.
    levels : tuple of k arrays
        The answer that each category stands for, ascending.
    """

    codes: Codes
    levels: tuple[Array, ...]

    @property
    def n_categories(self) -> Integers:
        """Number of categories that occur, by item (k,)."""
        return np.array([len(level) for level in self.levels], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """Counts of the categories of k items and of all their pairs.

    Attributes
    ----------
    n_rows : int
        Rows read, with or without missing answers.
    n_categories : (k,) int64
    joint : (k, K, k, K) float64
        ``joint[i, a, j, b]``: rows (or weight) with category a of item i and b of item j, where
        ``K`` is the largest number of categories; cells beyond an item's own number are 0.
    """

    n_rows: int
    n_categories: Integers
    joint: Array

    def __add__(self, other: CategoryCounts) -> CategoryCounts:
        """Counts of both parts of a sample."""
        if self.joint.shape != other.joint.shape:
            raise ValueError("the counts belong to different items or numbers of categories")
        return CategoryCounts(
            self.n_rows + other.n_rows,
            np.maximum(self.n_categories, other.n_categories),
            self.joint + other.joint,
        )

    @property
    def marginals(self) -> Array:
        """Counts of each item's categories (k, K), over the rows in which it was answered."""
        return np.ascontiguousarray(np.einsum("iaia->ia", self.joint))

    def tables(self, rows: Integers, columns: Integers) -> Array:
        """Two-way tables (p, K, K) of the item pairs ``rows[p]``, ``columns[p]``."""
        return np.ascontiguousarray(self.joint[rows, :, columns, :])


def category_codes(values: Array) -> CategoryCodes:
    """Number the categories of each column by the order of its values.

    Parameters
    ----------
    values : (n, k) float64
        Answers; nan where missing.
    """
    finite = np.isfinite(values)
    filled = np.where(finite, values, 0.0)
    low = float(filled.min(initial=0.0))
    span = float(filled.max(initial=0.0)) - low
    if span <= _WIDEST_INTEGER_RANGE and np.array_equal(filled, np.rint(filled)):
        return _integer_codes(filled, finite, low, int(span) + 1)
    return _general_codes(values, finite)


def _integer_codes(filled: Array, finite: Flags, low: float, width: int) -> CategoryCodes:
    n_items = filled.shape[1]
    shifted = (filled - low).astype(np.int64)
    place = shifted + np.arange(n_items) * width
    used = np.bincount(place[finite], minlength=n_items * width).reshape(n_items, width) > 0
    number = (np.cumsum(used, axis=1) - 1).astype(np.int16)
    codes = np.where(finite, number.ravel()[place], np.int16(-1))
    return CategoryCodes(
        codes, tuple((np.flatnonzero(row) + low).astype(np.float64) for row in used)
    )


def _general_codes(values: Array, finite: Flags) -> CategoryCodes:
    codes = np.full(values.shape, -1, dtype=np.int32)
    levels = []
    for i in range(values.shape[1]):
        level, code = np.unique(values[finite[:, i], i], return_inverse=True)
        codes[finite[:, i], i] = code
        levels.append(level)
    return CategoryCodes(codes, tuple(levels))


def category_counts(
    codes: Codes, n_categories: Integers, *, weights: Array | None = None
) -> CategoryCounts:
    """Count categories and all pairs of categories in one pass.

    Parameters
    ----------
    codes : (n, k) integer
        Category numbers from 0; -1 where missing.
    n_categories : (k,) int64
    weights : (n,) float64, optional
        Sampling weights; counts become sums of weights.
    """
    n_rows, n_items = codes.shape
    n_top = int(n_categories.max(initial=1))
    width = n_items * n_top
    step = max(1, _CELLS_PER_BLOCK // max(width, 1))
    joint = np.zeros((width, width))
    for start in range(0, n_rows, step):
        block = slice(start, start + step)
        joint += _cross_counts(codes[block], n_top, None if weights is None else weights[block])
    return CategoryCounts(n_rows, n_categories, joint.reshape(n_items, n_top, n_items, n_top))


def _cross_counts(codes: Codes, n_top: int, weights: Array | None) -> NDArray[np.floating]:
    """Cross-products of the 0/1 columns; single precision is exact for counts below 2**24."""
    member = codes[:, :, None] == np.arange(n_top, dtype=np.int16)
    flat = member.reshape(len(codes), -1)
    if weights is None:
        single = flat.astype(np.float32)
        return single.T @ single
    root = flat * np.sqrt(weights)[:, None]
    return root.T @ root


def item_pairs(n_items: int) -> tuple[Integers, Integers]:
    """Pairs of items in the order of a lower triangle read column by column.

    Examples
    --------
    >>> [a.tolist() for a in item_pairs(3)]
    [[0, 0, 1], [1, 2, 2]]
    """
    first, second = np.triu_indices(n_items, 1)
    return first.astype(np.int64), second.astype(np.int64)
