"""From a parameter table to the model matrices of every block.

The representation is LISREL's with every variable on the y side::

    y   = nu + Lambda eta + epsilon,      cov(epsilon) = Theta
    eta = alpha + Beta eta + zeta,        cov(zeta)    = Psi

An observed variable that takes part in a regression is carried into ``eta`` (its row of Lambda is a
unit vector, its row of Theta zero), as lavaan does. For ordinal items the block also holds
thresholds ``tau`` and scales ``delta``.

All matrices of all blocks live in one flat vector, so that a parameter vector is written into the
model by a single indexed assignment.

Functions: ``build_design``, ``moment_block``, ``fill``, ``block_matrices``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.sem.model.placement import (
    ELEMENTS,
    WIDTH,
    BlockOrder,
    Element,
    arrange_names,
    derivative_index,
    place,
)
from cte_metrics.sem.table.table import ParameterTable

BlockForm = Literal["continuous", "ordinal", "upper"]

MATRICES = ("lambda", "theta", "psi", "beta", "nu", "alpha", "tau", "delta")


@dataclass(frozen=True, slots=True)
class BlockDesign:
    """Where the parameters of one block live, and how each of them moves the moments.

    A free parameter r changes ``Sigma`` by ``scale_r (u_r v_r' + v_r u_r')`` and ``mu`` by
    ``factor_r u_r``; ``u, v`` index rows of ``[I; A'; C]`` (n_observed + 2 n_latent,
    n_observed) and ``mean`` indexes ``[1, 0, E(eta)]``. ``form`` says which moments the block has:
    ``upper`` is the upper level of items that are cut into categories within.

    Created by: ``cte_metrics.sem.model.design.build_design``.
    Consumed by: ``cte_metrics.sem.model.implied.block_state``.
    """

    number: int
    group: int
    level: int
    observed: tuple[str, ...]
    latent: tuple[str, ...]
    start: int
    stop: int
    has_means: bool
    has_beta: bool
    threshold_item: Index
    ordinal: Flags
    form: BlockForm
    parameterization: str
    free: Index
    matrix: Index
    row: Index
    column: Index
    u: Index
    v: Index
    scale: Array
    mean: Index
    covariates: tuple[int, ...] = ()
    derived: tuple[int, ...] = ()
    covariate_cov: Array | None = None

    @property
    def n_observed(self) -> int:
        """Number of observed variables."""
        return len(self.observed)

    @property
    def n_latent(self) -> int:
        """Number of variables in eta, carried observed variables included."""
        return len(self.latent)

    @property
    def n_moments(self) -> int:
        """Length of the moment vector."""
        p = self.n_observed
        if self.form == "ordinal":
            x = len(self.covariates)
            p -= x
            numeric = int(p - self.ordinal.sum())
            return len(self.threshold_item) + 2 * numeric + p * (p - 1) // 2 + p * x
        if self.form == "upper":
            return len(self.threshold_item) + p * (p + 1) // 2
        return p * (p + 1) // 2 + (p if self.has_means else 0)


@dataclass(frozen=True, slots=True)
class ModelDesign:
    """All blocks of a model: fixed values, and where each free parameter is written.

    ``flat`` (n_flat,) holds fixed values; ``target`` positions receive ``theta[source]``.
    ``position`` (n_rows,) is where each row of the table is found in the flat vector, ``mirror``
    the other position of a symmetric element (equal to ``position`` elsewhere).

    Created by: ``cte_metrics.sem.model.design.build_design``.
    Consumed by: ``cte_metrics.sem.model.implied.evaluate``.
    """

    blocks: tuple[BlockDesign, ...]
    groups: tuple[tuple[int, ...], ...]
    flat: Array
    target: Index
    source: Index
    position: Index
    mirror: Index
    n_free: int

    def with_fixed(self, rows: Index, values: Array) -> ModelDesign:
        """Return the design with other values in some fixed rows of the table."""
        flat = self.flat.copy()
        flat[self.position[rows]] = values
        flat[self.mirror[rows]] = values
        return replace(self, flat=flat)

    def merged(self, columns: Index, n_free: int) -> ModelDesign:
        """Return the design over fewer parameters, the r-th being the old ``columns[r]``-th."""
        blocks = tuple(replace(b, free=columns[b.free]) for b in self.blocks)
        return replace(self, blocks=blocks, source=columns[self.source], n_free=n_free)


@dataclass(frozen=True, slots=True)
class BlockMatrices:
    """The filled matrices of one block (views into the flat vector)."""

    lambda_: Array
    theta: Array
    psi: Array
    beta: Array
    nu: Array
    alpha: Array
    tau: Array
    delta: Array


def sizes(p: int, m: int, n_thresholds: int) -> tuple[int, ...]:
    """Lengths of the matrices of a block in the order of ``MATRICES``."""
    return (p * m, p * p, m * m, m * m, p, m, n_thresholds, p)


def block_matrices(design: BlockDesign, flat: Array) -> BlockMatrices:
    """Cut the matrices of one block out of the flat vector."""
    p, m = design.n_observed, design.n_latent
    shapes = ((p, m), (p, p), (m, m), (m, m), (p,), (m,), (len(design.threshold_item),), (p,))
    parts = []
    at = design.start
    for shape, size in zip(shapes, sizes(p, m, len(design.threshold_item)), strict=True):
        parts.append(flat[at : at + size].reshape(shape))
        at += size
    return BlockMatrices(*parts)


def fill(design: ModelDesign, theta: Array) -> Array:
    """Write free parameters (n_free,) into a copy of the flat vector."""
    flat = design.flat.copy()
    flat[design.target] = theta[design.source]
    return flat


@lru_cache(maxsize=128)
def build_design(table: ParameterTable) -> ModelDesign:
    """Compile a parameter table into index arrays (kept per table).

    Fixed rows are written into ``flat`` (nan counts as 0), free rows into the index arrays.
    """
    rows = _rows_by_block(table)
    position = np.zeros(len(table.lhs), dtype=np.intp)
    mirror = position.copy()
    blocks: list[BlockDesign] = []
    flats: list[Array] = []
    at = 0
    for number, own in enumerate(rows):
        block, flat = _build_block(table, own, number, at, position, mirror)
        blocks.append(block)
        flats.append(flat)
        at = block.stop
    by_group: dict[int, list[int]] = {}
    for block in blocks:
        by_group.setdefault(block.group, []).append(block.number)
    free = np.flatnonzero(table.free)
    target = np.concatenate((position[free], mirror[free]))
    return ModelDesign(
        blocks=tuple(blocks),
        groups=tuple(tuple(b) for b in by_group.values()),
        flat=np.concatenate(flats),
        target=target,
        source=np.tile(table.free[free] - 1, 2),
        position=position,
        mirror=mirror,
        n_free=table.n_free,
    )


def _rows_by_block(table: ParameterTable) -> list[list[Element]]:
    rows: list[list[Element]] = [[] for _ in table.blocks]
    columns = (table.lhs, table.op, table.rhs, table.free.tolist(), table.ustart.tolist())
    blocks = table.block.tolist()
    for number, (lhs, op, rhs, free, value) in enumerate(zip(*columns, strict=True)):
        if op in ELEMENTS:
            rows[blocks[number] - 1].append(Element(number, lhs, op, rhs, free, value))
    return rows


def _build_block(
    table: ParameterTable,
    rows: Sequence[Element],
    number: int,
    at: int,
    position: Index,
    mirror: Index,
) -> tuple[BlockDesign, Array]:
    described = table.blocks[number]
    names = arrange_names(described.ov_names, described.lv_names, rows)
    p, m = len(names.observed), len(names.latent)
    lengths = sizes(p, m, len(names.thresholds))
    start = dict(zip(MATRICES, np.cumsum((0, *lengths[:-1])).tolist(), strict=True))
    flat = np.zeros(sum(lengths))
    flat[start["delta"] :] = 1.0
    for name in names.carried:
        flat[start["lambda"] + names.observed[name] * m + names.latent[name]] = 1.0
    free = _write_rows(names, rows, start, flat, at, position, mirror)
    ordinal = set(described.ov_ordinal)
    block = _finish_block(
        BlockFacts(
            number=number,
            group=described.group,
            level=described.level,
            observed=tuple(names.observed),
            latent=tuple(names.latent),
            start=at,
            stop=at + len(flat),
            has_means=any(r.op == "~1" for r in rows),
            has_beta=any(
                r.op in ("~", "<~") or (r.op == "=~" and r.rhs in names.latent) for r in rows
            ),
            threshold_item=tuple(names.observed[t[0]] for t in names.thresholds),
            ordinal=tuple(o in ordinal for o in names.observed),
            parameterization=table.options.parameterization,
            covariates=_covariates(table, names, ordinal, described.ov_x),
            derived=_derived(table, names, ordinal, rows),
        ),
        free,
    )
    return block, flat


def _write_rows(
    names: BlockOrder,
    rows: Sequence[Element],
    start: dict[str, int],
    flat: Array,
    at: int,
    position: Index,
    mirror: Index,
) -> list[tuple[int, int, int, int, int, int, float, int]]:
    """Note where each row lives, write fixed values, and describe the free ones."""
    p, m = len(names.observed), len(names.latent)
    free: list[tuple[int, int, int, int, int, int, float, int]] = []
    for r in rows:
        kind, row, column = place(names, r)
        width = {"m": m, "p": p}.get(WIDTH.get(kind, ""), 1)
        here, there = start[kind] + row * width + column, start[kind] + column * width + row
        there = there if kind in ("theta", "psi") else here
        position[r.number], mirror[r.number] = here + at, there + at
        if r.free:
            found = derivative_index(kind, row, column, p, m)
            free.append((r.free - 1, MATRICES.index(kind), row, column, *found))
        else:
            flat[[here, there]] = np.nan_to_num(r.value)
    return free


def _covariates(
    table: ParameterTable, names: BlockOrder, ordinal: set[str], x: Sequence[str]
) -> tuple[int, ...]:
    """Positions of the covariates that ordinal items are modelled given."""
    if not (table.options.conditional_x and ordinal):
        return ()
    return tuple(names.observed[v] for v in x)


def _derived(
    table: ParameterTable, names: BlockOrder, ordinal: set[str], rows: Sequence[Element]
) -> tuple[int, ...]:
    """Ordinal items carried into eta whose residual variance follows from their scale."""
    if table.options.parameterization != "delta":
        return ()
    free = {r.lhs for r in rows if r.op == "~~" and r.lhs == r.rhs and r.free}
    return tuple(names.observed[v] for v in names.carried_in_order if v in ordinal - free)


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """What a block is, before its parameters are known; the fields of ``BlockDesign``."""

    number: int
    group: int
    level: int
    observed: tuple[str, ...]
    latent: tuple[str, ...]
    start: int
    stop: int
    has_means: bool
    has_beta: bool
    threshold_item: tuple[int, ...]
    ordinal: tuple[bool, ...]
    parameterization: str
    covariates: tuple[int, ...] = ()
    derived: tuple[int, ...] = ()


def _finish_block(
    facts: BlockFacts, free: Sequence[tuple[int, int, int, int, int, int, float, int]]
) -> BlockDesign:
    columns = list(zip(*free, strict=True)) if free else [()] * 8
    index = [np.array(c, dtype=np.intp) for c in (*columns[:6], columns[7])]
    return BlockDesign(
        number=facts.number,
        group=facts.group,
        level=facts.level,
        observed=facts.observed,
        latent=facts.latent,
        start=facts.start,
        stop=facts.stop,
        has_means=facts.has_means,
        has_beta=facts.has_beta,
        threshold_item=np.array(facts.threshold_item, dtype=np.intp),
        ordinal=np.array(facts.ordinal, dtype=bool),
        form="ordinal" if any(facts.ordinal) else "upper" if facts.threshold_item else "continuous",
        parameterization=facts.parameterization,
        free=index[0],
        matrix=index[1],
        row=index[2],
        column=index[3],
        u=index[4],
        v=index[5],
        scale=np.array(columns[6], dtype=np.float64),
        mean=index[6],
        covariates=facts.covariates,
        derived=facts.derived,
    )


def moment_block(
    facts: BlockFacts, elements: Sequence[tuple[str, int, int]], first: int = 0
) -> tuple[BlockDesign, Index, Index]:
    """A block without latent variables whose parameters are the listed moments themselves.

    Parameters
    ----------
    facts : BlockFacts
        With ``latent=()``; ``stop`` is set here.
    elements : sequence of (matrix, row, column)
        ``theta``, ``nu`` or ``tau`` elements that are free, numbered from ``first``.

    Returns
    -------
    design : BlockDesign
    target, source : ndarray of int
        Flat positions and the parameter written there.
    """
    p = len(facts.observed)
    lengths = sizes(p, 0, len(facts.threshold_item))
    start = dict(zip(MATRICES, np.cumsum((0, *lengths[:-1])).tolist(), strict=True))
    block = _finish_block(
        replace(facts, stop=facts.start + sum(lengths)),
        [
            (first + k, MATRICES.index(kind), i, j, *derivative_index(kind, i, j, p, 0))
            for k, (kind, i, j) in enumerate(elements)
        ],
    )
    target, source = [], []
    for k, (kind, i, j) in enumerate(elements):
        width = p if kind == "theta" else 1
        target.append(facts.start + start[kind] + i * width + j)
        target.append(facts.start + start[kind] + (j * width + i if kind == "theta" else i))
        source += [first + k, first + k]
    return block, np.array(target, dtype=np.intp), np.array(source, dtype=np.intp)
