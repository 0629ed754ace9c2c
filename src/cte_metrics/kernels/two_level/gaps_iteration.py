"""What iterations on the two-level likelihood with gaps need: scoring matrix, curvature, solution.

The scoring matrix is the expected information in which each case of a cluster has the average of
the cluster's inverses; without gaps it is exact. The curvature is taken by differences of the
analytic gradient. The unrestricted moments are found by damped scoring steps in the Cholesky
factors of both covariance matrices, which keeps their eigenvalues above a floor.

References
----------
Rosseel, Y. (2021). Evaluating the observed log-likelihood function in two-level structural
    equation modeling with missing data. Psych, 3, 197-232.

Functions: ``two_level_fiml_scoring, two_level_fiml_curvature, two_level_fiml_saturated``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.numerics.vech import n_half, symmetric_product, unvech, vech, vech_index
from cte_metrics.kernels.two_level.gaps import (
    ClusteredPatterns,
    cluster_expectations,
    two_level_fiml_evaluate,
)
from cte_metrics.kernels.two_level.normal import (
    LevelGradient,
    LevelMoments,
    assemble_blocks,
    block_slices,
)
from cte_metrics.kernels.two_level.saturated import TwoLevelSaturated

__all__ = ["two_level_fiml_curvature", "two_level_fiml_saturated", "two_level_fiml_scoring"]


def two_level_fiml_scoring(data: ClusteredPatterns, moments: LevelMoments) -> Array:
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
    data: ClusteredPatterns, moments: LevelMoments, directions: Array
) -> Array:
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


def _pack(moments: LevelMoments) -> Array:
    return np.concatenate(
        [
            moments.mean_within,
            vech(moments.cov_within),
            moments.mean_between,
            vech(moments.cov_between),
        ]
    )


def _unpack(vector: Array, like: LevelMoments) -> LevelMoments:
    p, q = len(like.mean_within), len(like.mean_between)
    wm, wc, bm, bc = block_slices(p, q)
    return LevelMoments(
        vector[wm], unvech(vector[wc], p), vector[bm], unvech(vector[bc], q), like.place
    )


def two_level_fiml_saturated(
    data: ClusteredPatterns,
    start: LevelMoments,
    *,
    floor: float = 0.0,
    tolerance: float = 1e-8,
    max_iterations: int = 500,
) -> TwoLevelSaturated:
    """Return unrestricted moments with no eigenvalue below `floor`.

    Both covariance matrices are `floor` times the identity plus L L'; 0 gives the maximum with
    Sigma_B positive semidefinite. `start` holds the level-1 means of split variables at zero,
    where they stay, and has eigenvalues above `floor`. The iteration stops when a step can gain
    no more than `tolerance` in log-likelihood.
    """
    current = _Roots(start, _root(start.cov_within, floor), _root(start.cov_between, floor), floor)
    found = two_level_fiml_evaluate(data, start)
    if found is None:
        raise np.linalg.LinAlgError("the starting moments are not positive definite")
    damping = 1e-3
    for iteration in range(1, max_iterations + 1):
        gradient, hessian = current.derivatives(
            found, two_level_fiml_scoring(data, current.moments)
        )
        while True:
            step = _damped_step(gradient, hessian, damping)
            gain = float(gradient @ step) - 0.5 * float(step @ hessian @ step)
            if gain < tolerance:
                return TwoLevelSaturated(current.moments, found.loglik, iteration, converged=True)
            ahead = current.moved(step)
            there = two_level_fiml_evaluate(data, ahead.moments)
            if there is not None and there.loglik > found.loglik:
                break
            damping *= 8.0
        current, found, damping = ahead, there, max(damping / 5.0, 1e-9)
    return TwoLevelSaturated(current.moments, found.loglik, max_iterations, converged=False)


def _root(matrix: Array, floor: float) -> Array:
    """Cholesky factor of the matrix without its floor."""
    above = matrix - floor * np.eye(len(matrix))
    return np.asarray(np.linalg.cholesky(above), dtype=np.float64)


def _damped_step(gradient: Array, hessian: Array, damping: float) -> Array:
    diagonal = np.diagonal(hessian)
    scale = np.maximum(diagonal, 1e-8 * float(diagonal.max()))
    step = np.linalg.lstsq(hessian + np.diag(damping * scale), gradient, rcond=None)[0]
    return np.asarray(step, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Roots:
    """Moments as functions of free means and of the Cholesky factors of both covariances.

    The covariances are `floor` times the identity plus the squares of the factors.
    """

    moments: LevelMoments
    within: Array
    between: Array
    floor: float

    @property
    def own_means(self) -> Index:
        """Positions of the level-1 means that are not carried at level 2."""
        return np.setdiff1d(np.arange(len(self.within)), self.moments.place)

    def derivatives(self, found: LevelGradient, scoring: Array) -> tuple[Array, Array]:
        """Gradient and negative Hessian (positive semidefinite) by [means, factors]."""
        p, q = len(self.within), len(self.between)
        _, wc, bm, bc = block_slices(p, q)
        own = self.own_means
        sizes = np.cumsum([0, len(own), n_half(p), q, n_half(q)]).tolist()
        jacobian = np.zeros((bc.stop, sizes[-1]))
        jacobian[own, : len(own)] = np.eye(len(own))
        jacobian[wc, sizes[1] : sizes[2]] = _root_jacobian(self.within)
        jacobian[bm, sizes[2] : sizes[3]] = np.eye(q)
        jacobian[bc, sizes[3] :] = _root_jacobian(self.between)
        hessian = jacobian.T @ scoring @ jacobian
        hessian[sizes[1] : sizes[2], sizes[1] : sizes[2]] += _root_curvature(found.cov_within)
        hessian[sizes[3] :, sizes[3] :] += _root_curvature(found.cov_between)
        return jacobian.T @ found.vector, hessian

    def moved(self, step: Array) -> _Roots:
        """Take a step in [means, factors]."""
        m, p, q = self.moments, len(self.within), len(self.between)
        own = self.own_means
        a, b, c = np.cumsum([len(own), n_half(p), q]).tolist()
        mean_within = m.mean_within.copy()
        mean_within[own] += step[:a]
        within = self.within + np.tril(unvech(step[a:b], p))
        between = self.between + np.tril(unvech(step[c:], q))
        moments = LevelMoments(
            mean_within,
            within @ within.T + self.floor * np.eye(p),
            m.mean_between + step[b:c],
            between @ between.T + self.floor * np.eye(q),
            m.place,
        )
        return _Roots(moments, within, between, self.floor)


def _root_jacobian(root: Array) -> Array:
    """Derivative of vech(L L') by the lower triangle of L, (p*, p*)."""
    rows, cols = vech_index(len(root))
    i, j, a, b = rows[:, None], cols[:, None], rows[None, :], cols[None, :]
    return np.where(i == a, root[j, b], 0.0) + np.where(j == a, root[i, b], 0.0)


def _root_curvature(gradient: Array) -> Array:
    """Second derivative of tr(-G L L') by L, negative eigenvalues of -G left out, (p*, p*)."""
    values, vectors = np.linalg.eigh(-gradient)
    positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
    rows, cols = vech_index(len(gradient))
    return 2.0 * positive[rows[:, None], rows] * (cols[:, None] == cols)
