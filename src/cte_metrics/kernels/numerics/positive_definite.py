"""Inverse and determinant of a positive definite matrix, by its Cholesky factor.

Functions: ``inverse_and_logdet, symmetric``.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from cte_metrics.arrays import Array


def inverse_and_logdet(matrix: Array) -> tuple[Array, float] | None:
    """Inverse and log-determinant of a positive definite matrix; ``None`` if it is not.

    Examples
    --------
    >>> inverse, logdet = inverse_and_logdet(np.diag([4.0, 0.25]))
    >>> inverse.tolist(), round(logdet, 12)
    ([[0.25, 0.0], [0.0, 4.0]], 0.0)
    """
    factor, info = lapack.dpotrf(matrix, lower=1)
    if info != 0:
        return None
    logdet = 2.0 * float(np.log(factor.diagonal()).sum())
    inverse, _ = lapack.dpotri(factor, lower=1)
    return symmetric(inverse), logdet


def symmetric(lower: Array) -> Array:
    """Complete a lower triangle with zeros above it."""
    full: Array = lower + lower.T
    full.flat[:: len(full) + 1] *= 0.5
    return full
