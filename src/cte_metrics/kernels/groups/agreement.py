"""Do the members of a group agree? Formulas on variances and deviations within groups.

With s2_j the variance of item j within the group (n - 1), S its mean over J items and V the
variance expected if answers were random (the "null"):

* rwg      = 1 - s2 / V                                  (one item)
* rwg(j)   = J (1 - S/V) / (J (1 - S/V) + S/V)
* r*wg(j)  = 1 - S / V                                   (Lindell; no Spearman-Brown step-up)
* AD       = mean over items of the mean |x - centre|    (centre: mean or median)
* awg      = mean over items of 1 - 2 s2 / (((H + L) M - M^2 - H L) n / (n - 1))

Values are never truncated here: S > V gives r*wg(j) < 0 and rwg(j) < 0 or, beyond the pole at
S/V = J/(J - 1), rwg(j) > 1; what a reader makes of that is said by the callers.

References
----------
James, L. R., Demaree, R. G., & Wolf, G. (1984). Journal of Applied Psychology, 69, 85-98.
Lindell, M. K., Brandt, C. J., & Whitney, D. J. (1999). Applied Psychological Measurement, 23,
    127-135.
Burke, M. J., & Dunlap, W. P. (2002). Organizational Research Methods, 5, 159-172.
Brown, R. D., & Hauenstein, N. M. A. (2005). Organizational Research Methods, 8, 165-184.
LeBreton, J. M., & Senter, J. L. (2008). Organizational Research Methods, 11, 815-852.
Cohen, A., Doveh, E., & Nahum-Shani, I. (2009). Organizational Research Methods, 12, 148-164.

Functions: ``uniform_variance, null_variance, rwg, rwg_j, rwg_star_j, awg, ad_cutoff,
simulate_uniform, simulate_correlated, upper_critical_value, lower_critical_value``.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cte_metrics.arrays import Array
from cte_metrics.errors import one_of
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.summaries.group_summaries import GroupCounts, counts

NullName = Literal["uniform", "slight_skew", "moderate_skew", "heavy_skew", "triangular", "normal"]

NULLS: tuple[NullName, ...] = get_args(NullName)

# Expected variances by number of categories, LeBreton & Senter (2008, Table 2).
_TABLED: dict[str, dict[int, float]] = {
    "slight_skew": {5: 1.34, 6: 1.85, 7: 2.90, 8: 3.47, 9: 5.66, 10: 6.30, 11: 7.31},
    "moderate_skew": {5: 0.90, 6: 1.26, 7: 2.14, 8: 2.79, 9: 4.73, 10: 5.09, 11: 6.32},
    "heavy_skew": {5: 0.44, 6: 0.69, 7: 1.39, 8: 2.35, 9: 3.16, 10: 3.46, 11: 4.02},
    "triangular": {5: 1.32, 6: 1.45, 7: 2.10, 8: 2.81, 9: 3.00, 10: 2.89, 11: 3.32},
    "normal": {5: 1.04, 6: 1.25, 7: 1.40, 8: 1.73, 9: 1.58, 10: 1.45, 11: 1.40},
}


def uniform_variance(n_categories: int) -> float:
    """Variance of answers spread evenly over the categories, (A^2 - 1) / 12.

    Examples
    --------
    >>> uniform_variance(5)
    2.0
    """
    return (n_categories**2 - 1) / 12


def null_variance(null: NullName, n_categories: int) -> tuple[float, bool]:
    """Variance of random answers, and whether it is a tabled value.

    The uniform variance is exact. The others are the published values for 5 to 11 categories; for
    other numbers the published share of the uniform variance at the nearest tabled number (5 or
    11) is kept.

    Examples
    --------
    >>> null_variance("slight_skew", 5)
    (1.34, True)
    >>> null_variance("slight_skew", 4)[0] == 1.34 / 2.0 * 1.25
    True
    """
    one_of(null, NullName, "null")
    if null == "uniform":
        return uniform_variance(n_categories), True
    tabled = _TABLED[null]
    if n_categories in tabled:
        return tabled[n_categories], True
    nearest = min(tabled, key=lambda a: abs(a - n_categories))
    return tabled[nearest] / uniform_variance(nearest) * uniform_variance(n_categories), False


def rwg_star_j(variance: Array, null: float) -> Array:
    """r*wg(j) (and rwg of one item) from variances (..., k); nan where undefined."""
    return np.asarray(1 - variance.mean(axis=-1) / null)


def rwg_j(variance: Array, null: float) -> Array:
    """rwg(j) from within-group variances (..., k).

    Examples
    --------
    >>> float(rwg_j(np.array([[1.0, 1.0]]), 2.0)[0])  # 2 * .5 / (2 * .5 + .5)
    0.6666666666666666
    """
    excess = rwg_star_j(variance, null)
    stepped = variance.shape[-1] * excess
    bottom = stepped + 1 - excess
    out = np.full(bottom.shape, np.nan)
    # the pole: as far from agreement as can be, without a sign
    return np.divide(stepped, bottom, out=out, where=np.abs(bottom) > 1e-14)


def awg(mean: Array, variance: Array, n: npt.NDArray[Any], scale: tuple[float, float]) -> Array:
    """Mean over items of Brown and Hauenstein's awg; (J, k), (J, k), (J,) -> (J,).

    An item whose mean is so extreme that the largest possible variance at that mean cannot be
    reached by n answers is left out (nan if it is every item); full agreement at an end is 1.
    """
    low, high = scale
    n = np.asarray(n, dtype=np.float64)[:, None]
    safe = np.where(n > 1, n, np.nan)
    room = ((high + low) * mean - mean**2 - high * low) * safe / (safe - 1)
    value = np.full(mean.shape, np.nan)
    np.divide(2 * variance, room, out=value, where=room > 0)
    value = 1 - value
    # sums, not means, are compared: n L + (H - L) and n H - (H - L) are exact
    total = mean * n
    slack = 1e-9 * max(abs(low), abs(high), 1.0) * n
    value[total < n * low + (high - low) - slack] = np.nan
    value[total > n * high - (high - low) + slack] = np.nan
    value[(mean == low) | (mean == high)] = 1.0
    value[np.broadcast_to(n <= 1, value.shape)] = np.nan
    defined = ~np.isnan(value)
    count = defined.sum(axis=1)
    total_awg = np.where(defined, value, 0.0).sum(axis=1)
    return np.divide(total_awg, count, out=np.full(len(count), np.nan), where=count > 0)


def ad_cutoff(n_categories: int) -> float:
    """Largest average deviation that still counts as agreement, A / 6.

    Examples
    --------
    >>> ad_cutoff(6)
    1.0
    """
    return n_categories / 6


def simulate_uniform(
    rng: np.random.Generator, n_draws: int, group_size: int, n_items: int, n_categories: int
) -> GroupCounts:
    """Category counts of ``n_draws`` groups answering at random, independently over items."""
    even = np.full(n_categories, 1 / n_categories)
    drawn = rng.multinomial(group_size, even, size=(n_draws, n_items))
    return GroupCounts(np.ascontiguousarray(drawn.transpose(2, 1, 0), dtype=np.float64), 1)


def simulate_correlated(
    rng: np.random.Generator,
    n_draws: int,
    group_size: int,
    correlation: Array,
    n_categories: int,
) -> GroupCounts:
    """Category counts of groups answering at random with correlated items.

    Normal variables with the given correlations (k, k) are cut at the quantiles that make every
    category equally likely.
    """
    n_items = len(correlation)
    value, vector = np.linalg.eigh(correlation)
    root = vector * np.sqrt(np.clip(value, 0, None))
    cut = normal_quantile(np.arange(1, n_categories) / n_categories)
    latent = rng.standard_normal((n_draws * group_size, n_items)) @ root.T
    answer = 1 + np.searchsorted(cut, latent.ravel()).reshape(latent.shape)
    draw = np.repeat(np.arange(n_draws), group_size)
    return counts(answer, draw, n_draws, (1, n_categories))


def upper_critical_value(draws: Array, level: float) -> float:
    """Smallest simulated value that at most 1 - level of the draws reach.

    nan when even the largest value is reached more often (few answers, few categories).

    Examples
    --------
    >>> upper_critical_value(np.arange(1.0, 101.0), 0.95)
    96.0
    """
    value, count = np.unique(np.round(draws, 12), return_counts=True)
    reached = count[::-1].cumsum()[::-1]
    rare = np.flatnonzero(reached <= (1 - level) * len(draws) + 1e-9)
    return float(value[rare[0]]) if len(rare) else float("nan")


def lower_critical_value(draws: Array, level: float) -> float:
    """Largest simulated value that at most 1 - level of the draws fall to or below.

    Examples
    --------
    >>> lower_critical_value(np.arange(1.0, 101.0), 0.95)
    5.0
    """
    return -upper_critical_value(-draws, level)
