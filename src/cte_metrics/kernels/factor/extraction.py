r"""Common factors from a correlation matrix.

The model is ``R = L L' + Psi`` with ``L`` (p, m) loadings and ``Psi`` the diagonal matrix of
uniquenesses. For given uniquenesses the best loadings are eigenvectors, so each method minimises a
function of the p uniquenesses alone, here by Newton steps with analytic first and second
derivatives:

================  ======================================================  ==================
method            function (over the p - m smallest roots)                roots
================  ======================================================  ==================
minres, uls, ols  1/2 sum g_j^2, half the squared residuals               g of R - Psi
wls               the same with residuals r_ij weighted by sqrt(w_i w_j)  g of D (R - Psi) D
ml                sum (t_j - log t_j - 1)                                 t of E R E
gls               1/2 sum (1 - 1/t_j)^2                                   t of E R E
pa                fixed point of iterated communalities (no bound)        g of R - Psi
pc                none: principal components                              of R
================  ======================================================  ==================

Here ``w = 1 / diag(inv(R))``, ``D = diag(sqrt(w))`` and ``E = diag(1 / sqrt(psi))``.
minres, uls, ols and a converged principal axis are one solution as long as every uniqueness is
positive.

References
----------
Harman, H. H., & Jones, W. H. (1966). Factor analysis by minimizing residuals (minres).
    Psychometrika, 31.
Jöreskog, K. G. (1967). Some contributions to maximum likelihood factor analysis. Psychometrika,
    32.
Jöreskog, K. G., & Goldberger, A. S. (1972). Factor analysis by generalized least squares.
    Psychometrika, 37.
Jöreskog, K. G. (1977). Factor analysis by least-squares and maximum-likelihood methods.

Functions: ``extract, squared_multiple_correlations, least_squares_roots, likelihood_roots,
generalized_roots``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from scipy.linalg.lapack import dposv

from cte_metrics.arrays import Array, Flags

Method = Literal["minres", "uls", "ols", "ml", "wls", "gls", "pa", "pc"]
METHODS: tuple[str, ...] = get_args(Method)

LOWEST_UNIQUENESS = 0.005


@dataclass(frozen=True, slots=True)
class Extraction:
    """Unrotated solution.

    ``loadings`` (p, m), columns by falling eigenvalue, column sums not negative; ``uniquenesses``
    (p,) are one minus the communalities of those loadings; ``objective`` is the value of the
    method's function; ``bounded`` (p,) marks uniquenesses that the search held at the lower bound
    0.005.
    """

    loadings: Array
    uniquenesses: Array
    objective: float
    converged: bool
    iterations: int
    bounded: Flags

    @property
    def communalities(self) -> Array:
        """Sums of squared loadings (p,)."""
        return np.asarray(np.sum(self.loadings**2, axis=1))

    @property
    def heywood(self) -> Flags:
        """Items whose communality is 1 or more, or that would be without the bound."""
        return (self.communalities >= 1.0) | self.bounded


@dataclass(frozen=True, slots=True)
class Derivatives:
    """A function's value, gradient (p,) and Hessian (p, p)."""

    value: float
    gradient: Array
    hessian: Array


Objective = Callable[[Array], Derivatives]


def extract(r: Array, n_factors: int, method: Method = "minres") -> Extraction:
    """Extract ``n_factors`` from the correlation matrix ``r`` (p, p)."""
    r = np.asarray(r, dtype=np.float64)
    if method == "pc":
        return _principal_components(r, n_factors)
    if method == "pa":
        return _principal_axis(r, n_factors)
    if method in ("ml", "gls"):
        return _by_scaled_roots(r, n_factors, method)
    return _by_least_squares(r, n_factors, weighted=method == "wls")


def squared_multiple_correlations(r: Array) -> Array:
    """Squared multiple correlation of each variable with all others, ``1 - 1 / diag(inv(r))``."""
    return np.asarray(1.0 - 1.0 / np.diagonal(np.linalg.inv(r)))


