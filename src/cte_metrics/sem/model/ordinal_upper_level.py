"""Moments of the upper level of items that are cut within clusters.

The latent response of an item is ``y* = w + b``, of variance 1 within clusters. The thresholds
tau and the moments of b form the upper block; with implied ``mu`` and ``Sigma`` of b its vector is

    [tau_k - mu_i  (item by item),  vech(Sigma)]

Functions: ``upper_vector``, ``upper_jacobian``, ``upper_curvature``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import vech, vech_index
from cte_metrics.sem.model.block import (
    BlockState,
    MomentKind,
    by_vector,
    in_matrices,
    moment_curvature,
)
from cte_metrics.sem.model.design import MATRICES
from cte_metrics.sem.model.moments import MomentGradient

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


def upper_curvature(state: BlockState, weights: MomentGradient) -> Array:
    """Second derivative of the moments weighted by a vector (n_moments,), (n_own, n_own)."""
    g = by_vector(weights)
    p, n = state.design.n_observed, len(state.design.threshold_item)
    mean: Array = -np.bincount(state.design.threshold_item, g[:n], minlength=p).astype(np.float64)
    cov = in_matrices(MomentGradient(vector=g[n:]), p).cov
    return moment_curvature(state, MomentGradient(cov, mean))


UPPER_LEVEL = MomentKind(upper_vector, upper_jacobian, upper_curvature)
