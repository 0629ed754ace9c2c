"""Within correlation and between covariance of pairs of ordinal items in clusters.

Items i and k of a respondent have latent responses ``w + b`` with

    w ~ N(0, [[1, rho], [rho, 1]]),        b ~ N(0, [[psi_i, sigma], [sigma, psi_k]])

within and between clusters. Thresholds and the between variances psi are those of the items
(``kernels.two_level.probit``); rho and sigma maximise the likelihood of the pair's tables by
cluster, the integral over b being a trapezoidal sum over ``u`` with ``b = L u``, ``L L'`` the
between covariance matrix. The probabilities of the cells at a node are the same for all clusters,
so a cluster costs one product of its table with their logarithms.

Scores by rho and the thresholds are posterior means of the complete-data scores; scores by the
between covariance matrix are ``M = 1/2 L^-T (E[u u'] - I) L^-1``.

References
----------
Asparouhov, T. & Muthen, B. (2007). Computationally efficient estimation of multilevel
    high-dimensional latent variable models. Proceedings of the Joint Statistical Meetings.

Functions: ``pair_tables, pair_fits``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Codes, Flags, Index
from cte_metrics.kernels.numerics.batched_newton import ascend
from cte_metrics.kernels.numerics.bivariate_normal import edge_slopes
from cte_metrics.kernels.two_level.ordinal_cells import node_cells, node_slopes
from cte_metrics.kernels.two_level.probit import ItemFits, nodes

LIMIT = 0.99
"""Largest absolute correlation of a pair, within and between."""
_TINY = 1e-18
_REACH = 6.0
_SPACING = 1.15
_STEP = 5e-3
_NODES = 60_000


@dataclass(frozen=True, slots=True)
class PairFits:
    """Pairs (i, k), i < k, of p items, in the order of ``numpy.triu_indices(p, 1)``.

    ``within`` (P,) correlations and ``between`` (P,) covariances; ``scores`` (P, J, 2) by cluster;
    ``hessian`` (P, 2, 2 + 2 C): second derivatives of the pair's log-likelihood by (rho, sigma)
    and by (rho, sigma; thresholds and psi of i; thresholds and psi of k); ``converged``,
    ``at_limit`` (P,).
    """

    within: Array
    between: Array
    scores: Array
    hessian: Array
    converged: Flags
    at_limit: Flags


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some pairs: tables (P, J, C, C), cuts (P, C - 1) and variances (P,) of both items."""

    tables: Array
    cuts: tuple[Array, Array]
    variance: tuple[Array, Array]
    nodes: Array
    prior: Array

    def take(self, rows: Index) -> _Pairs:
        """Return some of them."""
        (a, b), (v, w) = self.cuts, self.variance
        return _Pairs(
            self.tables[rows], (a[rows], b[rows]), (v[rows], w[rows]), self.nodes, self.prior
        )


def pair_tables(
    codes: Codes,
    cluster: Index,
    n_clusters: int,
    n_categories: int,
    pairs: tuple[Index, Index],
) -> Array:
    """Two-way tables by pair and cluster (P, J, C, C) of the rows that answer both items."""
    a, b = codes[:, pairs[0]].astype(np.int64), codes[:, pairs[1]].astype(np.int64)
    n_pairs = len(pairs[0])
    size = n_clusters * n_categories**2
    place = (cluster[:, None] * n_categories + a) * n_categories + b
    place += np.arange(n_pairs) * size
    found = np.bincount(place[(a >= 0) & (b >= 0)], minlength=n_pairs * size)
    shape = (n_pairs, n_clusters, n_categories, n_categories)
    return found.reshape(shape).astype(np.float64)