def _start(r: Array) -> Array:
    """Uniquenesses to begin with: those of the squared multiple correlations, else one half."""
    try:
        start = 1.0 - squared_multiple_correlations(r)
    except np.linalg.LinAlgError:
        start = np.full(r.shape[0], 0.5)
    return np.where(np.isfinite(start) & (start > 0.0) & (start <= 1.0), start, 0.5)


# --- the functions of the uniquenesses ----------------------------------------------------------


def least_squares_roots(psi: Array, s: Array, m: int) -> Derivatives:
    """Half the sum of squares of the p - m smallest roots of ``s - diag(psi)``, with derivatives
    in psi.
    """
    roots, vectors = np.linalg.eigh(s - np.diag(psi))
    small = _n_small(roots, m, 0.0)
    low, high = roots[:small], roots[small:]
    u_low, u_high = vectors[:, :small], vectors[:, small:]
    gradient = -(u_low**2) @ low
    inner = (u_low @ u_low.T) ** 2
    weights = 2.0 * low[:, None] / _gaps(low, high)
    return Derivatives(0.5 * float(low @ low), gradient, inner + _between(u_low, u_high, weights))


def likelihood_roots(log_psi: Array, s: Array, m: int) -> Derivatives:
    """Normal-theory discrepancy with the loadings profiled out; derivatives in log(psi)."""
    roots, u_low, u_high, small = _scaled_roots(log_psi, s, m)
    low, high = roots[:small], roots[small:]
    slope = 1.0 - low
    value = float(np.sum(low - np.log(low) - 1.0))
    inner = ((u_low * low) @ u_low.T) * (u_low @ u_low.T)
    weights = -slope[:, None] * (low[:, None] + high) / _gaps(low, high)
    return Derivatives(value, (u_low**2) @ slope, inner + _between(u_low, u_high, weights))


def generalized_roots(log_psi: Array, s: Array, m: int) -> Derivatives:
    """Generalised least squares discrepancy, loadings profiled out; derivatives in log(psi)."""
    roots, u_low, u_high, small = _scaled_roots(log_psi, s, m)
    low, high = roots[:small], roots[small:]
    a = 1.0 / low
    slope = a * a - a
    value = 0.5 * float(np.sum((1.0 - a) ** 2))
    once = (u_low * a) @ u_low.T
    identity = u_low @ u_low.T
    inner = ((u_low * (a * a)) @ u_low.T) * identity + once * once - once * identity
    weights = -slope[:, None] * (low[:, None] + high) / _gaps(low, high)
    return Derivatives(value, (u_low**2) @ slope, inner + _between(u_low, u_high, weights))


def _scaled_roots(log_psi: Array, s: Array, m: int) -> tuple[Array, Array, Array, int]:
    scale = np.exp(-0.5 * log_psi)
    roots, vectors = np.linalg.eigh(s * np.outer(scale, scale))
    roots = np.maximum(roots, 1e-12)
    small = _n_small(roots, m, 1.0)
    return roots, vectors[:, :small], vectors[:, small:], small


def _n_small(roots: Array, m: int, floor: float) -> int:
    """How many of the ascending roots no factor accounts for: all but the m largest that exceed
    ``floor``.
    """
    p = roots.size
    return max(p - m, int(np.searchsorted(roots, floor, side="right")))


def _gaps(low: Array, high: Array) -> Array:
    """Differences of small and large roots, negative also where two roots are equal."""
    return np.asarray(np.minimum(low[:, None] - high, -1e-12))


def _between(u_low: Array, u_high: Array, weights: Array) -> Array:
    """Sum over pairs of a small and a large root of weight times z z', z the product of their
    vectors.
    """
    z = (u_low[:, :, None] * u_high[:, None, :]).reshape(u_low.shape[0], -1)
    return np.asarray((z * weights.reshape(-1)) @ z.T)


# --- minimisation -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where a bounded search ended."""

    x: Array
    value: float
    converged: bool
    iterations: int


