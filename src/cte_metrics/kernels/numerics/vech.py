"""Half-vectors of symmetric matrices, in the order used throughout the library.

vech stacks the lower triangle column by column, diagonal included. For a symmetric G = dF/dSigma
that treats sigma_ij and sigma_ji as separate entries, the gradient with respect to vech(Sigma) is
D' vec(G): off-diagonal entries count twice (`vech_gradient`). For sums K of Kronecker products A
x B stored as K[a, c, b, d] = sum A_ac B_bd, `symmetric_product` gives D' K D without forming the
duplication matrix D.

References
----------
Magnus, J. R. & Neudecker, H. (1999). Matrix Differential Calculus. Wiley.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cte_metrics.arrays import Array, Index

__all__ = [
    "n_half",
    "symmetric_product",
    "unvech",
    "vech",
    "vech_gradient",
    "vech_index",
    "vech_weights",
]


def n_half(p: int) -> int:
    """Return the length p(p+1)/2 of the half-vector of a p x p matrix."""
    return p * (p + 1) // 2


@lru_cache(maxsize=128)
def vech_index(p: int) -> tuple[Index, Index]:
    """Return row and column numbers of the lower triangle, column by column."""
    cols, rows = np.triu_indices(p)
    rows.setflags(write=False)
    cols.setflags(write=False)
    return rows, cols


@lru_cache(maxsize=128)
def vech_weights(p: int) -> Array:
    """Return 1 for diagonal and 2 for off-diagonal entries of the half-vector."""
    rows, cols = vech_index(p)
    weights = np.where(rows == cols, 1.0, 2.0)
    weights.setflags(write=False)
    return weights


def vech(matrix: Array) -> Array:
    """Return the half-vectors of symmetric matrices, shape (..., p, p) -> (..., p(p+1)/2).

    >>> vech(np.array([[1.0, 2.0], [2.0, 3.0]])).tolist()
    [1.0, 2.0, 3.0]
    """
    rows, cols = vech_index(matrix.shape[-1])
    return matrix[..., rows, cols]


def unvech(half: Array, p: int) -> Array:
    """Return symmetric matrices from half-vectors, (..., p(p+1)/2) -> (..., p, p)."""
    rows, cols = vech_index(p)
    matrix = np.empty((*half.shape[:-1], p, p))
    matrix[..., rows, cols] = half
    matrix[..., cols, rows] = half
    return matrix


def vech_gradient(gradient: Array) -> Array:
    """Return D' vec(G) for symmetric G, shape (..., p, p) -> (..., p(p+1)/2)."""
    return vech(gradient) * vech_weights(gradient.shape[-1])


@lru_cache(maxsize=64)
def _product_index(p: int) -> tuple[Index, Index]:
    """Return flat positions of (a, c, b, d) and (a, d, b, c) in K for all half-vector pairs."""
    rows, cols = vech_index(p)
    a, b = rows[:, None], cols[:, None]
    c, d = rows[None, :], cols[None, :]
    straight = ((a * p + c) * p + b) * p + d
    crossed = ((a * p + d) * p + b) * p + c
    return straight, crossed


def symmetric_product(kron: Array, p: int) -> Array:
    """Return D' K D (p* x p*) for K[a, c, b, d] = sum of A_ac B_bd with A and B symmetric.

    `kron` has p**4 elements in any shape that ravels to (a, c, b, d). The sum need not be
    symmetric in A and B: (A x B + B x A)/2 gives the same D' K D.
    """
    straight, crossed = _product_index(p)
    square = kron.reshape(p * p, p * p)
    flat = (square + square.T).reshape(-1)
    weights = vech_weights(p)
    return (flat[straight] + flat[crossed]) * (0.25 * weights[:, None] * weights[None, :])
