"""Split-half reliabilities: the coefficient of a split, lists and samples of splits.

A split a (0/1) of k items into halves of k // 2 and k - k // 2 has reliability

    4 a'C(1 - a) / sum(C)                                   (Guttman 1945; Rulon 1939)

Since the sum of a'C(1 - a) over a stack of splits is one matrix product, no split is visited by
a loop. Two different items lie in different halves in h(k - h) / (k(k - 1)) of the ordered cases
(h = k // 2), which gives the mean of all splits without visiting any. The best and the worst split
are found in ``split_search``.

References
----------
Guttman, L. (1945). Psychometrika, 10, 255-282.
Revelle, W. & Condon, D. M. (2019). Psychological Assessment, 31, 1395-1411.

Functions: ``n_splits, all_splits, sampled_splits, split_coefficients, crossing_shares,
odd_even_split``.
"""

from __future__ import annotations

from itertools import chain, combinations
from math import comb

import numpy as np

from cte_metrics.arrays import Array

LISTED_ITEMS = 16


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


def crossing_shares(n_items: int) -> Array:
    """How often the first of two items lies in the first half and the other in the second, (k, k).

    Examples
    --------
    >>> crossing_shares(4).round(4)[0].tolist()
    [0.0, 0.3333, 0.3333, 0.3333]
    """
    half = n_items // 2
    share = half * (n_items - half) / (n_items * (n_items - 1))
    return share * (1.0 - np.eye(n_items))
