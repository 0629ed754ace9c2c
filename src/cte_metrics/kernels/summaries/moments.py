"""First and second moments of answers in one pass over the rows; mergeable.

For items i and j, over the rows in which both are answered (all rows, when complete):

    n_ij = number of rows          s_ij = sum of (x_i - c_i)
    p_ij = sum of (x_i - c_i)(x_j - c_j)      q_ij = sum of (x_i - c_i)^2

with a shift c near the mean, so that nothing cancels (Chan, Golub & LeVeque 1983, "Algorithms for
computing the sample variance", The American Statistician 37, 242-247). Then

    cov_ij = (p_ij - s_ij s_ji / n_ij) / (n_ij - 1)

which is R's ``cov(use = "pairwise")``, and with listwise deletion the ordinary covariance.

Function: ``moments``. Class: ``MomentArrays``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.locking import lock

BLOCK_ROWS = 16384


@dataclass(frozen=True, slots=True)
class MomentArrays:
    """Sums over rows, about a shift; add two with ``+`` to pool their rows.

    Attributes
    ----------
    n : int
        Rows used (listwise: complete rows; pairwise: rows with at least one answer).
    n_dropped : int
        Rows left out.
    shift : ndarray (k,)
        The shift c.
    counts, sums, cross, squares : ndarray (k, k)
        n, s, p and q of the module's formulas.
    """

    n: int
    n_dropped: int
    shift: Array
    counts: Array
    sums: Array
    cross: Array
    squares: Array

    def __post_init__(self) -> None:
        lock(self.shift, self.counts, self.sums, self.cross, self.squares)

    @property
    def mean(self) -> Array:
        """Item means over their own answers, (k,); nan for an item without answers."""
        n = np.diagonal(self.counts)
        return _ratio(np.diagonal(self.sums), n) + self.shift

    @property
    def item_counts(self) -> Array:
        """Answers an item, (k,)."""
        return np.diagonal(self.counts)

    @property
    def complete(self) -> bool:
        """Whether every pair of items rests on the same rows."""
        return bool((self.counts == self.counts.flat[0]).all())

    @property
    def centred_cross(self) -> Array:
        """Cross-products about the means of the rows shared by each pair, (k, k)."""
        return self.cross - _ratio(self.sums * self.sums.T, self.counts)

    @property
    def covariance(self) -> Array:
        """Covariance matrix with divisor n_ij - 1, (k, k); nan where n_ij < 2."""
        return _ratio(self.centred_cross, self.counts - 1)

    @property
    def correlation(self) -> Array:
        """Correlation matrix over the rows shared by each pair, (k, k); nan where undefined."""
        own = self.squares - _ratio(self.sums**2, self.counts)
        scale = np.sqrt(np.maximum(own * own.T, 0.0))
        r = _ratio(self.centred_cross, scale)
        np.fill_diagonal(r, np.where(np.diagonal(own) > 0, 1.0, np.nan))
        return np.clip(r, -1.0, 1.0)

    def take(self, positions: Array) -> MomentArrays:
        """Return the moments of some items (in pairwise moments exactly those of their columns)."""
        ix = np.ix_(positions, positions)
        return MomentArrays(
            self.n,
            self.n_dropped,
            self.shift[positions],
            self.counts[ix],
            self.sums[ix],
            self.cross[ix],
            self.squares[ix],
        )

    def about(self, shift: Array) -> MomentArrays:
        """Return the same moments about another shift."""
        d = (self.shift - shift)[:, None]
        sums = self.sums + self.counts * d
        cross = self.cross + d * self.sums.T + d.T * self.sums + self.counts * d * d.T
        squares = self.squares + 2 * d * self.sums + self.counts * d**2
        return MomentArrays(self.n, self.n_dropped, shift, self.counts, sums, cross, squares)

    def __add__(self, other: MomentArrays) -> MomentArrays:
        """Pool the rows of two summaries of the same items."""
        if not isinstance(other, MomentArrays):
            return NotImplemented
        there = other.about(self.shift)
        return MomentArrays(
            self.n + there.n,
            self.n_dropped + there.n_dropped,
            self.shift,
            self.counts + there.counts,
            self.sums + there.sums,
            self.cross + there.cross,
            self.squares + there.squares,
        )


def moments(x: Array, missing: Literal["listwise", "pairwise"] = "listwise") -> MomentArrays:
    """Summarise answers in one pass, block by block.

    Parameters
    ----------
    x : ndarray (n, k)
        Numbers of any type; nan marks a missing answer.
    missing : {"listwise", "pairwise"}
        Use complete rows only, or for each pair of items the rows in which both are answered.

    Returns
    -------
    MomentArrays

    Examples
    --------
    >>> m = moments(np.array([[1, 2], [3, 2], [5, 8]]))
    >>> m.mean.tolist(), m.covariance.tolist()
    ([3.0, 4.0], [[4.0, 6.0], [6.0, 12.0]])
    """
    shift = _first_shift(x)
    total: MomentArrays | None = None
    for start in range(0, max(len(x), 1), BLOCK_ROWS):
        part = _block(x[start : start + BLOCK_ROWS], shift, missing)
        total = part if total is None else _accumulate(total, part)
    assert total is not None  # the loop runs at least once
    return total


def _accumulate(a: MomentArrays, b: MomentArrays) -> MomentArrays:
    """Add two summaries about the same shift."""
    return MomentArrays(
        a.n + b.n,
        a.n_dropped + b.n_dropped,
        a.shift,
        a.counts + b.counts,
        a.sums + b.sums,
        a.cross + b.cross,
        a.squares + b.squares,
    )


def _first_shift(x: Array) -> Array:
    """Return item means over the first rows: close enough to the mean for stable sums."""
    head = np.array(x[:256], dtype=np.float64)
    answered = ~np.isnan(head)
    sums = np.where(answered, head, 0.0).sum(0)
    return sums / np.maximum(answered.sum(0), 1)


def _block(rows: Array, shift: Array, missing: str) -> MomentArrays:
    block = np.empty(rows.shape)  # C order: the cross-product then runs at full speed
    np.subtract(rows, shift, out=block)
    cross = block.T @ block
    if not np.isnan(cross.trace()):
        return _complete(block, cross, shift, 0)
    answered = ~np.isnan(block)
    if missing == "listwise":
        kept = block[answered.all(1)]
        return _complete(kept, kept.T @ kept, shift, len(block) - len(kept))
    return _pairwise(block, answered, shift)


def _complete(block: Array, cross: Array, shift: Array, dropped: int) -> MomentArrays:
    n, k = block.shape
    counts = np.full((k, k), float(n))
    column = np.ones(n) @ block
    sums = np.repeat(column[:, None], k, 1)
    squares = np.repeat(np.diagonal(cross)[:, None], k, 1)
    return MomentArrays(n, dropped, shift, counts, sums, cross, squares)


def _pairwise(block: Array, answered: Array, shift: Array) -> MomentArrays:
    present = answered.astype(np.float64)
    filled = np.where(answered, block, 0.0)
    used = int(answered.any(1).sum())
    return MomentArrays(
        used,
        len(block) - used,
        shift,
        present.T @ present,
        filled.T @ present,
        filled.T @ filled,
        (filled**2).T @ present,
    )


def _ratio(top: Array, bottom: Array) -> Array:
    """Divide, with nan where the divisor is not positive."""
    out = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
