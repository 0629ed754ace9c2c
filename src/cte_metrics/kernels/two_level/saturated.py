"""Unrestricted moments at both levels, by EM.

With the random parts b of the y variables as missing data, and their expectation and covariance
given the cluster vector v from the regression with slopes B_y Omega_n^-1, an EM step is

    Sigma_W = sum_ij E(y - b)(y - b)' / N - m_W m_W',   m_W = mean of E(y - b),
    Sigma_B = sum_j E b b' / J - m_B m_B',              m_B = mean of E b,

with the covariances of b and z from sum_j z E(b)'; the moments of z itself are observed. The
steps use sums by cluster size only and keep Sigma_B positive semidefinite. Only m_W + m_B is
identified for a variable that exists at both levels.

The default tolerance, starting values (zero means, identity matrices) and floor of variances are
lavaan's: its steps end once one gains less than 1e-4 in log-likelihood, typically 1e-4 below the
maximum, and more where a between variance vanishes. Stopping there too gives the same test
statistics; a smaller `tolerance` gives the maximum itself.

References
----------
Raudenbush (1995), Brit. J. Math. Stat. Psych. 48, 359-370.
Rosseel (2021), Psych 3, 197-232.

Function: ``two_level_saturated``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.summaries.cluster_summaries import ClusterSummaries
from cte_metrics.kernels.two_level.normal import (
    FactoredSizes,
    LevelMoments,
    factor_sizes,
    factored_loglik,
)

__all__ = ["TwoLevelSaturated", "two_level_saturated"]

_SMALLEST_WITHIN_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True)
class TwoLevelSaturated:
    """Unrestricted solution of both levels."""

    moments: LevelMoments
    loglik: float
    n_iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class _State:
    """mean_w, mean_b: (p,); cov_w: (p, p); mean_z: (q,); between: (r, r) over [y, z]."""

    mean_w: Array
    mean_b: Array
    mean_z: Array
    cov_w: Array
    between: Array


def two_level_saturated(
    data: ClusterSummaries, place: Index, *, tolerance: float = 1e-4, max_iterations: int = 5000
) -> TwoLevelSaturated:
    """Return unrestricted moments; `place` (p_b,) as in ``LevelMoments``."""
    state = _start(data, place)
    parts = _factor(data, state)
    loglik = factored_loglik(data, parts)
    for iteration in range(1, max_iterations + 1):
        state = _with_floor(_step(data, state, parts.omega_inverse))
        parts = _factor(data, state)
        before, loglik = loglik, factored_loglik(data, parts)
        if loglik - before < tolerance:
            return TwoLevelSaturated(_moments(state, place), loglik, iteration, True)
    return TwoLevelSaturated(_moments(state, place), loglik, max_iterations, False)


def _start(data: ClusterSummaries, place: Index) -> _State:
    p, r = data.n_within, data.means.shape[1]
    z = data.vectors[:, p:]
    between = np.zeros((r, r))
    between[place, place] = 1.0
    mean_z = z.mean(axis=0)
    between[p:, p:] = (z - mean_z).T @ (z - mean_z) / data.n_clusters
    return _State(np.zeros(p), np.zeros(p), mean_z, np.eye(p), between)


def _factor(data: ClusterSummaries, state: _State) -> FactoredSizes:
    mean = np.concatenate([state.mean_w + state.mean_b, state.mean_z])
    parts = factor_sizes(data, mean, state.between, state.cov_w)
    if parts is None:
        raise np.linalg.LinAlgError("the unrestricted moments are not positive definite")
    return parts


def _with_floor(state: _State) -> _State:
    """Free a variable without variance within clusters from its covariances."""
    flat = np.diag(state.cov_w) < _SMALLEST_WITHIN_VARIANCE
    if not flat.any():
        return state
    cov = state.cov_w.copy()
    cov[flat] = 0.0
    cov[:, flat] = 0.0
    cov[flat, flat] = _SMALLEST_WITHIN_VARIANCE
    return replace(state, cov_w=cov)


def _step(data: ClusterSummaries, state: _State, omega_inverse: Array) -> _State:
    """One EM step; E b of the clusters of size n is `expected` on average."""
    p = data.n_within
    rows = state.between[:p]
    slopes = rows @ omega_inverse
    mean = np.concatenate([state.mean_w + state.mean_b, state.mean_z])
    expected = state.mean_b + np.einsum("sij,sj->si", slopes, data.means - mean)
    turned = data.covariances @ np.swapaxes(slopes, 1, 2)
    second = slopes @ turned - slopes @ rows.T
    second = state.between[:p, :p] + 0.5 * (second + np.swapaxes(second, 1, 2))
    second += expected[:, :, None] * expected[:, None, :]
    crossed = turned + data.means[:, :, None] * expected[:, None, :]
    mean_w = (data.counts * data.sizes) @ (data.means[:, :p] - expected) / data.n_cases
    mean_b = data.counts @ expected / data.n_clusters
    between = state.between.copy()
    between[:p, :p] = np.tensordot(data.counts, second, 1) / data.n_clusters
    between[:p, :p] -= np.outer(mean_b, mean_b)
    with_z = np.tensordot(data.counts, crossed[:, p:], 1) / data.n_clusters
    between[p:, :p] = with_z - np.outer(state.mean_z, mean_b)
    between[:p, p:] = between[p:, :p].T
    mixed = second - crossed[:, :p] - np.swapaxes(crossed[:, :p], 1, 2)
    within = data.total + np.tensordot(data.counts * data.sizes, mixed, 1)
    cov_w = within / data.n_cases - np.outer(mean_w, mean_w)
    return _State(mean_w, mean_b, state.mean_z, cov_w, between)


def _moments(state: _State, place: Index) -> LevelMoments:
    return LevelMoments(
        mean_within=state.mean_w,
        cov_within=state.cov_w,
        mean_between=np.concatenate([state.mean_b, state.mean_z])[place],
        cov_between=state.between[np.ix_(place, place)],
        place=place,
    )
