"""Inference for mixed models: Satterthwaite degrees of freedom and profile-likelihood intervals.

Satterthwaite: with f = l' Cov(beta) l as a function of psi = (theta, log sigma) and A the
covariance matrix of psi (twice the inverse Hessian of the deviance), df = 2 f^2 / (f' A f'). Both
derivatives are analytic.

Profile: the limits of a parameter are where the deviance, minimised over everything else, exceeds
its minimum by the chi-square(1) quantile (maximum likelihood, as lme4 profiles). The standard
deviation of a random effect is held as the first diagonal element of Lambda in a basis that is
turned towards that effect; a correlation r of two effects by Lambda = B^-1 diag(k s, s) [1 0; r c],
c^2 = 1 - r^2, over log k in units of c (or of the angle between the effects in the basis).

References
----------
Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package. Journal of
    Statistical Software, 82(13), 1-26.
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Journal of Statistical Software, 67(1).

Functions: ``satterthwaite, profile_fixed, profile_sd, profile_sigma, profile_correlation,
natural``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.kernels.groups.mixed import (
    Evaluation,
    MixedFit,
    MixedSummary,
    best_factor,
    changes,
    curvature,
    deviance_given_sigma,
    evaluate,
    held,
    leaves_zero,
    profiled,
    turned,
)
from cte_metrics.kernels.groups.mixed_basis import first_along, lower_factor
from cte_metrics.kernels.numerics.descent import descend, differenced
from cte_metrics.kernels.numerics.distributions import chi2_quantile

Limits = tuple[float, float]

FARTHEST = 16.0  # Fisher's z beyond which a correlation counts as -1 or 1


def satterthwaite(data: MixedSummary, found: MixedFit, contrasts: Array | None = None) -> Array:
    """Degrees of freedom (m,) of the t statistics of contrasts (m, p); by default each coefficient.

    At a boundary the directions without curvature are left out, as lmerTest does.
    """
    weights = (np.eye(len(found.beta)) if contrasts is None else contrasts) @ data.x_back
    at = evaluate(data, found.lam)
    hessian = curvature(data, at, found.lam, found.sigma2, found.reml, found.pattern)
    covariance = 2 * _positive_inverse(hessian)
    across = weights @ at.inverse
    unit = np.einsum("mp,mp->m", across, weights)
    move = changes(found.lam, found.pattern)
    gradient = np.vstack([np.einsum("kab,abxy,mx,my->km", move, at.b, across, across), 2 * unit])
    spread = np.einsum("am,ab,bm->m", gradient, covariance, gradient)
    return np.asarray(2 * unit**2 / spread)


def _positive_inverse(matrix: Array) -> Array:
    """Generalised inverse over the directions of positive curvature."""
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    keep = value > 1e-10 * value[-1]
    return np.asarray((vector[:, keep] / value[keep]) @ vector[:, keep].T)


def _limits(excess: Callable[[float], float], centre: float, step: float, ends: Limits) -> Limits:
    """Where ``excess`` changes sign on either side of ``centre``, within ``ends``."""
    known = cache(excess)  # the search starts from the last solution: ask once for a point
    return (_limit(known, centre, -step, ends[0]), _limit(known, centre, step, ends[1]))


def _limit(excess: Callable[[float], float], centre: float, step: float, end: float) -> float:
    inside, reach, tolerance = centre, centre, 1e-10 * abs(step)
    for _ in range(100):
        reach = max(reach + step, end) if step < 0 else min(reach + step, end)
        if excess(reach) > 0:
            if excess(inside) > 0:
                return inside
            return float(optimize.brentq(excess, inside, reach, xtol=tolerance, rtol=1e-12))
        if reach == end:
            return end
        inside, step = reach, step * 1.6
    return float(np.copysign(np.inf, step))


def profile_fixed(data: MixedSummary, found: MixedFit, column: int, level: float) -> Limits:
    """Profile interval of one fixed coefficient; ``found`` is a maximum likelihood fit."""
    critical = float(chi2_quantile(level, 1))
    weights = np.eye(len(found.beta))[column]

    def excess(value: float) -> float:
        fixed = held(data, weights, value)
        lam = best_factor(fixed, found.pattern, False, found.lam)
        return profiled(fixed, evaluate(fixed, lam), False)[0] - found.deviance - critical

    step = 2 * float(np.sqrt(found.covariance[column, column]))
    return _limits(excess, float(found.beta[column]), step, (-np.inf, np.inf))


def natural(found: MixedFit) -> Array:
    """(standard deviations (q), correlations, sigma) of a fit; nan for what a sd of 0 leaves."""
    covariance = found.random_covariance
    sd = np.sqrt(np.diag(covariance))
    below = np.tril(found.pattern, -1)
    product = np.outer(sd, sd)[below]
    correlation = np.full(product.shape, np.nan)
    np.divide(covariance[below], product, out=correlation, where=product > 0)
    return np.concatenate([sd, np.clip(correlation, -1, 1), [np.sqrt(found.sigma2)]])


def profile_sd(data: MixedSummary, found: MixedFit, position: int, level: float) -> Limits:
    """Profile interval of the standard deviation of one random effect; ``found`` is an ML fit."""
    axis, lam = position, found.lam
    direction = data.z_back[position]
    if found.correlated and data.n_random > 1:
        turn = first_along(direction)
        data, lam, axis = turned(data, turn), lower_factor(turn.T @ lam), 0
    unit, sigma = float(np.linalg.norm(direction)), float(np.sqrt(found.sigma2))
    here = _diagonal(found.pattern).tolist().index(axis)
    theta = lam[found.pattern]

    def place(value: float, point: Array) -> Array:
        return np.insert(point, here, value / np.exp(point[-1]))

    start = np.append(np.delete(theta, here), np.log(sigma))
    problem = _Problem(data, found.pattern, place, here)
    excess = problem.profile(start, found.deviance + float(chi2_quantile(level, 1)))
    centre = sigma * float(theta[here])
    step = 2 * max(centre, 0.05 * sigma) / float(np.sqrt(2 * max(len(data.zz), 2)))
    low, high = _limits(excess, centre, step, (0.0, np.inf))
    return unit * low, unit * high


def profile_sigma(data: MixedSummary, found: MixedFit, level: float) -> Limits:
    """Profile interval of the residual standard deviation; ``found`` is an ML fit."""

    def place(value: float, point: Array) -> Array:
        return np.append(point, value)

    problem = _Problem(data, found.pattern, place, int(found.pattern.sum()))
    limit = found.deviance + float(chi2_quantile(level, 1))
    excess = problem.profile(found.lam[found.pattern], limit)
    centre, step = 0.5 * float(np.log(found.sigma2)), 2 / float(np.sqrt(2 * data.n_rows))
    low, high = _limits(excess, centre, step, (-np.inf, np.inf))
    return float(np.exp(low)), float(np.exp(high))


def _diagonal(pattern: Flags) -> Index:
    """Row of each free element that lies on the diagonal, else -1."""
    rows, columns = np.nonzero(pattern)
    return np.where(rows == columns, rows, -1)


@dataclass(frozen=True, slots=True)
class _Point:
    """Deviance at lam and sigma, G, the slopes in (theta, log sigma), and the evaluation."""

    lam: Array
    sigma: float
    deviance: float
    g: Array
    slopes: Array
    at: Evaluation


@dataclass(frozen=True, slots=True)
class _Problem:
    """The deviance in theta (free elements of Lambda) and log sigma, one of them held.

    place(value, point): (theta, log sigma) where the held element is ``value`` and the others are
    ``point``; here: the position of the held one. An element of theta is held as a standard
    deviation, theta sigma = value.
    """

    data: MixedSummary
    pattern: Flags
    place: Callable[[float, Array], Array]
    here: int

    def at(self, value: float, point: Array) -> _Point:
        """Evaluate the deviance where the held element is ``value``."""
        whole = self.place(value, point)
        lam = np.zeros(self.pattern.shape)
        lam[self.pattern] = whole[:-1]
        sigma = float(np.exp(whole[-1]))
        deviance, g, slope, at = _sloped(self.data, lam, sigma)
        return _Point(lam, sigma, deviance, g, np.append((2 * g @ lam)[self.pattern], slope), at)

    def moves(self, lam: Array) -> Array:
        """Derivatives of (theta, log sigma) in what is free."""
        theta = lam[self.pattern]
        out = np.delete(np.eye(len(theta) + 1), self.here, axis=1)
        if self.here < len(theta):
            out[self.here, -1] = -theta[self.here]
        return out

    def hessian(self, now: _Point) -> Array:
        """Second derivatives in what is free."""
        moves = self.moves(now.lam)
        whole = curvature(self.data, now.at, now.lam, now.sigma**2, False, self.pattern)
        out = moves.T @ whole @ moves
        if self.here < len(whole) - 1:
            out[-1, -1] += now.slopes[self.here] * now.lam[self.pattern][self.here]
        return out

    def profile(self, start: Array, limit: float) -> Callable[[float], float]:
        """Deviance minimised over the rest, less ``limit``, as a function of the value held.

        Each search starts from the solution of the one before.
        """
        last = [start]
        diagonal = _diagonal(self.pattern)
        free = np.delete(np.append(diagonal, -1), self.here)

        def excess(value: float) -> float:
            def objective(point: Array) -> tuple[float, Array]:
                now = self.at(value, point)
                return now.deviance, now.slopes @ self.moves(now.lam)

            point = last[0]
            for _ in range(3):
                point = descend(objective, lambda p: self.hessian(self.at(value, p)), point)
                now = self.at(value, point)
                stuck = np.append(leaves_zero(now.lam, now.g), False)[free]
                if not stuck.any():
                    break
                point = np.where(stuck, 0.1, point)
            last[0] = point
            return now.deviance - limit

        return excess


def _sloped(data: MixedSummary, lam: Array, sigma: float) -> tuple[float, Array, float, Evaluation]:
    """Deviance (ML), the matrix G of its gradient in Lambda, and its slope in log sigma."""
    deviance, g, at = deviance_given_sigma(data, lam, sigma**2, False)
    return deviance, g, 2 * (data.n_rows - at.r2 / sigma**2), at


def profile_correlation(data: MixedSummary, found: MixedFit, level: float) -> Limits:
    """Profile interval of the correlation of two random effects; ``found`` is an ML fit.

    Where the model without one of the two lies within the limit, every correlation does.
    """
    limit = found.deviance + float(chi2_quantile(level, 1))
    if min(_alone(data, k) for k in (0, 1)) <= limit:
        return -1.0, 1.0
    correlation = natural(found)[2]
    centre = float(np.arctanh(np.clip(correlation, -1 + 1e-15, 1 - 1e-15)))
    centre = float(np.clip(centre, -FARTHEST, FARTHEST))
    excess = _correlated(data, found, limit)
    step = 1 / np.sqrt(max(len(data.zz), 2))
    low, high = _limits(excess, centre, float(step), (-FARTHEST, FARTHEST))
    return _correlation(low), _correlation(high)


def _correlation(z: float) -> float:
    return float(np.tanh(z)) if abs(z) < FARTHEST else float(np.sign(z))


def _alone(data: MixedSummary, kept: int) -> float:
    """Deviance of the model with one of two random effects, the other's variance being 0."""
    inward = np.linalg.inv(data.z_back)[:, kept]
    inward = inward / np.linalg.norm(inward)

    def deviance(size: float) -> float:
        lam = size * np.outer(inward, [1.0, 0.0])
        return profiled(data, evaluate(data, lam), False)[0]

    grid = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 40)])
    best = int(np.argmin([deviance(s) for s in grid]))
    ends = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return min(
        float(optimize.minimize_scalar(deviance, bounds=ends, method="bounded").fun),
        deviance(float(grid[best])),
    )


