"""Split-half reliabilities: every split of up to 16 items, a sample of splits of more.

A split a (0/1) of k items into halves of k // 2 and k - k // 2 has reliability

    4 a'C(1 - a) / sum(C)                                   (Guttman 1945; Rulon 1939)

Since the sum of a'C(1 - a) over a stack of splits is one matrix product, no split is visited by
a loop. With more than 16 items the best and the worst of the sampled splits are improved by
exchanging one item of each half until no exchange helps.

References
----------
Guttman, L. (1945). Psychometrika, 10, 255-282.
Revelle, W. & Condon, D. M. (2019). Psychological Assessment, 31, 1395-1411.

Functions: ``all_splits, sampled_splits, split_coefficients, improve_split, odd_even_split``.
"""

from __future__ import annotations

from itertools import chain, combinations
from math import comb

import numpy as np

from cte_metrics.arrays import Array

MOST_ITEMS = 16


def n_splits(n_items: int) -> int:
    """Number of different splits into halves of n // 2 and n - n // 2 items.

    Examples
    --------
    >>> n_splits(4), n_splits(5)
    (3, 10)
    """
    count = comb(n_items, n_items // 2)
    return count // 2 if n_items % 2 == 0 else count


def all_splits(n_items: int, limit: int | None = None) -> Array:
    """Every different split, in lexicographic order of the first half; rows of 0 and 1 (s, k).

    Parameters
    ----------
    limit : int, optional
        Only the first ones.

    Examples
    --------
    >>> all_splits(4).astype(int).tolist()
    [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    """
    count = n_splits(n_items) if limit is None else min(limit, n_splits(n_items))
    half = n_items // 2
    flat = chain.from_iterable(combinations(range(n_items), half))
    members = np.fromiter(flat, dtype=np.int64, count=count * half).reshape(count, half)
    out = np.zeros((count, n_items))
    out[np.arange(count)[:, None], members] = 1.0
    return out


def sampled_splits(n_items: int, count: int, rng: np.random.Generator) -> Array:
    """Random splits, rows of 0 and 1 (count, k)."""
    order = np.argsort(rng.random((count, n_items)), axis=1)
    out = np.zeros((count, n_items))
    np.put_along_axis(out, order[:, : n_items // 2], 1.0, axis=1)
    return out


def odd_even_split(n_items: int) -> Array:
    """Items 1, 3, 5, ... against 2, 4, 6, ..., (k,)."""
    return np.asarray(np.arange(n_items) % 2 == 0, dtype=np.float64)


def split_coefficients(matrix: Array, splits: Array) -> Array:
    """Reliability of each split (s, k) for matrices (..., k, k); (..., s).

    Examples
    --------
    >>> r = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> split_coefficients(r, np.array([[1.0, 0.0]])).round(6).tolist()
    [0.666667]
    """
    shared = np.einsum("...si,si->...s", splits @ matrix, 1.0 - splits)
    return np.asarray(4.0 * shared / matrix.sum(axis=(-2, -1))[..., None])


def improve_split(matrix: Array, split: Array, direction: float = 1.0) -> Array:
    """Exchange items between the halves as long as the coefficient rises (or falls: -1)."""
    a = split.copy()
    while True:
        rows = matrix @ (1.0 - 2.0 * a)
        first, second = np.flatnonzero(a == 1), np.flatnonzero(a == 0)
        # moving i out of and j into the first half changes a'C(1 - a) by this much
        change = (
            -rows[first][:, None]
            + rows[second]
            - np.diagonal(matrix)[first][:, None]
            - np.diagonal(matrix)[second]
            + 2.0 * matrix[np.ix_(first, second)]
        ) * direction
        best = np.unravel_index(change.argmax(), change.shape)
        if change[best] <= 1e-12 * np.abs(matrix).sum():
            return a
        a[first[best[0]]], a[second[best[1]]] = 0.0, 1.0
