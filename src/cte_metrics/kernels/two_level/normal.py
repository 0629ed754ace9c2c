"""Normal likelihood of cases in clusters: one covariance structure within, one between.

y_ij = w_ij + b_j with w ~ N(mu_W, Sigma_W); b and the between-only z have means mu_B and
covariances Sigma_B; variables that exist within only have no b. A cluster of n cases splits into
n - 1 contrasts with covariance Sigma_W and the cluster vector v = [mean of y, z] with

    E v = mu,     cov v = Omega_n = B + W / n,

where B is Sigma_B spread over [y, z] and W is Sigma_W padded with zeros for z. With m_n clusters
of size n

    -2 l = sum_n m_n {log|Omega_n| + tr Omega_n^-1 T_n + p log n}
         + (N - J) log|Sigma_W| + tr Sigma_W^-1 S_W + (N p + J q) log 2 pi,

T_n being the mean product of deviations of v from mu. So an iteration costs one small
factorisation per distinct size. The moments are the four blocks [mu_W, vech Sigma_W, mu_B, vech
Sigma_B].

References
----------
McDonald & Goldstein (1989), Brit. J. Math. Stat. Psych. 42, 215-232.
Muthen (1990), UCLA Statistics Series 62.
Lee (1990), Biometrika 77, 763-772 (EM and Gauss-Newton).

Functions: ``two_level_evaluate, two_level_loglik, two_level_information, two_level_scores``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.kernels.numerics.vech import (
    n_half,
    symmetric_product,
    vech,
    vech_gradient,
    vech_index,
    vech_weights,
)
from cte_metrics.kernels.summaries.cluster_summaries import ClusterSummaries

__all__ = [
    "FactoredSizes",
    "LevelGradient",
    "LevelMoments",
    "assemble_blocks",
    "block_slices",
    "factor_sizes",
    "factored_loglik",
    "two_level_evaluate",
    "two_level_information",
    "two_level_loglik",
    "two_level_scores",
]

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class LevelMoments:
    """Moments of both levels; place: (p_b,) position of each between variable in [y, z].

    mean_within: (p,); cov_within: (p, p); mean_between: (p_b,); cov_between: (p_b, p_b).
    """

    mean_within: Array
    cov_within: Array
    mean_between: Array
    cov_between: Array
    place: Index

    def joint(self, n_joint: int) -> tuple[Array, Array]:
        """Return mean (r,) of the cluster vector and B (r, r)."""
        mean = np.zeros(n_joint)
        mean[: len(self.mean_within)] = self.mean_within
        mean[self.place] += self.mean_between
        between = np.zeros((n_joint, n_joint))
        between[np.ix_(self.place, self.place)] = self.cov_between
        return mean, between


@dataclass(frozen=True, slots=True)
class LevelGradient:
    """Log-likelihood and its derivatives by the four blocks (symmetric entries apart)."""

    loglik: float
    mean_within: Array
    cov_within: Array
    mean_between: Array
    cov_between: Array

    @property
    def vector(self) -> Array:
        """Derivatives by [mu_W, vech Sigma_W, mu_B, vech Sigma_B]."""
        return np.concatenate(
            [
                self.mean_within,
                vech_gradient(self.cov_within),
                self.mean_between,
                vech_gradient(self.cov_between),
            ]
        )


@dataclass(frozen=True, slots=True)
class FactoredSizes:
    """Inverses of Omega_n (S, r, r) and Sigma_W (p, p), their log-determinants, mean (r,)."""

    omega_inverse: Array
    omega_logdet: Array
    within_inverse: Array
    within_logdet: float
    mean: Array


def factor_sizes(
    data: ClusterSummaries, mean: Array, between: Array, cov_within: Array
) -> FactoredSizes | None:
    """Invert what the likelihood needs from mean (r,), B (r, r) and Sigma_W (p, p).

    None stands for a Sigma_W or an Omega_n that is not positive definite.
    """
    within = inverse_and_logdet(cov_within)
    if within is None:
        return None
    omega = np.repeat(between[None], len(data.sizes), axis=0)
    p = data.n_within
    omega[:, :p, :p] += cov_within / data.sizes[:, None, None]
    try:
        roots = np.linalg.cholesky(omega)
        inverse = np.asarray(np.linalg.inv(omega), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    logdet = 2.0 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return FactoredSizes(inverse, logdet, within[0], within[1], mean)


def _factor(data: ClusterSummaries, moments: LevelMoments) -> FactoredSizes | None:
    mean, between = moments.joint(data.means.shape[1])
    return factor_sizes(data, mean, between, moments.cov_within)


def _required(data: ClusterSummaries, moments: LevelMoments) -> FactoredSizes:
    parts = _factor(data, moments)
    if parts is None:
        raise np.linalg.LinAlgError("an implied covariance matrix is not positive definite")
    return parts


def _second_moments(data: ClusterSummaries, mean: Array) -> tuple[Array, Array]:
    """Return mean deviations e (S, r) and T_n (S, r, r)."""
    deviation = data.means - mean
    return deviation, data.covariances + deviation[:, :, None] * deviation[:, None, :]


def factored_loglik(data: ClusterSummaries, parts: FactoredSizes) -> float:
    """Return the log-likelihood from what is already inverted."""
    _, second = _second_moments(data, parts.mean)
    quadratic = np.einsum("sij,sij->s", parts.omega_inverse, second)
    fit = parts.omega_logdet + quadratic + data.n_within * np.log(data.sizes)
    free = data.n_cases - data.n_clusters
    within = free * parts.within_logdet + float(np.vdot(parts.within_inverse, data.within))
    return -0.5 * (float(data.counts @ fit) + within + _n_values(data) * _LOG_2PI)


def two_level_evaluate(data: ClusterSummaries, moments: LevelMoments) -> LevelGradient | None:
    """Return log-likelihood and gradient; None where a covariance matrix is not positive definite.

    Sigma_B itself may be indefinite as long as every Omega_n is positive definite.
    """
    parts = _factor(data, moments)
    if parts is None:
        return None
    deviation, second = _second_moments(data, parts.mean)
    inverse, p, place = parts.omega_inverse, data.n_within, moments.place
    half = (0.5 * data.counts)[:, None, None]
    by_omega = half * (inverse @ second @ inverse - inverse)
    by_mean = data.counts @ np.einsum("sij,sj->si", inverse, deviation)
    by_between = by_omega.sum(axis=0)
    by_within = np.tensordot(1.0 / data.sizes, by_omega[:, :p, :p], 1)
    spread = parts.within_inverse @ data.within @ parts.within_inverse
    by_within += 0.5 * (spread - (data.n_cases - data.n_clusters) * parts.within_inverse)
    return LevelGradient(
        loglik=factored_loglik(data, parts),
        mean_within=by_mean[:p],
        cov_within=by_within,
        mean_between=by_mean[place],
        cov_between=by_between[np.ix_(place, place)],
    )


def two_level_loglik(data: ClusterSummaries, moments: LevelMoments) -> float:
    """Return the log-likelihood, minus infinity outside the cone of positive definite matrices."""
    parts = _factor(data, moments)
    return -np.inf if parts is None else factored_loglik(data, parts)


def _n_values(data: ClusterSummaries) -> int:
    n_between_only = data.means.shape[1] - data.n_within
    return data.n_cases * data.n_within + data.n_clusters * n_between_only


def two_level_information(
    data: ClusterSummaries,
    moments: LevelMoments,
    kind: Literal["expected", "observed"] = "expected",
) -> Array:
    """Return the information of [mu_W, vech Sigma_W, mu_B, vech Sigma_B], summed over clusters.

    ``observed`` is minus the matrix of second derivatives, ``expected`` its expectation.
    """
    parts = _required(data, moments)
    inverse, counts = parts.omega_inverse, data.counts[:, None, None]
    within_right = 0.5 * (data.n_cases - data.n_clusters) * parts.within_inverse
    if kind == "expected":
        right, slopes = 0.5 * counts * inverse, None
    else:
        deviation, second = _second_moments(data, parts.mean)
        right = counts * (inverse @ second @ inverse - 0.5 * inverse)
        slopes = data.counts[:, None] * np.einsum("sij,sj->si", inverse, deviation)
        within_right = parts.within_inverse @ data.within @ parts.within_inverse - within_right
    out = assemble_blocks(
        (data.n_within, moments.place),
        data.sizes,
        inverse,
        right,
        of_mean=np.tensordot(data.counts, inverse, 1),
        slopes=slopes,
    )
    wc = block_slices(data.n_within, len(moments.place))[1]
    contrasts = np.multiply.outer(parts.within_inverse, within_right)
    out[wc, wc] += symmetric_product(contrasts, data.n_within)
    return out


def assemble_blocks(
    shape: tuple[int, Index],
    sizes: Array,
    inverse: Array,
    right: Array,
    *,
    of_mean: Array,
    slopes: Array | None = None,
) -> Array:
    """Carry sums over clusters (or sizes) to the four blocks of moments.

    shape: (p, place); sizes: (S,); inverse, right: (S, r, r), paired as Kronecker products;
    of_mean: (r, r) information of the cluster vector's mean; slopes: (S, r) where the mean and
    the covariances are not orthogonal. The contrasts within clusters are not included.
    """
    p, place = shape
    r = inverse.shape[1]
    w_mean, b_mean = np.arange(p), place
    w_cov, b_cov = _half_positions(np.arange(p), r), _half_positions(place, r)
    wm, wc, bm, bc = block_slices(p, len(place))
    out = np.zeros((bc.stop, bc.stop))
    for rows, i in ((wm, w_mean), (bm, b_mean)):
        for cols, j in ((wm, w_mean), (bm, b_mean)):
            out[rows, cols] = of_mean[np.ix_(i, j)]
    powers = (sizes**-2, sizes**-1, np.ones_like(sizes))
    of_cov = [_kron_sum(inverse, right * w[:, None, None]) for w in powers]
    out[wc, wc] = of_cov[0][np.ix_(w_cov, w_cov)]
    out[wc, bc] = of_cov[1][np.ix_(w_cov, b_cov)]
    out[bc, wc] = out[wc, bc].T
    out[bc, bc] = of_cov[2][np.ix_(b_cov, b_cov)]
    if slopes is not None:
        for cols, j, w in ((wc, w_cov, powers[1]), (bc, b_cov, powers[2])):
            cross = np.tensordot(inverse, slopes * w[:, None], axes=(0, 0))
            mixed = vech(cross + np.swapaxes(cross, 1, 2)) * (0.5 * vech_weights(r))
            for rows, i in ((wm, w_mean), (bm, b_mean)):
                out[rows, cols] = mixed[np.ix_(i, j)]
                out[cols, rows] = out[rows, cols].T
    return out


def block_slices(p_within: int, p_between: int) -> tuple[slice, slice, slice, slice]:
    """Return where [mu_W, vech Sigma_W, mu_B, vech Sigma_B] lie in the moment vector."""
    at = np.cumsum([0, p_within, n_half(p_within), p_between, n_half(p_between)]).tolist()
    wm, wc, bm, bc = (slice(a, b) for a, b in pairwise(at))
    return wm, wc, bm, bc


def _kron_sum(left: Array, right: Array) -> Array:
    flat = left.reshape(len(left), -1)
    return symmetric_product(flat.T @ right.reshape(len(right), -1), left.shape[1])


def _half_positions(place: Index, n_joint: int) -> Index:
    """Return where the half-vector entries of the chosen variables sit in that of all of them."""
    numbers = np.empty((n_joint, n_joint), dtype=np.intp)
    rows, cols = vech_index(n_joint)
    numbers[rows, cols] = numbers[cols, rows] = np.arange(n_half(n_joint))
    i, j = vech_index(len(place))
    return numbers[place[i], place[j]]


def two_level_scores(data: ClusterSummaries, products: Array, moments: LevelMoments) -> Array:
    """Return each cluster's derivatives of its log-likelihood by the four blocks, (J, n_moments).

    `products` (J, p, p) are the clusters' cross-products about their own means.
    """
    parts = _factor(data, moments)
    if parts is None:
        raise np.linalg.LinAlgError("an implied covariance matrix is not positive definite")
    p, place = data.n_within, moments.place
    inverse = parts.omega_inverse[data.size_code]
    by_mean = np.einsum("jab,jb->ja", inverse, data.vectors - parts.mean)
    by_omega = 0.5 * (by_mean[:, :, None] * by_mean[:, None, :] - inverse)
    size = data.size[:, None, None]
    spread = parts.within_inverse @ products @ parts.within_inverse
    by_within = by_omega[:, :p, :p] / size + 0.5 * (spread - (size - 1) * parts.within_inverse)
    by_between = by_omega[:, place[:, None], place]
    return np.hstack(
        [by_mean[:, :p], vech_gradient(by_within), by_mean[:, place], vech_gradient(by_between)]
    )
