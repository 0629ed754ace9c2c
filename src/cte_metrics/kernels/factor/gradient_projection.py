r"""Rotation of loadings to the minimum of a criterion, from many starts at once.

Loadings are ``L = A inv(T)'`` with ``Phi = T'T``: T orthogonal (``L = A T``), or oblique with
columns of length one. Stage one is the gradient projection algorithm of Jennrich (2001, 2002), run
on all starts together: every array has the starts as its first axis. Stage two takes the best
start to the optimum itself with Newton steps along the manifold; the Hessian comes from
differences of the analytic gradient, all directions in one batch.

References
----------
Jennrich, R. I. (2001). A simple general procedure for orthogonal rotation. Psychometrika, 66,
    289-306.
Jennrich, R. I. (2002). A simple general method for oblique rotation. Psychometrika, 67, 7-19.

Functions: ``minimise, orthogonal_starts``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.kernels.factor.rotation_manifolds import Manifold, Points

_MANY_DIRECTIONS = 20
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Minimum:
    """``transformation`` T (k, k), ``loadings`` (p, k), value and whether the gradient vanished
    there.
    """

    transformation: Array
    loadings: Array
    value: float
    converged: bool
    iterations: int


def orthogonal_starts(k: int, n_starts: int, rng: np.random.Generator) -> Array:
    """The identity and ``n_starts`` random orthogonal matrices (Haar), shape (1 + n_starts, k,
    k).
    """
    normal = rng.standard_normal((n_starts, k, k))
    q, r = np.linalg.qr(normal)
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return np.concatenate([np.eye(k)[None], q * signs[:, None, :]])


def minimise(
    manifold: Manifold, starts: Array, *, tolerance: float = 1e-9, max_iterations: int = 500
) -> Minimum:
    """The lowest minimum that any of the ``starts`` (b, k, k) leads to."""
    with np.errstate(all="ignore"):
        ends, rounds = _search(manifold, starts, min(max_iterations, 200))
        usable = np.isfinite(ends.value) & ~manifold.collapsed(ends.t)
        if not usable.any():
            return _none(manifold, starts, rounds)
        order = np.argsort(np.where(usable, ends.value, np.inf), kind="stable")
        order = order[: int(usable.sum())]
        best = _polish(manifold, _first_of_the_lowest(ends, order), tolerance)
        if not best.converged:
            best = _retry(manifold, ends, order, best, tolerance)
    return Minimum(best.t, manifold.loadings(best.t), best.value, best.converged, rounds)


def _none(manifold: Manifold, starts: Array, rounds: int) -> Minimum:
    """No start led to separate factors: the first start, unrotated, and not converged."""
    t = starts[0]
    value = float(manifold.evaluate(t[None]).value[0])
    return Minimum(t, manifold.loadings(t), value, False, rounds)


@dataclass(frozen=True, slots=True)
class _Polished:
    t: Array
    value: float
    converged: bool


def _first_of_the_lowest(ends: Points, order: Index) -> Array:
    """Among starts that ended at practically the same value, the earliest: the identity start if
    it can be.
    """
    lowest = ends.value[order[0]]
    near = order[ends.value[order] <= lowest + 1e-6 * max(abs(float(lowest)), 1e-3)]
    return np.asarray(ends.t[int(near.min())])


def _retry(
    manifold: Manifold, ends: Points, order: Index, best: _Polished, tolerance: float
) -> _Polished:
    for index in order[:3]:
        other = _polish(manifold, ends.t[index], tolerance)
        if other.converged and other.value <= best.value + 1e-8:
            return other
    return best


def _search(manifold: Manifold, starts: Array, max_iterations: int) -> tuple[Points, int]:
    """Take every start near its minimum: by Newton steps where directions are few."""
    if manifold.n_directions > _MANY_DIRECTIONS:
        return _descend(manifold, starts, 1e-4, max_iterations)
    begun, _ = _descend(manifold, starts, 1e-4, _WARM_UP)
    ends, rounds = _newton_on_all(manifold, begun, 1e-5, 40)
    left = np.flatnonzero(np.abs(ends.gradient).max(axis=-1, initial=0.0) > 1e-4)
    if left.size:
        rest, rounds = _descend(manifold, ends.t[left], 1e-4, max_iterations)
        _store(ends, left, rest)
    return ends, rounds


# --- stage one: gradient projection on all starts -----------------------------------------------


def _descend(
    manifold: Manifold, starts: Array, tolerance: float, max_iterations: int
) -> tuple[Points, int]:
    """Steepest descent with doubling and halving of each start's own step."""
    final = manifold.evaluate(starts)
    active = np.arange(starts.shape[0])
    now, step = final, np.ones(starts.shape[0])
    for iteration in range(max_iterations):
        size = (now.gradient * now.gradient).sum(axis=-1)
        going = size > tolerance**2
        if not going.all():
            _store(final, active, now)
            if not going.any():
                return final, iteration
            active, step, size = active[going], step[going], size[going]
            now = Points(now.t[going], now.value[going], now.gradient[going])
        now, step, moved = _line_search(manifold, now, 2.0 * step, size)
        if not moved.all():
            _store(final, active, now)
            active, step = active[moved], step[moved]
            now = Points(now.t[moved], now.value[moved], now.gradient[moved])
            if active.size == 0:
                return final, iteration
    _store(final, active, now)
    return final, max_iterations


