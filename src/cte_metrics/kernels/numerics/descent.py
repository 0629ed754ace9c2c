"""The nearest minimum of a smooth function of a few parameters, by Newton's method.

Each step is H^-1 g with the eigenvalues of H made positive, so that a saddle is left downhill; no
parameter moves by more than 1 (or half of its size) at once, and a step is cut until the function
falls. At the end, where its values differ by rounding only, a step counts if the gradient falls.

Reference
---------
Nocedal, J., & Wright, S. J. (2006). Numerical optimization (2nd ed.), sections 3.1 and 3.4.

Functions: ``descend, differenced``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cte_metrics.arrays import Array

Objective = Callable[[Array], tuple[float, Array]]

FLAT = 1e-10  # curvature, relative to the largest, below which a direction counts as flat


def descend(
    objective: Objective, hessian: Callable[[Array], Array], start: Array, *, max_steps: int = 200
) -> Array:
    """Return the point where the gradient vanishes; ``objective`` gives value and gradient."""
    point = start
    value, gradient = objective(point)
    for _ in range(max_steps if len(start) else 0):
        if np.abs(gradient).max() < 1e-10:
            break
        step = _step(hessian(point), gradient, point)
        share = 1.0
        while share > 1e-12:
            trial, trial_gradient = _tried(objective, point - share * step)
            if _falls(trial, trial_gradient, value, gradient, share * float(gradient @ step)):
                break
            share *= 0.3
        else:
            break
        point = point - share * step
        value, gradient = trial, trial_gradient
    return point


def _step(hessian: Array, gradient: Array, point: Array) -> Array:
    root, vector = np.linalg.eigh(0.5 * (hessian + hessian.T))
    size = np.maximum(np.abs(root), max(FLAT * np.abs(root).max(), 1e-300))
    step = vector @ ((vector.T @ gradient) / size)
    reach = np.maximum(1.0, 0.5 * np.abs(point))
    return np.asarray(step / max(1.0, float((np.abs(step) / reach).max())))


def _tried(objective: Objective, point: Array) -> tuple[float, Array]:
    try:
        with np.errstate(all="ignore"):
            value, gradient = objective(point)
    except (np.linalg.LinAlgError, ArithmeticError):
        return np.inf, np.full(len(point), np.inf)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        return np.inf, np.full(len(point), np.inf)
    return value, gradient


def _falls(trial: float, trial_gradient: Array, value: float, gradient: Array, gain: float) -> bool:
    if trial < value - 1e-4 * gain:
        return gain > 1e-12 * abs(value) or _smaller(trial_gradient, gradient)
    within_rounding = gain < 1e-7 and trial <= value + 1e-12 * max(1.0, abs(value))
    return within_rounding and _smaller(trial_gradient, gradient)


def _smaller(trial_gradient: Array, gradient: Array) -> bool:
    return bool(np.abs(trial_gradient).max() < 0.9 * np.abs(gradient).max())


def differenced(function: Callable[[Array], Array], at: Array, step: float = 1e-4) -> Array:
    """Jacobian of a vector function by central differences."""
    columns = []
    for k in range(len(at)):
        h = np.zeros(len(at))
        h[k] = step
        columns.append((function(at + h) - function(at - h)) / (2 * step))
    return np.array(columns).T
