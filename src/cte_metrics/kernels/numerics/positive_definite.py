"""Inverse and determinant of a positive definite matrix, by its Cholesky factor.

Functions: ``spd_inverse``.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from cte_metrics.arrays import Array


def spd_inverse(matrix: Array) -> tuple[Array, float] | None:
    """Return inverse and log-determinant, None where the matrix is not positive definite."""
    factor, failed = lapack.dpotrf(matrix, lower=True)
    if failed:
        return None
    half, _ = lapack.dpotri(factor, lower=True)
    inverse = np.tril(half) + np.tril(half, -1).T
    return inverse, 2.0 * float(np.log(np.diag(factor)).sum())
