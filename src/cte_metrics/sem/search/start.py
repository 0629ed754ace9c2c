"""Starting values from the sample moments.

A factor starts as the first principal axis of its indicators' correlations, put on the scale that
the model fixes (marker loading or factor variance); residual variances take what is left;
regressions and covariances start at zero, intercepts at the sample means, thresholds at the
sample's. Values that the user gives with ``start()`` win.

Functions: ``starting_values``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.model.design import MATRICES, BlockDesign, ModelDesign, block_matrices
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.search.exploratory_start import exploratory_starts
from cte_metrics.sem.table.table import ParameterTable

_KIND = {name: number for number, name in enumerate(MATRICES)}
COMMON_SHARE = 0.75


def starting_values(
    table: ParameterTable, design: ModelDesign, moments: Sequence[Moments], *, simple: bool = False
) -> Array:
    """Start every free parameter (n_free,).

    Parameters
    ----------
    simple : bool
        Small common variances and unit loadings instead of principal axes; a second attempt.
    """
    theta = np.zeros(design.n_free)
    for block, sample in zip(design.blocks, moments, strict=True):
        values = _block_start(block, design.flat, sample, simple=simple)
        theta[block.free] = values
    _higher_order(table, theta)
    theta = exploratory_starts(theta, table, design, moments)
    free = np.flatnonzero(table.free)
    given = free[table.has_start[free]]
    theta[table.free[given] - 1] = table.ustart[given]
    return theta


def _higher_order(table: ParameterTable, theta: Array) -> None:
    """Loadings of factors on factors: 1 beside a marker, else from half the factor's variance."""
    factors = [set(b.lv_names) for b in table.blocks]
    variance = {
        (int(table.block[r]), table.lhs[r]): r
        for r in range(len(table))
        if table.op[r] == "~~" and table.lhs[r] == table.rhs[r]
    }

    def value(row: int | None) -> float:
        if row is None:
            return 1.0
        free = int(table.free[row])
        return float(theta[free - 1]) if free else float(np.nan_to_num(table.ustart[row], nan=1.0))

    for r in range(len(table)):
        block = int(table.block[r])
        if table.op[r] != "=~" or table.rhs[r] not in factors[block - 1]:
            continue
        own = variance.get((block, table.rhs[r]))
        size = max(value(own), 1e-4)
        if table.free[r]:
            above = variance.get((block, table.lhs[r]))
            fixed = above is not None and table.free[above] == 0
            theta[table.free[r] - 1] = np.sqrt(0.5 * size) if fixed else 1.0
        if own is not None and table.free[own]:
            theta[table.free[own] - 1] = 0.5 * size
        above = variance.get((block, table.lhs[r]))
        if above is not None and table.free[above] and not table.free[r]:
            theta[table.free[above] - 1] = 0.5 * size


def _block_start(block: BlockDesign, flat: Array, sample: Moments, *, simple: bool) -> Array:
    variance = np.maximum(sample.cov.diagonal(), 1e-8)
    values = np.zeros(len(block.free))
    loading, psi = _factors(block, flat, sample.cov, variance, simple=simple)
    is_lambda = block.matrix == _KIND["lambda"]
    values[is_lambda] = loading[block.row[is_lambda], block.column[is_lambda]]
    is_psi = (block.matrix == _KIND["psi"]) & (block.row == block.column)
    values[is_psi] = psi[block.row[is_psi]]
    outcomes = set(block.row[block.matrix == _KIND["beta"]].tolist())
    for k in np.flatnonzero(is_psi):
        if block.latent[block.row[k]] in block.observed and block.row[k] in outcomes:
            values[k] *= 0.5
    _observed_starts(block, values, sample.cov, variance, loading, psi, sample)
    return values


def _factors(
    block: BlockDesign, flat: Array, s: Array, variance: Array, *, simple: bool
) -> tuple[Array, Array]:
    """Loadings (p, m) and variances (m,) of everything in eta."""
    fixed = block_matrices(block, flat)
    loading, psi = fixed.lambda_.copy(), np.full(block.n_latent, np.nan)
    free = np.zeros(loading.shape, dtype=bool)
    is_lambda = block.matrix == _KIND["lambda"]
    free[block.row[is_lambda], block.column[is_lambda]] = True
    is_psi = (block.matrix == _KIND["psi"]) & (block.row == block.column)
    varying = set(block.row[is_psi].tolist())
    for j, name in enumerate(block.latent):
        if name in block.observed:
            psi[j] = variance[block.observed.index(name)]
        elif simple:
            loading[:, j], psi[j] = _plain_factor(fixed.lambda_[:, j], free[:, j], variance)
        else:
            given = None if j in varying else float(fixed.psi[j, j])
            loading[:, j], psi[j] = _factor(fixed.lambda_[:, j], free[:, j], s, given)
    return loading, psi


