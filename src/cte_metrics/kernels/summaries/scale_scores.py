"""Scores of scales from answers with gaps.

``prorate`` takes the mean of the answers given; ``item_mean`` and ``item_median`` first fill a gap
with the item's mean or median over all respondents. A sum is k times the mean, so that a prorated
sum is on the scale of a complete one.

Functions: ``scores_of_scale, required_answers, filled, spread, standardize``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.summaries.item_statistics import mean_scores

_ROUNDING = 1e-12


def required_answers(n_items: int, minimum: int | float | None) -> int:
    """Answers needed for a score: a count, or a share of the items rounded up; at least 1.

    By default half of the items, and two: one answer is no total.

    Examples
    --------
    >>> required_answers(6, 0.5), required_answers(5, 0.5), required_answers(6, 4)
    (3, 3, 4)
    >>> [required_answers(n, None) for n in (1, 2, 3, 7, 21)]
    [1, 2, 2, 4, 11]
    """
    if minimum is None:
        return min(n_items, max(2, -(-n_items // 2)))
    if isinstance(minimum, int):
        return max(1, min(minimum, n_items))
    return max(1, int(np.ceil(minimum * n_items - 1e-9)))


def filled(values: Array, how: str) -> Array:
    """Answers (n, k) with gaps filled by the item's mean or median."""
    middle = np.nanmean if how == "item_mean" else np.nanmedian
    known = ~np.isnan(values).all(0)
    centre = np.full(values.shape[1], np.nan)
    centre[known] = middle(values[:, known], axis=0)
    return np.where(np.isnan(values), centre, values)


def scores_of_scale(values: Array, missing: str, required: int) -> tuple[Array, Integers]:
    """Mean score of each row, nan with too few answers, and the number of answers, (n,) each.

    Parameters
    ----------
    values : (n, k)
        Keyed answers of one scale.
    missing : {"prorate", "item_mean", "item_median"}
    required : int
        Fewer answers than this give no score.

    Examples
    --------
    >>> means, counts = scores_of_scale(np.array([[1.0, 3.0], [2.0, np.nan]]), "prorate", 2)
    >>> means.tolist(), counts.tolist()
    ([2.0, nan], [2, 1])
    """
    answered = (~np.isnan(values)).sum(1)
    means = mean_scores(values if missing == "prorate" else filled(values, missing))
    means[answered < required] = np.nan
    return means, answered


def spread(scores: Array) -> float:
    """Standard deviation (n - 1) of the known scores; 0 if they are equal up to rounding.

    Examples
    --------
    >>> spread(np.array([1.0, 2.0, 3.0, np.nan])), spread(np.full(5, 5 / 3)), spread(np.zeros(1))
    (1.0, 0.0, 0.0)
    """
    known = scores[~np.isnan(scores)]
    sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return sd if sd > _ROUNDING * np.abs(known).max(initial=0.0) else 0.0


def standardize(scores: Array, mean: float = 0.0, sd: float = 1.0) -> Array:
    """Linear transformation to a mean and a standard deviation (n - 1); nan if all are equal.

    Examples
    --------
    >>> standardize(np.array([1.0, 2.0, 3.0]), 50.0, 10.0).tolist()
    [40.0, 50.0, 60.0]
    """
    own = spread(scores)
    if not own > 0:
        return np.full(len(scores), np.nan)
    return np.asarray(mean + sd * (scores - np.nanmean(scores)) / own)
