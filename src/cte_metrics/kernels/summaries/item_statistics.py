"""Descriptive statistics of single items, and of items against the mean score.

An item is summarised by its distinct values v and their counts c; every figure follows from these,
so that a million answers on a rating scale cost one count.

    sd      sqrt(sum c (v - m)^2 / (n - 1))         se  sd / sqrt(n)
    skew    sum c (v - m)^3 / (n sd^3)              kurtosis  sum c (v - m)^4 / (n sd^4) - 3
    trimmed mean of the sorted answers without the floor(n/10) lowest and highest
    mad     1.4826 * median |x - median|

Skew and kurtosis are type 3 of Joanes, D. N. & Gill, C. A. (1998), The Statistician 47, 183-189
(moments over n, standard deviation over n - 1).

Functions: ``item_statistics, value_counts, mean_scores, score_correlations``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cte_metrics.arrays import Array

TRIM = 0.1
MAD_CONSTANT = 1.4826

_WIDEST_INTEGER_RANGE = 1000
_BLOCK_ROWS = 65536


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """Figures of k items, (k,) each; nan where an item has too few answers.

    Attributes
    ----------
    n, missing : (k,)
        Answers and missing answers.
    mean, sd, median, trimmed, mad, minimum, maximum, skew, kurtosis, se : (k,)
        See the module's formulas.
    floor, ceiling : (k,)
        Shares of the answers at the ends of the response range; nan where none is known.
    """

    n: Array
    missing: Array
    mean: Array
    sd: Array
    median: Array
    trimmed: Array
    mad: Array
    minimum: Array
    maximum: Array
    skew: Array
    kurtosis: Array
    se: Array
    floor: Array
    ceiling: Array


@dataclass(frozen=True, slots=True)
class ScoreCorrelations:
    """The mean of each row's answers, against the items.

    Attributes
    ----------
    n : int
        Rows with an answer.
    mean, sd : float
        Mean and standard deviation (n - 1) of the mean scores.
    r_total : (k,)
        Correlation of each item with the mean score, over the rows in which it was answered.
    """

    n: int
    mean: float
    sd: float
    r_total: Array


def item_statistics(
    values: NDArray[np.generic], minimum: float | None = None, maximum: float | None = None
) -> ItemStatistics:
    """Describe each column of answers.

    Parameters
    ----------
    values : (n, k)
        Answers; nan where missing.
    minimum, maximum : float, optional
        Ends of the response range.
    """
    rows = [
        _describe(*value_counts(values[:, j]), minimum, maximum) for j in range(values.shape[1])
    ]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 13)
    n = table[:, 0]
    return ItemStatistics(n, len(values) - n, *(table[:, c] for c in range(1, 13)))


def value_counts(column: NDArray[np.generic]) -> tuple[Array, Array]:
    """Distinct answers in ascending order, and how often each was given.

    Examples
    --------
    >>> values, counts = value_counts(np.array([2.0, 1.0, np.nan, 2.0]))
    >>> values.tolist(), counts.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    answers = np.asarray(column, dtype=np.float64)
    answers = answers[~np.isnan(answers)]
    if not len(answers):
        return np.empty(0), np.empty(0)
    low, high = answers.min(), answers.max()
    if high - low <= _WIDEST_INTEGER_RANGE and low == np.rint(low):
        codes = (answers - low).astype(np.int64)
        if np.array_equal(codes, answers - low):
            counts = np.bincount(codes)
            used = np.flatnonzero(counts)
            return used + low, counts[used].astype(np.float64)
    values, counts = np.unique(answers, return_counts=True)
    return values, counts.astype(np.float64)


def _describe(
    values: Array, counts: Array, minimum: float | None, maximum: float | None
) -> list[float]:
    n = float(counts.sum())
    if n == 0:
        return [0.0] + [np.nan] * 12
    mean = float(values[0] + counts @ (values - values[0]) / n)  # exact where all are alike
    deviation = values - mean
    sd = float(np.sqrt(counts @ deviation**2 / (n - 1))) if n > 1 else np.nan
    skew = float(counts @ deviation**3 / (n * sd**3)) if sd > 0 else np.nan
    kurtosis = float(counts @ deviation**4 / (n * sd**4)) - 3 if sd > 0 else np.nan
    median = _median(values, counts)
    return [
        n,
        mean,
        sd,
        median,
        _trimmed_mean(values, counts),
        _mad(values, counts, median),
        float(values[0]),
        float(values[-1]),
        skew,
        kurtosis,
        sd / np.sqrt(n),
        np.nan if minimum is None else float(counts[values == minimum].sum() / n),
        np.nan if maximum is None else float(counts[values == maximum].sum() / n),
    ]


