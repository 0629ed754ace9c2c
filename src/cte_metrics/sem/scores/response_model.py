"""How answers depend on the latent variables, respondent by respondent.

Each item has a linear predictor and a residual; each respondent a prior of the latent variables::

    predictor_i = offset_i + Lambda_i eta,      eta ~ N(center_i, prior)

Observed variables that the model carries into eta are taken out again: a covariate moves center
and offset, an outcome (``y ~ f + x``) gets its regression as loadings and offset.

Functions: ``response_model``. Classes: ``ResponseModel``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import InputError
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.ordinal import scales


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """Items and latent variables of one block.

    Attributes
    ----------
    items : (k,) positions among the observed variables, covariates left out
    loadings : (k, m)
    offset : (n, k) or (1, k)
    residual : (k,) variances
    center : (n, m) or (1, m)
    prior : (m, m) covariance matrix of the latent variables given the covariates
    """

    items: Index
    loadings: Array
    offset: Array
    residual: Array
    center: Array
    prior: Array


def response_model(state: BlockState, values: Array) -> ResponseModel:
    """Describe the answers (n, p) of one block, ordinal items as categories from 0.

    Raises
    ------
    InputError
        If a residual variance is not positive, or an observed outcome predicts another variable.
    """
    design, x = state.design, state.matrices
    residual = np.diagonal(x.theta).copy()
    if design.parameterization == "delta":
        explained = np.einsum("pm,mp->p", x.lambda_, state.C)
        residual = np.where(design.ordinal, scales(state) ** -2.0 - explained, residual)
    carried = [v for v in design.latent if v in design.observed]
    if not carried:
        everything = np.arange(design.n_observed)
        center = state.eta[None, :]
        parts = ResponseModel(everything, x.lambda_, x.nu[None, :], residual, center, state.phi)
    else:
        parts = _without_carried(state, values, residual)
    if (parts.residual <= 0).any():
        item = design.observed[int(parts.items[int(np.argmin(parts.residual))])]
        raise InputError(
            f"Scores cannot be computed: the residual variance of {item!r} is not positive."
        )
    return parts


def _without_carried(state: BlockState, values: Array, residual: Array) -> ResponseModel:
    design, x = state.design, state.matrices
    place = {name: i for i, name in enumerate(design.observed)}
    latent = [k for k, v in enumerate(design.latent) if v not in place]
    given = [design.latent.index(design.observed[i]) for i in design.covariates]
    outcome = [k for k, v in enumerate(design.latent) if v in place and k not in given]
    _refuse_mediators(state, latent, outcome)
    observed_x = values[:, list(design.covariates)]
    inverse = np.linalg.inv(np.eye(len(latent)) - x.beta[np.ix_(latent, latent)])
    shift = x.alpha[latent] + observed_x @ x.beta[np.ix_(latent, given)].T
    items = np.array([i for i in range(design.n_observed) if i not in design.covariates])
    loadings = x.lambda_[:, latent].copy()
    offset = np.tile(x.nu, (len(values), 1))
    residual = residual.copy()
    for k in outcome:
        i = place[design.latent[k]]
        loadings[i] = x.beta[k, latent]
        offset[:, i] = x.nu[i] + x.alpha[k] + observed_x @ x.beta[k, given]
        residual[i] = x.psi[k, k]
    prior = inverse @ x.psi[np.ix_(latent, latent)] @ inverse.T
    return ResponseModel(
        items, loadings[items], offset[:, items], residual[items], shift @ inverse.T, prior
    )


def _refuse_mediators(state: BlockState, latent: list[int], outcome: list[int]) -> None:
    x, names = state.matrices, state.design.latent
    for k in outcome:
        others = [j for j in latent + outcome if j != k]
        if x.beta[:, k].any() or x.psi[k, others].any():
            raise InputError(
                f"Factor scores are not defined here where the observed outcome {names[k]!r} "
                "predicts, or covaries with, another variable of a model with ordinal items.",
                hint="Score the factors from a model of their own items.",
            )
