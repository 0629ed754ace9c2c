"""Starting values of exploratory blocks: principal factors in echelon form.

The correlations of a block's items, with squared multiple correlations on the diagonal, give
``m`` principal factors A; the rotation that makes their first rows lower triangular meets the zeros
that identify the block.

Functions: ``exploratory_starts``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.sem.model.design import ModelDesign
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.table.table import ParameterTable

LEAST_UNIQUE = 0.1


def exploratory_starts(
    theta: Array, table: ParameterTable, design: ModelDesign, moments: Sequence[Moments]
) -> Array:
    """Return ``theta`` with the loadings and residual variances of exploratory blocks started."""
    if not any(table.efa):
        return theta
    out = theta.copy()
    for number, block in enumerate(design.blocks):
        here = np.flatnonzero(table.block == number + 1)
        for name in dict.fromkeys(table.efa[i] for i in here if table.efa[i]):
            rows = [int(i) for i in here if table.efa[i] == name and table.op[i] == "=~"]
            factors = list(dict.fromkeys(table.lhs[i] for i in rows))
            items = list(dict.fromkeys(table.rhs[i] for i in rows))
            index = np.array([block.observed.index(v) for v in items])
            cov = moments[number].cov[np.ix_(index, index)]
            sd = np.sqrt(np.maximum(np.diagonal(cov), 1e-8))
            loadings = echelon_loadings(cov / np.outer(sd, sd), len(factors))
            for i in rows:
                if table.free[i]:
                    k = items.index(table.rhs[i])
                    out[table.free[i] - 1] = loadings[k, factors.index(table.lhs[i])] * sd[k]
            _start_residuals(out, table, here, items, sd**2 * _unique(loadings))
    return out


def _unique(loadings: Array) -> Array:
    return np.maximum(1.0 - np.sum(loadings**2, axis=1), LEAST_UNIQUE)


def _start_residuals(
    theta: Array, table: ParameterTable, rows: Index, items: list[str], values: Array
) -> None:
    place = {v: k for k, v in enumerate(items)}
    for i in rows:
        own = table.op[i] == "~~" and table.lhs[i] == table.rhs[i]
        if own and table.free[i] and table.lhs[i] in place:
            theta[table.free[i] - 1] = values[place[table.lhs[i]]]


def echelon_loadings(correlation: Array, n_factors: int) -> Array:
    """Principal factor loadings (p, m) whose first rows are lower triangular.

    Examples
    --------
    >>> loadings = echelon_loadings(np.array([[1, 0.5, 0.2], [0.5, 1, 0.2], [0.2, 0.2, 1.0]]), 2)
    >>> bool(abs(loadings[0, 1]) < 1e-12)
    True
    """
    smc = 1.0 - 1.0 / np.diagonal(np.linalg.pinv(correlation))
    reduced = correlation.copy()
    np.fill_diagonal(reduced, np.clip(smc, 0.05, 1.0 - LEAST_UNIQUE))
    roots, vectors = np.linalg.eigh(reduced)
    top = slice(-1, -n_factors - 1, -1)
    principal = vectors[:, top] * np.sqrt(np.maximum(roots[top], 0.02))
    turn, _ = np.linalg.qr(principal[:n_factors].T)
    turned = principal @ turn
    return np.asarray(turned * np.where(turned.sum(axis=0) < 0, -1.0, 1.0))
