"""Moments of a block with ordinal items: thresholds, numeric means and variances, correlations.

Ordinal item i cuts a latent response of mean ``mu_i`` and variance ``Sigma_ii``; its scale is

* delta parameterization: a parameter ``delta_i`` (1 in a single group);
* theta parameterization: ``delta_i = Sigma_ii^-1/2``;

and a numeric item has ``delta_i = 1``. Then::

    th_k = delta_i (tau_k - mu_i),        r_ij = delta_i delta_j Sigma_ij

in the order item by item (a numeric item gives ``-mu_i``), then slopes on covariates
(``conditional_slopes``), then numeric variances, then ``r_ij`` below the diagonal, column by
column.

Reference: Muthen, B. (1984). A general structural equation model with dichotomous, ordered
categorical, and continuous latent variable indicators. Psychometrika, 49, 115-132.

Functions: ``ordinal_vector``, ``ordinal_jacobian``, ``ordinal_curvature``, ``scales``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.sem.model.block import BlockState, MomentKind, by_vector, moment_curvature
from cte_metrics.sem.model.conditional_slopes import slope_curvature, slope_jacobian, slopes
from cte_metrics.sem.model.derived_variances import variance_jacobian
from cte_metrics.sem.model.design import MATRICES, BlockDesign
from cte_metrics.sem.model.moments import MomentGradient

_TAU, _DELTA = MATRICES.index("tau"), MATRICES.index("delta")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which item each leading moment belongs to, and where the parts of the vector begin.

    ``item`` (n_lead,) is the item, ``threshold`` (n_lead,) its threshold or -1 for a mean;
    ``numeric`` lists numeric items; ``rows``, ``columns`` the correlations; ``place``
    (n_thresholds,) is the leading moment of each threshold.
    """

    item: Index
    threshold: Index
    numeric: Index
    rows: Index
    columns: Index
    place: Index


@lru_cache(maxsize=128)
def _layout(
    ordinal: tuple[bool, ...], threshold_item: tuple[int, ...], covariates: tuple[int, ...]
) -> Layout:
    item: list[int] = []
    threshold: list[int] = []
    items = np.array([i for i in range(len(ordinal)) if i not in covariates], dtype=np.intp)
    for i in items.tolist():
        is_ordinal = ordinal[i]
        own = [k for k, owner in enumerate(threshold_item) if owner == i] if is_ordinal else [-1]
        item += [i] * len(own)
        threshold += own
    columns, rows = np.triu_indices(len(items), 1)
    place = np.zeros(len(threshold_item), dtype=np.intp)
    for position, number in enumerate(threshold):
        if number >= 0:
            place[number] = position
    return Layout(
        np.array(item, dtype=np.intp),
        np.array(threshold, dtype=np.intp),
        items[~np.array(ordinal, dtype=bool)[items]],
        items[rows],
        items[columns],
        place,
    )


def layout(design: BlockDesign) -> Layout:
    """Order of the moments of a block (kept)."""
    return _layout(
        tuple(design.ordinal.tolist()), tuple(design.threshold_item.tolist()), design.covariates
    )


def scales(state: BlockState) -> Array:
    """``delta`` of every item (p,)."""
    if state.design.parameterization == "theta":
        variance = np.where(state.design.ordinal, state.cov.diagonal(), 1.0)
        return 1.0 / np.sqrt(np.maximum(variance, 1e-12))
    return np.where(state.design.ordinal, state.matrices.delta, 1.0)


def _cuts(state: BlockState, lay: Layout) -> Array:
    """``tau_k - mu_i`` (n_lead,), with tau 0 for a numeric item."""
    tau = np.append(state.matrices.tau, 0.0)[lay.threshold]
    mean = np.zeros(state.design.n_observed) if state.mean is None else state.mean
    return tau - mean[lay.item]


def ordinal_vector(state: BlockState) -> Array:
    """The moment vector (n_moments,)."""
    lay, delta = layout(state.design), scales(state)
    i, j = lay.rows, lay.columns
    return np.concatenate(
        (
            delta[lay.item] * _cuts(state, lay),
            slopes(state, delta),
            state.cov.diagonal()[lay.numeric],
            delta[i] * delta[j] * state.cov[i, j],
        )
    )


