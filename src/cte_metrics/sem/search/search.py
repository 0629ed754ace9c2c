"""The search for the minimum: what is prepared before it, and from where it starts.

Classes: ``Setup``. Functions: ``prepare``, ``search``, ``only_linear``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.model.conditional_slopes import with_covariate_moments
from cte_metrics.sem.model.constraints import CompiledConstraints, compile_constraints
from cte_metrics.sem.model.design import ModelDesign, build_design
from cte_metrics.sem.search.constrained import (
    Bounds,
    minimise_constrained,
)
from cte_metrics.sem.search.minimise import Minimum, Problem, minimise
from cte_metrics.sem.search.rescaled_start import rescaled_start
from cte_metrics.sem.search.restarts import scattered_starts
from cte_metrics.sem.search.start import starting_values
from cte_metrics.sem.table.table import ParameterTable

MAX_ITERATIONS = 250
RESTARTS = 12
RESTART_ITERATIONS = 120


@dataclass(frozen=True, slots=True)
class Setup:
    """What stands before the iterations: design, constraints, bounds, counts.

    Created by: ``cte_metrics.sem.search.search.prepare``.
    Consumed by: ``cte_metrics.sem.search.search.search``, ``cte_metrics.sem.solving.solve``.
    """

    design: ModelDesign
    constraints: CompiledConstraints
    bounds: Bounds
    n_moments: int
    n_parameters: int


def only_linear(setup: Setup) -> bool:
    """Whether neither inequalities nor bounds restrict the parameters."""
    return len(setup.constraints.inequal) == 0 and not setup.bounds.any


def prepare(table: ParameterTable, estimator: Estimator) -> Setup:
    """Write the sample's covariates into the design, compile constraints, count moments."""
    design = _covariates_held(build_design(table), table, estimator)
    constraints = compile_constraints(table)
    given = any(b.covariates for b in design.blocks)
    held = 0 if given else int(((table.exo > 0) & (table.free == 0)).sum())
    n_moments = sum(b.n_moments for b in design.blocks) - held
    n_moments -= _shared_means(design, table)
    equal = constraints.equal
    rank = 0
    if len(equal):
        jacobian = equal.jacobian(np.full(design.n_free, 0.731))
        rank = int(np.linalg.matrix_rank(jacobian))
    rows = np.flatnonzero(table.free)
    lower, upper = np.full(design.n_free, -np.inf), np.full(design.n_free, np.inf)
    lower[table.free[rows] - 1] = table.lower[rows]
    upper[table.free[rows] - 1] = table.upper[rows]
    return Setup(design, constraints, Bounds(lower, upper), n_moments, design.n_free - rank)


def _shared_means(design: ModelDesign, table: ParameterTable) -> int:
    """Variables at two levels have one mean, not two (fixed covariates are counted elsewhere)."""
    fixed = {
        (int(block), lhs)
        for block, lhs, op, exo in zip(table.block, table.lhs, table.op, table.exo, strict=True)
        if op == "~1" and exo
    }
    count = 0
    for block in design.blocks:
        above = {
            v
            for other in design.blocks
            if other.group == block.group and other.level > block.level and other.has_means
            for v in other.observed
        }
        shared = [v for v in block.observed if v in above and (block.number + 1, v) not in fixed]
        count += len(shared) if block.has_means and block.form != "ordinal" else 0
    return count


def _covariate_values(table: ParameterTable, estimator: Estimator, rows: np.ndarray) -> Array:
    """Sample moments of fixed covariates, one for each row."""
    samples = estimator.start_moments()
    values = []
    for r in rows.tolist():
        block = int(table.block[r]) - 1
        names = table.blocks[block].ov_names
        i = names.index(table.lhs[r])
        if table.op[r] == "~1":
            mean = samples[block].mean
            values.append(0.0 if mean is None else float(mean[i]))
        elif table.op[r] == "~~":
            values.append(float(samples[block].cov[i, names.index(table.rhs[r])]))
        else:
            values.append(float(np.nan_to_num(table.ustart[r])))
    return np.array(values)


