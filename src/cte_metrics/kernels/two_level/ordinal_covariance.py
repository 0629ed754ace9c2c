"""Statistics of ordinal items in clusters and their asymptotic covariance matrix.

The two stages (items, then pairs given the items) solve the estimating equations
``sum_j s1_j = 0`` and ``sum_j s2_j = 0``. With H11, H21, H22 the derivatives of these sums, cluster
j moves the estimates by

    a_j = -H11^-1 s1_j,            b_j = -H22^-1 (s2_j + H21 a_j)

and the covariance matrix of all statistics is ``J / (J - 1) sum_j (c_j - mean) (c_j - mean)'`` with
``c_j = (a_j, b_j)``: clusters are the independent units, whatever goes on inside them.

Order of the statistics: within, thresholds of items without a cluster effect (item by item) and
correlations below the diagonal column by column; between (items with a cluster effect), thresholds
item by item and the covariance matrix's lower triangle column by column.

References
----------
Muthen, B. (1984). A general structural equation model with dichotomous, ordered categorical, and
    continuous latent variable indicators. Psychometrika, 49, 115-132.

Function: ``two_level_moments``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Codes, Index, Integers
from cte_metrics.kernels.two_level.ordinal_pairs import PairFits, pair_fits
from cte_metrics.kernels.two_level.probit import ItemFits, cluster_counts, item_fits


@dataclass(frozen=True, slots=True)
class TwoLevelMoments:
    """First stages of p ordinal items, q of them with a cluster effect.

    ``within`` (p, p) correlations, ``between`` (q, q) covariances, ``cuts`` the thresholds of each
    item; ``within_vector``, ``between_vector`` and ``acov`` follow the module's order.
    """

    within: Array
    between: Array
    cuts: tuple[Array, ...]
    within_vector: Array
    between_vector: Array
    acov: Array
    items: ItemFits
    pairs: PairFits


def two_level_moments(
    codes: Codes,
    cluster: Index,
    n_categories: Integers,
    above: Index,
) -> TwoLevelMoments:
    """Estimate thresholds, within correlations and between covariances.

    Parameters
    ----------
    codes : (n, p) int
        Categories from 0, every one of which occurs; -1 where missing.
    cluster : (n,) int
        Clusters from 0.
    n_categories : (p,) int
    above : (q,) int
        Items with a cluster effect, in the order that the statistics between shall have.
    """
    n_clusters = int(cluster.max()) + 1
    clustered = np.isin(np.arange(codes.shape[1]), above)
    counts = cluster_counts(codes, cluster, n_clusters, int(n_categories.max()))
    items = item_fits(counts, n_categories, clustered)
    pairs = pair_fits(codes, cluster, n_clusters, items)
    i, k = np.triu_indices(len(clustered), 1)
    within, between = np.eye(len(clustered)), np.diag(items.variance)
    within[i, k] = within[k, i] = pairs.within
    between[i, k] = between[k, i] = pairs.between
    cuts = tuple(items.cuts[v, : c - 1] for v, c in enumerate(n_categories))
    inside, lower = np.flatnonzero(~clustered), _lower(above)
    return TwoLevelMoments(
        within,
        between[np.ix_(above, above)],
        cuts,
        np.concatenate([*(cuts[v] for v in inside), pairs.within]),
        np.concatenate([*(cuts[v] for v in above), [between[a, b] for a, b in lower]]),
        _covariance(items, pairs, n_categories, inside, above),
        items,
        pairs,
    )


def _lower(above: Index) -> list[tuple[int, int]]:
    """Elements of the lower triangle, column by column."""
    return [(a, b) for n, a in enumerate(above.tolist()) for b in above[n:].tolist()]


def _covariance(
    items: ItemFits,
    pairs: PairFits,
    n_categories: Integers,
    inside: Index,
    above: Index,
) -> Array:
    """Covariance matrix of all statistics from what each cluster moves."""
    p = len(n_categories)
    moved = _item_influence(items)
    moved_pairs = _pair_influence(pairs, moved, p)
    thresholds = [[moved[:, v, c] for c in range(n_categories[v] - 1)] for v in range(p)]
    place = np.zeros((p, p), dtype=np.intp)
    place[np.triu_indices(p, 1)] = np.arange(p * (p - 1) // 2)
    place += place.T
    columns = [x for v in inside for x in thresholds[v]] + list(moved_pairs[:, :, 0].T)
    columns += [x for v in above for x in thresholds[v]]
    columns += [
        moved[:, a, -1] if a == b else moved_pairs[:, place[a, b], 1] for a, b in _lower(above)
    ]
    influence = np.column_stack(columns)
    influence -= influence.mean(axis=0)
    n_clusters = len(influence)
    return np.asarray(influence.T @ influence * (n_clusters / (n_clusters - 1.0)))


def _item_influence(items: ItemFits) -> Array:
    """``a_j`` by cluster, item and parameter (J, p, C)."""
    hessian = _negative(items.hessian, items.scores)
    return np.asarray(-np.linalg.solve(hessian, items.scores.transpose(0, 2, 1))).transpose(2, 0, 1)


def _pair_influence(pairs: PairFits, moved: Array, p: int) -> Array:
    """``b_j`` by cluster, pair and parameter (J, P, 2)."""
    i, k = np.triu_indices(p, 1)
    both = np.concatenate((moved[:, i], moved[:, k]), axis=2)
    pushed = np.einsum("prc,jpc->prj", pairs.hessian[:, :, 2:], both)
    own = pairs.hessian[:, :, :2]
    own = _negative(0.5 * (own + own.transpose(0, 2, 1)), pairs.scores)
    right = pairs.scores.transpose(0, 2, 1) + pushed
    return np.asarray(-np.linalg.solve(own, right)).transpose(2, 0, 1)


def _negative(hessian: Array, scores: Array) -> Array:
    """Hessians (b, m, m), with outer products of scores where one is not negative definite.

    This happens at the edge of the parameter space only.
    """
    size = np.sqrt(np.abs(np.diagonal(hessian, axis1=1, axis2=2)))
    scale = 1.0 / np.where(size > 0.0, size, 1.0)
    top = np.linalg.eigvalsh(hessian * scale[:, :, None] * scale[:, None, :])[:, -1]
    bad = np.flatnonzero(top > -1e-6)
    if bad.size == 0:
        return hessian
    out = hessian.copy()
    outer = scores[bad].transpose(0, 2, 1) @ scores[bad]
    idle = np.diagonal(outer, axis1=1, axis2=2) == 0.0
    ridge = 1e-10 * np.trace(outer, axis1=1, axis2=2)[:, None] + idle
    out[bad] = -outer - np.eye(hessian.shape[1]) * ridge[:, None, :]
    return out
