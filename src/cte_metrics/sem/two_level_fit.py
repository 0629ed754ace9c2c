"""Fit of a two-level model level by level.

SRMR compares residual correlations within and between, each against the unrestricted moments of
its level. A model that is saturated at one level tests the other alone (partially saturated
models).

Reference: Ryu, E. & West, S. G. (2009). Level-specific evaluation of model fit in multilevel
structural equation modeling. Structural Equation Modeling, 16, 583-601.

Functions: ``two_level_srmr``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.kernels.vech import vech
from cte_metrics.sem.estimators.base import Array, Moments
from cte_metrics.sem.solution import Solution

NAN = float("nan")


def two_level_srmr(solution: Solution) -> dict[str, float]:
    """Root mean squared residual correlations within, between, and their sum.

    Each is the mean over the groups, weighted by their cases.
    """
    estimator = solution.estimator
    observed = estimator.saturated().moments
    within = between = 0.0
    for share, (w, b) in zip(estimator.shares, estimator.groups, strict=True):
        within += share * _residual_correlation(observed[w], solution.states[w].moments)
        between += share * _residual_correlation(observed[b], solution.states[b].moments)
    return {"srmr": within + between, "srmr_within": within, "srmr_between": between}


def _residual_correlation(observed: Moments, implied: Moments) -> float:
    if (observed.cov.diagonal() <= 0).any() or (implied.cov.diagonal() <= 0).any():
        return NAN
    residual = vech(_correlation(observed.cov) - _correlation(implied.cov))
    return float(np.sqrt((residual**2).mean()))


def _correlation(cov: Array) -> Array:
    sd = np.sqrt(cov.diagonal())
    return np.asarray(cov / (sd[:, None] * sd))
