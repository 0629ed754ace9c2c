"""The best and the worst split of a scale into halves.

With s_i = 1 in one half and -1 in the other, a split of C has the reliability 1 - s'Cs / sum(C), so
that the best split has the smallest s'Cs. Up to ``EXACT_ITEMS`` items every split is visited: for
two parts of the items, with selections u and v in the first half,

    a'C(1 - a) = f(u) + f(v) - 2 u'C_12 v,     f(u) = u'(C 1)_1 - u'C_11 u

is one matrix product for all u and v whose sizes add up to the half. Beyond that, splits are
improved by exchanging two items until no exchange helps, from many starts; the best ones are then
shaken by a few exchanges and improved again. Starts are drawn by a generator of fixed seed for the
items in an order that rests on their figures alone, so that neither the call nor the order of the
items matters.

The smallest s'Cs of all signs is bounded by the semidefinite program of the greatest lower bound,
so that no split exceeds that bound.

Functions: ``every_split_searched, exchange, many_starts, upper_bound``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.reliability.greatest_lower_bound import greatest_lower_bound

EXACT_ITEMS = 26
_CELLS, _START_CELLS = 2**22, 2**20
_MOST_STARTS, _FEWEST_STARTS, _ROUNDS, _SHAKES = 400, 40, 12, 10
_DIGITS = 9


def every_split_searched(matrix: Array) -> tuple[Array, Array]:
    """Best and worst of all splits into halves of k // 2 and k - k // 2, (k,) each of 0 and 1.

    Examples
    --------
    >>> r = np.eye(4) + 0.5 * np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> [split.astype(int).tolist() for split in every_split_searched(r)]
    [[1, 0, 1, 0], [1, 1, 0, 0]]
    """
    k = len(matrix)
    half, first = k // 2, k // 2
    left, right = _selections(first), _selections(k - first)
    if k % 2 == 0:
        left = left[left[:, 0] == 1]  # the other half of the splits are the same, turned round
    rows = matrix.sum(axis=1)
    own_left = left @ rows[:first] - _quadratic(left, matrix[:first, :first])
    own_right = right @ rows[first:] - _quadratic(right, matrix[first:, first:])
    cross = 2.0 * left @ matrix[:first, first:]
    best, worst = (-np.inf, 0, 0), (np.inf, 0, 0)
    for size in range(half + 1):
        v = np.flatnonzero(right.sum(axis=1) == half - size)
        for u in _blocks(np.flatnonzero(left.sum(axis=1) == size), len(v)):
            shared = own_left[u][:, None] + own_right[v] - cross[u] @ right[v].T
            high, low = int(shared.argmax()), int(shared.argmin())
            best = max(best, (float(shared.flat[high]), *_places(high, u, v)))
            worst = min(worst, (float(shared.flat[low]), *_places(low, u, v)))
    chosen = (np.concatenate((left[u], right[v])) for _, u, v in (best, worst))
    return next(chosen), next(chosen)


def _selections(n: int) -> Array:
    """Every selection of n items, rows of 0 and 1, (2^n, n)."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.float64)


def _quadratic(rows: Array, matrix: Array) -> Array:
    return np.asarray(((rows @ matrix) * rows).sum(axis=1))


def _blocks(rows: Index, width: int) -> list[Index]:
    if not width or not len(rows):
        return []
    return np.array_split(rows, -(-len(rows) * width // _CELLS))


def _places(flat: int, u: Index, v: Index) -> tuple[int, int]:
    row, column = divmod(flat, len(v))
    return int(u[row]), int(v[column])


def exchange(matrix: Array, splits: Array, direction: float = 1.0) -> Array:
    """Exchange items between halves as long as a split (b, k) gets better (or worse: -1); (b, k).

    Examples
    --------
    >>> r = np.eye(4) + 0.5 * np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> exchange(r, np.array([[1.0, 1.0, 0.0, 0.0]])).sum(axis=1).tolist()
    [2.0]
    """
    d = direction * matrix
    s = 2.0 * splits - 1.0
    w = s @ d
    own, least = np.diagonal(d), -1e-12 * np.abs(d).sum()
    active = np.arange(len(s))
    while len(active):
        out = np.where(s[active] > 0, own - w[active], np.inf)
        into = np.where(s[active] < 0, own + w[active], np.inf)
        change = (out[:, :, None] + into[:, None, :] - 2.0 * d).reshape(len(active), -1)
        found = change.argmin(axis=1)
        better = change[np.arange(len(active)), found] < least
        active = active[better]
        i, j = np.divmod(found[better], len(d))
        s[active, i], s[active, j] = -1.0, 1.0
        w[active] += 2.0 * (d[j] - d[i])
    return np.asarray((s + 1.0) / 2.0)


def many_starts(matrix: Array, direction: float = 1.0) -> Array:
    """The best (or worst: -1) splits that the search found, best first; (m, k) of 0 and 1."""
    order = _own_order(matrix)
    ordered = matrix[np.ix_(order, order)]
    rng = np.random.default_rng(len(matrix))
    starts = int(np.clip(_START_CELLS // matrix.size, _FEWEST_STARTS, _MOST_STARTS))
    drawn = _random(starts, len(order), rng)
    pool = _ranked(ordered, exchange(ordered, drawn, direction), direction)
    for _ in range(_ROUNDS):
        shaken = _shaken(np.repeat(pool[: starts // (2 * _SHAKES)], _SHAKES, axis=0), rng)
        improved = exchange(ordered, shaken, direction)
        pool = _ranked(ordered, np.concatenate((pool, improved)), direction)
    out = np.empty_like(pool)
    out[:, order] = pool
    return out


def _own_order(matrix: Array) -> Index:
    """Order of the items by their figures: variance, sum of the row, and the row itself."""
    scale = np.abs(matrix).max()
    keys = np.column_stack((np.sort(matrix, axis=1), matrix.sum(axis=1), np.diagonal(matrix)))
    return np.lexsort(np.round(keys / scale, _DIGITS).T)


def _random(count: int, n_items: int, rng: np.random.Generator) -> Array:
    places = np.argsort(rng.random((count, n_items)), axis=1)
    return (places < n_items // 2).astype(np.float64)


def _shaken(splits: Array, rng: np.random.Generator) -> Array:
    """Exchange three random pairs of each split."""
    out = splits.copy()
    rows = np.arange(len(out))
    for _ in range(3):
        draw = rng.random(out.shape)
        i, j = (np.where(out == half, draw, -1.0).argmax(axis=1) for half in (1.0, 0.0))
        out[rows, i], out[rows, j] = 0.0, 1.0
    return out


def _ranked(matrix: Array, splits: Array, direction: float) -> Array:
    """Different splits, best first; of a split and its reverse (even k) one."""
    turned = splits[:, 0] != splits[0, 0] if 2 * splits[0].sum() == len(matrix) else False
    same = np.where(np.reshape(turned, (-1, 1)), 1.0 - splits, splits)
    different = np.unique(same, axis=0)
    signs = 2.0 * different - 1.0
    return np.asarray(different[np.argsort(direction * _quadratic(signs, matrix), kind="stable")])


def upper_bound(matrix: Array) -> float:
    """A bound that no split of the matrix exceeds.

    Examples
    --------
    >>> round(upper_bound(np.array([[1.0, 0.5], [0.5, 1.0]])), 6)
    0.666667
    """
    smallest, *_, largest = np.linalg.eigvalsh(matrix)
    if smallest > 1e-10 * largest:
        return greatest_lower_bound(matrix).bound
    return float(1.0 - len(matrix) * smallest / matrix.sum())
