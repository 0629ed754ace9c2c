"""Polychoric correlations of all item pairs at once, by two-step maximum likelihood.

Step one gives each item's thresholds from its own counts, ``tau_a = Phi^-1(share at or below a)``.
Step two maximises, for each pair, ``sum_ab n_ab log pi_ab(rho)`` over rho alone (Olsson 1979),
where ``pi_ab`` is the bivariate normal probability of the cell. All pairs take their Newton steps
together (``bracketed_newton``).

As in lavaan, rho is sought in [-0.999, 0.999], and where the likelihood is flat up to a limit
(a perfect association) that limit is returned; cell probabilities are bounded below by the square
root of the machine precision (answers in a bounded cell do not move rho); a 2 x 2 table with two
empty cells gives exactly 1 or -1, and one with a single empty cell has 0.5 added to that cell, its
margins kept.

References
----------
Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika, 44, 443-460.

Functions: ``item_thresholds, corrected_tables, fit_pairs, score_tables, threshold_products``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.kernels.numerics.bivariate_normal import (
    cell_probabilities,
    cell_slopes,
    edge_slopes,
)
from cte_metrics.kernels.numerics.bracketed_newton import bracketed_newton, judged_by_height

PROBABILITY_FLOOR = float(np.sqrt(np.finfo(float).eps))
RHO_LIMIT = 0.999
_DENSITY_LIMIT = 0.9999


@dataclass(frozen=True, slots=True)
class PairFit:
    """Correlations of p item pairs.

    Attributes
    ----------
    rho : (p,) float64
    empty : (p,) bool
        The table has an empty cell.
    perfect : (p,) bool
        A 2 x 2 table with two empty cells; rho is 1 or -1.
    at_limit : (p,) bool
        The likelihood is nowhere higher than at the limit 0.999 or -0.999, which is returned.
    converged : (p,) bool
    n_steps : int
        Newton steps of the slowest pair.
    """

    rho: Array
    empty: Flags
    perfect: Flags
    at_limit: Flags
    converged: Flags
    n_steps: int


def item_thresholds(marginals: Array) -> Array:
    """Normal thresholds of each item from its counts.

    Parameters
    ----------
    marginals : (k, K) float64
        Counts; items with fewer than K categories have zeros at the end.

    Returns
    -------
    (k, K - 1) float64; ``+inf`` beyond an item's last category.
    """
    below = np.cumsum(marginals, axis=1)
    total = below[:, -1:]
    share = below[:, :-1] / np.where(total > 0, total, 1.0)
    return np.asarray(special.ndtri(np.where(below[:, :-1] >= total, 1.0, share)))


def corrected_tables(
    tables: Array,
    n_rows: Integers,
    n_columns: Integers,
    correction: tuple[float, float] = (0.5, 0.0),
) -> Array:
    """Tables with their empty cells filled as lavaan does (``zero.add``, margins kept).

    Parameters
    ----------
    tables : (p, K, K) float64
    n_rows, n_columns : (p,) int64
        Numbers of categories of each pair.
    correction : (for 2 x 2 tables, for larger tables)
        Amount for an empty cell. A 2 x 2 table with one empty cell keeps its margins: the same
        amount is added on that cell's diagonal and taken from the other.
    """
    out = tables
    small = (n_rows == 2) & (n_columns == 2)
    empty = (tables == 0.0) & _inside(tables.shape, n_rows, n_columns)
    n_empty = empty.sum(axis=(1, 2))
    one = small & (n_empty == 1)
    if correction[0] > 0.0 and one.any():
        out = tables.copy()
        main = empty[one, 0, 0] | empty[one, 1, 1]
        shift = np.where(main, correction[0], -correction[0])[:, None, None]
        out[np.ix_(one, [0, 1], [0, 1])] += shift * np.array([[1.0, -1.0], [-1.0, 1.0]])
    if correction[1] > 0.0:
        larger = empty & ~small[:, None, None]
        out = np.where(larger, correction[1], out)
    return out


def _inside(shape: tuple[int, ...], n_rows: Integers, n_columns: Integers) -> Flags:
    """Cells that belong to each pair's own numbers of categories (p, K, K)."""
    place = np.arange(shape[1])
    row = place < n_rows[:, None]
    column = place < n_columns[:, None]
    return np.asarray(row[:, :, None] & column[:, None, :])


