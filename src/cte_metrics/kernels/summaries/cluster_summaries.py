"""Clustered answers, condensed once per distinct cluster size.

A two-level normal model sees a cluster of n cases as its cluster vector v = [mean of y, z] (z:
variables that exist between clusters only) and its cross-products within. Clusters of one size
share their covariance matrix, so that counts, means and cross-products of v by size, with the
pooled cross-products within, are all that a likelihood needs. Clusters may be in any order and
need not be contiguous.

Functions: ``summarise_clusters, within_products``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index

__all__ = ["ClusterSummaries", "summarise_clusters", "within_products"]


@dataclass(frozen=True, slots=True)
class ClusterSummaries:
    """Summaries of N cases in J clusters, with S distinct cluster sizes.

    n_within: p variables with values by case; vectors: (J, r) cluster vectors, r = p + q; size:
    (J,); size_code: (J,) position of the size in `sizes` (S,); counts: (S,) clusters per size;
    means: (S, r); covariances: (S, r, r), divided by the counts; within: (p, p) pooled
    cross-products about the cluster means; total: (p, p) raw cross-products of y.
    """

    n_cases: int
    n_clusters: int
    n_within: int
    vectors: Array
    size: Index
    size_code: Index
    sizes: Array
    counts: Array
    means: Array
    covariances: Array
    within: Array
    total: Array


def summarise_clusters(y: Array, z: Array, cluster: Index) -> ClusterSummaries:
    """Condense y (N, p) with cluster numbers 0..J-1 (N,) and z (J, q)."""
    order = np.argsort(cluster, kind="stable")
    sorted_y = y[order]
    size = np.bincount(cluster)
    starts = np.cumsum(size) - size
    cluster_means = np.add.reduceat(sorted_y, starts, axis=0) / size[:, None]
    centred = sorted_y - np.repeat(cluster_means, size, axis=0)
    vectors = np.hstack([cluster_means, z])
    sizes, size_code = np.unique(size, return_inverse=True)
    counts, means, covariances = _by_size(vectors, size_code, len(sizes))
    return ClusterSummaries(
        n_cases=len(y),
        n_clusters=len(size),
        n_within=y.shape[1],
        vectors=vectors,
        size=size,
        size_code=size_code,
        sizes=sizes.astype(float),
        counts=counts,
        means=means,
        covariances=covariances,
        within=centred.T @ centred,
        total=y.T @ y,
    )


def _by_size(vectors: Array, code: Index, n_sizes: int) -> tuple[Array, Array, Array]:
    """Return counts (S,), means (S, r) and covariances (S, r, r) of the rows of each code."""
    order = np.argsort(code, kind="stable")
    counts = np.bincount(code, minlength=n_sizes)
    starts = np.cumsum(counts) - counts
    ranked = vectors[order]
    means = np.add.reduceat(ranked, starts, axis=0) / counts[:, None]
    centred = ranked - np.repeat(means, counts, axis=0)
    products = np.array(
        [centred[a : a + m].T @ centred[a : a + m] for a, m in zip(starts, counts, strict=True)]
    )
    return counts.astype(float), means, products / counts[:, None, None]


def within_products(y: Array, cluster: Index) -> Array:
    """Return each cluster's cross-products about its own mean, shape (J, p, p)."""
    order = np.argsort(cluster, kind="stable")
    size = np.bincount(cluster)
    starts = np.cumsum(size) - size
    products = np.empty((len(size), y.shape[1], y.shape[1]))
    for n in np.unique(size):
        members = np.flatnonzero(size == n)
        block = y[order[starts[members][:, None] + np.arange(n)]]
        block = block - block.mean(axis=1, keepdims=True)
        products[members] = np.swapaxes(block, 1, 2) @ block
    return products
