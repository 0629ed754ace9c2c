"""What a group statistic needs to know about the answers, gathered in one pass.

Every classical group statistic (agreement, intraclass correlation, school mean) is a function of
either of two mergeable summaries of the answers per group and item:

* :class:`GroupMoments`: n, mean and sum of squared deviations (any numbers);
* :class:`GroupCounts`: how often each answer category was chosen (whole numbers on a scale), from
  which n, mean, squared deviations, medians and mean absolute deviations follow exactly.

Both add with ``+`` (the same groups in the same order), so parts of a survey may be summarised
where they lie. Rows belong to groups through integer codes 0 ... J-1.

References
----------
Chan, T. F., Golub, G. H., & LeVeque, R. J. (1983). Algorithms for computing the sample variance.
    The American Statistician, 37, 242-247 (merging of sums of squares).

Functions: ``encode, complete, counts, moments, moments_from_counts, is_scale_data,
absolute_deviation_mean, absolute_deviation_median, absolute_deviations_from_counts,
sums_by_group``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.errors import InputError

MAX_CATEGORIES = 101


@dataclass(frozen=True, slots=True)
class GroupCodes:
    """Group labels as integers.

    labels: (J,) sorted distinct labels; codes: (N,) 0 ... J-1; sizes: (J,) rows per group.
    """

    labels: npt.NDArray[Any]
    codes: Integers
    sizes: Integers

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class GroupMoments:
    """n: (J,) rows; mean: (J, k); squares: (J, k) sums of squared deviations from the mean."""

    n: Integers
    mean: Array
    squares: Array

    def __add__(self, other: GroupMoments) -> GroupMoments:
        """Merge two parts of the same groups."""
        n = self.n + other.n
        share = np.divide(other.n, n, out=np.zeros(n.shape), where=n > 0)[:, None]
        mine, theirs = np.nan_to_num(self.mean), np.nan_to_num(other.mean)
        gap = theirs - mine
        mean = np.where(n[:, None] > 0, mine + gap * share, np.nan)
        squares = self.squares + other.squares + gap**2 * self.n[:, None] * share
        return GroupMoments(n, mean, squares)

    @property
    def variance(self) -> Array:
        """(J, k) variances with n - 1; nan for fewer than two rows."""
        below = (self.n - 1)[:, None]
        out = np.full(self.squares.shape, np.nan)
        return np.divide(self.squares, below, out=out, where=below > 0)


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How often each category was chosen.

    counts: (A, k, J) answers per category, item and group, whole numbers as float64 (groups last,
    so that everything below runs along long vectors); minimum: the first category.
    """

    counts: Array
    minimum: int

    def __add__(self, other: GroupCounts) -> GroupCounts:
        """Merge two parts of the same groups on the same response scale."""
        if self.minimum != other.minimum or self.counts.shape != other.counts.shape:
            raise InputError("only counts of the same groups, items and categories can be added")
        return GroupCounts(self.counts + other.counts, self.minimum)

    @property
    def n(self) -> Integers:
        """(J,) rows per group (rows are complete, so every item has the same number)."""
        return self.counts[:, 0, :].sum(axis=0).astype(np.int64)


def encode(group: npt.ArrayLike) -> GroupCodes:
    """Turn group labels into codes.

    Whole numbers in a narrow range are coded by counting, anything else by sorting.

    Examples
    --------
    >>> found = encode(["b", "a", "b"])
    >>> found.labels.tolist(), found.codes.tolist(), found.sizes.tolist()
    (['a', 'b'], [1, 0, 1], [1, 2])
    """
    labels = np.asarray(group)
    if labels.dtype.kind in "iu" and labels.size:
        low, high = int(labels.min()), int(labels.max())
        if high - low < 8 * labels.size + 1000:
            return _encode_integers(labels, low)
    distinct, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(-1).astype(np.int64, copy=False)
    return GroupCodes(distinct, codes, np.bincount(codes, minlength=len(distinct)))


def _encode_integers(labels: npt.NDArray[Any], low: int) -> GroupCodes:
    shifted = labels.astype(np.int64) - low
    frequency = np.bincount(shifted)
    present = np.flatnonzero(frequency)
    rank = np.zeros(len(frequency), dtype=np.int64)
    rank[present] = np.arange(len(present))
    return GroupCodes((present + low).astype(labels.dtype), rank[shifted], frequency[present])


def complete(values: Array) -> Flags:
    """Mark the rows without a missing answer; (N, k) -> (N,)."""
    # a row's sum is nan exactly when one of its answers is (infinite answers never pass the door)
    return ~np.isnan(values @ np.ones(values.shape[1]))


