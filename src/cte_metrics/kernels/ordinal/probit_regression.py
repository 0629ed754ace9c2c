"""Ordered probit and linear regressions on covariates, one variable at a time.

An ordinal variable's row has probability ``Phi(u_1) - Phi(u_0)`` with ``u = tau - x'beta`` at the
thresholds above and below its category. The log-likelihood is concave in (tau, beta), so plain
Newton steps, halved when they overshoot, reach the maximum.

References
----------
McKelvey, R. D., & Zavoina, W. (1975). A statistical model for the analysis of ordinal level
    dependent variables. Journal of Mathematical Sociology, 4, 103-120.

Functions: ``ordered_probit, linear_regression``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cte_metrics.arrays import Array

FAR = 37.0
_TOLERANCE = 1e-10
_MAX_STEPS = 50
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class ProbitFit:
    """One ordered probit regression.

    Attributes
    ----------
    cuts : (K - 1,) float64
    slopes : (q,) float64
    upper, lower : (n,) float64
        Thresholds above and below each row's category minus ``x'beta``.
    scores : (K - 1 + q, n) float64
        Casewise derivatives of the log-likelihood by thresholds and slopes; 0 where missing.
    converged : bool
    """

    cuts: Array
    slopes: Array
    upper: Array
    lower: Array
    scores: Array
    converged: bool


@dataclass(frozen=True, slots=True)
class LinearFit:
    """One linear regression.

    Attributes
    ----------
    intercept, variance : float
        The residual variance has divisor n.
    slopes : (q,) float64
    residuals : (n,) float64
    scores : (2 + q, n) float64
        By intercept, slopes and variance; 0 where missing.
    """

    intercept: float
    slopes: Array
    variance: float
    residuals: Array
    scores: Array


def ordered_probit(
    codes: NDArray[np.integer], n_categories: int, x: Array, weights: Array | None = None
) -> ProbitFit:
    """Regress one ordinal variable on covariates.

    Parameters
    ----------
    codes : (n,) integer
        Categories from 0; -1 where missing.
    n_categories : int
    x : (n, q) float64
        Complete covariates.
    weights : (n,) float64, optional
    """
    seen = codes >= 0
    w = np.where(seen, 1.0 if weights is None else weights, 0.0)
    design = _Design(codes, n_categories, x)
    counts = np.bincount(codes[seen], w[seen], minlength=n_categories)
    cuts = special.ndtri(np.cumsum(counts)[:-1] / counts.sum())
    theta = np.concatenate([cuts, np.zeros(x.shape[1])])
    value = design.log_likelihood(theta, w)
    converged = False
    for _ in range(_MAX_STEPS):
        scores, hessian = design.slopes(theta, w)
        step: Array = np.linalg.solve(hessian, -(scores @ w)).astype(np.float64)
        theta, value = _halved(design, theta, step, w, value)
        if np.abs(step).max(initial=0.0) < _TOLERANCE:
            converged = True
            break
    scores, _ = design.slopes(theta, w)
    upper, lower = design.bounds(theta)
    k = n_categories - 1
    return ProbitFit(theta[:k], theta[k:], upper, lower, np.where(seen, scores, 0.0), converged)


def _halved(
    design: _Design, theta: Array, step: Array, w: Array, value: float
) -> tuple[Array, float]:
    """The point after the step, or after a half, a quarter, ... of it."""
    length = 1.0
    for _ in range(30):
        new = theta + length * step
        found = design.log_likelihood(new, w)
        if found >= value - 1e-12 * abs(value):
            return new, found
        length *= 0.5
    return theta, value


@dataclass(frozen=True, slots=True)
class _Design:
    """Rows of one ordinal variable as indicators of the thresholds around their category."""

    codes: NDArray[np.integer]
    n_categories: int
    x: Array

    def bounds(self, theta: Array) -> tuple[Array, Array]:
        k = self.n_categories - 1
        ends = np.concatenate([[-FAR], theta[:k], [FAR]])
        place = np.maximum(self.codes, 0)
        shift = self.x @ theta[k:]
        inner_above, inner_below = place < k, place > 0
        return (
            ends[place + 1] - np.where(inner_above, shift, 0.0),
            ends[place] - np.where(inner_below, shift, 0.0),
        )

    def log_likelihood(self, theta: Array, w: Array) -> float:
        if (np.diff(theta[: self.n_categories - 1]) <= 0.0).any():
            return -np.inf
        p = _between(*self.bounds(theta))
        return float(w @ np.log(np.maximum(p, np.finfo(float).tiny)))

    def slopes(self, theta: Array, w: Array) -> tuple[Array, Array]:
        """Casewise scores (K - 1 + q, n) and the Hessian."""
        u, v = self.bounds(theta)
        inverse = 1.0 / np.maximum(_between(u, v), np.finfo(float).tiny)
        above, below = _normal(u), _normal(v)
        k = self.n_categories - 1
        level = np.arange(k)[:, None]
        d_upper = np.concatenate([(self.codes == level).astype(float), -self.x.T])
        d_lower = np.concatenate([(self.codes == level + 1).astype(float), -self.x.T])
        scores = (d_upper * above - d_lower * below) * inverse
        bend_u, bend_v = -u * above * inverse * w, v * below * inverse * w
        hessian = (d_upper * bend_u) @ d_upper.T + (d_lower * bend_v) @ d_lower.T
        return scores, hessian - (scores * w) @ scores.T


def _normal(u: Array) -> Array:
    return np.asarray(np.exp(-0.5 * u * u) / _ROOT_2PI)


def _between(u: Array, v: Array) -> Array:
    """``Phi(u) - Phi(v)`` from the tail in which both are small."""
    flip = v > 0.0
    return np.where(flip, special.ndtr(-v) - special.ndtr(-u), special.ndtr(u) - special.ndtr(v))


def linear_regression(y: Array, x: Array, weights: Array | None = None) -> LinearFit:
    """Regress one numeric variable (n,), nan where missing, on complete covariates (n, q)."""
    seen = ~np.isnan(y)
    w = np.where(seen, 1.0 if weights is None else weights, 0.0)
    design = np.column_stack([np.ones(len(y)), x])
    filled = np.where(seen, y, 0.0)
    beta = np.linalg.solve((design.T * w) @ design, (design.T * w) @ filled)
    residuals = np.where(seen, filled - design @ beta, np.nan)
    zero = np.where(seen, residuals, 0.0)
    variance = float((w * zero * zero).sum() / w.sum())
    scores = np.concatenate(
        [
            design.T * zero / variance,
            np.where(seen, zero * zero / variance - 1.0, 0.0)[None] / (2.0 * variance),
        ]
    )
    return LinearFit(float(beta[0]), beta[1:], variance, residuals, scores)
