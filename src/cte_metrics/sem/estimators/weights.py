"""Weights that estimators hand out: held as a matrix, or as the normal-theory form of one block.

Classes: ``DenseWeight``, ``NormalWeight``. Functions: ``quadratic``, ``blanked``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.locking import lock
from cte_metrics.kernels.numerics.vech import unvech
from cte_metrics.sem.estimators.base import Weight
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.implied import saturated_state


@dataclass(frozen=True, slots=True)
class DenseWeight:
    """A weight held as a matrix (n_moments, n_moments) over all blocks of the group."""

    matrix: Array

    def __post_init__(self) -> None:
        lock(self.matrix)

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` over the free parameters of the model."""
        delta = np.vstack([s.jacobian for s in states]) if len(states) > 1 else states[0].jacobian
        return delta.T @ self.matrix @ delta

    def dense(self) -> Array:
        """Return the matrix."""
        return self.matrix


@dataclass(frozen=True, slots=True)
class NormalWeight:
    """Normal-theory weight of one block, ``share`` times ``Sigma^-1`` and its Kronecker square.

    ``H = share * blockdiag(V, 1/2 D'(V kron V)D)`` with ``V = inverse`` (p, p). Given ``second``
    (``V T V`` with ``T = S + d d'``) and ``residual`` (``V d``, ``d = m - mu``), the weight is the
    exact second derivative of the normal discrepancy at the sample instead of its expectation.
    Moments among the ``blank`` variables (fixed covariates) have rows of zeros in the matrix.
    """

    share: float
    inverse: Array
    has_means: bool
    second: Array | None = None
    residual: Array | None = None
    blank: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lock(self.inverse, self.second, self.residual)

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` without ever forming ``H``."""
        (state,) = states
        return self.share * state.normal_information(self.inverse, self.second, self.residual)

    def dense(self) -> Array:
        """Return ``H`` as a matrix."""
        unit = saturated_state(len(self.inverse), self.has_means)
        full: Array = unit.normal_information(self.inverse, self.second, self.residual)
        return self.share * blanked(full, len(self.inverse), self.has_means, self.blank)


def quadratic(weight: Weight, vector: Array) -> float:
    """``vector' H vector`` of an expected weight; ``d'V d + 1/2 tr(V D V D)`` for a normal one."""
    if not isinstance(weight, NormalWeight):
        return float(vector @ weight.dense() @ vector)
    p = len(weight.inverse)
    half = p * (p + 1) // 2
    square = unvech(vector[-half:], p)
    mean = vector[:-half] if weight.has_means else np.zeros(p)
    if weight.blank:
        x = list(weight.blank)
        square[np.ix_(x, x)] = 0.0
        mean = mean.copy()
        mean[x] = 0.0
    inner = weight.inverse @ square
    own = 0.5 * float(np.vdot(inner.T, inner)) + float(mean @ weight.inverse @ mean)
    return weight.share * own


def blanked(matrix: Array, p: int, has_means: bool, variables: tuple[int, ...]) -> Array:
    """Set rows and columns of the moments among some variables to zero."""
    if not variables:
        return matrix
    inside = np.isin(np.arange(p), variables)
    columns, rows = np.triu_indices(p)
    zero = inside[rows] & inside[columns]
    if has_means:
        zero = np.concatenate((inside, zero))
    out = matrix.copy()
    out[zero] = 0.0
    out[:, zero] = 0.0
    return out