def fit_pairs(
    tables: Array,
    row_cuts: Array,
    column_cuts: Array,
    n_rows: Integers,
    n_columns: Integers,
    *,
    correction: tuple[float, float] = (0.5, 0.0),
) -> PairFit:
    """Maximise the likelihood of every table over its correlation.

    Parameters
    ----------
    tables : (p, K, K) float64
        Counts of the pairs.
    row_cuts, column_cuts : (p, K - 1) float64
        Thresholds of the pairs' items, padded with ``+inf``.
    n_rows, n_columns : (p,) int64
    correction : tuple of float
        See ``corrected_tables``.
    """
    filled = corrected_tables(tables, n_rows, n_columns, correction)
    inside = _inside(tables.shape, n_rows, n_columns)
    n_empty = ((tables == 0.0) & inside).sum(axis=(1, 2))
    perfect = (n_rows == 2) & (n_columns == 2) & (n_empty == 2)
    start = np.where(perfect, 0.0, _score_correlation(filled))

    def score(which: Integers, rho: Array) -> tuple[Array, Array]:
        return _score(filled[which], row_cuts[which], column_cuts[which], rho)

    def height(which: Integers, rho: Array) -> Array:
        return _log_likelihood(filled[which], row_cuts[which], column_cuts[which], rho)

    found = bracketed_newton(score, start, RHO_LIMIT)
    found = judged_by_height(found, score, height, RHO_LIMIT)
    rho = np.where(perfect, np.where(tables[:, 0, 0] > 0.0, 1.0, -1.0), found.at)
    at_limit = found.at_limit & ~perfect
    return PairFit(rho, n_empty > 0, perfect, at_limit, found.converged, found.n_steps)


def _score_correlation(tables: Array) -> Array:
    """Product-moment correlation of the category numbers, the start of the search (p,)."""
    place = np.arange(tables.shape[1], dtype=np.float64)
    total = tables.sum(axis=(1, 2))
    weight = tables / np.where(total > 0.0, total, 1.0)[:, None, None]
    row, column = weight.sum(axis=2), weight.sum(axis=1)
    mean_r, mean_c = row @ place, column @ place
    var_r, var_c = row @ place**2 - mean_r**2, column @ place**2 - mean_c**2
    cross = np.einsum("pab,a,b->p", weight, place, place, optimize=True) - mean_r * mean_c
    spread = np.sqrt(np.clip(var_r * var_c, 0.0, None))
    r = cross / np.where(spread > 0.0, spread, 1.0)
    return np.where(np.abs(r) >= RHO_LIMIT, 0.0, r)


def _score(tables: Array, row_cuts: Array, column_cuts: Array, rho: Array) -> tuple[Array, Array]:
    """First and second derivative of the log-likelihood with respect to rho, each (p,)."""
    probability = cell_probabilities(row_cuts, column_cuts, rho)
    first, second = cell_slopes(row_cuts, column_cuts, rho)
    free = probability > PROBABILITY_FLOOR
    inverse = np.where(free, 1.0 / np.where(free, probability, 1.0), 0.0)
    rate = first * inverse
    score = np.einsum("pab,pab->p", tables, rate)
    bend = np.einsum("pab,pab->p", tables, second * inverse - rate * rate)
    return score, bend


def _log_likelihood(tables: Array, row_cuts: Array, column_cuts: Array, rho: Array) -> Array:
    probability = cell_probabilities(row_cuts, column_cuts, rho)
    return np.asarray((tables * np.log(np.maximum(probability, PROBABILITY_FLOOR))).sum((1, 2)))


def score_tables(row_cuts: Array, column_cuts: Array, rho: Array) -> tuple[Array, Array]:
    """Casewise score of rho, ``d log pi_ab / d rho``, and ``1 / pi_ab``, as tables (p, K, K).

    Cells whose probability is at the floor score 0.
    """
    probability = cell_probabilities(row_cuts, column_cuts, rho)
    free = probability > PROBABILITY_FLOOR
    inverse = np.where(free, 1.0 / np.where(free, probability, 1.0), 0.0)
    first, _ = cell_slopes(row_cuts, column_cuts, np.clip(rho, -_DENSITY_LIMIT, _DENSITY_LIMIT))
    return first * inverse, inverse


def threshold_products(
    tables: Array,
    scores: tuple[Array, Array],
    row_cuts: Array,
    column_cuts: Array,
    rho: Array,
) -> tuple[Array, Array]:
    """Sums over the answers of (score of rho) x (score of a threshold), for both items of a pair.

    Parameters
    ----------
    tables : (p, K, K) float64
        Counts.
    scores : two (p, K, K) float64
        From ``score_tables``.

    Returns
    -------
    for the row items, for the column items : (p, K - 1) float64
    """
    score, inverse = scores
    weight = tables * score * inverse
    by_row = np.einsum(
        "pab,pab->pa", edge_slopes(row_cuts, column_cuts, rho), -np.diff(weight, axis=1)
    )
    turned = np.swapaxes(weight, 1, 2)
    by_column = np.einsum(
        "pba,pba->pb", edge_slopes(column_cuts, row_cuts, rho), -np.diff(turned, axis=1)
    )
    return by_row, by_column
