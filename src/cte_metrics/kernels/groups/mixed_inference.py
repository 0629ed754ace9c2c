"""Inference for mixed models: Satterthwaite degrees of freedom and profile-likelihood intervals.

Satterthwaite: with f = l' Cov(beta) l as a function of psi = (theta, sigma) and A the covariance
matrix of psi (twice the inverse Hessian of the deviance), df = 2 f^2 / (f' A f').

Profile: the limits of a parameter are where the deviance, minimised over everything else, exceeds
its minimum by the chi-square(1) quantile (maximum likelihood, as lme4 profiles).

References
----------
Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package. Journal of
    Statistical Software, 82(13), 1-26.
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Journal of Statistical Software, 67(1).

Functions: ``satterthwaite, profile_fixed, profile_scale, natural``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from cte_metrics.arrays import Array
from cte_metrics.kernels.groups.mixed import (
    MixedFit,
    MixedSummary,
    deviance_given_sigma,
    differenced,
    fit,
    without_column,
)
from cte_metrics.kernels.numerics.distributions import chi2_quantile


def satterthwaite(data: MixedSummary, found: MixedFit, contrasts: Array | None = None) -> Array:
    """Degrees of freedom (m,) of the t statistics of contrasts (m, p); by default each coefficient.

    At a boundary the directions without curvature are left out, as lmerTest does.
    """
    rows = np.nonzero(found.pattern)
    theta = found.lam[rows]
    sigma = float(np.sqrt(found.sigma2))

    def unpack(value: Array) -> Array:
        lam = np.zeros(found.pattern.shape)
        lam[rows] = value
        return lam

    def slope(value: Array) -> Array:
        lam = unpack(value)
        return (2 * deviance_given_sigma(data, lam, sigma**2, found.reml)[1] @ lam)[rows]

    at = deviance_given_sigma(data, found.lam, sigma**2, found.reml)[2]
    df = data.n_rows - (data.n_fixed if found.reml else 0)
    k = len(theta)
    hessian = np.empty((k + 1, k + 1))
    hessian[:k, :k] = differenced(slope, theta)
    hessian[k, :k] = hessian[:k, k] = 4 / sigma**3 * (at.c @ found.lam)[rows]
    hessian[k, k] = 6 * at.r2 / sigma**4 - 2 * df / sigma**2
    covariance = 2 * _positive_inverse(hessian)
    weights = np.eye(data.n_fixed) if contrasts is None else contrasts
    gradient = np.empty((k + 1, len(weights)))
    for j, (a, b) in enumerate(zip(*rows, strict=True)):
        change = np.zeros(found.lam.shape)
        change[a, b] = 1.0
        d = change @ found.lam.T + found.lam @ change.T
        moved = at.inverse @ np.einsum("abxy,ab->xy", at.b, d) @ at.inverse
        gradient[j] = sigma**2 * np.einsum("mp,pq,mq->m", weights, moved, weights)
    unit = np.einsum("mp,pq,mq->m", weights, at.inverse, weights)
    gradient[k] = 2 * sigma * unit
    variance = sigma**2 * unit
    spread = np.einsum("ap,ab,bp->p", gradient, covariance, gradient)
    return np.asarray(2 * variance**2 / spread)


def _positive_inverse(matrix: Array) -> Array:
    """Generalised inverse over the directions of positive curvature."""
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    keep = value > 1e-8
    return np.asarray((vector[:, keep] / value[keep]) @ vector[:, keep].T)


def _limits(
    excess: Callable[[float], float], centre: float, step: float, low: float, high: float
) -> tuple[float, float]:
    """Where ``excess`` changes sign on either side of ``centre``, within [low, high]."""
    return (_limit(excess, centre, -step, low), _limit(excess, centre, step, high))


def _limit(excess: Callable[[float], float], centre: float, step: float, end: float) -> float:
    inside, reach = centre, centre
    for _ in range(60):
        reach = max(reach + step, end) if step < 0 else min(reach + step, end)
        if excess(reach) > 0:
            return float(optimize.brentq(excess, inside, reach, xtol=1e-10, rtol=1e-12))
        if reach == end:
            return end
        inside, step = reach, step * 1.6
    return float("nan")


def profile_fixed(
    data: MixedSummary, found: MixedFit, column: int, level: float
) -> tuple[float, float]:
    """Profile interval of one fixed coefficient; ``found`` is a maximum likelihood fit."""
    critical = float(chi2_quantile(level, 1))
    correlated = bool(found.pattern.sum() > len(found.pattern))

    def excess(value: float) -> float:
        fixed = without_column(data, column, value)
        inner = fit(fixed, reml=False, correlated=correlated)
        return inner.deviance - found.deviance - critical

    step = 2 * float(np.sqrt(found.covariance[column, column]))
    return _limits(excess, float(found.beta[column]), step, -np.inf, np.inf)


def natural(found: MixedFit) -> Array:
    """(standard deviations (q), correlations, sigma) of a fit."""
    covariance = found.random_covariance
    sd = np.sqrt(np.diag(covariance))
    below = np.tril_indices(len(sd), -1) if found.pattern.sum() > len(sd) else ([], [])
    safe = np.where(sd > 0, sd, 1.0)
    correlation = (covariance / np.outer(safe, safe))[below]
    return np.concatenate([sd, correlation, [np.sqrt(found.sigma2)]])


def _factor(value: Array, n_random: int) -> Array | None:
    """Lambda of standard deviations, correlations and sigma; None if not positive definite."""
    sd, correlation = value[:n_random], value[n_random:-1]
    matrix = np.eye(n_random)
    if len(correlation):
        matrix[np.tril_indices(n_random, -1)] = correlation
        matrix = matrix + np.tril(matrix, -1).T
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < -1e-9:
            return None
        matrix = matrix + max(1e-14 - smallest, 0.0) * np.eye(n_random)
    return np.asarray((sd / value[-1])[:, None] * np.linalg.cholesky(matrix))


def _bounds(
    k: int, n_random: int, n_parameters: int, sigma: float, largest: float
) -> tuple[float, float]:
    """Search range of a standard deviation, a correlation or sigma."""
    if k == n_parameters - 1:
        return 0.05 * sigma, largest
    return (0.0, largest) if k < n_random else (-1.0, 1.0)


def profile_scale(
    data: MixedSummary, found: MixedFit, position: int, level: float
) -> tuple[float, float]:
    """Profile interval of element ``position`` of :func:`natural`; ``found`` is an ML fit."""
    best = natural(found)
    q = data.n_random
    critical = float(chi2_quantile(level, 1))
    is_correlation = q <= position < len(best) - 1
    others = [k for k in range(len(best)) if k != position]
    largest = 30 * float(np.delete(best, range(q, len(best) - 1)).max())
    bounds = [_bounds(k, q, len(best), float(best[-1]), largest) for k in others]
    unit = np.array(
        [1.0 if q <= k < len(best) - 1 else max(best[k], 0.05 * best[-1]) for k in others]
    )
    last = [best[others] / unit]

    def deviance(free: Array, value: float) -> float:
        point = np.empty(len(best))
        point[others], point[position] = free * unit, value
        lam = _factor(point, q)
        if lam is None:
            return 1e30
        return deviance_given_sigma(data, lam, float(point[-1]) ** 2, False)[0]

    limits = [(low / u, high / u) for (low, high), u in zip(bounds, unit, strict=True)]
    is_spread = np.array([k < q for k in others])

    def least(start: Array, value: float) -> optimize.OptimizeResult:
        return optimize.minimize(
            deviance, start, args=(value,), method="L-BFGS-B", bounds=limits,
            options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 200},
        )  # fmt: skip

    def excess(value: float) -> float:
        inner = least(last[0], value)
        stuck = is_spread & (inner.x < 1e-3)
        if stuck.any():
            # zero is always stationary: leave it where the deviance falls away from it
            again = least(np.where(stuck, 0.1, inner.x), value)
            inner = again if again.fun < inner.fun else inner
        last[0] = inner.x
        return float(inner.fun) - found.deviance - critical

    centre = float(best[position])
    if is_correlation:
        return _limits(excess, centre, 0.2, -1.0, 1.0)
    floor = 0.0 if position < q else 1e-8 * float(best[-1])
    groups = max(len(data.zz), 2)
    step = max(centre, 0.05 * float(best[-1])) / np.sqrt(
        2 * groups if position < q else data.n_rows
    )
    return _limits(excess, centre, 2 * float(step), floor, np.inf)
