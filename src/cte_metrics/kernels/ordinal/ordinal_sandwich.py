"""Order of the statistics of ordinal variables, and the algebra of their covariance matrix.

The statistics are those of ``ordinal_moments``; with covariates the slopes of all variables on the
first covariate, then on the second, ... stand between locations and variances.

Functions: ``sandwich, rescaled``. Class: ``StatisticLayout``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.summaries.contingency import item_pairs

Scale = Literal["covariance", "correlation"]

_LEAST_INFORMATION = 1e-8


def location_sizes(n_categories: Integers) -> Integers:
    """Number of thresholds, or 1 for the mean of a numeric variable, by variable (k,)."""
    return np.where(n_categories > 0, n_categories - 1, 1)


@dataclass(frozen=True, slots=True)
class StatisticLayout:
    """Where each statistic stands.

    Attributes
    ----------
    starts : (k,) first location of each variable
    location_items, location_order : (q,) variable of each location, and its number within it
    slope_at : (k, x) position of each slope
    variance_at : (k,) position of the variance of a numeric variable, -1 for ordinal ones
    owner : (n_first,) variable that each statistic of the first stage belongs to
    first, second : (p,) pairs of variables
    """

    starts: Integers
    location_items: Integers
    location_order: Integers
    slope_at: Integers
    variance_at: Integers
    owner: Integers
    first: Integers
    second: Integers

    @classmethod
    def of(cls, n_categories: Integers, n_covariates: int = 0) -> StatisticLayout:
        """Lay out k variables; ``n_categories`` is 0 for a numeric one."""
        k = len(n_categories)
        sizes = location_sizes(n_categories)
        starts = np.cumsum(sizes) - sizes
        items = np.repeat(np.arange(k), sizes)
        slopes = len(items) + np.arange(k)[:, None] + k * np.arange(n_covariates)
        numeric = n_categories == 0
        place = len(items) + k * n_covariates + np.cumsum(numeric) - 1
        owner = np.concatenate(
            [items, np.tile(np.arange(k), n_covariates), np.flatnonzero(numeric)]
        )
        order = np.arange(len(items)) - starts[items]
        return cls(
            starts, items, order, slopes, np.where(numeric, place, -1), owner, *item_pairs(k)
        )

    @property
    def n_first(self) -> int:
        """Number of statistics of single variables."""
        return len(self.owner)

    @property
    def size(self) -> int:
        """Number of all statistics."""
        return self.n_first + len(self.first)


def sandwich(
    inner: Array, outer: Array, cross: Array, layout: StatisticLayout, *, n: float
) -> Array:
    """Return ``n A^-1 (sum s s') A^-T`` by blocks (m, m).

    Parameters
    ----------
    inner : (m, m) float64
        Cross-products of the casewise scores.
    outer : (m, m) float64
        The same once weighted (equal to ``inner`` without sampling weights); its blocks of single
        variables and its diagonal give A11 and A22.
    cross : (p, n_first) float64
        A21.
    n : float
        Respondents.

    Notes
    -----
    Where the answers hold no information on a correlation (a likelihood that is flat up to its
    limit, less than 1e-8 a respondent) its variance is unbounded. It gets 1e8 and no covariances,
    so that weights made from it vanish and nothing else is harmed.
    """
    q = layout.n_first
    own = layout.owner[:, None] == layout.owner
    inner11, inner12, inner22 = inner[:q, :q], inner[:q, q:], inner[q:, q:]
    bread = np.linalg.inv(np.where(own, outer[:q, :q], 0.0))
    diagonal = np.diagonal(outer)[q:]
    known = diagonal > _LEAST_INFORMATION * n
    scale = np.divide(1.0, diagonal, out=np.zeros(len(diagonal)), where=known)
    slope = cross @ bread
    lower = (inner12.T - slope @ inner11) @ bread * scale[:, None]
    turned = slope @ inner12
    second = inner22 - turned - turned.T + slope @ inner11 @ slope.T
    out = np.empty_like(inner)
    out[:q, :q] = bread @ inner11 @ bread
    out[q:, :q] = lower
    out[:q, q:] = lower.T
    out[q:, q:] = second * np.outer(scale, scale)
    lost = q + np.flatnonzero(~known)
    out[lost, lost] = 1.0 / (_LEAST_INFORMATION * n)
    return np.asarray(n * out)


def rescaled(
    gamma: Array, correlation: Array, variance: Array, layout: StatisticLayout, scale: Scale
) -> Array:
    """Turn means to minus means and, where wanted, correlations to covariances (m, m)."""
    numeric = layout.variance_at >= 0
    if not numeric.any():
        return gamma
    a, b, sd = layout.first, layout.second, np.sqrt(variance)
    change = np.eye(layout.size)
    pairs = layout.n_first + np.arange(len(a))
    rho = correlation[a, b]
    if scale == "covariance":
        change[pairs, pairs] = sd[a] * sd[b]
    for one, other in ((a, b), (b, a)) if scale == "covariance" else ():
        moved = numeric[one]
        at = layout.variance_at[one[moved]]
        change[pairs[moved], at] = rho[moved] * sd[other[moved]] / (2.0 * sd[one[moved]])
    negative = np.flatnonzero(numeric[layout.location_items])
    change[negative, negative] = -1.0
    return np.asarray(change @ gamma @ change.T)