def pair_fits(codes: Codes, cluster: Index, n_clusters: int, items: ItemFits) -> PairFits:
    """Maximise the likelihood of every pair given the items' thresholds and variances."""
    p, c = len(items.cuts), items.cuts.shape[1] + 1
    first, second = np.triu_indices(p, 1)
    start = _start(codes, cluster, items, first, second)
    largest = float(np.bincount(cluster, minlength=1).max())
    grid = _grid(float(items.variance.max()), largest)
    size = max(1, min(_NODES // len(grid), 4_000_000 // max(n_clusters * len(grid), 1)))
    parts = []
    for at in range(0, len(first), size):
        i, k = first[at : at + size], second[at : at + size]
        pairs = _Pairs(
            pair_tables(codes, cluster, n_clusters, c, (i, k)),
            (items.cuts[i], items.cuts[k]),
            (items.variance[i], items.variance[k]),
            grid,
            _log_prior(grid),
        )
        parts.append(_fit(pairs, start[at : at + size]))
    return _joined(parts, n_clusters, c)


def _joined(parts: Sequence[PairFits], n_clusters: int, c: int) -> PairFits:
    if not parts:
        none, flags = np.zeros(0), np.zeros(0, dtype=bool)
        scores, hessian = np.zeros((0, n_clusters, 2)), np.zeros((0, 2, 2 + 2 * c))
        return PairFits(none, none, scores, hessian, flags, flags)
    names = ("within", "between", "scores", "hessian", "converged", "at_limit")
    return PairFits(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))


def _grid(variance: float, n_largest: float) -> Array:
    """Nodes (M, 2) inside a circle that holds all but 2e-8 of the prior."""
    u = nodes(variance, n_largest, spacing=_SPACING)
    grid = np.stack(np.meshgrid(u, u, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(grid[(grid**2).sum(axis=1) <= _REACH**2])


def _log_prior(grid: Array) -> Array:
    log = -0.5 * (grid**2).sum(axis=1)
    return np.asarray(log - np.log(np.exp(log).sum()))


def _start(codes: Codes, cluster: Index, items: ItemFits, first: Index, second: Index) -> Array:
    """Covariances of the predicted cluster effects; within, what Pearson's r leaves over."""
    sd = np.sqrt(items.variance)
    effects = items.effects * sd[:, None]
    spread = np.sqrt(np.maximum((effects**2).mean(axis=1), 1e-12))
    r = (effects @ effects.T) / effects.shape[1] / (spread[:, None] * spread)
    between = np.clip(r[first, second], -0.9, 0.9) * sd[first] * sd[second]
    answered = codes >= 0
    x = np.where(answered, codes, 0.0)
    x = np.where(answered, x - x.sum(axis=0) / answered.sum(axis=0), 0.0)
    scale = np.sqrt((x**2).sum(axis=0))
    total = ((x.T @ x) / (scale[:, None] * scale))[first, second]
    total = total * np.sqrt((1.0 + items.variance[first]) * (1.0 + items.variance[second]))
    return np.stack((np.clip(1.1 * (total - between), -0.8, 0.8), between), axis=1)


def _fit(pairs: _Pairs, start: Array) -> PairFits:
    sd = np.sqrt(pairs.variance[0] * pairs.variance[1])
    clustered = sd > 0.0
    free = np.stack((np.ones_like(clustered), clustered), axis=1)
    unit = np.stack((np.ones_like(sd), np.where(clustered, sd, 1.0)), axis=1)
    upper = LIMIT * unit

    def evaluate(theta: Array, rows: Index) -> tuple[Array, Array]:
        loglik, scores = _scores(pairs.take(rows), theta * unit[rows], full=False)
        return loglik, scores.sum(axis=1) * unit[rows]

    limit = np.full_like(unit, LIMIT)
    correlations, converged = ascend(
        evaluate, start / unit, free, -limit, limit, tolerance=1e-9, step=1e-3
    )
    theta = correlations * unit
    scores = _scores(pairs, theta, full=False)[1]
    hessian = np.stack([_slope(pairs, theta, r, free[:, r], upper) for r in range(2)], axis=1)
    at_limit = (np.abs(theta) >= upper * 0.9999) & free
    return PairFits(
        theta[:, 0],
        theta[:, 1],
        np.where(free[:, None, :], scores, 0.0),
        hessian,
        converged,
        np.asarray(at_limit.any(axis=1)),
    )


def _slope(pairs: _Pairs, theta: Array, r: int, free: Flags, upper: Array) -> Array:
    """Change (P, 2 + 2 C) of all scores with rho (0) or sigma (1)."""
    limit = upper[:, r]
    h = np.where(free, _STEP * limit, 0.0)
    centre = np.clip(theta[:, r], -(limit - 2.0 * h), limit - 2.0 * h)
    ends = []
    for sign in (1.0, -1.0):
        moved = theta.copy()
        moved[:, r] = np.where(free, centre + sign * h, theta[:, r])
        ends.append(_scores(pairs, moved, full=True)[1].sum(axis=1))
    slope = (ends[0] - ends[1]) / np.where(free, 2.0 * h, 1.0)[:, None]
    slope = np.where(free[:, None], slope, 0.0)
    slope[~free, r] = -1.0
    return slope


def _scores(pairs: _Pairs, theta: Array, *, full: bool) -> tuple[Array, Array]:
    """Log-likelihood (P,) and scores (P, J, 2), or with ``full`` (P, J, 2 + 2 C)."""
    rho, sigma = theta[:, 0], theta[:, 1]
    n, m = len(rho), len(pairs.nodes)
    root = _root(pairs.variance, sigma)
    effects = np.einsum("pab,mb->pma", root, pairs.nodes)
    h = pairs.cuts[0][:, None, :] - effects[:, :, :1]
    k = pairs.cuts[1][:, None, :] - effects[:, :, 1:]
    chance = np.maximum(node_cells(h, k, rho), _TINY)
    cells = chance.shape[2] * chance.shape[3]
    tables = pairs.tables.reshape(n, pairs.tables.shape[1], cells)
    weight = tables @ np.log(chance).reshape(n, m, cells).transpose(0, 2, 1) + pairs.prior
    top = weight.max(axis=2, keepdims=True)
    weight = np.exp(weight - top)
    total = weight.sum(axis=2, keepdims=True)
    weight /= total
    loglik = (np.log(total) + top).sum(axis=(1, 2))
    slope = (node_slopes(h, k, rho) / chance).reshape(n, m, cells)
    by_rho = ((weight @ slope) * tables).sum(axis=2)
    by_cov = _covariance_scores(weight, pairs.nodes, root)
    columns = [by_rho[:, :, None], 2.0 * by_cov[:, :, 0, 1, None]]
    if full:
        turned = pairs.tables.transpose(0, 1, 3, 2), chance.transpose(0, 1, 3, 2)
        columns.append(_cut_scores(weight, pairs.tables, _edges(h, k, rho), chance))
        columns.append(by_cov[:, :, 0, 0, None])
        columns.append(_cut_scores(weight, turned[0], _edges(k, h, rho), turned[1]))
        columns.append(by_cov[:, :, 1, 1, None])
    return loglik, np.concatenate(columns, axis=2)


def _edges(h: Array, k: Array, rho: Array) -> Array:
    """Derivatives of the cells by the cut-points of the row variable (P, M, C - 1, C)."""
    n, m, c = h.shape
    found = edge_slopes(h.reshape(n * m, c), k.reshape(n * m, c), np.repeat(rho, m))
    return found.reshape(n, m, c, c + 1)


def _root(variance: tuple[Array, Array], sigma: Array) -> Array:
    """Lower triangular root (P, 2, 2) of the between covariance matrices."""
    a, b = variance
    out = np.zeros((len(sigma), 2, 2))
    out[:, 0, 0] = np.sqrt(a)
    out[:, 1, 0] = np.divide(sigma, out[:, 0, 0], out=np.zeros_like(sigma), where=a > 0.0)
    out[:, 1, 1] = np.sqrt(np.maximum(b - out[:, 1, 0] ** 2, 0.0))
    return out


def _covariance_scores(weight: Array, u: Array, root: Array) -> Array:
    """M (P, J, 2, 2); rows and columns of items without a cluster effect are 0."""
    products = u[:, :, None] * u[:, None, :] - np.eye(2)
    second = (weight @ products.reshape(-1, 4)).reshape(*weight.shape[:2], 2, 2)
    has = np.diagonal(root, axis1=1, axis2=2) > 0.0
    safe = root + np.eye(2) * ~has[:, None, :]
    inverse = np.linalg.inv(safe) * has[:, :, None] * has[:, None, :]
    return np.asarray(0.5 * np.einsum("pba,pjbc,pcd->pjad", inverse, second, inverse))


def _cut_scores(weight: Array, tables: Array, edges: Array, chance: Array) -> Array:
    """Scores by the cut-points of the row variable (P, J, C - 1)."""
    n, n_clusters, c, _ = tables.shape
    m = weight.shape[2]
    parts = []
    for cells in (slice(None, -1), slice(1, None)):
        share = (edges / chance[:, :, cells]).reshape(n, m, -1)
        pulled = (weight @ share).reshape(n, n_clusters, c - 1, c)
        parts.append((pulled * tables[:, :, cells]).sum(axis=3))
    return np.asarray(parts[0] - parts[1])
