"""The baseline model: every variable independent of every other, covariates among themselves not.

Its parameters are moments: variances, means, thresholds, and the covariances of exogenous
variables (which keep their sample values under ``fixed_x``).

Functions: ``fit_baseline``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.sem.inference.conditional_baseline import fit_conditional_baseline
from cte_metrics.sem.inference.solved import Solved, solved_baseline
from cte_metrics.sem.model.design import (
    BlockDesign,
    BlockFacts,
    ModelDesign,
    block_matrices,
    moment_block,
)
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.model.ordinal import layout
from cte_metrics.sem.table.table import ParameterTable

Element = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """One block of the baseline: design, where its parameters go, its start and fixed values."""

    design: BlockDesign
    target: Index
    source: Index
    start: Array
    fixed: list[tuple[Element, float]]


def fit_baseline(solved: Solved, table: ParameterTable) -> Solved | None:
    """Fit the independence model to the data of a fit; ``None`` when there is no solution."""
    if any(b.covariates for b in solved.design.blocks):
        return fit_conditional_baseline(solved, table)
    estimator = solved.estimator
    parts: list[_Part] = []
    first = at = 0
    for number, sample in enumerate(estimator.baseline_moments()):
        part = _part(solved, table, number, sample, start=(first, at))
        parts.append(part)
        first += len(part.start)
        at = part.design.stop
    design = _assemble(parts, first, at, solved.design.groups)
    start = np.concatenate([p.start for p in parts])
    return solved_baseline(solved, design, start, first)


def _part(
    solved: Solved, table: ParameterTable, number: int, sample: Moments, *, start: tuple[int, int]
) -> _Part:
    first, at = start
    block = solved.design.blocks[number]
    names = table.blocks[number]
    exogenous = [block.observed.index(v) for v in names.ov_x]
    held = set(exogenous) if table.options.fixed_x else set()
    elements = _elements(solved, block, exogenous)
    values = [_sample_value(block, sample, e) for e in elements]
    free = [k for k, e in enumerate(elements) if not _is_held(e, held)]
    fixed = [(e, values[k]) for k, e in enumerate(elements) if k not in set(free)]
    facts = BlockFacts(
        number=number,
        group=block.group,
        level=block.level,
        observed=block.observed,
        latent=(),
        start=at,
        stop=at,
        has_means=block.has_means,
        has_beta=False,
        threshold_item=tuple(block.threshold_item.tolist()),
        ordinal=tuple(block.ordinal.tolist()),
        parameterization="delta",
    )
    design, target, source = moment_block(facts, [elements[k] for k in free], first)
    return _Part(design, target, source, np.array([values[k] for k in free]), fixed)


def _elements(solved: Solved, block: BlockDesign, exogenous: Sequence[int]) -> list[Element]:
    """Elements of the independence model; a mean belongs to one level only."""
    p = block.n_observed
    elements: list[Element] = [("theta", i, i) for i in range(p) if not block.ordinal[i]]
    if block.has_means:
        above = {
            v
            for other in solved.design.blocks
            if other.group == block.group and other.level > block.level
            for v in other.observed
        }
        elements += [
            ("nu", i, 0)
            for i, name in enumerate(block.observed)
            if not block.ordinal[i] and name not in above and block.form != "upper"
        ]
    elements += [("tau", k, 0) for k in range(len(block.threshold_item))]
    elements += [("theta", i, j) for i in exogenous for j in exogenous if j < i]
    return elements


def _is_held(element: Element, held: set[int]) -> bool:
    kind, i, j = element
    return i in held and (kind == "nu" or (kind == "theta" and j in held))


def _sample_value(block: BlockDesign, sample: Moments, element: Element) -> float:
    kind, i, j = element
    if kind == "theta":
        return float(sample.cov[i, j])
    if kind == "nu":
        return 0.0 if sample.mean is None else float(sample.mean[i])

    assert sample.vector is not None  # ordinal blocks carry their moment vector
    if block.form == "upper":
        return float(sample.vector[i])
    return float(sample.vector[np.flatnonzero(layout(block).threshold == i)[0]])


def _assemble(
    parts: Sequence[_Part], n_free: int, size: int, groups: tuple[tuple[int, ...], ...]
) -> ModelDesign:
    flat = np.zeros(size)
    for part in parts:
        p = part.design.n_observed
        matrices = block_matrices(part.design, flat)
        matrices.delta[:] = 1.0
        matrices.theta[np.diag_indices(p)] = np.where(part.design.ordinal, 1.0, 0.0)
        for (kind, i, j), value in part.fixed:
            if kind == "theta":
                matrices.theta[i, j] = matrices.theta[j, i] = value
            else:
                matrices.nu[i] = value
    empty = np.zeros(0, dtype=np.intp)
    return ModelDesign(
        blocks=tuple(p.design for p in parts),
        groups=groups,
        flat=flat,
        target=np.concatenate([p.target for p in parts]),
        source=np.concatenate([p.source for p in parts]),
        position=empty,
        mirror=empty,
        n_free=n_free,
    )
