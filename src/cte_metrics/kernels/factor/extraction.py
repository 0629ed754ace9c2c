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

Functions: ``extract, squared_multiple_correlations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal, get_args

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.factor.profiled_discrepancy import (
    generalized_roots,
    least_squares_roots,
    likelihood_roots,
)
from cte_metrics.kernels.numerics.bounded_newton import Minimum, Objective, minimise_within

Method = Literal["minres", "uls", "ols", "ml", "wls", "gls", "pa", "pc"]
METHODS: tuple[str, ...] = get_args(Method)

LOWEST_UNIQUENESS = 0.005
_FEW_ITEMS = 16


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
        """Items whose communality reaches 1, or is held at .995 by the bound, or close to it."""
        held = np.where(self.bounded, 2.0, 1.0 + 1e-6)
        return np.asarray(self.communalities >= 1.0 - LOWEST_UNIQUENESS * held)

    @property
    def only_held(self) -> Flags:
        """Items whose uniqueness is held at the bound while their communality stays far below."""
        return self.bounded & ~self.heywood


def extract(
    r: Array, n_factors: int, method: Method = "minres", *, thorough: bool = True
) -> Extraction:
    """Extract ``n_factors`` from the correlation matrix ``r`` (p, p).

    The bounded methods return the lowest of the minima that 16 fixed starts lead to (28 for up to
    16 items, where minima are more often several); without ``thorough`` two starts are enough
    where they agree off the bound.
    """
    r = np.asarray(r, dtype=np.float64)
    if method == "pc":
        return _principal_components(r, n_factors)
    if method == "pa":
        return _principal_axis(r, n_factors)
    if method in ("ml", "gls"):
        return _by_scaled_roots(r, n_factors, method, thorough=thorough)
    return _by_least_squares(r, n_factors, weighted=method == "wls", thorough=thorough)


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


# --- one function per family of methods ---------------------------------------------------------


def _best_minimum(
    objective: Objective, starts: Array, lower: Array, upper: Array, *, thorough: bool
) -> Minimum:
    """The lowest minimum that the ``starts`` (b, p) lead to, the first at equal height. Without
    ``thorough`` the first two will do where they agree off the lower bound.
    """
    first = minimise_within(objective, starts[:1], lower, upper)
    if not thorough:
        first += minimise_within(objective, starts[1:2], lower, upper, known=_places(first))
        if len(first) == 1 and first[0].converged and np.all(first[0].x > lower):
            return first[0]
    rest = minimise_within(objective, starts[1:], lower, upper, known=_places(first))
    return _lowest([*first, *rest])


def _places(found: list[Minimum]) -> Array | None:
    """Where converged searches ended (c, p)."""
    at = [f.x for f in found if f.converged]
    return np.stack(at) if at else None


def _lowest(found: list[Minimum]) -> Minimum:
    usable = [f for f in found if f.converged] or found
    best = usable[0]
    for other in usable[1:]:
        if other.value < best.value - 1e-10:
            best = other
    return best


def _starts(r: Array) -> Array:
    """Uniquenesses to begin with (b, p): from squared multiple correlations, flat, with one of the
    least unique items at a time smaller still, and at random.
    """
    first = _start(r)
    p = first.size
    alone = np.argsort(first, kind="stable")[: 10 if p <= _FEW_ITEMS else 6]
    low = np.where(alone[:, None] == np.arange(p), 0.02, np.maximum(first, 0.2))
    return np.vstack([first, np.full(p, 0.5), low, _random_starts(p)])


@lru_cache(maxsize=64)
def _random_starts(p: int) -> Array:
    n_starts = 16 if p <= _FEW_ITEMS else 8
    return np.asarray(np.random.default_rng(p).uniform(0.05, 0.95, (n_starts, p)))


def _by_least_squares(r: Array, m: int, *, weighted: bool, thorough: bool) -> Extraction:
    starts = _starts(r)
    weight = starts[0] if weighted else np.ones(r.shape[0])
    root = np.sqrt(weight)
    s = r * np.outer(root, root)
    objective = partial(least_squares_roots, s=s, m=m)
    low = LOWEST_UNIQUENESS * weight
    found = _best_minimum(objective, starts * weight, low, weight, thorough=thorough)
    loadings = _leading(s - np.diag(found.x), m) / root[:, None]
    bounded = found.x <= LOWEST_UNIQUENESS * weight * (1.0 + 1e-9)
    return _solution(loadings, found, bounded)


def _by_scaled_roots(
    r: Array, m: int, method: Literal["ml", "gls"], *, thorough: bool
) -> Extraction:
    p = r.shape[0]
    function = likelihood_roots if method == "ml" else generalized_roots
    starts = np.log(np.clip(_starts(r), LOWEST_UNIQUENESS, 1.0))
    low, high = np.full(p, np.log(LOWEST_UNIQUENESS)), np.zeros(p)
    found = _best_minimum(partial(function, s=r, m=m), starts, low, high, thorough=thorough)
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
    (found,) = minimise_within(objective, 1.0 - communalities[None], -unlimited, unlimited)
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
    value = float(least_squares_roots(1.0 - communalities, r, m).value)
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
