"""Likelihood of ordinal items with one factor within and one between clusters.

Member i of cluster j answers item k in category c (from 0) with probability

    F(tau_k,c+1 - eta) - F(tau_k,c - eta),   eta = a_k w_i + b_k u_j,   w, u ~ N(0, 1),

F the normal (or logistic) distribution function, tau_k,0 and tau_k,C at minus and plus infinity. Schools
differ on an item only through the factor u. The integrals over w and u are sums over points with
normal weights on an even grid:

    l = sum_j log sum_u p(u) prod_i sum_w p(w) prod_k P_k(y_ik | w, u).

All log-probabilities of a block of cases at all points are one matrix product of the answers' indicators
with the table of log P, and the expected counts that the gradient needs are another; answers that
are missing have no indicator. Clusters are whole within a block, so memory does not grow with their number.

References: Grilli, L. & Rampichini, C. (2007). Multilevel factor models for ordinal variables. Structural
Equation Modeling, 14, 1-25. Bock, R. D. & Aitkin, M. (1981). Psychometrika, 46, 443-459.

Functions: ``ordinal_clusters``, ``ordinal_evaluate``, ``ordinal_posterior``, ``even_grid``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

__all__ = [
    "OrdinalClusters",
    "OrdinalParameters",
    "even_grid",
    "ordinal_clusters",
    "ordinal_evaluate",
    "ordinal_posterior",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Link = Literal["probit", "logit"]
BLOCK_CELLS = 4_000_000
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class OrdinalClusters:
    """Answers as indicators, members of a cluster next to each other.

    indicators: (N, sum of C_k); first: (k + 1,) first column of each item; starts: (J + 1,) first row of
    each cluster; order: (N,) where the rows stood; clusters: (J,) original numbers.
    """

    indicators: Floats
    first: Ints
    starts: Ints
    order: Ints

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.first) - 1

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.starts) - 1


def ordinal_clusters(codes: Floats, n_categories: Ints, cluster: Ints) -> OrdinalClusters:
    """Arrange category codes (N, k), from 0 with nan for gaps, by cluster number 0..J-1 (N,)."""
    order = np.argsort(cluster, kind="stable")
    first = np.concatenate([[0], np.cumsum(n_categories)]).astype(np.intp)
    indicators = np.zeros((len(codes), int(first[-1])))
    rows, items = np.nonzero(~np.isnan(codes[order]))
    chosen = codes[order][rows, items].astype(np.intp)
    indicators[rows, first[items] + chosen] = 1.0
    starts = np.concatenate([[0], np.cumsum(np.bincount(cluster))]).astype(np.intp)
    return OrdinalClusters(indicators, first, starts, order)


@dataclass(frozen=True, slots=True)
class OrdinalParameters:
    """within, between: (k,) loadings; thresholds: one increasing array of C_k - 1 per item."""

    within: Floats
    between: Floats
    thresholds: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class OrdinalEvaluation:
    """Log-likelihood and its derivatives by each part of the parameters."""

    loglik: float
    within: Floats
    between: Floats
    thresholds: tuple[Floats, ...]


def even_grid(n_points: int, limit: float = 5.0) -> tuple[Floats, Floats]:
    """Return points between -limit and limit and the logarithms of their normal weights."""
    points = np.linspace(-limit, limit, n_points)
    logs = -0.5 * points**2
    return points, logs - np.log(np.exp(logs).sum())


@dataclass(frozen=True, slots=True)
class _Points:
    """All pairs (u, w), u slowest: values of each and the two grids' log-weights."""

    u: Floats
    w: Floats
    log_u: Floats
    log_w: Floats


def _pairs(n_between: int, n_within: int) -> _Points:
    u, log_u = even_grid(n_between)
    w, log_w = even_grid(n_within)
    return _Points(np.repeat(u, n_within), np.tile(w, n_between), log_u, log_w)


def _bounds(tau: Floats, eta: Floats, link: Link) -> tuple[Floats, Floats]:
    """Return F and its density at the boundaries of the categories, each (Q, C + 1)."""
    x = tau - eta[:, None]
    if link == "probit":
        inner, density = ndtr(x), np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    else:
        inner = expit(x)
        density = inner * (1.0 - inner)
    edge = np.zeros((len(eta), 1))
    return np.hstack([edge, inner, edge + 1.0]), np.hstack([edge, density, edge])


