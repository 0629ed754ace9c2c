"""Bases in which a mixed model is estimated, so that units and origins of variables do not matter.

A model with X A and Z B for X and Z is the same model: beta = A gamma, b = B u. A makes the columns
of X orthonormal in the mean square. B does so for Z where random effects may be correlated; where
they may not, only a change of unit leaves the model as it is, and B is diagonal.

Functions: ``orthonormal, rescaled, lower_factor, first_along, complement``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array, Index

COLLINEAR = 1e-10  # part of a column that the others must leave over


@dataclass(frozen=True, slots=True)
class Basis:
    """columns: (N, k), the variables times ``back``; back: (k, k).

    weak: positions of variables that the others determine, or that are 0.
    """

    columns: Array
    back: Array
    weak: Index

    @property
    def log_det(self) -> float:
        """Log of the determinant of ``back``."""
        return float(np.linalg.slogdet(self.back)[1])


def orthonormal(columns: Array) -> Basis:
    """Basis with columns'columns = N I; ``back`` is 0 where there are weak columns."""
    n, k = columns.shape
    size = np.abs(columns).max(axis=0, initial=0.0)
    unit = np.where(size > 0, size, 1.0)
    scaled = columns / unit
    size = np.sqrt((scaled**2).sum(axis=0))
    zero = np.flatnonzero(size == 0)
    if len(zero) or k == 0:
        return Basis(columns, np.zeros((k, k)), zero)
    q, r, order = linalg.qr(scaled / size, mode="economic", pivoting=True)
    own = np.abs(np.diag(r))
    weak = order[: len(own)][own < COLLINEAR]
    weak = np.sort(np.concatenate([weak, order[len(own) :]]))
    if len(weak):
        return Basis(columns, np.zeros((k, k)), weak)
    back = np.zeros((k, k))
    back[order] = linalg.solve_triangular(r, np.eye(k)) * np.sqrt(n)
    return Basis(q * np.sqrt(n), back / (unit * size)[:, None], weak)


def rescaled(columns: Array) -> Basis:
    """Basis of the same columns, each with a mean square of 1."""
    size = np.abs(columns).max(axis=0)
    unit = np.where(size > 0, size, 1.0)
    unit = unit * np.sqrt(((columns / unit) ** 2).mean(axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    weak = orthonormal(columns).weak if len(size) > 1 else np.flatnonzero(size == 0)
    return Basis(columns / unit, np.diag(1 / unit), weak)


def lower_factor(factor: Array) -> Array:
    """Lower triangular L with L L' = F F' and a diagonal that is not negative."""
    lower = linalg.qr(factor.T, mode="r")[0].T
    return np.asarray(lower * np.where(np.diag(lower) < 0, -1.0, 1.0))


def first_along(direction: Array) -> Array:
    """(q, q) rotation whose first column is the unit vector along ``direction``."""
    square = np.column_stack([direction, np.eye(len(direction))])
    q, r = linalg.qr(square, mode="economic")
    return np.asarray(q * np.where(r[0, 0] < 0, -1.0, 1.0))


def complement(direction: Array) -> Array:
    """(p, p - 1) orthonormal columns at right angles to ``direction``."""
    return first_along(direction)[:, 1:]
