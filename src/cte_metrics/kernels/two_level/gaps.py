"""Two-level normal likelihood of answers with gaps.

Given the random part b_j of its cluster, case i with observed variables o has the likelihood of
one level. With A_i the inverse of the observed part of Sigma_W padded with zeros, d_i = y_i -
mu_y and sums over the members of cluster j,

    A_j = sum A_i,   p_j = sum A_i d_i,   b | z ~ N(g_j, S_j)   (regression on the observed z),
    V_j = (I + S_j A_j)^-1 S_j,           b^_j = g_j + V_j (p_j - A_j g_j), s_j = p_j - A_j b^_j,
    t_j = Z_j (z_j - mu_z - Sigma_zy s_j),   Z_j = Sigma_zz,oo^-1,

-2 l = sum_i {log|Sigma_W,oo| + d_i' A_i (d_i - b^_j)} + sum_j {log|I + S_j A_j| +
log|Sigma_zz,oo|
       + (z_j - mu_z)' t_j} + const. With h_j = [s_j, t_j], u_i = A_i (d_i - b^_j), M_j = A_j -
       A_j V_j A_j
and H_j the inverse of a cluster's covariance matrix summed over its members,

    dl/dmu = sum h_j,    dl/dB = sum (h_j h_j' - H_j) / 2,
    dl/dSigma_W = (sum u_i u_i' - A_i + A_i V_j A_i) / 2.

Cost per step: the distinct patterns, one small solve a cluster and one pass over the cases, all
in batches.

References
----------
Rosseel, Y. (2021). Evaluating the observed log-likelihood function in two-level structural
    equation modeling with missing data. Psych, 3, 197-232.

Functions: ``clustered_patterns, two_level_fiml_evaluate, two_level_fiml_loglik,
two_level_fiml_scores, cluster_expectations``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.kernels.numerics.vech import vech_gradient
from cte_metrics.kernels.summaries.missing_patterns import (
    MissingPatterns,
    missing_patterns,
    padded_inverses,
)
from cte_metrics.kernels.two_level.normal import LevelGradient, LevelMoments

__all__ = [
    "ClusterExpectations",
    "ClusteredPatterns",
    "cluster_expectations",
    "clustered_patterns",
    "two_level_fiml_evaluate",
    "two_level_fiml_loglik",
    "two_level_fiml_scores",
    "within_gradient",
]

_LOG_2PI = float(np.log(2 * np.pi))
BLOCK_ROWS = 2048


@dataclass(frozen=True, slots=True)
class ClusteredPatterns:
    """Cases ordered by pattern, with their clusters.

    cases: patterns of y (N, p); cluster: (N,) cluster of each row; order, starts: rows by cluster
    and where each present cluster begins; present: clusters with any row; members: (J, P) cases
    of each pattern in each cluster; z: (J, q), zero where missing; z_cases: patterns of z, or
    None.
    """

    cases: MissingPatterns
    pattern: Index
    cluster: Index
    order: Index
    starts: Index
    present: Index
    members: Array
    z: Array
    z_cases: MissingPatterns | None

    @property
    def size(self) -> Array:
        """Cases with any answer per cluster, (J,)."""
        return self.members.sum(axis=1)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.members)


def clustered_patterns(y: Array, z: Array, cluster: Index) -> ClusteredPatterns:
    """Order y (N, p) and z (J, q), nan for gaps, with cluster numbers 0..J-1 (N,)."""
    cases = missing_patterns(y, condense=False)
    kept = np.flatnonzero(cases.case_pattern >= 0)
    kept = kept[np.argsort(cases.case_pattern[kept], kind="stable")]
    codes = cluster[kept]
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    members = np.zeros((len(z), len(cases.n)))
    np.add.at(members, (codes, cases.case_pattern[kept]), 1.0)
    return ClusteredPatterns(
        cases=cases,
        pattern=cases.case_pattern[kept],
        cluster=codes,
        order=order,
        starts=starts,
        present=present,
        members=members,
        z=np.where(np.isnan(z), 0.0, z),
        z_cases=missing_patterns(z, condense=False) if z.shape[1] else None,
    )


@dataclass(frozen=True, slots=True)
class ClusterExpectations:
    """The quantities of the module's formulas, named as there.

    inverses: A_i by pattern (P, p, p); V: (J, p, p); H: (J, r, r); h: (J, r); u: (N, p); between:
    B.
    """

    loglik: float
    inverses: Array
    V: Array
    H: Array
    h: Array
    u: Array
    between: Array


def _by_cluster(data: ClusteredPatterns, rows: Array) -> Array:
    """Sum rows (N, ...) over the members of each cluster."""
    sums = np.zeros((data.n_clusters, *rows.shape[1:]))
    sums[data.present] = np.add.reduceat(rows[data.order], data.starts, axis=0)
    return sums


def _row_products(data: ClusteredPatterns, inverses: Array, rows: Array) -> Array:
    """Return A_i times each row, (N, p), some rows at a time."""
    out = np.empty_like(rows)
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        out[part] = np.matmul(rows[part, None, :], inverses[data.pattern[part]])[:, 0]
    return out


def _z_inverses(data: ClusteredPatterns, cov: Array) -> tuple[Array, float] | None:
    """Return Z_j (J, q, q) padded with zeros and the sum of the log-determinants."""
    if data.z_cases is None:
        return np.zeros((data.n_clusters, 0, 0)), 0.0
    inverse = inverse_and_logdet(cov)
    if inverse is None:
        return None
    padded, logdets = padded_inverses(data.z_cases, inverse[0])
    code = data.z_cases.case_pattern
    per_cluster = np.zeros((data.n_clusters, *cov.shape))
    per_cluster[code >= 0] = padded[code[code >= 0]]
    return per_cluster, float(data.z_cases.n @ (logdets + inverse[1]))


def _expect(data: ClusteredPatterns, moments: LevelMoments) -> ClusterExpectations | None:
    within = inverse_and_logdet(moments.cov_within)
    p = len(moments.mean_within)
    mean, between = moments.joint(p + data.z.shape[1])
    z_part = _z_inverses(data, between[p:, p:])
    if within is None or z_part is None:
        return None
    precision, logdet_within = within
    z_inverse, logdet_z = z_part
    inverses, logdets = padded_inverses(data.cases, precision)
    rows = np.where(_observed_rows(data), data.cases.values - mean[:p], 0.0)
    z_rows = _z_deviations(data, mean[p:])
    A = np.tensordot(data.members, inverses, 1)
    slopes = between[:p, p:] @ z_inverse
    S = between[:p, :p] - slopes @ between[p:, :p]
    g = np.einsum("jab,jb->ja", slopes, z_rows)
    bread = S @ A + np.eye(p)
    sign, logdet_b = np.linalg.slogdet(bread)
    if not _positive(sign, bread, between):
        return None
    V = np.asarray(np.linalg.solve(bread, S), dtype=np.float64)
    pull = _by_cluster(data, _row_products(data, inverses, rows))
    b = g + np.einsum("jab,jb->ja", V, pull - np.einsum("jab,jb->ja", A, g))
    s = pull - np.einsum("jab,jb->ja", A, b)
    t = np.einsum("jab,jb->ja", z_inverse, z_rows - s @ between[:p, p:])
    u = _row_products(data, inverses, rows - b[data.cluster])
    M = A - A @ V @ A
    logdet_cases = float(data.cases.n @ (logdets + logdet_within))
    minus_two = logdet_cases + logdet_z + float(logdet_b.sum()) + _constant(data)
    minus_two += float(np.vdot(rows, u)) + float(np.vdot(z_rows, t))
    return ClusterExpectations(
        loglik=-0.5 * minus_two,
        inverses=inverses,
        V=V,
        H=_joint_inverse(M, slopes, z_inverse),
        h=np.hstack([s, t]),
        u=u,
        between=between,
    )


def _positive(sign: Array, bread: Array, between: Array) -> bool:
    """Whether every cluster's covariance matrix is positive definite."""
    if (sign <= 0).any():
        return False
    if np.linalg.eigvalsh(between)[0] >= 0:
        return True
    return bool((np.linalg.eigvals(bread).real > 0).all())