def _log_table(data: OrdinalClusters, p: OrdinalParameters, at: _Points, link: Link) -> Floats:
    """Return log P of every category of every item at every pair of points, (Q, sum of C_k)."""
    parts = []
    for a, b, tau in zip(p.within, p.between, p.thresholds, strict=True):
        cumulated, _ = _bounds(tau, a * at.w + b * at.u, link)
        parts.append(np.log(np.maximum(np.diff(cumulated, axis=1), TINY)))
    return np.hstack(parts)


def _blocks(data: OrdinalClusters, n_points: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of whole clusters whose members times points fit the block size."""
    limit = max(1, BLOCK_CELLS // n_points)
    first = 0
    while first < data.n_clusters:
        last = int(np.searchsorted(data.starts, data.starts[first] + limit, side="right")) - 1
        last = min(max(last, first + 1), data.n_clusters)
        yield first, last
        first = last


@dataclass(frozen=True, slots=True)
class _Block:
    """Of some clusters: log-likelihoods (J,), posterior of u (J, Q_u), and of (u, w) (N, Q)."""

    logliks: Floats
    posterior: Floats
    weights: Floats


def _integrate(data: OrdinalClusters, table: Floats, at: _Points, span: tuple[int, int]) -> _Block:
    starts = data.starts[span[0] : span[1] + 1]
    rows = slice(int(starts[0]), int(starts[-1]))
    n_u, n_w = len(at.log_u), len(at.log_w)
    joint = (data.indicators[rows] @ table.T).reshape(-1, n_u, n_w) + at.log_w
    top = joint.max(axis=2)
    np.exp(joint - top[:, :, None], out=joint)
    total = joint.sum(axis=2)
    joint /= total[:, :, None]
    by_case = np.log(total) + top
    by_cluster = np.add.reduceat(by_case, starts[:-1] - starts[0], axis=0) + at.log_u
    highest = by_cluster.max(axis=1, keepdims=True)
    posterior = np.exp(by_cluster - highest)
    mass = posterior.sum(axis=1, keepdims=True)
    posterior /= mass
    joint *= np.repeat(posterior, np.diff(starts), axis=0)[:, :, None]
    logliks = (np.log(mass) + highest)[:, 0]
    return _Block(logliks, posterior, joint.reshape(len(joint), -1))


def ordinal_evaluate(
    data: OrdinalClusters,
    parameters: OrdinalParameters,
    *,
    n_points: tuple[int, int],
    link: Link = "probit",
) -> OrdinalEvaluation:
    """Return log-likelihood and gradient; `n_points` are those of u and of w."""
    at = _pairs(*n_points)
    table = _log_table(data, parameters, at, link)
    loglik, counts = 0.0, np.zeros_like(table)
    for span in _blocks(data, len(table)):
        block = _integrate(data, table, at, span)
        rows = slice(int(data.starts[span[0]]), int(data.starts[span[1]]))
        counts += block.weights.T @ data.indicators[rows]
        loglik += float(block.logliks.sum())
    within, between = np.zeros(data.n_items), np.zeros(data.n_items)
    thresholds = []
    for k, tau in enumerate(parameters.thresholds):
        eta = parameters.within[k] * at.w + parameters.between[k] * at.u
        cumulated, density = _bounds(tau, eta, link)
        ratio = counts[:, data.first[k] : data.first[k + 1]]
        ratio = ratio / np.maximum(np.diff(cumulated, axis=1), TINY)
        by_bound = (ratio[:, :-1] - ratio[:, 1:]) * density[:, 1:-1]
        by_eta = -by_bound.sum(axis=1)
        thresholds.append(by_bound.sum(axis=0))
        within[k], between[k] = by_eta @ at.w, by_eta @ at.u
    return OrdinalEvaluation(loglik, within, between, tuple(thresholds))


def ordinal_posterior(
    data: OrdinalClusters,
    parameters: OrdinalParameters,
    *,
    n_points: tuple[int, int],
    link: Link = "probit",
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of u given the answers of each cluster, (J,) each."""
    at = _pairs(*n_points)
    table = _log_table(data, parameters, at, link)
    points = even_grid(n_points[0])[0]
    spans = list(_blocks(data, len(table)))
    posterior = np.vstack([_integrate(data, table, at, span).posterior for span in spans])
    mean = posterior @ points
    return mean, np.sqrt(np.maximum(posterior @ points**2 - mean**2, 0.0))
