"""What the iterations of two-level likelihood with gaps need: scoring matrix, curvature, EM steps.

The scoring matrix is the expected information in which each case of a cluster has the average of
the cluster's inverses; without gaps it is exact. The curvature is taken by differences of the
analytic gradient. With G the gradient, an EM step of Sigma_W is W + 2 W G W / N, one of B is B +
2 B G B / J (less the outer product of the step of the mean), extrapolated as in SQUAREM.

References: Varadhan & Roland (2008), Scand. J. Statist. 35, 335-353; Rosseel (2021), Psych 3,
197-232.

Functions: ``two_level_fiml_scoring``, ``two_level_fiml_curvature``, ``two_level_fiml_saturated``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cte_metrics.kernels.two_level import LevelMoments, assemble_blocks, block_slices
from cte_metrics.kernels.two_level_fiml import (
    ClusteredPatterns,
    cluster_expectations,
    two_level_fiml_evaluate,
    two_level_fiml_loglik,
    within_gradient,
)
from cte_metrics.kernels.two_level_saturated import TwoLevelSaturated
from cte_metrics.kernels.vech import symmetric_product, unvech, vech

__all__ = ["two_level_fiml_curvature", "two_level_fiml_saturated", "two_level_fiml_scoring"]

Floats = NDArray[np.float64]


def two_level_fiml_scoring(data: ClusteredPatterns, moments: LevelMoments) -> Floats:
    """Return a positive semidefinite approximation of the expected information, for iterations.

    Each case of a cluster is given the average of the cluster's A_i; without gaps it is exact.
    """
    found = cluster_expectations(data, moments)
    some = data.present
    size = data.size[some]
    H = found.H[some]
    p, place = len(moments.mean_within), moments.place
    of_mean = found.H.sum(axis=0)
    out = assemble_blocks((p, place), size, H, 0.5 * H, of_mean=of_mean)
    average = np.tensordot(data.members[some], found.inverses, 1) / size[:, None, None]
    right = average * (0.5 * (size - 1.0))[:, None, None]
    kron = average.reshape(len(some), -1).T @ right.reshape(len(some), -1)
    wc = block_slices(p, len(place))[1]
    out[wc, wc] += symmetric_product(kron, p)
    return out


def two_level_fiml_curvature(
    data: ClusteredPatterns, moments: LevelMoments, directions: Floats
) -> Floats:
    """Return minus the second derivatives of the log-likelihood times directions (n_moments, k).

    Central differences of the analytic gradient along each direction.
    """
    vector = _pack(moments)
    scale = np.maximum(np.abs(vector), 0.1)
    columns = []
    for direction in directions.T:
        largest = float(np.max(np.abs(direction) / scale))
        if largest == 0.0:
            columns.append(np.zeros_like(vector))
            continue
        h = 1e-4 / largest
        ahead, behind = (
            two_level_fiml_evaluate(data, _unpack(vector + a * direction, moments)) for a in (h, -h)
        )
        if ahead is None or behind is None:
            raise np.linalg.LinAlgError("the moments lie on the edge of the admissible region")
        columns.append((behind.vector - ahead.vector) / (2.0 * h))
    return np.array(columns).T


def _pack(moments: LevelMoments) -> Floats:
    return np.concatenate(
        [
            moments.mean_within,
            vech(moments.cov_within),
            moments.mean_between,
            vech(moments.cov_between),
        ]
    )


def _unpack(vector: Floats, like: LevelMoments) -> LevelMoments:
    p, q = len(like.mean_within), len(like.mean_between)
    wm, wc, bm, bc = block_slices(p, q)
    return LevelMoments(
        vector[wm], unvech(vector[wc], p), vector[bm], unvech(vector[bc], q), like.place
    )


def two_level_fiml_saturated(
    data: ClusteredPatterns,
    start: LevelMoments,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 2000,
) -> TwoLevelSaturated:
    """Return unrestricted moments by EM with squared extrapolation.

    `tolerance` bounds what the last two EM steps gain in log-likelihood. The level-1 means of
    split variables are carried at level 2; Sigma_B stays positive semidefinite.
    """
    current = start
    for iteration in range(1, max_iterations + 1):
        first = _em_step(data, current)
        second = _em_step(data, first)
        ahead = _extrapolated(_pack(current), _pack(first), _pack(second))
        best, loglik = _better(data, second, _unpack(ahead, start))
        before = two_level_fiml_loglik(data, current)
        if loglik - before < tolerance:
            return TwoLevelSaturated(best, loglik, iteration, converged=True)
        current = best
    return TwoLevelSaturated(current, loglik, max_iterations, converged=False)


def _better(
    data: ClusteredPatterns, safe: LevelMoments, bold: LevelMoments
) -> tuple[LevelMoments, float]:
    """Return the extrapolated point if it is admissible and no worse than the EM point."""
    value = two_level_fiml_loglik(data, safe)
    if np.linalg.eigvalsh(bold.cov_between)[0] < 0.0:
        return safe, value
    other = two_level_fiml_loglik(data, bold)
    return (bold, other) if other > value else (safe, value)


def _extrapolated(start: Floats, first: Floats, second: Floats) -> Floats:
    step = first - start
    bend = second - first - step
    curvature = float(np.linalg.norm(bend))
    alpha = max(1.0, float(np.linalg.norm(step)) / curvature) if curvature > 0 else 1.0
    return np.asarray(start + 2.0 * alpha * step + alpha**2 * bend, dtype=np.float64)


def _em_step(data: ClusteredPatterns, moments: LevelMoments) -> LevelMoments:
    found = cluster_expectations(data, moments)
    p, n, j = len(moments.mean_within), data.cases.total, data.n_clusters
    twice = 2.0 * within_gradient(data, found)
    W, B = moments.cov_within, found.between
    shift_w = W @ found.u.sum(axis=0) / n
    shift_b = B @ found.h.sum(axis=0) / j
    cov_within = W + W @ twice @ W / n - np.outer(shift_w, shift_w)
    between = B + B @ (found.h.T @ found.h - found.H.sum(axis=0)) @ B / j
    between -= np.outer(shift_b, shift_b)
    split = np.isin(np.arange(p), moments.place)
    mean = shift_b.copy()
    mean[:p] += np.where(split, shift_w, 0.0)
    place = moments.place
    return LevelMoments(
        mean_within=moments.mean_within + np.where(split, 0.0, shift_w),
        cov_within=0.5 * (cov_within + cov_within.T),
        mean_between=moments.mean_between + mean[place],
        cov_between=0.5 * (between + between.T)[np.ix_(place, place)],
        place=place,
    )
