"""A start from the same model with factor variances of 1, for fits that the marker leads astray.

With a marker the factor's scale hangs on one item; when that item hardly measures the factor, the
way to the minimum can lead through an infinite loading. With unit variances it does not. A
solution of the one is turned into one of the other by ``eta_j = c_j eta'_j``, ``c_j`` the marker's
loading at unit variance over its fixed value::

    lambda = lambda' / c,   psi_jk = c_j c_k psi'_jk,   beta_jk = c_j beta'_jk / c_k

Functions: ``rescaled_start``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.model.design import ModelDesign, build_design, fill
from cte_metrics.sem.search.minimise import Problem, minimise
from cte_metrics.sem.search.start import starting_values
from cte_metrics.sem.table.table import ParameterTable

SMALL = 1e-6
Key = tuple[int, str]


@lru_cache(maxsize=32)
def _markers(table: ParameterTable) -> dict[Key, tuple[int, int]]:
    """Rows of the marker loading and of the variance of each factor that has both."""
    fixed: dict[Key, list[int]] = {}
    variance: dict[Key, int] = {}
    for r in range(len(table)):
        key = int(table.block[r]), table.lhs[r]
        if table.op[r] == "=~" and not table.free[r] and table.ustart[r] != 0.0:
            fixed.setdefault(key, []).append(r)
        elif table.op[r] == "~~" and table.lhs[r] == table.rhs[r] and table.free[r]:
            variance[key] = r
    return {
        key: (rows[0], variance[key])
        for key, rows in fixed.items()
        if len(rows) == 1 and key in variance
    }


@lru_cache(maxsize=32)
def _unit_variances(table: ParameterTable) -> ParameterTable:
    """The table with markers free and their factors' variances fixed at 1."""
    free, ustart = table.free.copy() > 0, table.ustart.copy()
    for marker, variance in _markers(table).values():
        free[marker], free[variance] = True, False
        ustart[variance] = 1.0
    numbers = np.where(free, np.cumsum(free), 0).astype(np.int64)
    return replace(table, free=numbers, ustart=ustart)


def rescaled_start(
    table: ParameterTable,
    estimator: Estimator,
    with_covariates: Callable[[ModelDesign], ModelDesign],
) -> Array | None:
    """Solve the model with unit variances and express it by markers.

    Parameters
    ----------
    with_covariates : callable
        Writes the moments of fixed covariates into a design.

    Returns
    -------
    ndarray (n_free,) or None
        ``None`` where the model has constraints or no markers, or a marker has no loading.
    """
    tied = any(c.op != ":=" for c in table.constraints)
    bounded = np.isfinite(table.lower).any() or np.isfinite(table.upper).any()
    markers = _markers(table)
    if tied or bounded or not markers:
        return None
    other = _unit_variances(table)
    design = with_covariates(build_design(other))
    start = starting_values(other, design, estimator.start_moments())
    found = minimise(Problem(design, estimator), start)
    if found is None or not found.converged:
        return None
    values = fill(design, found.theta)[design.position]
    return _by_markers(table, markers, values)


def _by_markers(
    table: ParameterTable, markers: dict[Key, tuple[int, int]], values: Array
) -> Array | None:
    scale: dict[Key, float] = {}
    for key, (marker, _) in markers.items():
        c = float(values[marker] / table.ustart[marker])
        block, name = key
        largest = max(
            abs(values[r])
            for r in range(len(table))
            if table.op[r] == "=~" and table.lhs[r] == name and int(table.block[r]) == block
        )
        if abs(c) < SMALL * largest:
            return None
        scale[key] = c
    theta = np.zeros(table.n_free)
    for r in np.flatnonzero(table.free):
        block = int(table.block[r])
        left = scale.get((block, table.lhs[r]), 1.0)
        right = scale.get((block, table.rhs[r]), 1.0)
        factor = {"=~": right / left, "~": left / right, "~~": left * right, "~1": left}
        theta[table.free[r] - 1] = values[r] * factor.get(table.op[r], 1.0)
    return theta
