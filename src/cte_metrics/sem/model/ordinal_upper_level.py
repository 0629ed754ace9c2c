"""Moments of the upper level of items that are cut within clusters, and their residuals.

The latent response of an item is ``y* = w + b``, of variance 1 within clusters. The thresholds
tau and the moments of b form the upper block; with implied ``mu`` and ``Sigma`` of b its vector is

    [tau_k - mu_i  (item by item),  vech(Sigma)]

Functions: ``upper_vector``, ``upper_jacobian``, ``upper_curvature``, ``two_level_ordinal_srmr``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cte_metrics.kernels.numerics.vech import n_half, vech, vech_index
from cte_metrics.sem.estimators.base import Array, MomentGradient
from cte_metrics.sem.model.design import MATRICES

if TYPE_CHECKING:
    from cte_metrics.sem.inference.solution import Solution
    from cte_metrics.sem.model.implied import BlockState

_TAU = MATRICES.index("tau")


def upper_vector(state: BlockState) -> Array:
    """The moment vector (n_moments,)."""
    cuts = state.matrices.tau
    if state.mean is not None:
        cuts = cuts - state.mean[state.design.threshold_item]
    return np.concatenate((cuts, vech(state.cov)))


def upper_jacobian(state: BlockState) -> Array:
    """Derivative of the moment vector by this block's parameters (n_moments, n_own)."""
    design, u, v = state.design, state.u, state.v
    i, j = vech_index(design.n_observed)
    cov = (u[:, i] * v[:, j] + v[:, i] * u[:, j]) * design.scale[:, None]
    mean = state.factor[:, None] * u if design.has_means else np.zeros_like(u)
    cuts = -mean[:, design.threshold_item]
    taus = np.flatnonzero(design.matrix == _TAU)
    cuts[taus, design.row[taus]] += 1.0
    return np.concatenate((cuts, cov), axis=1).T


def upper_curvature(state: BlockState, g: Array) -> Array:
    """Second derivative of the moments weighted by ``g`` (n_moments,), (n_own, n_own)."""
    from cte_metrics.sem.model.implied import in_matrices, moment_curvature

    p, n = state.design.n_observed, len(state.design.threshold_item)
    mean: Array = -np.bincount(state.design.threshold_item, g[:n], minlength=p).astype(np.float64)
    cov = in_matrices(MomentGradient(vector=g[n:]), p).cov
    return moment_curvature(state, MomentGradient(cov, mean))


def two_level_ordinal_srmr(solution: Solution) -> dict[str, float]:
    """Root mean squared residuals of the correlations within and between, and their sum.

    The diagonals count (with residual 0), as for continuous items. nan between where an item's
    variance, in the sample or implied, is not positive.
    """
    estimator = solution.estimator
    observed = estimator.saturated().moments
    within = between = 0.0
    for share, (w, b) in zip(estimator.shares, estimator.groups, strict=True):
        p = solution.design.blocks[w].n_observed
        pairs = p * (p - 1) // 2
        difference = _vector(observed[w].vector)[-pairs:] - solution.states[w].vector[-pairs:]
        within += share * float(np.sqrt((difference[:pairs] ** 2).sum() / n_half(p)))
        between += share * _upper_residual(observed[b].cov, solution.states[b].cov)
    return {"srmr": within + between, "srmr_within": within, "srmr_between": between}


def _vector(vector: Array | None) -> Array:
    assert vector is not None  # blocks of ordinal items carry their moment vector
    return vector


def _upper_residual(observed: Array, implied: Array) -> float:
    if (observed.diagonal() <= 0.0).any() or (implied.diagonal() <= 0.0).any():
        return float("nan")
    a, b = np.sqrt(observed.diagonal()), np.sqrt(implied.diagonal())
    residual = vech(observed / (a[:, None] * a) - implied / (b[:, None] * b))
    return float(np.sqrt((residual**2).mean()))