@dataclass(frozen=True, slots=True)
class _Derivatives:
    """First derivatives by own parameters: rows are parameters (n_own, ...)."""

    pairs: Array
    diagonal: Array
    mean: Array
    cuts: Array
    delta: Array


def _derivatives(state: BlockState, lay: Layout) -> _Derivatives:
    design = state.design
    u, v, s = state.u, state.v, design.scale[:, None]
    i, j = lay.rows, lay.columns
    pairs = s * (u[:, i] * v[:, j] + v[:, i] * u[:, j])
    diagonal = 2.0 * s * u * v
    mean = state.factor[:, None] * u if design.has_means else np.zeros_like(u)
    cuts = -mean[:, lay.item]
    taus = np.flatnonzero(design.matrix == _TAU)
    cuts[taus, lay.place[design.row[taus]]] += 1.0
    if design.parameterization == "theta":
        delta = -0.5 * scales(state) ** 3 * diagonal * design.ordinal
    else:
        delta = np.zeros_like(u)
        own = np.flatnonzero(design.matrix == _DELTA)
        delta[own, design.row[own]] = 1.0
    if design.derived:
        moved, reach = variance_jacobian(state, diagonal, delta)
        pairs += moved @ (reach[:, i] * reach[:, j])
        diagonal += moved @ reach**2
    return _Derivatives(pairs, diagonal, mean, cuts, delta)


def ordinal_jacobian(state: BlockState) -> Array:
    """Derivative of the moment vector by this block's parameters (n_moments, n_own)."""
    lay, delta = layout(state.design), scales(state)
    d = _derivatives(state, lay)
    i, j = lay.rows, lay.columns
    lead = delta[lay.item] * d.cuts + _cuts(state, lay) * d.delta[:, lay.item]
    pairs = delta[i] * delta[j] * d.pairs
    pairs += state.cov[i, j] * (delta[j] * d.delta[:, i] + delta[i] * d.delta[:, j])
    parts = (lead, slope_jacobian(state, delta, d.delta), d.diagonal[:, lay.numeric], pairs)
    return np.concatenate(parts, axis=1).T


def ordinal_curvature(state: BlockState, weights: MomentGradient) -> Array:
    """Second derivative of the moments weighted by a vector (n_moments,), (n_own, n_own)."""
    g = by_vector(weights)
    if state.design.derived:  # Gauss-Newton serves where residual variances are implicit
        return np.zeros((len(state.design.free),) * 2)
    lay, delta, design = layout(state.design), scales(state), state.design
    d, cov, p = _derivatives(state, lay), state.cov, design.n_observed
    i, j = lay.rows, lay.columns
    n_slopes = (p - len(design.covariates)) * len(design.covariates)
    ends = np.cumsum((len(lay.item), n_slopes, len(lay.numeric)))
    lead, slope, numeric, pair = np.split(g, ends)
    gradient = np.zeros((p, p))
    gradient[i, j] = gradient[j, i] = 0.5 * pair * delta[i] * delta[j]
    gradient[lay.numeric, lay.numeric] += numeric
    by_delta: Array = np.bincount(lay.item, lead * _cuts(state, lay), minlength=p).astype(float)
    by_delta += np.bincount(i, pair * delta[j] * cov[i, j], minlength=p)
    by_delta += np.bincount(j, pair * delta[i] * cov[i, j], minlength=p)
    out, slope_cross, by_slope = slope_curvature(state, delta, d.delta, slope)
    by_delta = by_delta + by_slope
    if design.parameterization == "theta":
        by_delta = by_delta * design.ordinal
        gradient[np.diag_indices(p)] += -0.5 * by_delta * delta**3
        out += (d.diagonal * (0.75 * by_delta * delta**5)) @ d.diagonal.T
    mean: Array = -np.bincount(lay.item, lead * delta[lay.item], minlength=p).astype(np.float64)
    out += moment_curvature(state, MomentGradient(gradient, mean))
    cross = (d.delta[:, lay.item] * lead) @ d.cuts.T
    cross += (d.delta[:, i] * (pair * delta[j]) + d.delta[:, j] * (pair * delta[i])) @ d.pairs.T
    cross += (d.delta[:, i] * (pair * cov[i, j])) @ d.delta[:, j].T
    cross += slope_cross
    return out + cross + cross.T


ORDINAL = MomentKind(ordinal_vector, ordinal_jacobian, ordinal_curvature)