def search(
    table: ParameterTable, estimator: Estimator, setup: Setup, start: Array | None
) -> Minimum | None:
    """Minimise from the given or the usual start, then from others until one leads to a minimum."""
    best: Minimum | None = None
    for first in _starts(table, estimator, setup, start):
        found = None if first is None else _minimise(estimator, setup, first)
        if found is not None and (best is None or found.converged):
            best = found
        if best is not None and best.converged:
            return best
    return _scattered_search(table, estimator, setup, best)


def _scattered_search(
    table: ParameterTable, estimator: Estimator, setup: Setup, best: Minimum | None
) -> Minimum | None:
    """The lowest minimum from scattered starts; ``best`` where there is none."""
    moments = estimator.start_moments()
    cheap = estimator.exact_curvature_is_cheap and table.n_levels == 1
    cheap = cheap and only_linear(setup) and setup.constraints.is_linear
    found: list[Minimum] = []
    for start in scattered_starts(table, setup.design, moments, RESTARTS if cheap else 2):
        end = _minimise(estimator, setup, start, RESTART_ITERATIONS)
        if end is not None and end.converged:
            found.append(end)
    return min(found, key=lambda m: m.evaluation.value) if found else best


def _starts(
    table: ParameterTable, estimator: Estimator, setup: Setup, start: Array | None
) -> Iterator[Array | None]:
    """The given or the usual start; that of unit factor variances; a plain one."""
    samples = estimator.start_moments()
    yield starting_values(table, setup.design, samples) if start is None else start
    yield rescaled_start(table, estimator, lambda d: _covariates_held(d, table, estimator))
    yield starting_values(table, setup.design, samples, simple=True)


def _covariates_held(
    design: ModelDesign, table: ParameterTable, estimator: Estimator
) -> ModelDesign:
    """Write the sample moments of covariates into a design."""
    if any(b.covariates for b in design.blocks):  # the model is given them
        return with_covariate_moments(design, estimator.start_moments())
    exo = np.flatnonzero((table.exo > 0) & (table.free == 0))
    if exo.size == 0:
        return design
    return design.with_fixed(exo, _covariate_values(table, estimator, exo))


def _minimise(
    estimator: Estimator, setup: Setup, start: Array, max_iterations: int = MAX_ITERATIONS
) -> Minimum | None:
    problem = Problem(setup.design, estimator)
    equal = setup.constraints.equal
    if setup.bounds.any or len(setup.constraints.inequal) or not setup.constraints.is_linear:
        return minimise_constrained(problem, start, setup.constraints, setup.bounds)
    if len(equal) == 0:
        return minimise(problem, start, max_iterations=max_iterations)
    offset, basis = setup.constraints.reparameterization()
    if not offset.any() and _is_indicator(basis):
        return _merged(setup.design, estimator, start, basis, max_iterations)
    x = np.linalg.lstsq(basis, start - offset, rcond=None)[0]
    problem = Problem(setup.design, estimator, offset, basis)
    return minimise(problem, offset + basis @ x, max_iterations=max_iterations)


def _is_indicator(basis: Array) -> bool:
    return bool(((basis == 0.0) | (basis == 1.0)).all() and (basis.sum(axis=1) == 1.0).all())


def _merged(
    design: ModelDesign, estimator: Estimator, start: Array, basis: Array, max_iterations: int
) -> Minimum | None:
    """Minimise over one parameter for each set of equal ones."""
    columns = basis.argmax(axis=1)
    k = basis.shape[1]
    x = np.bincount(columns, start, minlength=k) / basis.sum(axis=0)
    problem = Problem(design.merged(columns, k), estimator)
    found = minimise(problem, x, max_iterations=max_iterations)
    if found is None:
        return None
    return Minimum(
        found.theta[columns],
        (),
        found.evaluation,
        found.converged,
        found.n_iterations,
        found.decrement,
    )