def _observed_rows(data: ClusteredPatterns) -> Flags:
    return np.repeat(data.cases.observed, data.cases.n.astype(np.intp), axis=0)


def _z_deviations(data: ClusteredPatterns, mean: Array) -> Array:
    if data.z_cases is None:
        return data.z
    code = data.z_cases.case_pattern
    seen = data.z_cases.observed[code] & (code >= 0)[:, None]
    return np.where(seen, data.z - mean, 0.0)


def _constant(data: ClusteredPatterns) -> float:
    values = float(data.cases.n @ data.cases.observed.sum(axis=1))
    if data.z_cases is not None:
        values += float(data.z_cases.n @ data.z_cases.observed.sum(axis=1))
    return values * _LOG_2PI


def _joint_inverse(M: Array, slopes: Array, z_inverse: Array) -> Array:
    """Return H (J, r, r) = [[M, -M G], [-G'M, Z + G'M G]]."""
    p, r = M.shape[1], M.shape[1] + z_inverse.shape[1]
    H = np.empty((len(M), r, r))
    crossed = M @ slopes
    H[:, :p, :p] = M
    H[:, :p, p:] = -crossed
    H[:, p:, :p] = -np.swapaxes(crossed, 1, 2)
    H[:, p:, p:] = z_inverse + np.swapaxes(slopes, 1, 2) @ crossed
    return H


