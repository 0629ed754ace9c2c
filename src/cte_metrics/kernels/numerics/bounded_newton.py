"""Minimise a smooth function within bounds from many starts at once, by Newton steps.

Variables that a bound holds leave the step; where the Hessian is not positive definite its
curvatures are taken by their size; backtracking keeps descent. Starts share one vectorised
evaluation, and those on their way to a minimum that is known already are let go.

Functions: ``minimise_within, newton_step``. Classes: ``Derivatives, Minimum``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dposv

from cte_metrics.arrays import Array, Flags, Index

_NEAR, _SAME = 0.3, 0.01


class Derivatives(NamedTuple):
    """A function's values (...), gradients (..., p) and Hessians (..., p, p)."""

    value: Array
    gradient: Array
    hessian: Array

    def of(self, which: Index | Flags) -> Derivatives:
        """Those of some of the points."""
        return Derivatives(*(part[which] for part in self))


Objective = Callable[[Array], Derivatives]


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where a bounded search ended."""

    x: Array
    value: float
    converged: bool
    iterations: int


def minimise_within(
    objective: Objective,
    starts: Array,
    lower: Array,
    upper: Array,
    *,
    known: Array | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> list[Minimum]:
    """Minimise within bounds from several ``starts`` (b, p) together.

    Parameters
    ----------
    objective : callable
        Points (b, p) to `Derivatives`.
    starts : (b, p)
    lower, upper : (p,)
    known : (c, p), optional
        Minima found before; a search on its way to one of these, or to one that another search
        has reached, ends without a minimum of its own.
    tolerance : float
        Of the gradient of the variables that no bound holds.

    Returns
    -------
    list of Minimum
        Different ones, in the order in which they were reached.
    """
    x = np.clip(starts, lower, upper)
    now = objective(x)
    ends: list[Minimum] = []
    known = np.empty((0, x.shape[1])) if known is None else known
    scale = np.minimum(upper - lower, 1.0)
    for iteration in range(max_iterations):
        held = ((x <= lower) & (now.gradient > 0)) | ((x >= upper) & (now.gradient < 0))
        slope = np.where(held, 0.0, np.abs(now.gradient)).max(axis=1)
        there = slope <= tolerance
        ends += _ended(x[there], now.value[there], slope[there] <= tolerance, iteration)
        known = np.concatenate([known, x[there]])
        step = _steps(now, held)
        going = ~(there | _bound_for(x, step, known, scale))
        x, now, step, slope = x[going], now.of(going), step[going], slope[going]
        if not len(x):
            return ends
        moved, then, better = _descend(objective, x, now, step, (lower, upper))
        ends += _ended(x[~better], now.value[~better], slope[~better] < 1e-7, iteration)
        x, now = moved[better], then.of(better)
        if not len(x):
            return ends
    return ends + _ended(x, now.value, np.zeros(len(x), dtype=np.bool_), max_iterations)


def _ended(x: Array, value: Array, converged: Flags, iteration: int) -> list[Minimum]:
    rows = zip(x, value, converged, strict=True)
    return [Minimum(at, float(f), bool(done), iteration) for at, f, done in rows]


def _bound_for(x: Array, step: Array, known: Array, scale: Array) -> Flags:
    """Which points (b, p) are near one of the ``known`` minima (c, p) and step to it."""
    away = (np.abs(x[:, None] - known) / scale).max(axis=2)
    left = (np.abs((x + step)[:, None] - known) / scale).max(axis=2)
    return np.asarray(((away < _NEAR) & (left < _SAME)).any(axis=1))


def _steps(now: Derivatives, held: Flags) -> Array:
    """Newton steps (b, p) of the variables that no bound holds."""
    rows = zip(now.hessian, now.gradient, held, strict=True)
    return np.stack([_step_of_free(h, g, ~k) for h, g, k in rows])


def _descend(
    objective: Objective, x: Array, now: Derivatives, step: Array, bounds: tuple[Array, Array]
) -> tuple[Array, Derivatives, Flags]:
    """Steps from the points ``x`` (b, p), shortened until each descends; whether it did."""
    moved, then = x.copy(), Derivatives(*(part.copy() for part in now))
    better = np.zeros(len(x), dtype=np.bool_)
    left = np.arange(len(x))
    share = 1.0
    for _ in range(40):
        trial = np.clip(x[left] + share * step[left], *bounds)
        found = objective(trial)
        promised = (now.gradient[left] * (trial - x[left])).sum(axis=1)
        slack = 1e-13 * np.maximum(np.abs(now.value[left]), 1e-3)
        good = found.value <= now.value[left] + 1e-4 * promised + slack
        taken = left[good]
        moved[taken] = trial[good]
        for part, new in zip(then, found, strict=True):
            part[taken] = new[good]
        better[taken] = (moved[taken] != x[taken]).any(axis=1)
        left = left[~good]
        if not len(left):
            break
        share *= 0.4
    return moved, then, better


def _step_of_free(hessian: Array, gradient: Array, free: Flags) -> Array:
    if free.all():
        return newton_step(hessian, gradient)
    step = np.zeros_like(gradient)
    if free.any():
        step[free] = newton_step(hessian[free][:, free], gradient[free])
    return step


def newton_step(hessian: Array, gradient: Array) -> Array:
    """Return the step (p,) to the minimum of the quadratic, downhill where it has none."""
    _, solved, failed = dposv(hessian, gradient)
    if not failed:
        return np.asarray(-solved)
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-6 * max(float(np.max(np.abs(values))), 1e-6))
    return np.asarray(-vectors @ ((vectors.T @ gradient) / size))
