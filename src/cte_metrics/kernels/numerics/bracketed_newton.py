"""Newton's method for many one-parameter likelihoods at once, kept inside a bracket.

Each problem has a score (derivative of its log-likelihood) and a limit of its parameter. The sign
of the score brackets the maximum; a Newton step that leaves the bracket is replaced by bisection.
A step beyond a limit goes halfway to it, so that an inner maximum is not jumped over; a score that
still points outward at the limit ends there.

The score of a function that is flat up to its limit says nothing of where the search should end,
and one that is bounded below may point past a maximum; ``judged_by_height`` looks at the function.

Functions: ``bracketed_newton, judged_by_height``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cte_metrics.arrays import Array, Flags, Integers

Score = Callable[[Integers, Array], tuple[Array, Array]]
Height = Callable[[Integers, Array], Array]

_STEP_TOLERANCE = 1e-9
_MAX_STEPS = 100
_NEAR = 0.01
_DOUBTFUL = 0.9
_N_LOOKS = 25
_EQUAL = 1e-7


@dataclass(frozen=True, slots=True)
class Maxima:
    """Where p searches ended.

    Attributes
    ----------
    at : (p,) float64
    at_limit : (p,) bool
        The likelihood still rises at the limit, or is as high there as anywhere.
    converged : (p,) bool
    n_steps : int
        Steps of the slowest.
    """

    at: Array
    at_limit: Flags
    converged: Flags
    n_steps: int


def bracketed_newton(score: Score, start: Array, limit: float) -> Maxima:
    """Maximise p functions of one parameter within [-limit, limit].

    Parameters
    ----------
    score : callable
        ``score(which, at)`` gives first and second derivatives of the problems ``which`` (their
        positions) at the points ``at``.
    start : (p,) float64
        Inside the limits.
    limit : float
    """
    at = start.copy()
    low, high = np.full(len(at), -limit), np.full(len(at), limit)
    at_limit, converged = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
    todo = np.arange(len(at))
    steps = 0
    while len(todo) and steps < _MAX_STEPS:
        steps += 1
        now = at[todo]
        first, second = score(todo, now)
        rises = first > 0.0
        low[todo] = np.where(rises, now, low[todo])
        high[todo] = np.where(rises, high[todo], now)
        outward = (np.abs(now) >= limit) & (now * first >= 0.0)
        new = np.where(outward, now, _step(now, first, second, low[todo], high[todo], limit))
        done = outward | (np.abs(new - now) < _STEP_TOLERANCE)
        at[todo], at_limit[todo], converged[todo] = new, outward, done
        todo = todo[~done]
    return Maxima(at, at_limit, converged, steps)


def _step(now: Array, first: Array, second: Array, low: Array, high: Array, limit: float) -> Array:
    """Newton step; halfway to a limit that it passes; or to the middle of the bracket."""
    curved = second < 0.0
    move = np.where(curved, -first / np.where(curved, second, -1.0), np.sign(first) * 2.0 * limit)
    new = now + move
    passed = np.abs(new) >= limit
    edge = np.sign(new) * limit
    new = np.where(
        passed, np.where(limit - np.abs(now) < _NEAR * limit, edge, _half(now, edge)), new
    )
    tried_low = (low > -limit) | (now <= -limit)
    tried_high = (high < limit) | (now >= limit)
    outside = (tried_low & (new <= low)) | (tried_high & (new >= high))
    return np.where(outside & (new != now), _half(low, high), new)


def _half(a: Array, b: Array) -> Array:
    return np.asarray(0.5 * (a + b))


def judged_by_height(found: Maxima, score: Score, height: Height, limit: float) -> Maxima:
    """Check doubtful maxima by the functions themselves.

    Doubtful are searches without end and ends beyond nine tenths of the limit. Each such function
    is looked at on a grid; where it is higher than at the end found, a search starts from there;
    where it is at a limit as high as anywhere (within 1e-7), the limit is its maximum.

    Parameters
    ----------
    found : Maxima
    score, limit
        As in ``bracketed_newton``.
    height : callable
        ``height(which, at)`` gives the values of the functions ``which`` at the points ``at``.
    """
    doubtful = np.flatnonzero(~found.converged | (np.abs(found.at) > _DOUBTFUL * limit))
    if not len(doubtful):
        return found
    looks = limit * np.linspace(-1.0, 1.0, _N_LOOKS)
    seen = np.stack([height(doubtful, np.full(len(doubtful), at)) for at in looks], axis=1)
    at, converged = found.at.copy(), found.converged.copy()
    own = height(doubtful, at[doubtful])
    inner = seen[:, 1:-1]
    again = np.flatnonzero(inner.max(axis=1) > own + _EQUAL)
    if len(again):
        which = doubtful[again]
        start = looks[1:-1][inner[again].argmax(axis=1)]
        new = bracketed_newton(lambda rows, x: score(which[rows], x), start, limit)
        at[which], converged[which] = new.at, new.converged
        own[again] = height(which, new.at)
    ends = seen[:, [0, -1]]
    upper = np.where(ends[:, 0] == ends[:, 1], at[doubtful] >= 0.0, ends[:, 1] > ends[:, 0])
    flat = ends.max(axis=1) >= np.maximum(own, inner.max(axis=1)) - _EQUAL
    at_limit = found.at_limit.copy()
    at_limit[doubtful] = flat
    at[doubtful[flat]] = np.where(upper[flat], limit, -limit)
    converged[doubtful[flat]] = True
    return replace(found, at=at, at_limit=at_limit, converged=converged)
