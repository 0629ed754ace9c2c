"""Standardized solutions and their delta-method standard errors.

A standardized parameter is the parameter times powers of standard deviations::

    loading     lambda sd(factor) / sd(item)          regression  beta sd(x) / sd(y)
    variance    psi / var                             mean, threshold  nu / sd
    covariance  theta_ij / sqrt(theta_ii theta_jj)    (a correlation of residuals)

``std_lv`` standardizes latent variables only, ``std_all`` observed ones too. With exponents
``E`` over the variances ``q``, ``s = value * exp(E log(q) / 2)`` and the Jacobian is
``exp(.) dvalue + s * (E dq / (2 q))``: exact, no finite differences.

Functions: ``standardize``, ``standardized_table``, ``r_squared``, ``scale_factors``,
``variance_derivatives``.

References
----------
Bollen, K. A. (1989). Structural equations with latent variables. Wiley.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.errors import check_confidence
from cte_metrics.kernels.numerics.distributions import normal_quantile, two_sided_normal
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.conditional_slopes import explained_variances
from cte_metrics.sem.model.derived_variances import derived_places, variance_jacobian
from cte_metrics.sem.model.design import MATRICES
from cte_metrics.sem.table.labels import row_labels
from cte_metrics.sem.table.table import ParameterTable

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["std_all", "std_lv"]
ROUNDING = 64 * float(np.finfo(np.float64).eps)
_LAMBDA, _THETA, _PSI, _BETA, _NU, _ALPHA, _TAU, _DELTA = range(len(MATRICES))


@dataclass(frozen=True, slots=True)
class Standardized:
    """Standardized values of the table's rows (n_rows,), then of the defined parameters.

    ``jacobian`` and ``defined_jacobian`` are by the free parameters (..., n_free).

    Created by: ``cte_metrics.sem.inference.standardized.standardize``.
    Consumed by: ``cte_metrics.sem.inference.frames.parameter_frame``.
    """

    values: Array
    jacobian: Array
    defined: Array
    defined_jacobian: Array


def variance_derivatives(state: BlockState) -> tuple[Array, Array, Array, Array]:
    """Variances of latent (m,) and observed (p,) variables with their derivatives.

    Returns ``var(eta)``, its Jacobian (m, n_free), ``var(y)``, its Jacobian (p, n_free). For
    ordinal items the variance is that of the latent response.
    """
    d = state.design
    latent = np.diagonal(state.phi)
    own = np.zeros((len(d.free), d.n_latent))
    beta, psi = d.matrix == _BETA, d.matrix == _PSI
    own[beta] = 2.0 * (state.inverse[:, d.row[beta]] * state.phi[:, d.column[beta]]).T
    pairs = state.inverse[:, d.row[psi]] * state.inverse[:, d.column[psi]]
    own[psi] = 2.0 * d.scale[psi][:, None] * pairs.T
    observed, own_observed = _observed_variances(state)
    if d.derived:
        moved, _ = _derived(state)
        own += moved @ (state.inverse[:, derived_places(d)[1]] ** 2).T
    if d.covariate_cov is not None:
        by_latent, by_observed = explained_variances(state)
        latent, own = latent + by_latent[0], own + by_latent[1]
        observed, own_observed = observed + by_observed[0], own_observed + by_observed[1]
    return latent, _spread(state, own), observed, _spread(state, own_observed)


def _derived(state: BlockState) -> tuple[Array, Array]:
    """Derivatives of derived residual variances by own parameters (n_own, k), and their reach."""
    d = state.design
    diagonal = 2.0 * d.scale[:, None] * state.u * state.v
    by_delta = np.zeros((len(d.free), d.n_observed))
    scales = np.flatnonzero(d.matrix == _DELTA)
    by_delta[scales, d.row[scales]] = 1.0
    return variance_jacobian(state, diagonal, by_delta)


def _observed_variances(state: BlockState) -> tuple[Array, Array]:
    d = state.design
    own = 2.0 * d.scale[:, None] * state.u * state.v
    x = state.matrices
    variances = np.einsum("pm,mp->p", x.lambda_, state.C) + np.diagonal(x.theta)
    if d.derived:
        moved, reach = _derived(state)
        own = own + moved @ reach**2
    if d.form == "ordinal" and d.parameterization == "delta":
        fixed = d.ordinal
        variances = np.where(fixed, 1.0 / x.delta**2, variances)
        own[:, fixed] = 0.0
        scales = np.flatnonzero(d.matrix == _DELTA)
        own[scales, d.row[scales]] = -2.0 / x.delta[d.row[scales]] ** 3
    return variances, own


def _spread(state: BlockState, own: Array) -> Array:
    out = np.zeros((state.n_free, own.shape[1]))
    np.add.at(out, state.design.free, own)
    return out.T


@dataclass(frozen=True, slots=True)
class _Plan:
    """Exponents (n_rows, n_variances) of the standard deviations in each standardized row.

    The variances are those of latent and observed variables block by block, then one a row of
    the table (its own value, used for residual variances). ``unit`` marks rows that become 1.
    """

    std_lv: Array
    std_all: Array
    unit: Flags
    offsets: tuple[tuple[int, int], ...]


@lru_cache(maxsize=128)
def _plan(table: ParameterTable, sizes: tuple[tuple[int, int], ...]) -> _Plan:
    offsets, at = [], 0
    for m, p in sizes:
        offsets.append((at, at + m))
        at += m + p
    n = len(table)
    latent_only, both = np.zeros((n, at + n)), np.zeros((n, at + n))
    residual = {
        (table.lhs[i], int(table.block[i])): at + i
        for i in range(n)
        if table.op[i] == "~~" and table.lhs[i] == table.rhs[i]
    }
    for i in range(n):
        b = int(table.block[i]) - 1
        block = table.blocks[b]
        for name, power, role in _powers(table.lhs[i], table.op[i], table.rhs[i]):
            is_latent = name in block.lv_names
            if role == "residual":
                where = residual.get((name, b + 1))
            elif is_latent:
                where = offsets[b][0] + block.lv_names.index(name)
            else:
                where = offsets[b][1] + block.ov_names.index(name)
            if where is not None:
                both[i, where] += power
                if is_latent:
                    latent_only[i, where] += power
    unit = np.array([op == "~*~" for op in table.op])
    return _Plan(latent_only, both, unit, tuple(offsets))


def _powers(lhs: str, op: str, rhs: str) -> list[tuple[str, int, str]]:
    """Which standard deviations enter a standardized parameter, and with which power."""
    if op == "=~":
        return [(lhs, 1, "total"), (rhs, -1, "total")]
    if op in ("~", "<~"):
        return [(lhs, -1, "total"), (rhs, 1, "total")]
    if op == "~~" and lhs == rhs:
        return [(lhs, -2, "total")]
    if op == "~~":
        return [(lhs, -1, "residual"), (rhs, -1, "residual")]
    return [(lhs, -1, "total")] if op in ("~1", "|") else []


def scale_factors(
    table: ParameterTable, states: Sequence[BlockState], values: Array, kind: Kind = "std_all"
) -> Array:
    """What each row's value is multiplied by (n_rows,); nan where a variance is not positive."""
    variances = _variances(states, values)[0]
    plan = _plan(table, _sizes(states))
    return _factors(plan.std_all if kind == "std_all" else plan.std_lv, variances)


