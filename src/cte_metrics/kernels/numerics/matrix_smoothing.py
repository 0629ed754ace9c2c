"""Make a correlation matrix positive definite by lifting its small eigenvalues.

Function: ``nearest_positive_definite``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array


def nearest_positive_definite(matrix: Array, smallest: float = 1e-4) -> Array:
    """Replace eigenvalues below ``smallest`` by it and rescale to a unit diagonal.

    This is lavaan's ``cor.smooth``; psych::cor.smooth lifts to a smaller value and keeps the trace.

    Parameters
    ----------
    matrix : (k, k) float64
        Correlations.
    smallest : float
        Eigenvalues are at least this before rescaling.
    """
    values, vectors = np.linalg.eigh(matrix)
    lifted = (vectors * np.maximum(values, smallest)) @ vectors.T
    sd = np.sqrt(np.diagonal(lifted))
    out = lifted / np.outer(sd, sd)
    np.fill_diagonal(out, 1.0)
    return np.asarray(0.5 * (out + out.T))
