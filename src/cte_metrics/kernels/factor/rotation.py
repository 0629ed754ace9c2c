r"""Rotation of factor loadings.

`rotate` turns unrotated loadings ``A`` (p, k) into a pattern ``L = A inv(T)'`` with factor
correlations ``Phi = T'T``, so that ``L Phi L' = A A'``. The methods and their options (defaults as
in GPArotation and psych):

==================================================  =======================================
varimax, quartimax, equamax, entropy, bifactor      orthogonal; no options
geomin_t (delta=.01), bentler_t, infomax_t,         orthogonal
crawford_ferguson_t (kappa=0), target_t
oblimin (gamma=0), quartimin, geomin (delta=.01),   oblique
bentler, infomax, oblimax, crawford_ferguson
(kappa=0), simplimax (n_zeros=p), target
promax (power=4)                                    oblique; varimax, then powers
none                                                the loadings as they are
==================================================  =======================================

target and target_t take ``target`` (p, k), nan where a loading is free, and ``weights`` (p, k).
All but promax by `gradient_projection` from the identity and ``n_starts`` random orthogonal
matrices; the generator is seeded, so a call returns the same answer each time.

References
----------
Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor analysis.
    Psychometrika, 23.
Hendrickson, A. E., & White, P. O. (1964). Promax: a quick method for rotation to oblique simple
    structure. BJSP, 17.
Crawford, C. B., & Ferguson, G. A. (1970). A general rotation criterion. Psychometrika, 35.

Functions: ``rotate, arrange, matching_columns, factor_variances``. Tables: ``METHODS, OPTIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal, get_args

import numpy as np
from scipy.optimize import linear_sum_assignment

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.factor import rotation_criteria as criteria
from cte_metrics.kernels.factor.gradient_projection import minimise, orthogonal_starts
from cte_metrics.kernels.factor.rotation_criteria import Criterion
from cte_metrics.kernels.factor.rotation_manifolds import Oblique, Orthogonal

Method = Literal[
    "none",
    "varimax",
    "quartimax",
    "equamax",
    "promax",
    "oblimin",
    "quartimin",
    "geomin",
    "bentler",
    "infomax",
    "oblimax",
    "entropy",
    "crawford_ferguson",
    "simplimax",
    "bifactor",
    "target",
    "geomin_t",
    "bentler_t",
    "infomax_t",
    "crawford_ferguson_t",
    "target_t",
]
METHODS: tuple[str, ...] = get_args(Method)
ORTHOGONAL = frozenset(
    {
        "none",
        "varimax",
        "quartimax",
        "equamax",
        "entropy",
        "bifactor",
        "geomin_t",
        "bentler_t",
        "infomax_t",
        "crawford_ferguson_t",
        "target_t",
    }
)
OPTIONS: dict[str, tuple[str, ...]] = {
    "oblimin": ("gamma",),
    "geomin": ("delta",),
    "geomin_t": ("delta",),
    "crawford_ferguson": ("kappa",),
    "crawford_ferguson_t": ("kappa",),
    "simplimax": ("n_zeros",),
    "promax": ("power",),
    "target": ("target", "weights"),
    "target_t": ("target", "weights"),
}
SEARCH_OPTIONS = ("n_starts", "rng", "tolerance", "max_iterations")

# Criteria with one basin in practice need few starts; simplimax has very many local minima.
_N_STARTS = {
    "varimax": 8,
    "quartimax": 8,
    "equamax": 8,
    "oblimin": 8,
    "quartimin": 8,
    "crawford_ferguson": 8,
    "crawford_ferguson_t": 8,
    "target": 8,
    "target_t": 8,
    "simplimax": 100,
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """``loadings`` (p, k) pattern, ``phi`` (k, k), ``transformation`` T (k, k) with ``L = A
    inv(T)'``.
    """

    loadings: Array
    phi: Array
    transformation: Array
    criterion: float
    converged: bool


def rotate(
    loadings: Array,
    method: Method = "oblimin",
    *,
    kaiser: bool = False,
    n_starts: int | None = None,
    rng: int | np.random.Generator = 0,
    tolerance: float = 1e-9,
    max_iterations: int = 500,
    **options: Any,
) -> Rotation:
    """Rotate ``loadings`` (p, k); see the module for methods and options.

    ``kaiser`` rotates rows of length one. Factors come back by falling share of the common
    variance with column sums not negative, except that target rotations keep the target's columns
    and a bifactor rotation its first.
    """
    a = np.asarray(loadings, dtype=np.float64)
    k = a.shape[1]
    if method == "none" or k == 1:
        return arrange(Rotation(a, np.eye(k), np.eye(k), np.nan, True), keep=method == "none")
    if method == "promax":
        return arrange(promax(a, kaiser=kaiser, **options))
    rows = _row_lengths(a) if kaiser else np.ones((a.shape[0], 1))
    criterion = criterion_of(method, a.shape, **options)
    family = Orthogonal if method in ORTHOGONAL else Oblique
    extra = _N_STARTS.get(method, 30) if n_starts is None else n_starts
    starts = _starts(k, extra, rng)
    found = minimise(
        family(a / rows, criterion), starts, tolerance=tolerance, max_iterations=max_iterations
    )
    t = found.transformation
    phi = np.eye(k) if method in ORTHOGONAL else _with_unit_diagonal(t.T @ t)
    turned = Rotation(found.loadings * rows, phi, t, found.value, found.converged)
    return _finished(turned, method)


def _starts(k: int, n_starts: int, rng: int | np.random.Generator) -> Array:
    if isinstance(rng, int | np.integer):
        return _seeded_starts(k, n_starts, int(rng)).copy()
    return orthogonal_starts(k, n_starts, np.random.default_rng(rng))


@lru_cache(maxsize=32)
def _seeded_starts(k: int, n_starts: int, seed: int) -> Array:
    return orthogonal_starts(k, n_starts, np.random.default_rng(seed))


def criterion_of(method: str, shape: tuple[int, ...], **options: Any) -> Criterion:
    """The criterion of ``method`` for loadings of ``shape`` as a function of loadings alone."""
    p, k = shape
    name = method.removesuffix("_t")
    if name == "target":
        return _target_criterion(**options)
    if name == "simplimax":
        return partial(criteria.simplimax, n_zeros=int(options.get("n_zeros", p)))
    if name == "equamax":
        return partial(criteria.crawford_ferguson, kappa=k / (2.0 * p))
    if name == "quartimin":
        return criteria.oblimin
    function: Criterion = getattr(criteria, name)
    return partial(function, **options) if options else function


def _target_criterion(target: Array, weights: Array | None = None) -> Criterion:
    goal = np.asarray(target, dtype=np.float64)
    given = np.isfinite(goal)
    weight = given.astype(np.float64) if weights is None else np.where(given, weights, 0.0)
    return partial(criteria.target, goal=np.where(given, goal, 0.0), weights=weight)


def promax(a: Array, power: float = 4.0, *, kaiser: bool = True) -> Rotation:
    """Least-squares oblique fit to powered varimax loadings; ``kaiser`` takes rows of length one
    for both.
    """
    start = rotate(a, "varimax", kaiser=kaiser)
    try:
        powered = powered_transformation(start.loadings, power, kaiser=kaiser)
        to_factors = start.transformation @ powered
    except np.linalg.LinAlgError:  # a factor without loadings of its own
        return replace(start, converged=False)
    t = np.asarray(np.linalg.inv(to_factors).T, dtype=np.float64)
    phi = _with_unit_diagonal(t.T @ t)
    return Rotation(a @ to_factors, phi, t, start.criterion, start.converged)


def powered_transformation(start: Array, power: float, *, kaiser: bool = True) -> Array:
    """Promax's matrix U (k, k): ``start U`` fits the powered ``start``, with rows of length one
    where ``kaiser``.
    """
    normal = start / _row_lengths(start) if kaiser else start
    goal = normal * np.abs(normal) ** (power - 1.0)
    u = np.linalg.lstsq(normal, goal, rcond=None)[0]
    return np.asarray(u * np.sqrt(np.diagonal(np.linalg.inv(u.T @ u))))


def factor_variances(loadings: Array, phi: Array) -> Array:
    """Variance of the items that each factor accounts for, ``diag(Phi L'L)`` (k,)."""
    return np.asarray(np.einsum("ij,ji->i", phi, loadings.T @ loadings))


def arrange(rotation: Rotation, *, keep: bool = False, first: int = 0) -> Rotation:
    """Factors by falling variance (unless ``keep``; the ``first`` columns stay), column sums not
    negative.
    """
    k = rotation.loadings.shape[1]
    variance = np.round(factor_variances(rotation.loadings, rotation.phi), 10)
    rest = first + np.argsort(-variance[first:], kind="stable")
    order = np.arange(k) if keep else np.concatenate([np.arange(first), rest]).astype(np.intp)
    signs = np.where(rotation.loadings.sum(axis=0) < 0.0, -1.0, 1.0)[order]
    return Rotation(
        rotation.loadings[:, order] * signs,
        rotation.phi[np.ix_(order, order)] * np.outer(signs, signs),
        rotation.transformation[:, order] * signs,
        rotation.criterion,
        rotation.converged,
    )


def matching_columns(base: Array, other: Array) -> tuple[Index, Array]:
    """Order and signs (k,) that bring the columns of ``other`` (p, k) nearest to ``base``'s."""
    lengths = np.sqrt(np.outer((base**2).sum(axis=0), (other**2).sum(axis=0)))
    likeness = base.T @ other / np.maximum(lengths, 1e-300)
    order = np.asarray(linear_sum_assignment(-np.abs(likeness))[1], dtype=np.intp)
    signs = np.where(likeness[np.arange(len(order)), order] < 0.0, -1.0, 1.0)
    return order, signs


def _finished(rotation: Rotation, method: str) -> Rotation:
    if method.startswith("target"):
        return rotation
    return arrange(rotation, first=1 if method == "bifactor" else 0)


def _row_lengths(a: Array) -> Array:
    lengths = np.sqrt((a * a).sum(axis=1, keepdims=True))
    return np.where(lengths > 0.0, lengths, 1.0)


def _with_unit_diagonal(phi: Array) -> Array:
    phi = 0.5 * (phi + phi.T)
    np.fill_diagonal(phi, 1.0)
    return np.asarray(phi)