def _median(values: Array, counts: Array) -> float:
    """Middle answer, or the mean of the two middle ones, of sorted values with counts."""
    ends = np.cumsum(counts)
    n = ends[-1]
    lower = values[np.searchsorted(ends, np.floor((n + 1) / 2), side="left")]
    upper = values[np.searchsorted(ends, np.ceil((n + 1) / 2), side="left")]
    return float((lower + upper) / 2)


def _trimmed_mean(values: Array, counts: Array) -> float:
    ends = np.cumsum(counts)
    n = ends[-1]
    cut = np.floor(n * TRIM)
    kept = np.clip(ends, cut, n - cut) - np.clip(ends - counts, cut, n - cut)
    return float(kept @ values / kept.sum())


def _mad(values: Array, counts: Array, median: float) -> float:
    deviation = np.abs(values - median)
    order = np.argsort(deviation, kind="stable")
    return MAD_CONSTANT * _median(deviation[order], counts[order])


def mean_scores(values: NDArray[np.generic], required: int = 1) -> Array:
    """Mean of each row's answers (n,); nan for a row with fewer answers than ``required``.

    Whole numbers are answers without a gap.

    Examples
    --------
    >>> mean_scores(np.array([[1.0, 3.0], [2.0, np.nan], [np.nan, np.nan]])).tolist()
    [2.0, 2.0, nan]
    >>> mean_scores(np.array([[4.0, np.nan], [3.0, 4.0]]), required=2).tolist()
    [nan, 3.5]
    """
    if values.dtype.kind != "f":
        return np.asarray(values.sum(axis=1, dtype=np.float64) / values.shape[1])
    missing = np.isnan(values)
    answered = values.shape[1] - missing.sum(1)
    out = np.full(len(values), np.nan)
    enough = answered >= max(required, 1)
    np.divide(np.where(missing, 0.0, values).sum(1), answered, out=out, where=enough)
    return out


def score_correlations(values: NDArray[np.generic]) -> ScoreCorrelations:
    """Correlate every item with the mean score, block by block of rows.

    Parameters
    ----------
    values : (n, k)
        Answers; nan where missing.
    """
    k = values.shape[1]
    shift = _column_means(values[:_BLOCK_ROWS])
    centre = float(np.mean(shift))
    score_sums = np.zeros(3)
    sums = np.zeros((6, k))
    for start in range(0, len(values), _BLOCK_ROWS):
        block = np.asarray(values[start : start + _BLOCK_ROWS], dtype=np.float64)
        score = mean_scores(block) - centre
        usable = ~np.isnan(score)
        t = np.where(usable, score, 0.0)
        score_sums += (usable.sum(), t.sum(), t @ t)
        present = (~np.isnan(block)).astype(np.float64)
        x = np.where(present > 0, block - shift, 0.0)
        sums += (
            present.sum(0),
            x.sum(0),
            t @ present,
            np.einsum("ij,ij->j", x, x),
            (t**2) @ present,
            t @ x,
        )
    n, total, square = score_sums
    variance = (square - total**2 / n) / (n - 1) if n > 1 else np.nan
    mean = centre + total / n if n else np.nan
    return ScoreCorrelations(int(n), float(mean), float(np.sqrt(max(variance, 0.0))), _r(sums))


def _column_means(values: NDArray[np.generic]) -> Array:
    head = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(head)
    return np.asarray(np.where(present, head, 0.0).sum(0) / np.maximum(present.sum(0), 1))


def _r(sums: Array) -> Array:
    n, x, t, xx, tt, xt = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        own, score = xx - x**2 / n, tt - t**2 / n
        product = own * score
        r = (xt - x * t / n) / np.sqrt(np.where(product > 0, product, np.nan))
    return np.asarray(r)