def _line_search(
    manifold: Manifold, now: Points, step: Array, size: Array
) -> tuple[Points, Array, Flags]:
    """Halve the steps that do not lower the value by half of what the slope promises."""
    n = 1 if manifold.n_directions > _MANY_DIRECTIONS else 4
    then, step, good = _first_good(manifold, now, step, size, n)
    for _ in range(24 // n):
        if good.all():
            return then, step, good
        bad = np.flatnonzero(~good)
        here = Points(*(part[bad] for part in now))
        again, step[bad], good[bad] = _first_good(manifold, here, 0.5 * step[bad], size[bad], n)
        _store(then, bad, again)
    stuck = np.flatnonzero(~good)
    _store(then, stuck, Points(now.t[stuck], now.value[stuck], now.gradient[stuck]))
    return then, step, good


def _first_good(
    manifold: Manifold, now: Points, step: Array, size: Array, n: int
) -> tuple[Points, Array, Flags]:
    """The longest good one of ``n`` steps, each half of the one before, tried together."""
    b = step.size
    steps = step[:, None] * 0.5 ** np.arange(n)
    moved = manifold.move(now.t[:, None], -steps[:, :, None] * now.gradient[:, None, :])
    ray = manifold.evaluate(moved.reshape(b * n, *now.t.shape[1:]))
    gain = now.value[:, None] - ray.value.reshape(b, n)
    good: Flags = np.greater(gain, (0.5 * size)[:, None] * steps)
    found: Flags = np.asarray(good.any(axis=1))
    place = np.arange(b) * n + np.where(found, good.argmax(axis=1), n - 1)
    return Points(*(part[place] for part in ray)), steps.reshape(-1)[place], found


def _store(
    target: Points,
    rows: Index,
    source: Points,
    among: Flags | None = None,
) -> None:
    place = rows if among is None else rows[among]
    for old, new in zip(target, source, strict=True):
        old[place] = new


def _newton_on_all(
    manifold: Manifold, begun: Points, tolerance: float, max_iterations: int
) -> tuple[Points, int]:
    """Newton steps with halving on all starts together; a start that cannot improve stays."""
    final = begun
    active = np.arange(begun.t.shape[0])
    now, hessian = _with_hessians(manifold, begun.t)
    for iteration in range(max_iterations):
        going = np.abs(now.gradient).max(axis=-1, initial=0.0) > tolerance
        if not going.any():
            return final, iteration
        active, now = active[going], Points(*(part[going] for part in now))
        then, hessian = _newton_step_on_all(manifold, now, hessian[going])
        better = then.value < now.value
        now, hessian = Points(*(part[better] for part in then)), hessian[better]
        active = active[better]
        _store(final, active, now)
        if active.size == 0:
            return final, iteration
    return final, max_iterations


def _newton_step_on_all(manifold: Manifold, now: Points, hessian: Array) -> tuple[Points, Array]:
    """The points after the step, with their Hessians."""
    step = _newton_directions(hessian, now.gradient)
    then, hessian = _with_hessians(manifold, manifold.move(now.t, step))
    share = 0.5
    for _ in range(8):
        bad = np.flatnonzero(~(then.value < now.value))
        if bad.size == 0:
            break
        shorter = manifold.move(now.t[bad], share * step[bad])
        again, hessian[bad] = _with_hessians(manifold, shorter)
        _store(then, bad, again)
        share *= 0.4
    return then, hessian


def _with_hessians(manifold: Manifold, t: Array, h: float = 1e-6) -> tuple[Points, Array]:
    """Points at T (b, k, k) and, by forward differences of the gradient, Hessians (b, d, d)."""
    b, d = t.shape[0], manifold.n_directions
    around = manifold.move(t[:, None], h * np.eye(d))
    stack = np.concatenate([t[:, None], around], axis=1).reshape(-1, *t.shape[1:])
    found = manifold.evaluate(stack)
    gradient = found.gradient.reshape(b, d + 1, d)
    hessian = (gradient[:, 1:] - gradient[:, :1]) / h
    here = Points(t, found.value[:: d + 1].copy(), gradient[:, 0].copy())
    return here, np.asarray(0.5 * (hessian + _transposed(hessian)))


def _newton_directions(hessian: Array, gradient: Array) -> Array:
    """Newton steps with the absolute values of the curvatures, so that each goes downhill."""
    hessian = np.where(np.isfinite(hessian), hessian, 0.0)
    values, vectors = np.linalg.eigh(hessian)
    size = np.abs(values)
    size = np.maximum(size, 1e-7 * np.maximum(size.max(axis=-1, keepdims=True), 1e-8))
    along = (_transposed(vectors) @ gradient[:, :, None])[:, :, 0] / size
    return np.asarray(-(vectors @ along[:, :, None])[:, :, 0])


# --- stage two: Newton on the best --------------------------------------------------------------


def _polish(manifold: Manifold, t: Array, tolerance: float, max_iterations: int = 60) -> _Polished:
    now, hessian = _with_hessian(manifold, t[None])
    for iteration in range(max_iterations):
        if float(np.max(np.abs(now.gradient), initial=0.0)) < tolerance:
            return _Polished(now.t[0], float(now.value[0]), True)
        if iteration > 0:
            hessian = _with_hessian(manifold, now.t)[1]
        then = _best_on_ray(manifold, now, _newton_direction(hessian, now.gradient[0]))
        if then is None:
            break
        now = then
    flat = float(np.max(np.abs(now.gradient), initial=0.0)) < 1e-6
    return _Polished(now.t[0], float(now.value[0]), flat)


def _with_hessian(manifold: Manifold, t: Array, h: float = 1e-5) -> tuple[Points, Array]:
    """The point at T (1, k, k) and, by central differences of the gradient, its Hessian (d, d)."""
    d = manifold.n_directions
    steps = h * np.concatenate([np.eye(d), -np.eye(d)])
    found = manifold.evaluate(np.concatenate([t, manifold.move(t, steps)]))
    around = found.gradient[1:]
    hessian = (around[:d] - around[d:]) / (2.0 * h)
    return Points(*(part[:1] for part in found)), np.asarray(0.5 * (hessian + hessian.T))


def _newton_direction(hessian: Array, gradient: Array) -> Array:
    if not np.all(np.isfinite(hessian)):
        return -gradient
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-7 * max(float(np.max(np.abs(values))), 1e-8))
    return np.asarray(-vectors @ ((vectors.T @ gradient) / size))


_SHARES = 0.5 ** np.arange(0.0, 20.0)


def _best_on_ray(manifold: Manifold, now: Points, step: Array) -> Points | None:
    """The full step if it lowers the value or the gradient, else the best of twenty shorter
    ones.
    """
    full = manifold.evaluate(manifold.move(now.t, step[None]))
    noise = 1e-14 * max(abs(float(now.value[0])), 1.0)
    smaller = np.max(np.abs(full.gradient)) < np.max(np.abs(now.gradient))
    if full.value[0] < now.value[0] - noise or (smaller and full.value[0] <= now.value[0] + noise):
        return full
    ray = manifold.evaluate(manifold.move(now.t, _SHARES[:, None] * step))
    best = int(np.nanargmin(np.where(np.isfinite(ray.value), ray.value, np.inf)))
    if not ray.value[best] < now.value[0] - noise:
        return None
    return Points(*(part[best : best + 1] for part in ray))


def _transposed(stack: Array) -> Array:
    return stack.swapaxes(-1, -2)