def _sizes(states: Sequence[BlockState]) -> tuple[tuple[int, int], ...]:
    return tuple((s.design.n_latent, s.design.n_observed) for s in states)


def _variances(
    states: Sequence[BlockState], values: Array, row_jacobian: Array | None = None
) -> tuple[Array, Array | None]:
    """All variances in the plan's order, and their Jacobian when the rows' one is given."""
    parts = [variance_derivatives(s) for s in states]
    blocks = [v for latent, _, observed, _ in parts for v in (latent, observed)]
    every = np.concatenate([*blocks, np.abs(values)])
    if row_jacobian is None:
        return every, None
    jacobians = [j for _, dl, _, do in parts for j in (dl, do)]
    signed = np.where(values < 0, -1.0, 1.0)[:, None] * row_jacobian
    return every, np.concatenate([*jacobians, signed])


def _factors(exponents: Array, variances: Array) -> Array:
    bad = ~(variances > np.finfo(float).eps)
    logs = np.log(np.where(bad, 1.0, variances))
    factors = np.exp(0.5 * (exponents @ logs))
    undefined = (np.abs(exponents) @ bad) > 0
    return np.where(undefined, np.nan, factors)


def standardize(solution: Solution, kind: Kind = "std_all") -> Standardized:
    """Standardize every row of a solution, with the Jacobian by the free parameters."""
    table, states = solution.table, solution.states
    values = np.asarray(solution.values, dtype=np.float64)
    jacobian = row_jacobian(table, states)
    plan = _plan(table, _sizes(states))
    exponents = plan.std_all if kind == "std_all" else plan.std_lv
    variances, changes = _variances(states, values, jacobian)
    assert changes is not None
    factors = _factors(exponents, variances)
    result = values * factors
    relative = changes / np.where(variances > 0, variances, np.nan)[:, None]
    relative = np.where(np.isfinite(relative), relative, 0.0)
    slopes = _sum_of_slopes(
        factors[:, None] * jacobian, 0.5 * result[:, None] * exponents, relative
    )
    if kind == "std_all" and plan.unit.any():
        result, slopes = result.copy(), slopes.copy()
        result[plan.unit], slopes[plan.unit] = 1.0, 0.0
    return _with_defined(solution, result, slopes)