def _correlated(data: MixedSummary, found: MixedFit, limit: float) -> Callable[[float], float]:
    """Deviance of two effects with correlation tanh(z), less its limit, as a function of z.

    Searched over (log k in units, log s, log sigma), whose scale is the same for any origin of z.
    """
    inward = np.linalg.inv(data.z_back)
    length = np.linalg.norm(data.z_back, axis=1)
    angle = abs(float(np.linalg.det(data.z_back / length[:, None])))
    sd = natural(found)
    best = np.log([sd[0] / sd[1], sd[1], sd[-1]])
    last = [best]

    def excess(z: float) -> float:
        r, c = float(np.tanh(z)), 1 / float(np.cosh(z))
        across = np.array([[1.0, 0.0], [r, c]])
        unit = np.array([float(np.hypot(c, angle)), 1.0, 1.0])

        def at(logs: Array) -> tuple[float, Array]:
            ratio, size, sigma = np.exp(logs)
            sds = np.array([ratio * size, size]) / sigma
            lam = inward @ (sds[:, None] * across)
            deviance, g, slope, _ = _sloped(data, lam, float(sigma))
            g_lam = inward.T @ (2 * g @ lam) * across
            first, second = (g_lam * sds[:, None]).sum(axis=1)
            return deviance, np.array([first, first + second, slope - first - second])

        # the last solution may lie where one of the effects has vanished: no way leads back
        origin = min((best, last[0]), key=lambda logs: at(logs)[0])

        def objective(point: Array) -> tuple[float, Array]:
            deviance, gradient = at(origin + point * unit)
            return deviance, gradient * unit

        moved = descend(objective, lambda p: differenced(lambda q: objective(q)[1], p), np.zeros(3))
        last[0] = origin + moved * unit
        return objective(moved)[0] - limit

    return excess