def is_scale_data(values: npt.NDArray[Any]) -> tuple[int, int] | None:
    """Return the smallest and largest answer if all are whole numbers in a countable range."""
    if not values.size:
        return None
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)) or high - low >= MAX_CATEGORIES:
        return None
    if values.dtype.kind not in "iu" and not bool((values == np.rint(values)).all()):
        return None
    return int(low), int(high)


def counts(
    values: npt.NDArray[Any], codes: Integers, n_groups: int, span: tuple[int, int]
) -> GroupCounts:
    """Count the answers per category, item and group.

    values: (N, k) whole numbers within ``span``; codes: (N,). One ``bincount`` per item.
    """
    n_items, n_categories = values.shape[1], span[1] - span[0] + 1
    out = np.empty((n_categories, n_items, n_groups))
    base = codes - span[0] * n_groups
    for j in range(n_items):
        cell = values[:, j].astype(np.int64) * n_groups + base
        flat = np.bincount(cell, minlength=n_groups * n_categories)
        out[:, j, :] = flat.reshape(n_categories, n_groups)
    return GroupCounts(out, span[0])


def moments_from_counts(found: GroupCounts) -> GroupMoments:
    """Means and squared deviations implied by category counts."""
    n = found.n
    n_categories, k, n_groups = found.counts.shape
    shift = np.arange(n_categories, dtype=np.float64)
    flat = found.counts.reshape(n_categories, -1)
    total = (shift @ flat).reshape(k, n_groups)
    square = (shift**2 @ flat).reshape(k, n_groups)
    below = np.where(n > 0, n, np.nan)
    # whole numbers: n*sum(x^2) - sum(x)^2 is exact in float64, so nothing cancels
    squares = np.nan_to_num((n * square - total**2) / below)
    return GroupMoments(n, (total / below + found.minimum).T, squares.T)


def sums_by_group(values: Array, codes: Integers, n_groups: int) -> Array:
    """(J, k) sums of the columns of ``values`` (N, k) within groups."""
    out = np.empty((n_groups, values.shape[1]))
    for j in range(values.shape[1]):
        out[:, j] = np.bincount(codes, weights=values[:, j], minlength=n_groups)
    return out


def moments(values: Array, codes: Integers, n_groups: int) -> GroupMoments:
    """Means and squared deviations per group and column, in two passes for accuracy."""
    n = np.bincount(codes, minlength=n_groups)
    below = np.where(n > 0, n, np.nan)[:, None]
    mean = sums_by_group(values, codes, n_groups) / below
    squares = np.empty_like(mean)
    for j in range(values.shape[1]):
        deviation = values[:, j] - mean[:, j].take(codes)
        squares[:, j] = np.bincount(codes, weights=deviation * deviation, minlength=n_groups)
    return GroupMoments(n, mean, squares)


def absolute_deviations_from_counts(found: GroupCounts) -> tuple[Array, Array]:
    """Mean absolute deviation from the mean and from the median, each (J, k).

    With F(a) the number of answers up to category a, categories one apart,
    sum|x - median| = sum over a of min(F(a), n - F(a)).
    """
    n = found.n
    below = np.where(n > 0, n, np.nan)
    n_categories = len(found.counts)
    mean = np.tensordot(np.arange(n_categories, dtype=np.float64), found.counts, 1) / below
    around_mean, around_median = np.zeros_like(mean), np.zeros_like(mean)
    upto = np.zeros_like(mean)
    for a, frequency in enumerate(found.counts):
        around_mean += frequency * np.abs(a - mean)
        upto += frequency
        around_median += np.minimum(upto, n - upto)
    return (around_mean / below).T, (around_median / below).T


def absolute_deviation_mean(values: Array, codes: Integers, found: GroupMoments) -> Array:
    """(J, k) mean absolute deviation about the group mean, for answers of any kind."""
    below = np.where(found.n > 0, found.n, np.nan)[:, None]
    return sums_by_group(np.abs(values - found.mean[codes]), codes, len(found.n)) / below


def absolute_deviation_median(values: Array, codes: Integers, n: Integers) -> Array:
    """(J, k) mean absolute deviation about the group median, for answers of any kind."""
    start = np.cumsum(n) - n
    has = n > 0
    low = (start + (n - 1) // 2)[has]
    high = (start + n // 2)[has]
    out = np.full((len(n), values.shape[1]), np.nan)
    for j in range(values.shape[1]):
        order = np.lexsort((values[:, j], codes))
        column = values[order, j]
        median = np.zeros(len(n))
        median[has] = 0.5 * (column[low] + column[high])
        spread = np.bincount(codes, weights=np.abs(values[:, j] - median[codes]), minlength=len(n))
        out[has, j] = spread[has] / n[has]
    return out