def _sum_of_slopes(own: Array, powers: Array, relative: Array) -> Array:
    """Return ``own + powers @ relative``, exactly 0 where the terms cancel.

    A variance that is standardized by itself is 1 whatever the parameters are; rounding must not
    leave it a slope. Sums below 64 machine precisions of their terms count as cancelled.
    """
    slopes = own + powers @ relative
    terms = np.abs(own) + np.abs(powers) @ np.abs(relative)
    return np.where(np.abs(slopes) <= ROUNDING * terms, 0.0, slopes)


def _with_defined(solution: Solution, values: Array, jacobian: Array) -> Standardized:
    """Add defined parameters, as functions of the standardized free ones."""
    defined = solution.constraints.defined
    n = solution.table.n_free
    if not len(defined):
        return Standardized(values, jacobian, np.zeros(0), np.zeros((0, n)))
    rows = np.flatnonzero(solution.table.free)
    order = rows[np.argsort(solution.table.free[rows])]
    results, slopes = defined.value_and_jacobian(values[order])
    return Standardized(values, jacobian, results, slopes @ jacobian[order])


def row_jacobian(table: ParameterTable, states: Sequence[BlockState]) -> Array:
    """Derivative of every row's value by the free parameters (n_rows, n_free).

    Free rows are themselves; fixed rows do not move, except the residual variances of ordinal
    items (delta parameterization) and their scales (theta), which follow from the others.
    """
    out = np.zeros((len(table), table.n_free))
    rows = np.flatnonzero(table.free)
    out[rows, table.free[rows] - 1] = 1.0
    for state in states:
        if state.design.form == "ordinal":
            _ordinal_rows(out, table, state)
    return out


def _ordinal_rows(out: Array, table: ParameterTable, state: BlockState) -> None:
    d = state.design
    variances, own = _observed_variances(state)
    total = _spread(state, own)
    common = 2.0 * d.scale[:, None] * state.u * state.v
    common[d.matrix == _THETA] = 0.0
    common[d.matrix == _DELTA] = 0.0
    if d.derived:
        moved, reach = _derived(state)
        common += moved @ reach**2
    explained = _spread(state, common)
    position = {name: i for i, name in enumerate(d.observed)}
    for i in np.flatnonzero((table.block == d.number + 1) & (table.free == 0)):
        k = position.get(table.lhs[i])
        if k is None or not d.ordinal[k] or table.lhs[i] != table.rhs[i]:
            continue
        if table.op[i] == "~~" and k in d.derived:
            out[i] = _spread(state, _derived(state)[0])[d.derived.index(k)]
        elif table.op[i] == "~~" and d.parameterization == "delta":
            out[i] = total[k] - explained[k]
        elif table.op[i] == "~*~" and d.parameterization == "theta":
            out[i] = -0.5 * variances[k] ** -1.5 * total[k]


