"""Minimise a discrepancy over the free parameters.

Each step solves ``H step = -gradient``, H the expected second derivative (Fisher scoring) far
from the solution and the exact one near it, with a ridge when H is not positive definite, and is
halved until the discrepancy falls (Armijo); a long run of tiny steps is given up, since it leads
to no minimum. The iteration stops when the decrement
``gradient' H^-1 gradient``, twice the fall still to be expected, is below a tolerance: unlike a
gradient norm it does not depend on the scale of any item.

Inequality and nonlinear equality constraints are met by sequential quadratic programming.

Functions: ``minimise``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from cte_metrics.arrays import Array
from cte_metrics.sem.estimators.base import Estimator, Evaluation
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.design import ModelDesign
from cte_metrics.sem.model.implied import evaluate, gradient
from cte_metrics.sem.model.moments import InformationKind

TOLERANCE = 1e-16
NEAR = 0.05
CRAWL = 0.05
PATIENCE = 40


@dataclass(eq=False)
class Point:
    """The model at one parameter vector; the gradient is computed when first asked for."""

    theta: Array
    states: tuple[BlockState, ...]
    evaluation: Evaluation

    @cached_property
    def gradient(self) -> Array:
        """Gradient of the discrepancy by theta (n_free,)."""
        return gradient(self.states, self.evaluation.gradient())

    @property
    def value(self) -> float:
        """The discrepancy."""
        return self.evaluation.value


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the iteration ended.

    Created by: ``cte_metrics.sem.search.minimise.minimise``,
    ``cte_metrics.sem.search.constrained.minimise_constrained``.
    Consumed by: ``cte_metrics.sem.solving.solve``.
    """

    theta: Array
    states: tuple[BlockState, ...]
    evaluation: Evaluation
    converged: bool
    n_iterations: int
    decrement: float


@dataclass(frozen=True, slots=True)
class Problem:
    """A discrepancy to be minimised over ``theta = offset + basis x``; identity when ``None``."""

    design: ModelDesign
    estimator: Estimator
    offset: Array | None = None
    basis: Array | None = None

    def point(self, theta: Array) -> Point | None:
        """Evaluate; ``None`` where the discrepancy is not defined."""
        states = evaluate(self.design, theta)
        evaluation = self.estimator.at([s.moments for s in states])
        if not np.isfinite(evaluation.value):
            return None
        return Point(theta, states, evaluation)

    def value(self, theta: Array) -> float:
        """The discrepancy alone, ``inf`` where it is not defined."""
        states = evaluate(self.design, theta)
        return float(self.estimator.at([s.moments for s in states]).value)

    def reduced_gradient(self, point: Point) -> Array:
        """Gradient by x."""
        return point.gradient if self.basis is None else self.basis.T @ point.gradient

    def hessian(self, point: Point, kind: InformationKind) -> Array:
        """Second derivative by x."""
        full = information(point, self.estimator, kind)
        return full if self.basis is None else self.basis.T @ full @ self.basis

    def move(self, theta: Array, step: Array) -> Array:
        """Take a step in x."""
        return theta + (step if self.basis is None else self.basis @ step)


def information(point: Point | Minimum, estimator: Estimator, kind: InformationKind) -> Array:
    """Expected or exact second derivative of the discrepancy by theta (n_free, n_free)."""
    states = point.states
    weights = point.evaluation.weight(kind)
    total: Array | None = None
    for blocks, weight in zip(estimator.groups, weights, strict=True):
        part = weight.project([states[b] for b in blocks])
        total = part if total is None else total + part
    assert total is not None  # a model has at least one group
    if kind == "observed":
        for state, g in zip(states, point.evaluation.gradient(), strict=True):
            total = total + state.curvature(g)
    return total


def solve_positive(hessian: Array, right: Array) -> Array | None:
    """Solve with a positive definite matrix; ``None`` if it is not (judged free of scale)."""
    diagonal = hessian.diagonal()
    if not (diagonal > 0.0).all():
        return None
    scale = 1.0 / np.sqrt(diagonal)
    factor, info = lapack.dpotrf(hessian * (scale[:, None] * scale), lower=1)
    if info != 0 or factor.diagonal().min() < 1e-7:
        return None
    solution, info = lapack.dpotrs(factor, right * scale, lower=1)
    return solution * scale if info == 0 else None


