"""Rank correlations (Spearman), with ties, for complete rows and for pairs of items.

Spearman's coefficient is the product-moment correlation of midranks. Where answers are missing and
rows are used pairwise, R ranks anew within the rows that a pair shares; so does this module. For
answers with few categories the midranks follow from the two-way tables of all pairs at once:

    midrank of category a = (rows below a) + (rows in a + 1) / 2.

Functions: ``midranks, spearman, correlation_from_covariance``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.summaries.contingency import category_codes, category_counts, item_pairs
from cte_metrics.kernels.summaries.moments import moments

_MOST_CATEGORIES = 32


def correlation_from_covariance(covariance: Array) -> Array:
    """Scale a covariance matrix (k, k) to correlations; nan for a variable without variance."""
    variance = np.diagonal(covariance)
    sd = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    out = np.asarray(covariance / np.outer(sd, sd))
    np.fill_diagonal(out, np.where(variance > 0.0, 1.0, np.nan))
    return out


def midranks(values: Array) -> Array:
    """Ranks within each column, from 1; ties share their mean rank; nan stays nan.

    Examples
    --------
    >>> midranks(np.array([[10.0], [30.0], [10.0], [20.0]])).ravel().tolist()
    [1.5, 4.0, 1.5, 3.0]
    """
    out = np.full(values.shape, np.nan)
    for i, column in enumerate(values.T):
        answered = ~np.isnan(column)
        _, code, count = np.unique(column[answered], return_inverse=True, return_counts=True)
        out[answered, i] = (np.cumsum(count) - 0.5 * (count - 1.0))[code]
    return out


def spearman(
    values: Array, missing: Literal["listwise", "pairwise"] = "listwise"
) -> tuple[Array, Array]:
    """Spearman correlations and the number of rows behind each.

    Parameters
    ----------
    values : (n, k) float64
        nan where missing.
    missing : {"listwise", "pairwise"}

    Returns
    -------
    correlations, counts : (k, k) float64
    """
    gaps = np.isnan(values)
    if missing == "listwise" and gaps.any():
        values = values[~gaps.any(axis=1)]
        gaps = np.isnan(values)
    if not gaps.any():
        n = np.full((values.shape[1], values.shape[1]), float(len(values)))
        return np.asarray(moments(midranks(values)).correlation), n
    coded = category_codes(values)
    if coded.n_categories.max() <= _MOST_CATEGORIES:
        return _from_tables(category_counts(coded.codes, coded.n_categories).joint)
    return _item_by_item(values)


def _from_tables(joint: Array) -> tuple[Array, Array]:
    """Pairwise coefficients from all two-way tables (k, K, k, K)."""
    n_items = len(joint)
    a, b = item_pairs(n_items)
    tables = joint[a, :, b, :]
    n = tables.sum(axis=(1, 2))
    x, y = _centred_midranks(tables.sum(axis=2)), _centred_midranks(tables.sum(axis=1))
    cross = np.einsum("pab,pa,pb->p", tables, x, y, optimize=True)
    spread = np.einsum("pa,pa->p", tables.sum(axis=2), x * x) * np.einsum(
        "pb,pb->p", tables.sum(axis=1), y * y
    )
    r = np.where(spread > 0.0, cross / np.sqrt(np.where(spread > 0.0, spread, 1.0)), np.nan)
    own = np.einsum("iaia->ia", joint)
    out, counts = np.eye(n_items), np.diag(own.sum(axis=1))
    out[a, b] = out[b, a] = r
    counts[a, b] = counts[b, a] = n
    np.fill_diagonal(out, np.where((own > 0.0).sum(axis=1) > 1, 1.0, np.nan))
    return out, counts


def _centred_midranks(counts: Array) -> Array:
    """Midranks of categories (p, K) about their mean, (n + 1) / 2."""
    rank = np.cumsum(counts, axis=1) - 0.5 * (counts - 1.0)
    return np.asarray(rank - 0.5 * (counts.sum(axis=1, keepdims=True) + 1.0))


def _item_by_item(values: Array) -> tuple[Array, Array]:
    """Pairwise coefficients of continuous columns: one ranking of all partners an item."""
    n_items = values.shape[1]
    out, counts = np.full((n_items, n_items), np.nan), np.zeros((n_items, n_items))
    for i in range(n_items):
        rows = values[~np.isnan(values[:, i])]
        theirs = midranks(rows)
        for j in range(i, n_items):
            shared = ~np.isnan(rows[:, j])
            mine = midranks(rows[shared, i : i + 1])
            pair = moments(np.column_stack([mine, theirs[shared, j]])).correlation
            out[i, j] = out[j, i] = pair[0, 1] if i != j else pair[0, 0]
            counts[i, j] = counts[j, i] = shared.sum()
    return out, counts