def standardized_table(
    solution: Solution, kind: Kind = "std_all", *, confidence: float = 0.95
) -> pd.DataFrame:
    """Standardized solution as a table: lhs, op, rhs, group, level, label, est, se, z, ..."""
    import pandas as pd

    found = standardize(solution, kind)
    est = np.concatenate((found.values, found.defined))
    jacobian = np.concatenate((found.jacobian, found.defined_jacobian))
    se = delta_errors(jacobian, solution.vcov)
    width = normal_quantile(0.5 + check_confidence(confidence) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(se > 0, est / se, np.nan)
    frame = pd.DataFrame(row_labels(solution.table))
    return frame.assign(
        est=est,
        se=se,
        z=z,
        pvalue=two_sided_normal(z),
        ci_lower=est - width * se,
        ci_upper=est + width * se,
    )


def delta_errors(jacobian: Array, vcov: Array | None) -> Array:
    """Delta-method standard errors; exactly 0 where nothing varies, nan without a vcov."""
    if vcov is None:
        return np.full(len(jacobian), np.nan)
    with np.errstate(invalid="ignore"):
        variances = np.einsum("ij,jk,ik->i", jacobian, vcov, jacobian)
        scale = np.einsum("ij,jj,ij->i", jacobian, np.abs(vcov), jacobian)
        still = np.abs(variances) <= 1e-14 * scale
        return np.where(still, 0.0, np.sqrt(np.where(variances < 0, np.nan, variances)))


def r_squared(solution: Solution) -> pd.Series:
    """Explained variance of every indicator and outcome: ``1 - residual / total``.

    Indexed by variable, or by (group, variable), (level, variable) where there are any. Missing
    where the residual variance is negative.
    """
    import pandas as pd

    table = solution.table
    values = standardize(solution).values
    index: list[tuple] = []
    shares: list[float] = []
    for b, block in enumerate(table.blocks, start=1):
        here = np.flatnonzero(table.block == b)
        explained = {table.rhs[i] for i in here if table.op[i] == "=~"}
        explained |= {table.lhs[i] for i in here if table.op[i] == "~"}
        for i in here:
            if table.op[i] == "~~" and table.lhs[i] == table.rhs[i] and table.lhs[i] in explained:
                share = 1.0 - values[i]
                index.append((block.group, block.level, table.lhs[i]))
                shares.append(float(share) if share <= 1.0 else np.nan)
    names = solution_keys(solution)
    keys = [(*names.of(g, level), v) for g, level, v in index]
    if keys and len(keys[0]) == 1:
        return pd.Series(shares, index=pd.Index([k[0] for k in keys], name="variable"))
    levels = [*names.names, "variable"]
    return pd.Series(shares, index=pd.MultiIndex.from_tuples(keys, names=levels), dtype=float)


@dataclass(frozen=True, slots=True)
class _Keys:
    names: tuple[str, ...]
    groups: tuple[str, ...]
    levels: tuple[str, ...]

    def of(self, group: int, level: int) -> tuple[object, ...]:
        """Group and level of a block, as far as there are several."""
        key: tuple[object, ...] = ()
        if "group" in self.names:
            key += (self.groups[group - 1],)
        if "level" in self.names:
            key += (self.levels[level - 1],)
        return key


def solution_keys(solution: Solution) -> _Keys:
    """Say how blocks are called: by group label, by level, by both, or not at all."""
    table = solution.table
    names = (("group",) if table.n_groups > 1 else ()) + (("level",) if table.n_levels > 1 else ())
    labels = tuple(solution.data.labels)
    return _Keys(names, labels, ("within", "between"))
