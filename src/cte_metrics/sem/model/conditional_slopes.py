"""Slopes of ordinal and numeric items on the covariates that a model is conditioned on.

With covariates x the moments of a block with ordinal items are those given x: the covariates'
own variances and means are 0 in the model matrices (their sample values are reported), and the
reduced-form slopes join the moment vector, of all items on the first covariate, then on the
second, ...::

    slope_ij = delta_i A_ij,      A = Lambda (I - Beta)^-1

Functions: ``slopes``, ``slope_jacobian``, ``slope_curvature``, ``with_covariate_moments``,
``explained_variances``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.sem.model.block import BlockState, row_derivatives
from cte_metrics.sem.model.design import MATRICES, BlockDesign, ModelDesign
from cte_metrics.sem.model.moments import Moments

_LAMBDA, _BETA = MATRICES.index("lambda"), MATRICES.index("beta")


def _places(design: BlockDesign) -> tuple[Index, Index]:
    """Items (n_y,) among the observed, and covariates (n_x,) among the latent variables."""
    outside = set(design.covariates)
    items = [i for i in range(design.n_observed) if i not in outside]
    x = [design.latent.index(design.observed[i]) for i in design.covariates]
    return np.array(items, dtype=np.intp), np.array(x, dtype=np.intp)


def slopes(state: BlockState, delta: Array) -> Array:
    """The slopes as they stand in the moment vector (n_x * n_y,)."""
    if not state.design.covariates:
        return np.zeros(0)
    items, x = _places(state.design)
    return np.asarray((delta[items, None] * state.A[np.ix_(items, x)]).T.ravel())


def _paths(state: BlockState, x: Index) -> tuple[Flags, Array]:
    """Own parameters that move A, and ``(I - Beta)^-1`` from their column to each covariate."""
    design = state.design
    path = (design.matrix == _LAMBDA) | (design.matrix == _BETA)
    reach = np.zeros((len(design.free), len(x)))
    reach[path] = state.inverse[np.ix_(design.column[path], x)]
    return path, reach


def slope_jacobian(state: BlockState, delta: Array, by_delta: Array) -> Array:
    """Derivatives of the slopes by own parameters (n_own, n_x * n_y).

    Parameters
    ----------
    delta : (p,)
        Scales of the items.
    by_delta : (n_own, p)
        Their derivatives.
    """
    if not state.design.covariates:
        return np.zeros((len(state.design.free), 0))
    items, x = _places(state.design)
    _, reach = _paths(state, x)
    own = reach[:, :, None] * (state.u[:, items] * delta[items])[:, None, :]
    own += by_delta[:, None, items] * state.A[np.ix_(items, x)].T
    return np.asarray(own.reshape(len(own), -1))


def slope_curvature(
    state: BlockState, delta: Array, by_delta: Array, g: Array
) -> tuple[Array, Array, Array]:
    """Second derivatives of the slopes weighted by ``g`` (n_x * n_y,).

    Returns
    -------
    curvature : (n_own, n_own)
        Of A at fixed scales.
    cross : (n_own, n_own)
        Products of a derivative of the scales (rows) and one of A (columns).
    scale_gradient : (p,)
        Derivative of the weighted slopes by the scales.
    """
    design = state.design
    if not design.covariates:
        size = (len(design.free), len(design.free))
        return np.zeros(size), np.zeros(size), np.zeros(design.n_observed)
    items, x = _places(design)
    weight = g.reshape(len(x), len(items))
    path, reach = _paths(state, x)
    pull = state.u[:, items] @ (weight * delta[items]).T
    moved = pull @ reach.T
    a, _ = row_derivatives(state)
    beta = design.matrix == _BETA
    inner = np.zeros((len(design.free),) * 2)
    inner[np.ix_(path, beta)] = state.inverse[np.ix_(design.column[path], design.row[beta])]
    curvature = path[:, None] * (a[design.u] * moved.T) + inner * moved
    slope = state.A[np.ix_(items, x)].T
    scale_gradient = np.zeros(design.n_observed)
    scale_gradient[items] = (weight * slope).sum(axis=0)
    own = reach[:, :, None] * state.u[:, None, items]
    cross = np.einsum("ri,ji,sji->rs", by_delta[:, items], weight, own, optimize=True)
    return curvature, cross, scale_gradient


def with_covariate_moments(design: ModelDesign, samples: Sequence[Moments]) -> ModelDesign:
    """Give every block the covariance matrix of its covariates, for standardized solutions."""
    blocks = []
    for block, sample in zip(design.blocks, samples, strict=True):
        x = list(block.covariates)
        blocks.append(replace(block, covariate_cov=sample.cov[np.ix_(x, x)]) if x else block)
    return replace(design, blocks=tuple(blocks))


def explained_variances(state: BlockState) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Variance that the covariates bring to latent and to observed variables.

    Returns
    -------
    of latent variables : (m,), derivatives (n_own, m)
    of observed variables : (p,), derivatives (n_own, p)
    """
    design, cov = state.design, state.design.covariate_cov
    assert cov is not None  # the caller has asked
    _, x = _places(design)
    _, reach = _paths(state, x)
    beta = design.matrix == _BETA
    by_x, total = state.inverse[:, x] @ cov, state.A[:, x] @ cov
    latent = np.zeros((len(design.free), design.n_latent))
    latent[beta] = 2.0 * state.inverse[:, design.row[beta]].T * (reach[beta] @ by_x.T)
    observed = 2.0 * state.u * (reach @ total.T)
    return (
        ((by_x * state.inverse[:, x]).sum(axis=1), latent),
        ((total * state.A[:, x]).sum(axis=1), observed),
    )
