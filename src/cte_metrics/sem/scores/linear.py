"""Scores that are linear in the answers: regression and Bartlett weights.

Functions: ``linear_scores``, ``score_weights``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.model.block import BlockState

Method = Literal["regression", "bartlett", "ebm"]


def linear_scores(state: BlockState, deviations: Array, *, bartlett: bool) -> Array:
    """Regression or Bartlett scores, pattern by pattern of missing answers."""
    answered = np.isfinite(deviations)
    out = np.full((len(deviations), state.design.n_latent), np.nan)
    patterns, members = np.unique(answered, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        if not pattern.any():
            continue
        rows = np.flatnonzero(members.ravel() == k)
        weights = score_weights(state, np.flatnonzero(pattern), bartlett=bartlett)
        out[rows] = state.eta + deviations[np.ix_(rows, pattern)] @ weights.T
    return out


def score_weights(state: BlockState, items: np.ndarray, *, bartlett: bool) -> Array:
    """Weights (m, items) of the answered items; nan rows where nothing measures the factor."""
    x = state.matrices.lambda_[items]
    inverse = np.linalg.pinv(state.cov[np.ix_(items, items)], hermitian=True)
    if not bartlett:
        return np.asarray(state.phi @ x.T @ inverse)
    inner = x.T @ inverse
    weights = np.linalg.pinv(inner @ x, hermitian=True) @ inner
    weights[np.all(weights == 0.0, axis=1)] = np.nan
    return np.asarray(weights)
