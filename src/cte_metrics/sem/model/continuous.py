"""Moments of a block of continuous variables: ``[mean]`` (where modelled) and ``vech(Sigma)``.

Functions: ``continuous_vector``, ``continuous_jacobian``, ``continuous_curvature``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import vech, vech_index
from cte_metrics.sem.model.block import BlockState, MomentKind, in_matrices, moment_curvature
from cte_metrics.sem.model.moments import MomentGradient


def continuous_vector(state: BlockState) -> Array:
    """The moment vector (n_moments,)."""
    if state.mean is None or not state.design.has_means:
        return vech(state.cov)
    return np.concatenate((state.mean, vech(state.cov)))


def continuous_jacobian(state: BlockState) -> Array:
    """Derivative of the moment vector by this block's parameters (n_moments, n_own)."""
    design, u, v = state.design, state.u, state.v
    i, j = vech_index(design.n_observed)
    cov = (u[:, i] * v[:, j] + v[:, i] * u[:, j]) * design.scale[:, None]
    if not design.has_means:
        return cov.T
    return np.concatenate((state.factor[:, None] * u, cov), axis=1).T


def continuous_curvature(state: BlockState, g: MomentGradient) -> Array:
    """Second derivative of the moments weighted by a gradient (n_own, n_own)."""
    return moment_curvature(state, in_matrices(g, state.design.n_observed))


CONTINUOUS = MomentKind(
    continuous_vector, continuous_jacobian, continuous_curvature, by_vector=False
)