def two_level_fiml_evaluate(data: ClusteredPatterns, moments: LevelMoments) -> LevelGradient | None:
    """Return log-likelihood and gradient; None where a covariance matrix is not definite."""
    found = _expect(data, moments)
    if found is None:
        return None
    place, p = moments.place, len(moments.mean_within)
    by_mean = found.h.sum(axis=0)
    by_between = 0.5 * (found.h.T @ found.h - found.H.sum(axis=0))
    return LevelGradient(
        loglik=found.loglik,
        mean_within=by_mean[:p],
        cov_within=within_gradient(data, found),
        mean_between=by_mean[place],
        cov_between=by_between[np.ix_(place, place)],
    )


def within_gradient(data: ClusteredPatterns, found: ClusterExpectations) -> Array:
    """Return dl/dSigma_W (p, p)."""
    pooled = np.tensordot(data.members.T, found.V, 1)
    total = found.u.T @ found.u - np.tensordot(data.cases.n, found.inverses, 1)
    total += (found.inverses @ pooled @ found.inverses).sum(axis=0)
    return np.asarray(0.5 * total, dtype=np.float64)


def two_level_fiml_loglik(data: ClusteredPatterns, moments: LevelMoments) -> float:
    """Return the log-likelihood, minus infinity outside the cone of positive definite matrices."""
    found = _expect(data, moments)
    return -np.inf if found is None else found.loglik


def two_level_fiml_scores(data: ClusteredPatterns, moments: LevelMoments) -> Array:
    """Return each cluster's derivatives of its log-likelihood, four blocks, (J, n_moments)."""
    found = cluster_expectations(data, moments)
    place, p = moments.place, len(moments.mean_within)
    by_omega = 0.5 * (found.h[:, :, None] * found.h[:, None, :] - found.H)
    by_between = by_omega[:, place[:, None], place]
    by_within = _by_cluster(data, found.u[:, :, None] * found.u[:, None, :])
    by_within -= np.tensordot(data.members, found.inverses, 1)
    for inverse, shares in zip(found.inverses, data.members.T, strict=True):
        there = np.flatnonzero(shares)
        by_within[there] += shares[there, None, None] * (inverse @ found.V[there] @ inverse)
    return np.hstack(
        [
            found.h[:, :p],
            vech_gradient(0.5 * by_within),
            found.h[:, place],
            vech_gradient(by_between),
        ]
    )


def cluster_expectations(data: ClusteredPatterns, moments: LevelMoments) -> ClusterExpectations:
    """Return the module's quantities; raise LinAlgError outside the admissible region."""
    found = _expect(data, moments)
    if found is None:
        raise np.linalg.LinAlgError("an implied covariance matrix is not positive definite")
    return found