def _direction(
    problem: Problem, point: Point, g: Array, *, near: bool
) -> tuple[Array, float, bool]:
    """Step, decrement, and whether H was positive definite as it stood."""
    kinds: tuple[InformationKind, ...] = ("observed", "expected") if near else ("expected",)
    hessian = np.eye(len(g))
    for kind in kinds:
        hessian = problem.hessian(point, kind)
        step = solve_positive(hessian, -g)
        if step is not None:
            return step, float(-g @ step), True
    scale = np.maximum(np.abs(hessian.diagonal()), 1e-10)
    ridge = 1e-4
    while ridge < 1e8:
        step = solve_positive(hessian + np.diag(ridge * scale), -g)
        if step is not None:
            return step, float(-g @ step), False
        ridge *= 10.0
    return -g / scale, float(g @ (g / scale)), False


def minimise(problem: Problem, start: Array, *, max_iterations: int = 500) -> Minimum | None:
    """Descend from ``start``; ``None`` when the discrepancy is not defined there.

    Parameters
    ----------
    problem : Problem
    start : ndarray (n_free,)
        Must satisfy the linear constraints.
    """
    point = problem.point(start)
    if point is None:
        return None
    near, regular = False, True
    decrement, length, crawling = np.inf, 1.0, 0
    iteration = 0
    for iteration in range(max_iterations):
        g = problem.reduced_gradient(point)
        if g.size == 0:
            return _end(point, True, iteration, 0.0)
        step, decrement, regular = _direction(problem, point, g, near=near)
        if decrement < TOLERANCE:
            away = None if near and regular else _leave_saddle(problem, point)
            if away is None:
                return _end(point, True, iteration, decrement)
            point, near = away, False
            continue
        following, length = _line_search(problem, point, step, decrement, min(1.0, 4.0 * length))
        crawling = crawling + 1 if length < CRAWL else 0
        if crawling > PATIENCE:
            break
        if following is None:
            flat = decrement < 1e-9
            if flat or near:
                return _end(point, flat and regular, iteration, decrement)
            near, length = True, 1.0
            continue
        near = decrement < NEAR and problem.estimator.exact_curvature_is_cheap
        point = following
    return _end(point, False, iteration + 1, decrement)


def _leave_saddle(problem: Problem, point: Point) -> Point | None:
    """A lower point along negative curvature, where a stationary point is not a minimum."""
    if not problem.estimator.exact_curvature_is_cheap:
        return None
    hessian = problem.hessian(point, "observed")
    scale = 1.0 / np.sqrt(np.maximum(np.abs(hessian.diagonal()), 1e-12))
    values, vectors = np.linalg.eigh(hessian * (scale[:, None] * scale))
    if values[0] > -1e-5:
        return None
    direction = scale * vectors[:, 0]
    for length in (1.0, 0.3, 0.1, 0.03, 0.01):
        for sign in (1.0, -1.0):
            other = problem.point(problem.move(point.theta, sign * length * direction))
            if other is not None and other.value < point.value - 1e-10:
                return other
    return None


def _end(point: Point, converged: bool, iterations: int, decrement: float) -> Minimum:
    return Minimum(
        point.theta, point.states, point.evaluation, converged, iterations, float(decrement)
    )


def _line_search(
    problem: Problem, point: Point, step: Array, decrement: float, length: float
) -> tuple[Point | None, float]:
    """Halve the step, from the given share of it, until the discrepancy falls enough."""
    slack = 1e-14 * max(1.0, abs(point.value))
    for _ in range(40):
        following = problem.point(problem.move(point.theta, length * step))
        if following is not None and (
            following.value <= point.value - 1e-4 * length * decrement + slack
        ):
            return following, length
        length *= 0.5
    return None, length
