"""Robust CFI, TLI and RMSEA of ordinal models.

The robust indices of DWLS and ULS evaluate the normal-theory discrepancy of the polychoric matrix
S at the implied correlations R (no refit), and correct it for the estimator that was used
(Savalei 2021)::

    T = sum n_g [log|R| + tr(S R^-1) - log|S| - p],     T0 = -sum n_g log|S|
    c = tr(P' V P Gamma) / df,   P = I - D E D' W,      c0 = tr(Gamma) / df0

with W the estimator's weight, V the normal-theory weight of the correlations at R, D and E the
Jacobian and the inverse information of the fit, all over the correlations. They are undefined with
numeric items, for a polychoric matrix that is not positive definite, and where thresholds or
means are constrained to be equal.

References: Savalei, V. (2021). Improving fit indices in structural equation modeling with
categorical data. Multivariate Behavioral Research, 56, 390-407.

Functions: ``categorical_robust``.
"""

from __future__ import annotations

import math
import re

import numpy as np
from scipy.linalg import block_diag

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.sem.fit.robust import Robust
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.implied import saturated_state
from cte_metrics.sem.model.ordinal import layout, scales

_NAME = re.compile(r"\.?[A-Za-z_][\w.]*")
_SMALLEST_EIGENVALUE = float(np.sqrt(np.finfo(float).eps))


def categorical_robust(solution: Solution) -> Robust | None:
    """Statistic and scaling behind the robust indices; ``None`` where they are undefined."""
    bread = solution.bread
    samples = solution.estimator.saturated().moments
    numeric = any(not s.design.ordinal.all() for s in solution.states)
    if numeric or bread is None or solution.df <= 0 or _locations_constrained(solution):
        return None
    correlations = [m.cov for m in samples]
    if min(float(np.linalg.eigvalsh(s)[0]) for s in correlations) < _SMALLEST_EIGENVALUE:
        return None
    implied = [_implied_correlations(s) for s in solution.states]
    n_by_group = [share * solution.n_observations for share in solution.estimator.shares]
    t = sum(
        n * _discrepancy(s, r) for n, s, r in zip(n_by_group, correlations, implied, strict=True)
    )
    t0 = -sum(n * np.linalg.slogdet(s)[1] for n, s in zip(n_by_group, correlations, strict=True))
    pairs = sum(len(s) * (len(s) - 1) // 2 for s in correlations)
    df = pairs - _n_covariance_parameters(solution)
    trace, trace0 = _traces(solution, implied, bread)
    if df <= 0 or not np.isfinite(t):
        return None
    c = trace / df
    return Robust(
        t=t, c=c, t_scaled=t / c, t0=t0, c0=trace0 / pairs, df=df, df0=pairs, c_interval=c
    )


def _discrepancy(s: Array, r: Array) -> float:
    sign, logdet = np.linalg.slogdet(r)
    if sign <= 0:
        return math.nan
    return float(logdet + np.trace(np.linalg.solve(r, s)) - np.linalg.slogdet(s)[1] - len(s))


def _implied_correlations(state: BlockState) -> Array:
    delta = scales(state)
    out = state.cov * np.outer(delta, delta)
    np.fill_diagonal(out, 1.0)
    return np.asarray(out)


def _locations_constrained(solution: Solution) -> bool:
    """Whether an equality constraint names a threshold or a mean."""
    table = solution.table
    location = [op in ("|", "~1") for op in table.op]
    names = {p for p, is_location in zip(table.plabel, location, strict=True) if is_location}
    names |= {x for x, is_location in zip(table.label, location, strict=True) if is_location and x}
    return any(
        names & set(_NAME.findall(f"{c.lhs} {c.rhs}")) for c in table.constraints if c.op == "=="
    )


def _n_covariance_parameters(solution: Solution) -> int:
    """Parameters of the correlation structure, thresholds and means not counted."""
    table = solution.table
    locations = sum(
        bool(free) and op in ("|", "~1") for free, op in zip(table.free, table.op, strict=True)
    )
    return int(solution.n_parameters - locations)


def _traces(solution: Solution, implied: list[Array], bread: Array) -> tuple[float, float]:
    """``tr(P' V P Gamma)`` and ``tr(Gamma)`` over the correlations of all groups."""
    shares = solution.estimator.shares
    delta, weight, normal, gamma = [], [], [], []
    rows = zip(
        solution.states, solution.dense_weights, solution.estimator.gamma(), shares, implied,
        strict=True,
    )  # fmt: skip
    for state, w, g, share, r in rows:
        q = len(layout(state.design).item)
        delta.append(state.jacobian[q:])
        weight.append(share * w[q:, q:])
        gamma.append(g[q:, q:] / share)
        normal.append(share * _normal_weight(r))
    d, w_all, g_all = np.vstack(delta), block_diag(*weight), block_diag(*gamma)
    projection = np.eye(len(d)) - d @ (bread @ (d.T @ w_all))
    inner = projection.T @ block_diag(*normal) @ projection
    return float(np.vdot(inner, g_all)), float(np.trace(g_all))


def _normal_weight(r: Array) -> Array:
    """Normal-theory weight of the correlations below the diagonal, column by column."""
    p = len(r)
    full = saturated_state(p, False).normal_information(
        np.asarray(np.linalg.inv(r), dtype=np.float64)
    )
    i, j = vech_index(p)
    off = np.flatnonzero(i != j)
    return np.asarray(full[np.ix_(off, off)])
