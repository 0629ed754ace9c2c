"""Resamples of a fit: bootstrap estimates, and the Bollen-Stine test.

Rows are drawn with replacement within each group; where there are clusters, whole clusters are, and
a cluster that is drawn twice counts as two. Each resample is solved as the rows were, from their
solution. For the Bollen-Stine test the rows are first made to fit the model::

    Y* = (Y - m) S^-1/2 Sigma^1/2 + mu

References
----------
Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall. Bollen, K.
A. & Stine, R. A. (1992). Bootstrapping goodness-of-fit measures in structural equation models.
Sociological Methods & Research, 21, 205-229.

Functions: ``resampled``, ``resampled_again``, ``draws``, ``lost``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.core.randomness import generator
from cte_metrics.errors import CTEError, EstimationError, InputError
from cte_metrics.kernels.numerics.resampling import bootstrap_indices
from cte_metrics.sem.inference.solution import Resamples, Solution
from cte_metrics.sem.sample.rows import GroupRows, ModelData
from cte_metrics.sem.solving import ask_again, solve_rows


def resampled(solution: Solution) -> Solution:
    """The solution with its resamples, where its request asks for any.

    Raises
    ------
    InputError
        For exploratory blocks.
    EstimationError
        If fewer than two resamples have a solution.
    """
    request, options = solution.request, solution.options
    asked = options.se == "bootstrap" or options.test == "bollen.stine"
    if not asked or not solution.converged:
        return solution
    if any(solution.table.efa):
        raise InputError(
            "Resamples are not available with efa() blocks, whose factors may change their order "
            "from one to the next.",
            hint="The standard errors of rotated loadings are those of the delta method.",
        )
    rng, n = generator(request.rng), request.n_resamples
    found, notes = Resamples(), []
    if options.se == "bootstrap":
        ends = [_solved(solution, rows) for rows in draws(solution.data, n, rng)]
        estimates = [end.theta for end in ends if end is not None]
        notes += lost(n, len(estimates), "standard errors")
        found = replace(found, estimates=np.array(estimates))
    if options.test == "bollen.stine":
        fitting = draws(_fitting_rows(solution), n, rng)
        ends = [_solved(solution, rows) for rows in fitting]
        chisq = [end.chisq for end in ends if end is not None]
        notes += lost(n, len(chisq), "the Bollen-Stine test")
        found = replace(found, chisq=np.array(chisq))
    return replace(solution, resamples=replace(found, notes=tuple(notes)))


def resampled_again(solution: Solution, text: str | None, data: Any) -> Solution:
    """Another text or other data with the same request, resamples included."""
    return resampled(ask_again(solution, text, data))


def lost(asked: int, had: int, what: str) -> list[str]:
    """Say how many resamples had no solution.

    Raises
    ------
    EstimationError
        If fewer than two had one.
    """
    if had < 2:
        raise EstimationError(
            f"Of {asked} resamples for {what} {had} had a solution.",
            hint="Use the standard errors and the test that the estimator's name stands for.",
        )
    if had == asked:
        return []
    return [f"{asked - had} of {asked} resamples for {what} had no solution and were left out."]


def _solved(solution: Solution, rows: ModelData) -> Solution | None:
    """The model of a resample; ``None`` without a solution for the same parameters."""
    request = replace(solution.request, start=solution.theta)
    try:
        end = solve_rows(request, solution.options, rows)
    except (CTEError, np.linalg.LinAlgError):
        return None
    same = end.converged and end.theta.shape == solution.theta.shape
    return end if same and np.isfinite(end.theta).all() else None


def draws(data: ModelData, n_resamples: int, rng: np.random.Generator) -> Iterator[ModelData]:
    """Resamples of the rows, one after the other."""
    units = [_units(group) for group in data.groups]
    counts = [len(u) for u in units]
    seeds = rng.integers(0, 2**62, size=len(units)).tolist()
    streams = [
        _each(bootstrap_indices(n, n_resamples, np.random.default_rng(seed)))
        for n, seed in zip(counts, seeds, strict=True)
    ]
    for drawn in zip(*streams, strict=True):
        groups = [
            _taken(group, own, which)
            for group, own, which in zip(data.groups, units, drawn, strict=True)
        ]
        sizes = tuple(float(len(g.rows)) for g in groups)
        yield replace(data, groups=tuple(groups), n_by_group=sizes, n_input=int(sum(sizes)))


def _each(blocks: Iterator[np.ndarray]) -> Iterator[Index]:
    for block in blocks:
        yield from block


def _units(group: GroupRows) -> list[Index]:
    """Rows of each unit that is drawn: a cluster, or a single row."""
    if group.clusters is None:
        return [np.array([i]) for i in range(len(group.rows))]
    import pandas as pd

    codes, labels = pd.factorize(group.clusters)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=len(labels)))[:-1])


def _taken(group: GroupRows, units: list[Index], which: Index) -> GroupRows:
    if group.clusters is None:
        rows = which
    else:
        parts = [units[k] for k in which.tolist()]
        rows = np.concatenate(parts)
        clusters = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    return replace(
        group,
        values=group.values[rows],
        rows=group.rows[rows],
        clusters=None if group.clusters is None else clusters,
        weights=None if group.weights is None else group.weights[rows],
    )


def _fitting_rows(solution: Solution) -> ModelData:
    """Rows whose means and covariances are those that the model implies."""
    samples = solution.estimator.saturated().moments
    groups = []
    for group, state, sample in zip(solution.data.groups, solution.states, samples, strict=True):
        at = [solution.data.names.index(v) for v in state.design.observed]
        own = group.values[:, at]
        centre = np.average(own, axis=0, weights=group.weights)
        turned = (own - centre) @ _root(sample.cov, -0.5) @ _root(state.cov, 0.5)
        values = group.values.copy()
        values[:, at] = turned + (centre if state.mean is None else state.mean)
        groups.append(replace(group, values=values))
    return replace(solution.data, groups=tuple(groups))


def _root(matrix: Array, power: float) -> Array:
    """A power of a positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**power) @ vectors.T)
