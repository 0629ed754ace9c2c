"""Rotation of exploratory blocks inside a fitted model (ESEM).

A block is identified by an echelon of zero loadings and uncorrelated factors; any ``T`` with
columns of length one gives an equivalent solution::

    Lambda T'^-1,    T' Psi T,    T' Beta T'^-1,    T' alpha

T minimises the rotation criterion of the loadings divided by the items' standard deviations. The
rotated model has all loadings and factor covariances free and satisfies Jennrich's equations
``offdiagonal(Lambda' G - diag(Lambda' G) Psi) = 0`` (G the gradient of the criterion); its standard
errors follow from treating these as constraints.

References
----------
Jennrich, R. I. (1973). Standard errors for obliquely rotated factor loadings. Psychometrika, 38,
593-604. Asparouhov, T., & Muthen, B. (2009). Exploratory structural equation modeling. Structural
Equation Modeling, 16, 397-438.

Functions: ``rotate_solution``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import one_of
from cte_metrics.kernels.factor import rotation as rotations
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.constraints import compile_constraints
from cte_metrics.sem.model.design import (
    BlockDesign,
    BlockMatrices,
    ModelDesign,
    block_matrices,
    build_design,
    fill,
)
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.table.table import ParameterTable

GEOMIN_EPSILON = 0.001
N_STARTS = 30


@dataclass(frozen=True, slots=True)
class _Set:
    """One exploratory block of one group: its items and factors, and whether it leads.

    A block whose loadings equal those of an earlier group follows that group's rotation.
    """

    name: str
    block: int
    items: Index
    factors: Index
    leads: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rotation method, its options, whether factors stay uncorrelated, kind of standard errors."""

    method: str
    options: Mapping[str, Any]
    orthogonal: bool
    exact: bool = False

    @property
    def kaiser(self) -> bool:
        """Whether rows are normalised (as lavaan does for varimax and promax)."""
        return self.method in ("varimax", "promax")


def rotate_solution(
    solution: Solution, rotation: str = "geomin", *, exact: bool = False, **options: Any
) -> Solution:
    """Return the solution with its exploratory blocks rotated.

    Parameters
    ----------
    solution : Solution
    rotation : str
        A method of ``kernels.factor.rotation``, or ``none``. Geomin takes epsilon .001 and 30
        random starts, as lavaan.
    exact : bool
        In the equations behind the standard errors, divide loadings by the items' standard
        deviations ``sqrt(diag(Lambda Psi Lambda' + Theta))``. lavaan 0.6-14 leaves out Psi there
        (not in the rotation itself), which moves standard errors by a few per cent; so does the
        default here, to agree with it.
    **options
        Of the method (``delta``, ``gamma``, ``kappa``, ``target`` ...).

    Returns
    -------
    Solution
        With the same fit; factors ordered by the average position of their large loadings and
        with loadings of positive sum, as lavaan has them.
    """
    one_of(rotation, rotations.Method, "rotation")
    sets = _sets(solution)
    if rotation == "none" or not sets:
        return solution
    rule = _rule(rotation, options, exact)
    flat = solution.flat.copy()
    _turn_all(solution, flat, sets, rule)
    table = _freed(solution.table, orthogonal=rule.orthogonal)
    return _resolved(solution, table, flat, sets, rule)


def _turn_all(solution: Solution, flat: Array, sets: Sequence[_Set], rule: _Rule) -> None:
    """Turn every set of factors in the flat vector; sets of one name turn with their leader."""
    turns: dict[str, Array] = {}
    for each in sets:
        block = solution.design.blocks[each.block]
        matrices = block_matrices(block, flat)
        if each.leads or each.name not in turns:
            turns[each.name] = _turn(block, matrices, each, rule)
        _apply(matrices, each.factors, turns[each.name])


def _rule(rotation: str, options: Mapping[str, Any], exact: bool) -> _Rule:
    chosen = dict(options)
    if rotation in ("geomin", "geomin_t"):
        chosen.setdefault("delta", GEOMIN_EPSILON)
    return _Rule(rotation, chosen, rotation in rotations.ORTHOGONAL, exact)


def _sets(solution: Solution) -> list[_Set]:
    """Blocks with two factors or more, group by group."""
    table = solution.table
    found = []
    for number, design in enumerate(solution.design.blocks):
        here = [i for i in np.flatnonzero(table.block == number + 1) if table.op[i] == "=~"]
        for name in dict.fromkeys(table.efa[i] for i in here if table.efa[i]):
            rows = [i for i in here if table.efa[i] == name]
            factors = list(dict.fromkeys(table.lhs[i] for i in rows))
            if len(factors) < 2:
                continue
            items = list(dict.fromkeys(table.rhs[i] for i in rows))
            found.append(
                _Set(
                    name,
                    number,
                    np.array([design.observed.index(v) for v in items]),
                    np.array([design.latent.index(v) for v in factors]),
                    any(table.user[i] == 7 for i in rows),
                )
            )
    return found


def _standard_deviations(
    block: BlockDesign, x: BlockMatrices, each: _Set, *, with_psi: bool = True
) -> Array:
    """Standard deviations of the items as far as the factors of the set and residuals make them."""
    a = x.lambda_[np.ix_(each.items, each.factors)]
    psi = x.psi[np.ix_(each.factors, each.factors)] if with_psi else np.eye(len(each.factors))
    residual = _residual_variances(block, x)[each.items]
    return np.asarray(np.sqrt(np.einsum("pi,ij,pj->p", a, psi, a) + residual))


