"""Maximise many small smooth functions side by side by damped Newton steps within bounds.

The functions share one vectorised evaluation of values and gradients; Hessians are central
differences of the gradients, and are kept from step to step while steps with them converge fast.

Functions: ``ascend, differences``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cte_metrics.arrays import Array, Flags, Index

Evaluate = Callable[[Array, Index], tuple[Array, Array]]

_STEP = 1e-4
_SLOW = 0.05
"""A Hessian is kept while it cuts the gain still expected to less than this share."""


def differences(
    gradient: Callable[[Array], Array], theta: Array, free: Flags, step: float = _STEP
) -> Array:
    """Central differences of a batched gradient (b, m) -> (b, m, m); -1 on idle diagonals.

    Row r of the result is the change of the gradient with parameter r. Where parameter r is not
    free the row is that of minus the identity, so that it can be inverted.
    """
    b, m = theta.shape
    out = np.zeros((b, m, m))
    for r in range(m):
        if not free[:, r].any():
            continue
        h = np.where(free[:, r], step * np.clip(np.abs(theta[:, r]), 1e-3, 1.0), 0.0)
        up, down = theta.copy(), theta.copy()
        up[:, r] += h
        down[:, r] -= h
        width = np.where(h > 0.0, 2.0 * h, 1.0)
        out[:, r] = (gradient(up) - gradient(down)) / width[:, None]
    both = free[:, :, None] & free[:, None, :]
    return np.where(both, out, 0.0) - np.eye(m) * ~free[:, None, :]


def ascend(
    evaluate: Evaluate,
    start: Array,
    free: Flags,
    lower: Array,
    upper: Array,
    *,
    max_iterations: int = 60,
    tolerance: float = 1e-10,
    step: float = _STEP,
) -> tuple[Array, Flags]:
    """Maximise b functions of m bounded parameters.

    Parameters
    ----------
    evaluate : callable
        ``(theta (k, m), rows (k,)) -> value (k,), gradient (k, m)`` of the functions ``rows``.
    start, free : (b, m)
        Parameters that are not free keep their start.
    lower, upper : (m,) or (b, m)
    step : float
        Of the differences, relative to parameters between 0.001 and 1.

    Returns
    -------
    theta : (b, m)
    converged : (b,) bool
        The expected gain, half of ``gradient' (-H)^-1 gradient``, fell below ``tolerance``.
    """
    theta = start.copy()
    b, m = theta.shape
    lower, upper = np.broadcast_to(lower, (b, m)), np.broadcast_to(upper, (b, m))
    converged = np.zeros(b, dtype=bool)
    rows = np.arange(b)
    value, gradient = evaluate(theta, rows)
    hessian, last = np.zeros((b, m, m)), np.full(b, np.nan)
    for _ in range(max_iterations):
        at = theta[rows]
        held = (at <= lower[rows]) & (gradient < 0.0) | (at >= upper[rows]) & (gradient > 0.0)
        moving = free[rows] & ~held
        stale = ~(_newton(hessian[rows], moving, gradient)[1] < _SLOW * last[rows])
        if stale.any():
            some = rows[stale]
            slope = _of_rows(evaluate, some)
            hessian[some] = differences(slope, at[stale], free[some], step)
        move, gain = _newton(hessian[rows], moving, gradient)
        last[rows] = gain
        done = gain < tolerance
        converged[rows[done]] = True
        keep = ~done
        rows, move, value, gradient = rows[keep], move[keep], value[keep], gradient[keep]
        if rows.size == 0:
            break
        theta[rows], value, gradient, stuck = _search(
            evaluate, theta[rows], rows, move, value, gradient, lower[rows], upper[rows]
        )
        converged[rows[stuck]] = gain[keep][stuck] < 1e-6
        rows, value, gradient = rows[~stuck], value[~stuck], gradient[~stuck]
        if rows.size == 0:
            break
    return theta, converged


def _of_rows(evaluate: Evaluate, rows: Index) -> Callable[[Array], Array]:
    return lambda theta: evaluate(theta, rows)[1]


def _newton(hessian: Array, moving: Flags, gradient: Array) -> tuple[Array, Array]:
    """Ascent steps, with curvature made negative where it is not, and their expected gains."""
    gradient = np.where(moving, gradient, 0.0)
    both = moving[:, :, None] & moving[:, None, :]
    hessian = np.where(both, hessian, 0.0) - np.eye(moving.shape[1]) * ~moving[:, None, :]
    values, vectors = np.linalg.eigh(-0.5 * (hessian + hessian.transpose(0, 2, 1)))
    size = np.maximum(np.abs(values), 1e-8 * np.abs(values).max(axis=1, keepdims=True) + 1e-12)
    turned = np.einsum("bij,bi->bj", vectors, gradient)
    step = np.einsum("bij,bj->bi", vectors, turned / size)
    return step, 0.5 * (turned**2 / size).sum(axis=1)


def _search(
    evaluate: Evaluate,
    theta: Array,
    rows: Index,
    step: Array,
    value: Array,
    gradient: Array,
    lower: Array,
    upper: Array,
) -> tuple[Array, Array, Array, Flags]:
    """Halve each step until its function rises; ``stuck`` marks those that never do."""
    open_ = np.arange(len(rows))
    theta, value, gradient = theta.copy(), value.copy(), gradient.copy()
    length = 1.0
    while open_.size and length > 1e-6:
        trial = np.clip(theta[open_] + length * step[open_], lower[open_], upper[open_])
        new_value, new_gradient = evaluate(trial, rows[open_])
        better = new_value >= value[open_] - 1e-12 * np.abs(value[open_])
        taken = open_[better]
        theta[taken], value[taken] = trial[better], new_value[better]
        gradient[taken] = new_gradient[better]
        open_ = open_[~better]
        length *= 0.5
    stuck = np.zeros(len(rows), dtype=bool)
    stuck[open_] = True
    return theta, value, gradient, stuck
