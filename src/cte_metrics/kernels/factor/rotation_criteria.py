r"""Rotation criteria: how far loadings are from simple structure.

Each function takes loadings ``L`` of shape (..., p, k) (a stack of solutions is rotated at once)
and returns the criterion, shape (...), and its gradient with respect to ``L``, the shape of ``L``.
All are minimised. The definitions, and so the values, are those of GPArotation (Bernaards &
Jennrich 2005).

=======================  ===================================================================
quartimax                -1/4 sum L^4
varimax                  -1/4 sum (L^2 - column means of L^2)^2
oblimin (gamma)          1/4 sum_{r != s} (L_r^2)' (I - gamma/p 11') L_s^2; gamma 0 is quartimin
crawford_ferguson (k)    (1 - k)/4 of the products within rows, k/4 of those within columns
geomin (delta)           sum over rows of the geometric mean of L^2 + delta
bentler                  -1/4 (log det M - log det diag M), M = (L^2)' L^2
oblimax                  -log sum L^4 + 2 log sum L^2
entropy                  -1/2 sum L^2 log L^2
infomax                  log k + entropies of the shares: cells - rows - columns (Browne 2001)
simplimax (n_zeros)      sum of the n_zeros smallest L^2
target                   sum W^2 (L - target)^2
bifactor                 4 times quartimin of all columns but the first
=======================  ===================================================================

References
----------
Bernaards, C. A., & Jennrich, R. I. (2005). Gradient projection algorithms and software for
    arbitrary rotation criteria in factor analysis. Educational and Psychological Measurement, 65,
    676-696.
Browne, M. W. (2001). An overview of analytic rotation in exploratory factor analysis. MBR, 36,
    111-150.
Jennrich, R. I., & Bentler, P. M. (2011). Exploratory bi-factor analysis. Psychometrika, 76,
    537-549.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from cte_metrics.arrays import Array

ValueAndGradient = tuple[Array, Array]
Criterion = Callable[[Array], ValueAndGradient]

_TINY = float(np.finfo(np.float64).eps)


def quartimax(loadings: Array) -> ValueAndGradient:
    """Sum of fourth powers, negative."""
    squares = loadings * loadings
    return -0.25 * _total(squares * squares), -loadings * squares


def varimax(loadings: Array) -> ValueAndGradient:
    """Variance of the squared loadings within columns, negative."""
    squares = loadings * loadings
    centred = squares - squares.mean(axis=-2, keepdims=True)
    return -0.25 * _total(centred * centred), -loadings * centred


def oblimin(loadings: Array, gamma: float = 0.0) -> ValueAndGradient:
    """Covariation of squared loadings between columns."""
    squares = loadings * loadings
    others = _of_other_columns(squares)
    if gamma != 0.0:
        others = others - gamma * others.mean(axis=-2, keepdims=True)
    return 0.25 * _total(squares * others), loadings * others


def crawford_ferguson(loadings: Array, kappa: float = 0.0) -> ValueAndGradient:
    """Complexity of rows and, by ``kappa``, of columns."""
    squares = loadings * loadings
    mixed = (1.0 - kappa) * _of_other_columns(squares)
    if kappa != 0.0:
        mixed = mixed + kappa * (squares.sum(axis=-2, keepdims=True) - squares)
    return 0.25 * _total(squares * mixed), loadings * mixed


def geomin(loadings: Array, delta: float = 0.01) -> ValueAndGradient:
    """Geometric means of the squared loadings of each row."""
    k = loadings.shape[-1]
    squares = loadings * loadings + delta
    means = np.exp(np.log(squares).mean(axis=-1, keepdims=True))
    return np.asarray(means.sum(axis=(-2, -1))), (2.0 / k) * (loadings / squares) * means


def inverse_or_nan(stack: Array) -> Array:
    """Inverses of matrices (..., k, k), nan where a matrix is singular."""
    try:
        return np.asarray(np.linalg.inv(stack), dtype=np.float64)
    except np.linalg.LinAlgError:
        if stack.ndim == 2:
            return np.full_like(stack, np.nan)
        return np.stack([inverse_or_nan(matrix) for matrix in stack])


def bentler(loadings: Array) -> ValueAndGradient:
    """Invariant pattern simplicity."""
    squares = loadings * loadings
    products = np.swapaxes(squares, -1, -2) @ squares
    diagonal = np.diagonal(products, axis1=-2, axis2=-1)
    _, log_det = np.linalg.slogdet(products)
    inverse = inverse_or_nan(products)
    inverse = inverse - np.eye(loadings.shape[-1]) / diagonal[..., None, :]
    value = -0.25 * (log_det - np.log(diagonal).sum(axis=-1))
    return value, -loadings * (squares @ inverse)


def oblimax(loadings: Array) -> ValueAndGradient:
    """Kurtosis of all loadings, negative."""
    cubes = loadings**3
    fourth = _total(cubes * loadings)
    second = _total(loadings * loadings)
    gradient = -4.0 * (cubes / _cell(fourth) - loadings / _cell(second))
    return -(np.log(fourth) - 2.0 * np.log(second)), gradient


def entropy(loadings: Array) -> ValueAndGradient:
    """Minimum entropy."""
    squares = loadings * loadings
    logs = np.log(squares + _TINY)
    return -0.5 * _total(squares * logs), -(loadings * logs + loadings)


def infomax(loadings: Array) -> ValueAndGradient:
    """Mutual information of items and factors, taken from its maximum."""
    squares = loadings * loadings
    total = _cell(_total(squares))
    shares = squares / total
    value = np.full(loadings.shape[:-2], np.log(loadings.shape[-1]))
    gradient = np.zeros_like(loadings)
    for sign, axis in ((1.0, None), (-1.0, -1), (-1.0, -2)):
        part = shares if axis is None else shares.sum(axis=axis, keepdims=True)
        logs = np.log(part + _TINY)
        value = value - sign * (part * logs).sum(axis=(-2, -1))
        slope = -(logs + 1.0)
        average = (part * slope).sum(axis=(-2, -1), keepdims=True)
        gradient = gradient + sign * (slope - average) / total
    return value, 2.0 * loadings * gradient


def simplimax(loadings: Array, n_zeros: int) -> ValueAndGradient:
    """Sum of the ``n_zeros`` smallest squared loadings."""
    squares = loadings * loadings
    flat = squares.reshape(*squares.shape[:-2], -1)
    largest = np.partition(flat, n_zeros - 1, axis=-1)[..., n_zeros - 1]
    near_zero = np.where(squares <= _cell(largest), loadings, 0.0)
    return _total(near_zero * near_zero), 2.0 * near_zero


def target(loadings: Array, goal: Array, weights: Array) -> ValueAndGradient:
    """``weights`` (p, k) multiply the differences; 0 leaves a loading unspecified."""
    difference = weights * (loadings - goal)
    return _total(difference * difference), 2.0 * weights * difference


def bifactor(loadings: Array) -> ValueAndGradient:
    """Quartimin of the group factors; the first column is free."""
    value, slope = oblimin(loadings[..., 1:])
    gradient = np.zeros_like(loadings)
    gradient[..., 1:] = 4.0 * slope
    return 4.0 * value, gradient


def _of_other_columns(squares: Array) -> Array:
    return np.asarray(squares @ _all_but_own(squares.shape[-1]))


@functools.cache
def _all_but_own(k: int) -> Array:
    return 1.0 - np.eye(k)


def _total(values: Array) -> Array:
    return np.asarray(np.add.reduce(values.reshape(*values.shape[:-2], -1), axis=-1))


def _cell(values: Array) -> Array:
    return values[..., None, None]
