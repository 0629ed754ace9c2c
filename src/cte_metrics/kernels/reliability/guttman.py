"""Guttman's lower bounds of reliability, and the delta method for functions of a matrix.

For a covariance or correlation matrix C of k items with V = sum(C) and off-diagonal part C0:

    lambda1 = 1 - tr(C) / V                    lambda2 = (sum(C0) + sqrt(k/(k-1) sum(C0^2))) / V
    lambda3 = k/(k-1) lambda1  (alpha)         lambda4 = the best split half
    lambda5 = lambda1 + 2 sqrt(max_j sum_i C0_ij^2) / V
    lambda6 = 1 - sum(1 / diag(C^-1)) / V

Lambda 4 rests on the set of splits that was searched and stands in ``split_half``. A figure f of C
with df = tr(M dC) has the normal-theory variance 2 tr(M S M S) / n.

References
----------
Guttman, L. (1945). Psychometrika, 10, 255-282.

Functions: ``guttman_bounds, delta_error, numeric_gradient``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.reliability.alpha import alpha_coefficient


@dataclass(frozen=True, slots=True)
class GuttmanBounds:
    """Lambda 1, 2, 3, 5 and 6 of one matrix or of a stack (b,)."""

    lambda1: Array
    lambda2: Array
    lambda3: Array
    lambda5: Array
    lambda6: Array


def guttman_bounds(matrix: Array) -> GuttmanBounds:
    """Bounds of positive definite matrices (..., k, k), except the split half.

    Examples
    --------
    >>> found = guttman_bounds(np.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> round(float(found.lambda1), 6), round(float(found.lambda3), 6)
    (0.333333, 0.666667)
    """
    k = matrix.shape[-1]
    total = matrix.sum(axis=(-2, -1))
    trace = np.einsum("...ii->...", matrix)
    off = matrix * (1 - np.eye(k))
    lambda1 = 1 - trace / total
    spread = np.sqrt(k / (k - 1) * np.square(off).sum(axis=(-2, -1)))
    strongest = np.sqrt(np.square(off).sum(axis=-1).max(axis=-1))
    unique = 1.0 / np.diagonal(np.linalg.inv(matrix), axis1=-2, axis2=-1)
    return GuttmanBounds(
        lambda1,
        (total - trace + spread) / total,
        alpha_coefficient(k, trace, total),
        lambda1 + 2 * strongest / total,
        1 - unique.sum(axis=-1) / total,
    )


def numeric_gradient(
    function: Callable[[Array], Array], matrix: Array, step: float = 1e-5
) -> Array:
    """Derivative M with d f = tr(M dC) of f: (b, k, k) -> (b, ...), by central differences.

    Parameters
    ----------
    function : callable
        Takes a stack of symmetric matrices (b, k, k) and returns (b, m) figures.
    matrix : (k, k)

    Returns
    -------
    (m, k, k)
    """
    k = len(matrix)
    i, j = np.triu_indices(k)
    sd = np.sqrt(np.diagonal(matrix))
    size = step * sd[i] * sd[j]
    moves = np.zeros((len(i), k, k))
    rows = np.arange(len(i))
    moves[rows, i, j] += size
    moves[rows, j, i] = moves[rows, i, j]
    slope = (function(matrix + moves) - function(matrix - moves)) / (2 * size[:, None])
    out = np.zeros((slope.shape[1], k, k))
    half = np.where(i == j, 1.0, 0.5)
    out[:, i, j] = (slope * half[:, None]).T
    out[:, j, i] = out[:, i, j]
    return out


def delta_error(gradient: Array, covariance: Array, n: int) -> Array:
    """Normal-theory standard error of figures with d f = tr(M dS): sqrt(2 tr(MSMS) / n); (...)."""
    product = gradient @ covariance
    variance = 2 * np.einsum("...ij,...ji->...", product, product) / n
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
