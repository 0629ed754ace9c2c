"""How much of the variance lies between groups? One-way random effects from group summaries.

Model: y_ij = mu + u_j + e_ij, Var(u) = tau2, Var(e) = sigma2, group sizes n_j.

* Analysis of variance: ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW), ICC(2) = (MSB - MSW) / MSB,
  with k the mean group size or n0 = (N - sum n_j^2 / N) / (J - 1).
* Exact interval (Wald, 1940), also for unequal sizes: with rho the intraclass correlation,
  v_j = n_j / (1 + (n_j - 1) rho) and m the v-weighted grand mean,
  H(rho) = (1 - rho) sum v_j (ybar_j - m)^2 / ((J - 1) MSW) is distributed as F(J - 1, N - J) at the
  true rho and decreases in rho; the limits solve H = F quantiles. With equal sizes this is the
  classical interval (F/F_q - 1) / (F/F_q + k - 1) (Searle, 1971).
* REML and ML: the profiled deviance in rho, one dimension, minimised to machine precision.

Variables (columns) are handled at once; groups enter only through sums over equal sizes.

References
----------
Wald, A. (1940). A note on the analysis of variance with unequal class frequencies. Annals of
    Mathematical Statistics, 11, 96-100.
Searle, S. R. (1971). Linear Models. Wiley. (Balanced interval, n0.)
Bliese, P. D. (2000). In Klein & Kozlowski (Eds.), Multilevel theory, research, and methods in
    organizations, 349-381. (ICC(1), ICC(2) in organizational research.)

Functions: ``one_way, anova, intraclass, wald_interval, f_interval, stepped_up, likelihood, shrink,
omega_squared, eta_squared, design_effect``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.numerics.distributions import f_quantile, f_sf
from cte_metrics.kernels.summaries.group_summaries import GroupMoments


@dataclass(frozen=True, slots=True)
class OneWay:
    """Everything one-way models need of k variables in J groups.

    sizes, frequency: (U,) distinct group sizes and how many groups have them; first, second:
    (U, k) sums of group means, and of their squares, about ``grand``; grand: (k,) mean of all
    answers; between, within: (k,) sums of squares.
    """

    sizes: Array
    frequency: Array
    first: Array
    second: Array
    grand: Array
    between: Array
    within: Array
    n_rows: int
    n_groups: int

    @property
    def mean_size(self) -> float:
        """N / J; nan without groups."""
        return self.n_rows / self.n_groups if self.n_groups else float("nan")

    @property
    def n0(self) -> float:
        """(N - sum n_j^2 / N) / (J - 1); nan for one group."""
        if self.n_groups < 2:
            return float("nan")
        squares = float(self.frequency @ self.sizes**2)
        return (self.n_rows - squares / self.n_rows) / (self.n_groups - 1)


@dataclass(frozen=True, slots=True)
class Anova:
    """Mean squares (k,), F (k,), p (k,) and the degrees of freedom of a one-way table."""

    ms_between: Array
    ms_within: Array
    f: Array
    p: Array
    df: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """rho, tau2, sigma2, mean and its variance, deviance: each (k,)."""

    rho: Array
    between: Array
    within: Array
    mean: Array
    mean_variance: Array
    deviance: Array


def one_way(found: GroupMoments) -> OneWay:
    """Condense group moments; empty groups are ignored."""
    has = found.n > 0
    n, mean, squares = found.n[has], found.mean[has], found.squares[has]
    weight = n[:, None].astype(np.float64)
    grand = (weight * mean).sum(axis=0) / (n.sum() or np.nan)  # nan where no group has rows
    deviation = mean - grand
    sizes, where, frequency = np.unique(n, return_inverse=True, return_counts=True)
    first = np.zeros((len(sizes), mean.shape[1]))
    second = np.zeros_like(first)
    np.add.at(first, where.reshape(-1), deviation)
    np.add.at(second, where.reshape(-1), deviation**2)
    return OneWay(
        sizes=sizes.astype(np.float64), frequency=frequency.astype(np.float64),
        first=first, second=second, grand=grand,
        between=(weight * deviation**2).sum(axis=0), within=squares.sum(axis=0),
        n_rows=int(n.sum()), n_groups=len(n),
    )  # fmt: skip


def anova(data: OneWay) -> Anova:
    """Mean squares, F and its p value; nan where degrees of freedom or variance are missing."""
    df1, df2 = data.n_groups - 1, data.n_rows - data.n_groups
    between = data.between / df1 if df1 > 0 else np.full_like(data.between, np.nan)
    within = data.within / df2 if df2 > 0 else np.full_like(data.within, np.nan)
    # relative to the size of the answers, so that rounding is not taken for variance
    noise = 1e-13 * (np.abs(data.grand) + 1) ** 2 * data.n_rows
    within = np.where(data.within <= noise, within * 0.0, within)
    between = np.where(data.between <= noise, between * 0.0, between)
    f = _ratio(between, within)
    p = np.full_like(f, np.nan)
    known = ~np.isnan(f)
    p[known] = f_sf(f[known], df1, df2)
    return Anova(between, within, f, p, (df1, df2))


def _ratio(top: Array, bottom: Array) -> Array:
    """Ratio top / bottom, infinite where only the bottom is zero, nan where both are."""
    out = np.where((bottom == 0) & (top > 0), np.inf, np.nan)
    return np.divide(top, bottom, out=out, where=bottom > 0)


def intraclass(table: Anova, size: float) -> tuple[Array, Array]:
    """ICC(1) and ICC(2) of a one-way table for group size k.

    Examples
    --------
    >>> one = np.ones(1)
    >>> icc1, icc2 = intraclass(Anova(3 * one, one, 3 * one, one, (9, 20)), 3.0)
    >>> float(icc1[0]), float(icc2[0])  # (3 - 1) / (3 + 2) and (3 - 1) / 3
    (0.4, 0.6666666666666666)
    """
    gap = table.ms_between - table.ms_within
    below = table.ms_between + (size - 1) * table.ms_within
    icc1 = np.divide(gap, below, out=np.full_like(gap, np.nan), where=below != 0)
    usable = table.ms_between > 0
    icc2 = np.divide(gap, table.ms_between, out=np.full_like(gap, np.nan), where=usable)
    return icc1, icc2


def stepped_up(icc1: Array | float, size: Array | float) -> Array:
    """Reliability of a mean of n answers, n rho / (1 + (n - 1) rho).

    Examples
    --------
    >>> float(stepped_up(0.2, 10.0))
    0.7142857142857143
    """
    rho, n = np.asarray(icc1, dtype=np.float64), np.asarray(size, dtype=np.float64)
    below = 1 + (n - 1) * rho
    out = np.full(np.broadcast(rho, n).shape, np.nan)
    return np.divide(n * rho, below, out=out, where=below > 0)[()]


def f_interval(table: Anova, size: float, level: float) -> tuple[Array, Array]:
    """Interval of ICC(1) from F as if every group had ``size`` members; each (k,)."""
    tail = (1 - level) / 2
    df1, df2 = table.df
    low, high = (table.f / f_quantile(p, df1, df2) for p in (1 - tail, tail))
    return (low - 1) / (low + size - 1), (high - 1) / (high + size - 1)


def _weighted_squares(data: OneWay, weight: Array) -> tuple[Array, Array]:
    """Weighted grand mean (about ``grand``) and squares about it; weight: (U, k) -> (k,), (k,)."""
    total = data.frequency @ weight
    centre = np.einsum("uk,uk->k", weight, data.first) / total
    return centre, np.einsum("uk,uk->k", weight, data.second) - total * centre**2


def wald_interval(data: OneWay, table: Anova, level: float) -> tuple[Array, Array]:
    """Exact interval of the intraclass correlation for any group sizes; each (k,)."""
    tail = (1 - level) / 2
    lowest = -1 / (data.sizes.max() - 1) if data.sizes.max() > 1 else -1.0
    n = data.sizes[:, None]

    def excess(rho: Array, quantile: float) -> Array:
        weight = n / (1 + (n - 1) * rho)
        squares = _weighted_squares(data, weight)[1]
        return (1 - rho) * squares / (data.n_groups - 1) - quantile * table.ms_within

    limits = []
    for p in (1 - tail, tail):
        quantile = float(f_quantile(p, *table.df))
        found = _falling_root(
            lambda rho, q=quantile: excess(rho, q),  # type: ignore[misc]
            np.full_like(table.f, lowest * (1 - 1e-12)),
            np.ones_like(table.f),
        )
        limits.append(np.where(np.isfinite(table.f), found, np.nan))
    return limits[0], limits[1]


def _falling_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Root of a falling function by bisection, elementwise; the near end where there is none."""
    for _ in range(80):
        middle = 0.5 * (low + high)
        if np.all((middle == low) | (middle == high)):
            break
        above = function(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return 0.5 * (low + high)


def likelihood(data: OneWay, *, reml: bool = True) -> Likelihood:
    """Maximise the (restricted) likelihood of the one-way model for every variable.

    The profiled deviance is searched on a grid of rho in [0, 1), then the root of its derivative
    is bisected to machine precision; rho = 0 where the deviance rises from zero on.
    """
    k = len(data.grand)
    grid = np.concatenate([[0.0], np.linspace(0.001, 0.999, 120), [1 - 1e-6]])
    deviance = np.array([_deviance(data, np.full(k, rho), reml)[0] for rho in grid])
    best = deviance.argmin(axis=0)
    low = grid[np.maximum(best - 1, 0)]
    high = grid[np.minimum(best + 1, len(grid) - 1)]
    rho = _falling_root(lambda r: -_slope(data, r, reml), low, high)
    rho = np.where((best == 0) & (_slope(data, np.zeros(k), reml) >= 0), 0.0, rho)
    rho = np.where(data.within > 0, rho, np.where(data.between > 0, 1.0, np.nan))
    return _solution(data, rho, reml)


def _solution(data: OneWay, rho: Array, reml: bool) -> Likelihood:
    inside = np.where((rho >= 0) & (rho < 1), rho, 0.0)
    deviance, scale, centre, total = _deviance(data, inside, reml)
    within = np.where(rho < 1, scale, 0.0)
    groups = data.n_groups - (1 if reml else 0)
    spread = data.second.sum(axis=0) - data.first.sum(axis=0) ** 2 / data.n_groups
    between = np.where(rho < 1, scale * inside / (1 - inside), spread / max(groups, 1))
    mean_variance = np.where(rho < 1, scale / ((1 - inside) * total), between / data.n_groups)
    return Likelihood(rho, between, within, data.grand + centre, mean_variance, deviance)


def _weights(data: OneWay, rho: Array) -> Array:
    """v_j = n_j / (1 + (n_j - 1) rho), so that Var(ybar_j) = (tau2 + sigma2) / v_j; (U, k)."""
    n = data.sizes[:, None]
    return n / (1 + (n - 1) * rho)


def _deviance(data: OneWay, rho: Array, reml: bool) -> tuple[Array, Array, Array, Array]:
    """-2 log-likelihood at rho, sigma2 there, the mean (about ``grand``) and sum of weights."""
    weight = _weights(data, rho)
    total = (weight * data.frequency[:, None]).sum(axis=0)
    centre, squares = _weighted_squares(data, weight)
    df = data.n_rows - (1 if reml else 0)
    residual = np.maximum(data.within + (1 - rho) * squares, 1e-300)
    n = data.sizes[:, None]
    log_det = (data.frequency[:, None] * np.log((1 + (n - 1) * rho) / (1 - rho))).sum(axis=0)
    log_fixed = np.log((1 - rho) * total) if reml else 0.0
    deviance = log_det + log_fixed + df * (1 + np.log(2 * np.pi * residual / df))
    return deviance, residual / df, centre, total


def _slope(data: OneWay, rho: Array, reml: bool) -> Array:
    """Derivative of the profiled deviance in theta = tau2 / sigma2 at rho, times (1 - rho)."""
    weight = _weights(data, rho)
    f = data.frequency[:, None]
    centre, squares = _weighted_squares(data, weight)
    square = weight**2
    spread = (square * (data.second - 2 * centre * data.first + f * centre**2)).sum(axis=0)
    df = data.n_rows - (1 if reml else 0)
    fit = df * (1 - rho) * spread / np.maximum(data.within + (1 - rho) * squares, 1e-300)
    fixed = (square * f).sum(axis=0) / (weight * f).sum(axis=0) if reml else 0.0
    return np.asarray((weight * f).sum(axis=0) - fixed - fit)


def shrink(
    mean: Array, n: Integers, grand: float, between: float, noise: Array
) -> tuple[Array, Array, Array]:
    """Empirical-Bayes means, their reliability and posterior standard error.

    noise: (J,) sampling variances of the group means. reliability = tau2 / (tau2 + noise).
    """
    below = between + noise
    reliability = np.divide(between, below, out=np.full(mean.shape, np.nan), where=below > 0)
    reliability = np.where(n > 0, reliability, np.nan)
    shrunken = grand + reliability * (mean - grand)
    return shrunken, reliability, np.sqrt(between * (1 - reliability))


def eta_squared(table: Anova) -> Array:
    """Share of the sum of squares between groups."""
    between, total = table.df[0] * table.ms_between, _total(table)
    return np.divide(between, total, out=np.full_like(total, np.nan), where=total > 0)


def omega_squared(table: Anova) -> Array:
    """Share of variance between groups, corrected for degrees of freedom (Hays)."""
    top = table.df[0] * (table.ms_between - table.ms_within)
    below = _total(table) + table.ms_within
    return np.divide(top, below, out=np.full_like(top, np.nan), where=below > 0)


def _total(table: Anova) -> Array:
    return table.df[0] * table.ms_between + table.df[1] * table.ms_within


def design_effect(icc1: Array, size: float) -> Array:
    """Variance inflation of a mean over clusters, 1 + (k - 1) ICC(1) (Kish)."""
    return 1 + (size - 1) * icc1