def _plain_factor(fixed: Array, free: np.ndarray, variance: Array) -> tuple[Array, float]:
    """Equal standardized loadings and a small variance."""
    anchors = np.flatnonzero(fixed)
    unit = np.sqrt(variance[anchors[0]]) / abs(fixed[anchors[0]]) if anchors.size else 1.0
    return np.where(free, np.sqrt(variance) / unit, fixed), float(0.05 * unit**2)


def _factor(fixed: Array, free: np.ndarray, s: Array, given: float | None) -> tuple[Array, float]:
    """Loadings (p,) and variance of one factor from the axis of its indicators."""
    items = np.flatnonzero(free | (fixed != 0.0))
    loading = fixed.copy()
    if items.size == 0:
        return loading, 1.0 if given is None else given
    sub = s[np.ix_(items, items)]
    sd = np.sqrt(np.maximum(sub.diagonal(), 1e-8))
    values, vectors = np.linalg.eigh(sub / (sd[:, None] * sd))
    axis = vectors[:, -1] * (np.sign(vectors[0, -1]) or 1.0)
    axis = np.clip(axis * np.sqrt(COMMON_SHARE * values[-1]), -0.9, 0.9) * sd
    anchors = items[fixed[items] != 0.0]
    if not free.any():
        scale = float(np.mean(sd**2)) / max(float(np.max(fixed**2)), 1e-8)
        return loading, 0.2 * scale if given is None else given
    if given is not None and given > 0.0:
        unit = np.sqrt(given)
        variance = given
    elif anchors.size:
        anchor = int(np.flatnonzero(items == anchors[0])[0])
        floor = 0.2 * sd[anchor] * (np.sign(axis[anchor]) or 1.0)
        size = axis[anchor] if abs(axis[anchor]) > abs(floor) else floor
        unit = size / fixed[anchors[0]]
        variance = unit**2
    else:
        unit, variance = 1.0, 1.0
    loading[items] = np.where(free[items], axis / unit, fixed[items])
    return loading, float(variance)


def _observed_starts(
    block: BlockDesign,
    values: Array,
    s: Array,
    variance: Array,
    loading: Array,
    psi: Array,
    sample: Moments,
) -> None:
    """Residual variances, covariances of carried variables, intercepts, thresholds, scales."""
    kind, row, column = block.matrix, block.row, block.column
    theta = kind == _KIND["theta"]
    own = theta & (row == column)
    common = (loading**2) @ np.nan_to_num(psi)
    left = np.clip(variance - common, 0.2 * variance, variance)
    values[own] = left[row[own]]
    position = {name: i for i, name in enumerate(block.observed)}
    outcome = set(row[kind == _KIND["beta"]].tolist())
    for k in np.flatnonzero((kind == _KIND["psi"]) & (row != column)):
        names = block.latent[row[k]], block.latent[column[k]]
        if all(n in position for n in names) and not {row[k], column[k]} & outcome:
            values[k] = s[position[names[0]], position[names[1]]]
    if sample.mean is not None:
        nu = kind == _KIND["nu"]
        values[nu] = sample.mean[row[nu]]
        for k in np.flatnonzero(kind == _KIND["alpha"]):
            name = block.latent[row[k]]
            values[k] = sample.mean[position[name]] if name in position else 0.0
    values[kind == _KIND["delta"]] = 1.0
    tau = kind == _KIND["tau"]
    if tau.any() and sample.vector is not None:
        values[tau] = _sample_thresholds(block, sample.vector)[row[tau]]


def _sample_thresholds(block: BlockDesign, vector: Array) -> Array:
    """Thresholds of the moment vector, without the means of numeric items."""
    keep = []
    for item in range(block.n_observed):
        if item in block.covariates:
            continue
        count = int((block.threshold_item == item).sum())
        keep += [True] * count if count else [False]
    return vector[: len(keep)][np.array(keep, dtype=bool)]
