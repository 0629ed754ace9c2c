"""Minimise under nonlinear equality and under inequality constraints.

Sequential quadratic programming finds the neighbourhood and the active constraints; Newton steps on
the Lagrangian of those polish the solution to the precision of the unconstrained optimizer.

Functions: ``minimise_constrained``, ``null_space``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.sem.model.constraints import CompiledConstraints
from cte_metrics.sem.search.minimise import Minimum, Problem, information, minimise

ACTIVE = 1e-6
ROUNDING = 1e-14  # entries of an orthonormal basis that are nil


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower and upper limits of the free parameters (n_free,), infinite where there are none."""

    lower: Array
    upper: Array

    @property
    def any(self) -> bool:
        """Whether there is a finite limit."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    def active(self, theta: Array) -> Array:
        """Rows of the identity for the limits that are reached (k, n_free)."""
        at = (theta <= self.lower + ACTIVE) | (theta >= self.upper - ACTIVE)
        return np.eye(len(theta))[at]

    def settled(self, theta: Array) -> Array:
        """Parameters with those that reach a limit exactly on it."""
        theta = np.where(theta <= self.lower + ACTIVE, self.lower, theta)
        return np.asarray(np.where(theta >= self.upper - ACTIVE, self.upper, theta))


def null_space(jacobian: Array, n: int) -> Array | None:
    """Basis of the directions that leave constraints satisfied; ``None`` when there are none."""
    if jacobian.shape[0] == 0:
        return None
    basis = np.asarray(linalg.null_space(jacobian), dtype=np.float64).reshape(n, -1)
    return np.where(np.abs(basis) < ROUNDING, 0.0, basis)


def active_jacobian(constraints: CompiledConstraints, bounds: Bounds, theta: Array) -> Array:
    """Equalities, and inequalities and bounds that hold with equality (k, n_free)."""
    equal = constraints.equal.jacobian(theta)
    value, jacobian = constraints.inequal.value_and_jacobian(theta)
    return np.concatenate((equal, jacobian[value < ACTIVE], bounds.active(theta)))


def minimise_constrained(
    problem: Problem, start: Array, constraints: CompiledConstraints, bounds: Bounds
) -> Minimum | None:
    """Find the constrained minimum from ``start`` (n_free,)."""
    from scipy import optimize  # 0.1 s that most fits need not spend

    start = np.clip(_near_free_minimum(problem, start, constraints), bounds.lower, bounds.upper)
    if problem.point(start) is None:
        return None
    scale = _scale(problem, start)

    def objective(x: Array) -> tuple[float, Array]:
        point = problem.point(x * scale)
        if point is None:
            return 1e10, np.zeros_like(x)
        return point.value, point.gradient * scale

    rules = [
        {
            "type": kind,
            "fun": lambda x, f=functions: f.value(x * scale),
            "jac": lambda x, f=functions: f.jacobian(x * scale) * scale,
        }
        for kind, functions in (("eq", constraints.equal), ("ineq", constraints.inequal))
        if len(functions)
    ]
    found = optimize.minimize(
        objective,
        start / scale,
        jac=True,
        method="SLSQP",
        constraints=rules,
        bounds=optimize.Bounds(bounds.lower / scale, bounds.upper / scale),
        options={"maxiter": 300, "ftol": 1e-13},
    )
    return _polish(problem, found.x * scale, constraints, bounds, int(found.nit))


def _near_free_minimum(problem: Problem, start: Array, constraints: CompiledConstraints) -> Array:
    """Where only bounds restrict: the minimum without them, beside which the best one lies."""
    if len(constraints.equal) or len(constraints.inequal):
        return start
    free = minimise(problem, start)
    return start if free is None or not free.converged else free.theta


def _scale(problem: Problem, start: Array) -> Array:
    """Rough standard errors, so that all parameters move alike."""
    point = problem.point(start)
    assert point is not None  # checked by the caller
    diagonal = information(point, problem.estimator, "expected").diagonal()
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-8))
    return np.asarray(np.clip(scale, 1e-4, 1e4), dtype=np.float64)


def _polish(
    problem: Problem,
    theta: Array,
    constraints: CompiledConstraints,
    bounds: Bounds,
    iterations: int,
) -> Minimum | None:
    """Newton steps on the Lagrangian with the active constraints held."""
    decrement = np.inf
    for step in range(60):
        point = problem.point(theta)
        if point is None:
            return None
        jacobian = active_jacobian(constraints, bounds, theta)
        miss = _violations(constraints, bounds, theta)
        hessian = _lagrangian(problem, theta, constraints, bounds)
        move, decrement = _newton(hessian, point.gradient, jacobian, miss)
        size = float(np.abs(miss).max()) if miss.size else 0.0
        if decrement < 1e-15 and size < 1e-10:
            return Minimum(
                theta, point.states, point.evaluation, True, iterations + step, decrement
            )
        length = 1.0
        while problem.point(theta + length * move) is None and length > 1e-6:
            length *= 0.5
        theta = theta + length * move
    point = problem.point(theta)
    if point is None:
        return None
    return Minimum(theta, point.states, point.evaluation, False, iterations + 60, decrement)


def _violations(constraints: CompiledConstraints, bounds: Bounds, theta: Array) -> Array:
    """Values of the active constraints, to be brought to zero."""
    equal = constraints.equal.value(theta)
    inequal = constraints.inequal.value(theta)
    low, high = theta <= bounds.lower + ACTIVE, theta >= bounds.upper - ACTIVE
    limits = np.where(low, theta - bounds.lower, theta - bounds.upper)[low | high]
    return np.concatenate((equal, inequal[inequal < ACTIVE], limits))


def _lagrangian(
    problem: Problem, theta: Array, constraints: CompiledConstraints, bounds: Bounds
) -> Array:
    """Second derivative of the Lagrangian at the least-squares multipliers."""
    point = problem.point(theta)
    assert point is not None  # checked by the caller
    hessian = information(point, problem.estimator, "observed")
    jacobian = active_jacobian(constraints, bounds, theta)
    if jacobian.shape[0] == 0:
        return hessian
    multipliers = np.linalg.lstsq(jacobian.T, point.gradient, rcond=None)[0]
    step = 1e-5 * np.maximum(1.0, np.abs(theta))
    curved = np.zeros_like(hessian)
    n_equal = len(constraints.equal)
    value = constraints.inequal.value(theta)
    rows = np.flatnonzero(value < ACTIVE)

    def pulled(x: Array) -> Array:
        parts = constraints.equal.jacobian(x).T @ multipliers[:n_equal]
        inner = constraints.inequal.jacobian(x)[rows]
        return parts + inner.T @ multipliers[n_equal : n_equal + len(rows)]

    for k in range(len(theta)):
        e = np.zeros_like(theta)
        e[k] = step[k]
        curved[k] = (pulled(theta + e) - pulled(theta - e)) / (2.0 * step[k])
    return hessian - 0.5 * (curved + curved.T)


def _newton(hessian: Array, g: Array, jacobian: Array, miss: Array) -> tuple[Array, float]:
    n, k = len(g), len(miss)
    basis = null_space(jacobian, n)
    inner = hessian if basis is None else basis.T @ hessian @ basis
    pulled = g if basis is None else basis.T @ g
    try:
        decrement = float(pulled @ np.linalg.solve(inner, pulled)) if pulled.size else 0.0
    except np.linalg.LinAlgError:
        decrement = float(pulled @ pulled)
    system = np.zeros((n + k, n + k))
    system[:n, :n] = hessian
    system[:n, n:] = jacobian.T
    system[n:, :n] = jacobian
    right = -np.concatenate((g, miss))
    solution = np.linalg.lstsq(system, right, rcond=None)[0]
    return np.asarray(solution[:n], dtype=np.float64), abs(decrement)
