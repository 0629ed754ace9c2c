"""Two-level probit of ordinal items, one item at a time.

Respondent i of cluster j answers ordinal item y from a latent response that splits in two::

    y*_ij = w_ij + b_j,     w ~ N(0, 1),     b ~ N(0, psi),     y = c  iff  tau_(c-1) < y* <= tau_c

(the within variance is 1 for identification). With n_jc answers in category c, cluster j has

    L_j = int phi(u) prod_c [Phi(tau_c - sqrt(psi) u) - Phi(tau_(c-1) - sqrt(psi) u)]^n_jc du

so the counts n_jc are all that is needed. The integral is a trapezoidal sum over nodes common to
all clusters: its error falls like ``2 exp(-2 pi^2 s^2 / h^2)`` for an integrand of standard
deviation s and nodes h apart, and h follows the sharpest integrand that the largest cluster can
have. Scores follow from Fisher's identity, as posterior means of complete-data scores; second
derivatives are central differences of the scores.

References
----------
Hedeker, D. & Gibbons, R. D. (1994). A random-effects ordinal regression model for multilevel
    analysis. Biometrics, 50, 933-944.
Asparouhov, T. & Muthen, B. (2007). Computationally efficient estimation of multilevel
    high-dimensional latent variable models. Proceedings of the Joint Statistical Meetings.

Functions: ``cluster_counts, nodes, item_fits, interval_probabilities``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cte_metrics.arrays import Array, Codes, Flags, Index, Integers
from cte_metrics.kernels.numerics.batched_newton import ascend, differences

SMALLEST = 1e-3
"""Lower bound of a between variance; an estimate there means none was found."""
LARGEST = 25.0
_REACH = 6.0
_TINY = 1e-300
_ELEMENTS = 4_000_000


@dataclass(frozen=True, slots=True)
class ItemFits:
    """Two-level probit of p items.

    ``cuts`` (p, C - 1) thresholds, ``+inf`` beyond an item's own; ``variance`` (p,) between
    variances (0 where there is no cluster effect); ``scores`` (p, J, C) by cluster: thresholds,
    then the variance; ``hessian`` (p, C, C) of the log-likelihood; ``effects`` (p, J) posterior
    means of u; ``loglik`` (p,); ``converged`` (p,); ``at_bound`` (p,) whether no between variance
    was found.
    """

    cuts: Array
    variance: Array
    scores: Array
    hessian: Array
    effects: Array
    loglik: Array
    converged: Flags
    at_bound: Flags


def cluster_counts(codes: Codes, cluster: Index, n_clusters: int, n_categories: int) -> Array:
    """Answers by item, cluster and category (p, J, C); negative codes are missing.

    Parameters
    ----------
    codes : (n, p) int
        Categories from 0.
    cluster : (n,) int
        Cluster of each row, from 0; rows in any order.
    """
    p = codes.shape[1]
    size = n_clusters * n_categories
    place = cluster[:, None] * n_categories + codes + np.arange(p) * size
    found = np.bincount(place[codes >= 0], minlength=p * size)
    return found.reshape(p, n_clusters, n_categories).astype(np.float64)


def nodes(variance: float, n_largest: float, *, spacing: float = 0.9) -> Array:
    """Nodes (K,) of the trapezoidal sum over a standard normal cluster effect.

    An answer tells at most as much about b as w's own variance, 1, so the posterior standard
    deviation of u is at least ``1 / sqrt(1 + n psi)``.
    """
    sharpest = 1.0 / np.sqrt(1.0 + n_largest * variance)
    half = int(np.ceil(_REACH / (spacing * sharpest)))
    return np.linspace(-_REACH, _REACH, 2 * half + 1)


def item_fits(counts: Array, n_categories: Integers, clustered: Flags) -> ItemFits:
    """Maximise the likelihood of every item.

    Parameters
    ----------
    counts : (p, J, C) float64
        From ``cluster_counts``; every category of an item must occur.
    n_categories : (p,) int
    clustered : (p,) bool
        Items with a cluster effect; the others are cut at the normal quantiles.
    """
    c = counts.shape[2]
    start = _start(counts, n_categories, clustered)
    free = np.arange(c - 1) < n_categories[:, None] - 1
    free = np.concatenate((free, clustered[:, None]), axis=1)
    largest = float(counts.sum(axis=2).max(initial=1.0))
    peak = min(LARGEST, 2.0 * float(start[:, -1].max()) + 0.2)
    while True:
        u = nodes(peak, largest)
        found = _maximise(counts, start, free, u)
        top = float(found.variance.max(initial=0.0))
        if top <= peak or peak >= LARGEST:
            return found
        peak = min(LARGEST, 1.5 * top)


def _start(counts: Array, n_categories: Integers, clustered: Flags) -> Array:
    """Thresholds from the margins, variance from the spread of the clusters' mean ranks."""
    c = counts.shape[2]
    total = counts.sum(axis=1)
    below = np.cumsum(total, axis=1)[:, :-1] / total.sum(axis=1, keepdims=True)
    size = counts.sum(axis=2)
    score = np.arange(c, dtype=np.float64)
    mean = (total @ score) / total.sum(axis=1)
    spread = (total @ score**2) / total.sum(axis=1) - mean**2
    used = size > 0
    means = np.divide(counts @ score, size, out=np.zeros_like(size), where=used)
    deviation = np.where(used, means - mean[:, None], 0.0)
    n_used = used.sum(axis=1)
    noise = np.where(used, spread[:, None] / np.maximum(size, 1.0), 0.0).sum(axis=1)
    share = ((deviation**2).sum(axis=1) - noise) / np.maximum(n_used * spread, _TINY)
    share = np.clip(share, 0.02, 0.6)
    variance = np.where(clustered, share / (1.0 - share), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cuts = special.ndtri(below) * np.sqrt(1.0 + variance)[:, None]
    outside = np.arange(c - 1) >= n_categories[:, None] - 1
    return np.concatenate((np.where(outside, np.inf, cuts), variance[:, None]), axis=1)


def _maximise(counts: Array, start: Array, free: Flags, u: Array) -> ItemFits:
    p, n_clusters, c = counts.shape
    prior = -0.5 * u * u
    prior -= special.logsumexp(prior)
    lower = np.full(c, -np.inf)
    lower[-1] = SMALLEST
    chunk = max(1, _ELEMENTS // max(n_clusters * len(u), 1))
    parts = []
    for first in range(0, p, chunk):
        part = slice(first, first + chunk)
        parts.append(_chunk(counts[part], start[part], free[part], u, prior, lower))
    theta, *others = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return ItemFits(theta[:, :-1], theta[:, -1], *others)


def _chunk(
    counts: Array, start: Array, free: Flags, u: Array, prior: Array, lower: Array
) -> tuple[Array, Array, Array, Array, Array, Flags, Flags]:
    def evaluate(theta: Array, rows: Index) -> tuple[Array, Array]:
        loglik, scores, _ = _scores(counts[rows], theta, u, prior)
        return loglik, scores.sum(axis=1)

    theta, converged = ascend(evaluate, start, free, lower, np.full(len(lower), np.inf))
    loglik, scores, effects = _scores(counts, theta, u, prior)
    every = np.arange(len(theta))
    hessian = differences(lambda x: evaluate(x, every)[1], theta, free)
    hessian = 0.5 * (hessian + hessian.transpose(0, 2, 1))
    bound = free[:, -1] & (theta[:, -1] <= SMALLEST * 1.0001)
    scores = np.where(free[:, None, :], scores, 0.0)
    return theta, scores, hessian, effects, loglik, converged, bound


def _scores(counts: Array, theta: Array, u: Array, prior: Array) -> tuple[Array, Array, Array]:
    """Log-likelihood (p,), scores (p, J, C) and posterior means of u (p, J)."""
    cuts, variance = theta[:, :-1], theta[:, -1]
    shifted = cuts[:, None, :] - np.sqrt(variance)[:, None, None] * u[:, None]
    chance = interval_probabilities(shifted)
    weight = counts @ np.log(chance).transpose(0, 2, 1) + prior
    top = weight.max(axis=2, keepdims=True)
    weight = np.exp(weight - top)
    total = weight.sum(axis=2, keepdims=True)
    weight /= total
    phi = np.exp(-0.5 * shifted * shifted) / np.sqrt(2.0 * np.pi)
    below = (weight @ (phi / chance[:, :, :-1])) * counts[:, :, :-1]
    above = (weight @ (phi / chance[:, :, 1:])) * counts[:, :, 1:]
    second = weight @ (u * u)
    has = variance > 0.0
    by_variance = np.where(
        has[:, None], (second - 1.0) / (2.0 * np.where(has, variance, 1.0)[:, None]), 0.0
    )
    loglik = (np.log(total) + top).sum(axis=(1, 2))
    scores = np.concatenate((below - above, by_variance[:, :, None]), axis=2)
    return loglik, scores, weight @ u


def interval_probabilities(cuts: Array) -> Array:
    """Normal probabilities between ascending cuts (..., C - 1) -> (..., C), right in both tails."""
    ends = np.full((*cuts.shape[:-1], 1), np.inf)
    low, high = np.concatenate((-ends, cuts), axis=-1), np.concatenate((cuts, ends), axis=-1)
    flip = low > 0.0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.maximum(special.ndtr(b) - special.ndtr(a), _TINY)