def _residual_variances(block: BlockDesign, x: BlockMatrices) -> Array:
    """Residual variances (p,); of ordinal items what the factors leave of ``1 / delta^2``."""
    residual = np.diagonal(x.theta)
    if block.parameterization == "theta" or block.form != "ordinal":
        return residual
    spread = np.linalg.inv(np.eye(block.n_latent) - x.beta)
    common = x.lambda_ @ spread
    explained = np.einsum("pi,ij,pj->p", common, x.psi, common)
    return np.where(block.ordinal, x.delta**-2.0 - explained, residual)


def _turn(block: BlockDesign, matrices: BlockMatrices, each: _Set, rule: _Rule) -> Array:
    """Find the transformation of one block, columns ordered and signed as lavaan does."""
    a = matrices.lambda_[np.ix_(each.items, each.factors)]
    sd = _standard_deviations(block, matrices, each)
    search = {} if rule.method == "promax" else {"n_starts": N_STARTS}
    found = rotations.rotate(
        a / sd[:, None],
        rule.method,  # type: ignore[arg-type]
        kaiser=rule.kaiser,
        **search,
        **rule.options,
    )
    t = found.transformation
    loadings = np.linalg.solve(t, a.T).T
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    order = _order(np.asarray(loadings))
    return np.asarray((t * signs).T[order].T)


def _order(loadings: Array) -> Index:
    """Factors by the mean position of their loadings of at least .8 of the largest."""
    size = np.abs(loadings)
    large = size >= 0.8 * size.max(axis=0)
    position = (large * np.arange(1, len(size) + 1)[:, None]).sum(axis=0) / large.sum(axis=0)
    return np.argsort(position, kind="stable")


def _apply(x: BlockMatrices, factors: Index, turn: Array) -> None:
    """Transform the matrices of one block in place."""
    t = np.eye(x.psi.shape[0])
    t[np.ix_(factors, factors)] = turn
    inverse = np.linalg.inv(t).T
    x.lambda_[:] = x.lambda_ @ inverse
    x.psi[:] = t.T @ x.psi @ t
    x.beta[:] = t.T @ x.beta @ inverse
    x.alpha[:] = t.T @ x.alpha


def _freed(table: ParameterTable, *, orthogonal: bool) -> ParameterTable:
    """The table with the rows free that identification had fixed."""
    open_ = (table.user == 7) | (table.user == 77)
    if orthogonal:
        open_ &= np.array([op == "=~" for op in table.op])
    is_free = (table.free > 0) | open_
    free = np.where(is_free, np.cumsum(is_free), 0)
    return replace(table, free=free)


def _resolved(
    solution: Solution, table: ParameterTable, flat: Array, sets: Sequence[_Set], rule: _Rule
) -> Solution:
    """The solution over the rotated parameters."""
    design = build_design(table)
    design = replace(design, flat=flat)
    rows = np.flatnonzero(table.free)
    theta = flat[design.position[rows]]
    constraints = compile_constraints(table, flat[design.position])
    if rule.method == "promax":
        basis = _tangent_by_differences(solution, design.position[rows], sets, rule)
    else:
        slopes = [constraints.equal.jacobian(theta)]
        slopes.append(_slopes(lambda x: _equations(design, x, sets, rule), theta))
        basis = linalg.null_space(np.vstack(slopes), rcond=1e-9)
    states = evaluate(design, theta)
    return replace(
        solution,
        table=table,
        design=design,
        theta=theta,
        basis=basis,
        constraints=constraints,
        states=states,
        evaluation=solution.estimator.at([s.moments for s in states]),
    )


def _equations(design: ModelDesign, theta: Array, sets: Sequence[_Set], rule: _Rule) -> Array:
    """Jennrich's equations of every block that leads a rotation."""
    flat = fill(design, theta)
    out = []
    for each in sets:
        if not each.leads:
            continue
        block = design.blocks[each.block]
        matrices = block_matrices(block, flat)
        sd = _standard_deviations(block, matrices, each, with_psi=rule.exact)
        loadings = matrices.lambda_[np.ix_(each.items, each.factors)]
        psi = matrices.psi[np.ix_(each.factors, each.factors)]
        scaled = loadings / sd[:, None]
        if rule.kaiser:
            scaled = scaled / np.sqrt(np.einsum("pi,ij,pj->p", scaled, psi, scaled))[:, None]
        criterion = rotations.criterion_of(rule.method, scaled.shape, **rule.options)
        z = scaled.T @ criterion(scaled)[1]
        if rule.orthogonal:
            out.append((z - z.T)[np.tril_indices(len(z), -1)])
        else:
            equations = z - psi * np.diagonal(z)[:, None]
            out.append(equations[~np.eye(len(z), dtype=bool)])
    return np.concatenate(out)


def _slopes(function: Callable[[Array], Array], theta: Array, step: float = 1e-6) -> Array:
    """Central differences of a vector function, (values, n)."""
    columns = []
    for j in range(len(theta)):
        h = step * max(1.0, abs(float(theta[j])))
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        columns.append((function(up) - function(down)) / (2.0 * h))
    return np.array(columns).T


def _tangent_by_differences(
    solution: Solution, free: Index, sets: Sequence[_Set], rule: _Rule
) -> Array:
    """Directions of the rotated parameters when the free ones move (promax has no criterion)."""

    def rotated(x: Array) -> Array:
        flat = fill(solution.design, x)
        _turn_all(solution, flat, sets, rule)
        return flat[free]

    slopes = _slopes(rotated, solution.theta, 1e-5)
    tangent = slopes if solution.basis is None else slopes @ solution.basis
    return np.asarray(linalg.orth(tangent))
