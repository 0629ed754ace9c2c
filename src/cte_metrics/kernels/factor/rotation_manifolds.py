r"""The two families of rotations as manifolds of matrices T (k, k).

Loadings are ``L = A inv(T)'`` with ``Phi = T'T``: T orthogonal (``L = A T``), or oblique with
columns of length one. Every method takes a stack of matrices.

Classes: ``Points, Manifold, Orthogonal, Oblique``.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.factor.rotation_criteria import Criterion, inverse_or_nan


class Points(NamedTuple):
    """A stack of solutions: T (b, k, k), value (b,), gradient along the manifold in coordinates
    (b, d).
    """

    t: Array
    value: Array
    gradient: Array


class Manifold(Protocol):
    """What the two families of rotations provide to the search."""

    n_directions: int

    def evaluate(self, t: Array) -> Points:
        """Value and gradient at T (b, k, k)."""
        ...

    def move(self, t: Array, coordinates: Array) -> Array:
        """T moved along ``coordinates`` (b, d) and back onto the manifold."""
        ...

    def loadings(self, t: Array) -> Array:
        """Rotated loadings."""
        ...

    def collapsed(self, t: Array) -> Flags:
        """Whether factors have merged."""
        ...


class Orthogonal:
    """Rotations: coordinates are the k(k-1)/2 entries above the diagonal of a skew-symmetric
    matrix.
    """

    def __init__(self, a: Array, criterion: Criterion) -> None:
        self.a, self.criterion = a, criterion
        self.upper = np.triu_indices(a.shape[1], 1)
        self.flat = self.upper[0] * a.shape[1] + self.upper[1]
        self.n_directions = self.flat.size
        self.identity = np.eye(a.shape[1])

    def loadings(self, t: Array) -> Array:
        """Rotated loadings."""
        return np.asarray(self.a @ t)

    def collapsed(self, t: Array) -> Flags:
        """Never: orthogonal factors stay apart."""
        return np.zeros(t.shape[0], dtype=np.bool_)

    def evaluate(self, t: Array) -> Points:
        """Value and gradient at T."""
        loadings = self.a @ t
        value, slope = self.criterion(loadings)
        turned = _transposed(loadings) @ slope
        skew = turned - _transposed(turned)
        return Points(t, value, _flat(skew)[:, self.flat])

    def move(self, t: Array, coordinates: Array) -> Array:
        """Along the Cayley transform of the skew matrix; its first order is the geodesic's."""
        half = np.zeros(coordinates.shape[:-1] + self.identity.shape)
        half[..., self.upper[0], self.upper[1]] = 0.5 * coordinates
        half = half - _transposed(half)
        return np.asarray(t @ np.linalg.solve(self.identity - half, self.identity + half))


class Oblique:
    """T with columns of length one: coordinates are the k(k-1) off-diagonal entries of X in T (I +
    X).
    """

    def __init__(self, a: Array, criterion: Criterion) -> None:
        self.a, self.criterion = a, criterion
        self.off = np.nonzero(~np.eye(a.shape[1], dtype=np.bool_))
        self.flat = self.off[0] * a.shape[1] + self.off[1]
        self.n_directions = self.flat.size
        self.diagonal = np.arange(a.shape[1])
        self.identity = np.eye(a.shape[1])

    def loadings(self, t: Array) -> Array:
        """Rotated loadings."""
        inverse = _inverse_of_two(t) if self.diagonal.size == 2 else inverse_or_nan(t)
        return np.asarray(self.a @ _transposed(inverse))

    def collapsed(self, t: Array) -> Flags:
        """Whether factors have merged: the smallest root of Phi is practically zero."""
        phi: Array = np.matmul(_transposed(t), t)
        phi[~np.isfinite(phi).all(axis=(-2, -1))] = 0.0
        return np.asarray(np.linalg.eigvalsh(phi)[:, 0] < 1e-3)

    def evaluate(self, t: Array) -> Points:
        """Value and gradient at T."""
        loadings = self.loadings(t)
        value, slope = self.criterion(loadings)
        # d value / dT = -(L' dL inv(T))'; then the part along each column goes, and T' turns it
        # into X
        turned: Array = -_transposed(np.matmul(_transposed(loadings), slope))
        phi: Array = np.matmul(_transposed(t), t)
        along = turned[:, self.diagonal, self.diagonal]
        gradient = turned - phi * along[:, None, :]
        return Points(t, value, _flat(gradient)[:, self.flat])

    def move(self, t: Array, coordinates: Array) -> Array:
        """T (I + X) with its columns brought back to length one."""
        x = np.zeros(coordinates.shape[:-1] + self.identity.shape)
        x[..., self.off[0], self.off[1]] = coordinates
        moved = t @ (self.identity + x)
        return np.asarray(moved / np.sqrt((moved * moved).sum(axis=-2, keepdims=True)))


def _inverse_of_two(t: Array) -> Array:
    """Inverses of matrices (..., 2, 2), not finite where a matrix is singular."""
    swapped = t[..., ::-1, ::-1] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    first, second = t[..., 0, 0] * t[..., 1, 1], t[..., 0, 1] * t[..., 1, 0]
    return np.asarray(_transposed(swapped) / (first - second)[..., None, None])


def _flat(stack: Array) -> Array:
    return stack.reshape(len(stack), -1)


def _transposed(stack: Array) -> Array:
    return stack.swapaxes(-1, -2)