def _minimise(
    objective: Objective,
    start: Array,
    lower: Array,
    upper: Array,
    *,
    known: Sequence[Minimum] = (),
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> Minimum:
    """Newton's method within bounds: variables held at a bound leave the step, backtracking keeps
    descent. A search that comes close to a ``known`` minimum ends there.
    """
    x = np.clip(start, lower, upper)
    now = objective(x)
    for iteration in range(max_iterations):
        held = ((x <= lower) & (now.gradient > 0)) | ((x >= upper) & (now.gradient < 0))
        free = ~held
        if not np.any(np.abs(now.gradient[free]) > tolerance):
            return Minimum(x, now.value, True, iteration)
        step = _step_of_free(now, held, free)
        moved = _backtrack(objective, x, now, step, lower, upper)
        if moved is None:
            flat = bool(np.max(np.abs(now.gradient[free])) < 1e-7)
            return Minimum(x, now.value, flat, iteration)
        x, now = moved
        for other in known:
            if float(np.max(np.abs(x - other.x))) < 1e-3:
                return other
    return Minimum(x, now.value, False, max_iterations)


def _step_of_free(now: Derivatives, held: Flags, free: Flags) -> Array:
    if not held.any():
        return _newton_step(now.hessian, now.gradient)
    step = np.zeros_like(now.gradient)
    step[free] = _newton_step(now.hessian[free][:, free], now.gradient[free])
    return step


def _newton_step(hessian: Array, gradient: Array) -> Array:
    _, solved, failed = dposv(hessian, gradient)
    if not failed:
        return np.asarray(-solved)
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-6 * max(float(np.max(np.abs(values))), 1e-6))
    return np.asarray(-vectors @ ((vectors.T @ gradient) / size))


def _backtrack(
    objective: Objective, x: Array, now: Derivatives, step: Array, lower: Array, upper: Array
) -> tuple[Array, Derivatives] | None:
    share = 1.0
    for _ in range(40):
        trial = np.clip(x + share * step, lower, upper)
        then = objective(trial)
        promised = float(now.gradient @ (trial - x))
        slack = 1e-13 * max(abs(now.value), 1e-3)
        if then.value <= now.value + 1e-4 * promised + slack:
            return (trial, then) if np.any(trial != x) else None
        share *= 0.4
    return None


# --- one function per family of methods ---------------------------------------------------------


def _best_minimum(objective: Objective, starts: list[Array], lower: Array, upper: Array) -> Minimum:
    """The minimum that the first two starts agree on; when they do not, or it touches the lower
    bound, the best from all starts.
    """
    best = _minimise(objective, starts[0], lower, upper)
    other = _minimise(objective, starts[1], lower, upper, known=[best])
    agreed = other.converged and abs(other.value - best.value) < 1e-8
    if best.converged and agreed and np.all(best.x > lower):
        return best
    known = [found for found in (best, other) if found.converged]
    for start in starts[2:]:
        found = _minimise(objective, start, lower, upper, known=known)
        if found.converged and not any(found is old for old in known):
            known.append(found)
    for found in known:
        if found.value < best.value - 1e-10:
            best = found
    return best


def _starts(r: Array, m: int) -> list[Array]:
    """Uniquenesses to begin with: from squared multiple correlations, flat, and with one item at a
    time small.
    """
    first = _start(r)
    p = first.size
    low = np.where(np.eye(p, dtype=np.bool_), 0.1, np.maximum(first, 0.2))
    return [first, np.clip((1.0 - 0.5 * m / p) * first, 0.05, 1.0), np.full(p, 0.5), *low]


def _by_least_squares(r: Array, m: int, *, weighted: bool) -> Extraction:
    starts = _starts(r, m)
    weight = starts[0] if weighted else np.ones(r.shape[0])
    root = np.sqrt(weight)
    s = r * np.outer(root, root)
    objective = partial(least_squares_roots, s=s, m=m)
    scaled = [start * weight for start in starts]
    found = _best_minimum(objective, scaled, LOWEST_UNIQUENESS * weight, weight)
    loadings = _leading(s - np.diag(found.x), m) / root[:, None]
    bounded = found.x <= LOWEST_UNIQUENESS * weight * (1.0 + 1e-9)
    return _solution(loadings, found, bounded)


