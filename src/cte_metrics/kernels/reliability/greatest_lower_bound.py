"""The greatest lower bound of reliability, by a barrier method of its own.

The bound is (V - tr(C) + min sum(y)) / V with V = sum(C), over the communalities y of all
decompositions of C into a true and an error part that are both possible:

    minimise sum(y)  subject to  C - diag(C) + diag(y) positive semidefinite,  0 <= y <= diag(C)

For a weight t the central path minimises t sum(y) - log det M(y) - sum(log y) - sum(log(c - y))
with M = C - diag(C - y); with W = M^-1 the gradient is t - diag(W) - 1/y + 1/(c - y) and the
Hessian W * W + diag(1/y^2 + 1/(c - y)^2), so that a step costs one inversion. At weight t the
minimum is exceeded by at most 3k / t.

References
----------
Jackson, P. H. & Agunwamba, C. C. (1977). Psychometrika, 42, 567-578.
Bentler, P. M. & Woodward, J. A. (1980). Psychometrika, 45, 249-267.

Function: ``greatest_lower_bound``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array

_GROWTH = 15.0
_ACCURACY = 1e-9
_NEWTON_STEPS = 60


@dataclass(frozen=True, slots=True)
class LowerBound:
    """The bound with its decomposition.

    Attributes
    ----------
    bound : float
    communalities : (k,)
        True-score variances y.
    gradient : (k, k)
        M with d bound = tr(M dC), from the multipliers.
    converged : bool
    """

    bound: float
    communalities: Array
    gradient: Array
    converged: bool


def greatest_lower_bound(matrix: Array) -> LowerBound:
    """Solve for a positive definite matrix (k, k).

    Examples
    --------
    >>> found = greatest_lower_bound(np.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> round(found.bound, 6), found.communalities.round(6).tolist()
    (0.666667, [0.5, 0.5])
    """
    sd = np.sqrt(np.diagonal(matrix))
    r = matrix / np.outer(sd, sd)
    cost = np.square(sd) / np.square(sd).mean()
    y = np.full(len(r), 1.0 - 0.5 * min(float(np.linalg.eigvalsh(r)[0]), 1.0))
    t, k = 1.0, len(r)
    converged = True
    while 3 * k / t > _ACCURACY:
        t *= _GROWTH
        y, ended = _centre(r, cost, y, t)
        converged &= ended
    return _solution(matrix, r, sd, y, t, converged)


def _centre(r: Array, cost: Array, y: Array, t: float) -> tuple[Array, bool]:
    """Minimise the barrier function at weight t by Newton steps from a feasible y."""
    for _ in range(_NEWTON_STEPS):
        w = np.linalg.inv(_true_part(r, y))
        gradient = t * cost - np.diagonal(w) - 1 / y + 1 / (1 - y)
        hessian = w * w + np.diag(1 / y**2 + 1 / (1 - y) ** 2)
        step = -np.linalg.solve(hessian, gradient)
        decrement = float(-gradient @ step)
        if decrement < 1e-9:
            return y, True
        y = y + _length(r, y, step, decrement) * step
    return y, decrement < 1e-4


def _true_part(r: Array, y: Array) -> Array:
    out = r.copy()
    np.fill_diagonal(out, y)
    return out


def _length(r: Array, y: Array, step: Array, decrement: float) -> float:
    """Damped step: 1 near the path, else 1 / (1 + lambda); always feasible for this barrier."""
    scale = 1.0 if decrement < 0.25 else 1.0 / (1.0 + np.sqrt(decrement))
    while True:
        trial = y + scale * step
        inside = bool((trial > 0).all() and (trial < 1).all())
        if inside and np.linalg.eigvalsh(_true_part(r, trial))[0] > 0:
            return scale
        scale /= 2


def _solution(
    matrix: Array, r: Array, sd: Array, y: Array, t: float, converged: bool
) -> LowerBound:
    """Undo the scaling; the multipliers of M and of y <= c give the derivative in C."""
    total, variance = matrix.sum(), np.square(sd)
    errors = (variance * (1.0 - y)).sum()
    multiplier = np.linalg.inv(_true_part(r, y)) * variance.mean() / t / np.outer(sd, sd)
    at_limit = variance.mean() / t / (1.0 - y) / variance
    np.fill_diagonal(multiplier, 1.0 + at_limit)
    gradient = errors / total**2 - multiplier / total
    return LowerBound(float(1.0 - errors / total), variance * y, gradient, converged)