def _by_scaled_roots(r: Array, m: int, method: Literal["ml", "gls"]) -> Extraction:
    p = r.shape[0]
    function = likelihood_roots if method == "ml" else generalized_roots
    starts = [np.log(np.clip(start, LOWEST_UNIQUENESS, 1.0)) for start in _starts(r, m)]
    low, high = np.full(p, np.log(LOWEST_UNIQUENESS)), np.zeros(p)
    found = _best_minimum(partial(function, s=r, m=m), starts, low, high)
    psi = np.exp(found.x)
    scale = np.sqrt(psi)
    roots, vectors = np.linalg.eigh(r / np.outer(scale, scale))
    size = np.sqrt(np.maximum(roots[::-1][:m] - 1.0, 0.0))
    loadings = scale[:, None] * (vectors[:, ::-1][:, :m] * size)
    return _solution(loadings, found, found.x <= low + 1e-9)


def _principal_axis(r: Array, m: int, warm_up: int = 10, max_iterations: int = 1000) -> Extraction:
    """Iterated communalities, finished by Newton steps where these keep the same fixed point."""
    communalities = 1.0 - _start(r)
    for _ in range(warm_up):
        communalities = np.sum(_leading(_with_diagonal(r, communalities), m) ** 2, axis=1)
    unlimited = np.full(r.shape[0], np.inf)
    objective = partial(least_squares_roots, s=r, m=m)
    found = _minimise(objective, 1.0 - communalities, -unlimited, unlimited)
    if not found.converged or np.any(np.abs(found.x) > 10.0):
        found = _iterate_communalities(r, m, communalities, max_iterations)
    loadings = _leading(r - np.diag(found.x), m)
    return _solution(loadings, found, np.zeros(r.shape[0], dtype=np.bool_))


def _iterate_communalities(r: Array, m: int, start: Array, max_iterations: int) -> Minimum:
    communalities = start
    change, iteration = np.inf, 0
    while change >= 1e-9 and iteration < max_iterations:
        iteration += 1
        reduced = _with_diagonal(r, communalities)
        renewed = np.sum(_leading(reduced, m) ** 2, axis=1)
        change = float(np.max(np.abs(renewed - communalities)))
        communalities = renewed
    value = least_squares_roots(1.0 - communalities, r, m).value
    return Minimum(1.0 - communalities, value, change < 1e-9, iteration)


def _principal_components(r: Array, m: int) -> Extraction:
    loadings = _leading(r, m)
    residual = r - loadings @ loadings.T
    value = 0.5 * float(np.sum(residual**2))
    nothing = np.zeros(r.shape[0], dtype=np.bool_)
    return _solution(loadings, Minimum(np.zeros(0), value, True, 0), nothing)


def _leading(s: Array, m: int) -> Array:
    """The m leading eigenvectors of ``s``, each as long as the square root of its (non-negative)
    root.
    """
    roots, vectors = np.linalg.eigh(s)
    return np.asarray(vectors[:, ::-1][:, :m] * np.sqrt(np.maximum(roots[::-1][:m], 0.0)))


def _with_diagonal(r: Array, diagonal: Array) -> Array:
    reduced = r.copy()
    np.fill_diagonal(reduced, diagonal)
    return reduced


def _solution(loadings: Array, found: Minimum, bounded: Flags) -> Extraction:
    signs = np.where(loadings.sum(axis=0) < 0.0, -1.0, 1.0)
    loadings = loadings * signs
    uniquenesses = 1.0 - np.sum(loadings**2, axis=1)
    return Extraction(
        loadings, uniquenesses, found.value, found.converged, found.iterations, bounded
    )
