"""From a parameter table to the model matrices of every block.

The representation is LISREL's with every variable on the y side::

    y   = nu + Lambda eta + epsilon,      cov(epsilon) = Theta
    eta = alpha + Beta eta + zeta,        cov(zeta)    = Psi

An observed variable that takes part in a regression is carried into ``eta`` (its row of Lambda is a
unit vector, its row of Theta zero), as lavaan does. For ordinal items the block also holds
thresholds ``tau`` and scales ``delta``.

All matrices of all blocks live in one flat vector, so that a parameter vector is written into the
model by a single indexed assignment.

Functions: ``build_design``, ``fill``, ``block_matrices``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cte_metrics.sem.partable import ParameterTable

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MATRICES = ("lambda", "theta", "psi", "beta", "nu", "alpha", "tau", "delta")


@dataclass(frozen=True, slots=True)
class BlockDesign:
    """Where the parameters of one block live, and how each of them moves the moments.

    A free parameter r changes ``Sigma`` by ``scale_r (u_r v_r' + v_r u_r')`` and ``mu`` by
    ``factor_r u_r``; ``u, v`` index rows of ``[I; A'; C]`` (n_observed + 2 n_latent, n_observed) and
    ``mean`` indexes ``[1, 0, E(eta)]``.
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
    ordinal: NDArray[np.bool_]
    parameterization: str
    free: Index
    matrix: Index
    row: Index
    column: Index
    u: Index
    v: Index
    scale: Array
    mean: Index

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
        if self.ordinal.any():
            numeric = int(p - self.ordinal.sum())
            return len(self.threshold_item) + 2 * numeric + p * (p - 1) // 2
        return p * (p + 1) // 2 + (p if self.has_means else 0)


@dataclass(frozen=True, slots=True)
class ModelDesign:
    """All blocks of a model: fixed values, and where each free parameter is written.

    ``flat`` (n_flat,) holds fixed values; ``target`` positions receive ``theta[source]``.
    """

    blocks: tuple[BlockDesign, ...]
    groups: tuple[tuple[int, ...], ...]
    flat: Array
    target: Index
    source: Index
    n_free: int


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


@dataclass(slots=True)
class _Names:
    """Positions of names in one block while it is being built."""

    observed: dict[str, int]
    latent: dict[str, int]
    carried: frozenset[str]
    thresholds: dict[tuple[str, str], int]


def _names(table: ParameterTable, rows: Sequence[int], number: int) -> _Names:
    observed = table.ov_names[number]
    in_regression: set[str] = set()
    lv = set(table.lv_names[number])
    for r in rows:
        if table.op[r] in ("~", "<~"):
            in_regression.update((table.lhs[r], table.rhs[r]))
    carried = tuple(o for o in observed if o in in_regression)
    latent = (*table.lv_names[number], *(c for c in carried if c not in lv))
    thresholds = [(table.lhs[r], table.rhs[r]) for r in rows if table.op[r] == "|"]
    order = {name: i for i, name in enumerate(observed)}
    thresholds.sort(key=lambda t: (order[t[0]], int(t[1][1:])))
    return _Names(
        order,
        {name: i for i, name in enumerate(latent)},
        frozenset(carried),
        {t: i for i, t in enumerate(thresholds)},
    )


def _place(names: _Names, lhs: str, op: str, rhs: str) -> tuple[str, int, int]:
    """Matrix, row and column of a table row."""
    lat, obs, carried = names.latent, names.observed, names.carried
    if op == "=~":
        if rhs in lat:
            return "beta", lat[rhs], lat[lhs]
        return "lambda", obs[rhs], lat[lhs]
    if op in ("~", "<~"):
        return "beta", lat[lhs], lat[rhs]
    if op == "~~":
        if lhs in lat and rhs in lat:
            return "psi", lat[lhs], lat[rhs]
        if lhs in obs and rhs in obs and lhs not in carried and rhs not in carried:
            return "theta", obs[lhs], obs[rhs]
        return "mixed", 0, 0
    if op == "~1":
        return ("alpha", lat[lhs], 0) if lhs in lat else ("nu", obs[lhs], 0)
    if op == "|":
        return "tau", names.thresholds[(lhs, rhs)], 0
    return "delta", obs[lhs], 0


_ROWS = {"~", "<~", "=~", "~~", "~1", "|", "~*~"}


def _with_mixed_covariances(table: ParameterTable, rows: Sequence[int], names: _Names) -> _Names:
    """Carry the observed side of a covariance between a latent and an observed residual."""
    extra = set()
    for r in rows:
        if table.op[r] == "~~":
            lhs, rhs = table.lhs[r], table.rhs[r]
            inside = (lhs in names.latent, rhs in names.latent)
            if inside == (True, False):
                extra.add(rhs)
            elif inside == (False, True):
                extra.add(lhs)
    if not extra:
        return names
    latent = dict(names.latent)
    for name in (n for n in names.observed if n in extra):
        latent[name] = len(latent)
    wider = _Names(names.observed, latent, names.carried | extra, names.thresholds)
    return _with_mixed_covariances(table, rows, wider)


def _derivative_index(
    kind: str, row: int, column: int, p: int, m: int
) -> tuple[int, int, float, int]:
    """Rows of ``[I; A'; C]``, scale and mean factor of one free parameter."""
    if kind == "lambda":
        return row, p + m + column, 1.0, 2 + column
    if kind == "theta":
        return row, column, 0.5 if row == column else 1.0, 1
    if kind == "psi":
        return p + row, p + column, 0.5 if row == column else 1.0, 1
    if kind == "beta":
        return p + row, p + m + column, 1.0, 2 + column
    if kind == "nu":
        return row, row, 0.0, 0
    if kind == "alpha":
        return p + row, p + row, 0.0, 0
    return 0, 0, 0.0, 1


def build_design(table: ParameterTable, *, parameterization: str = "delta") -> ModelDesign:
    """Compile a parameter table into index arrays.

    Parameters
    ----------
    table : ParameterTable
        ``free`` counts from 1; fixed rows take ``ustart`` (nan counts as 0).
    parameterization : {"delta", "theta"}
        How the scale of ordinal items is fixed.

    Returns
    -------
    ModelDesign
        Fixed rows are written into ``flat``; free rows into the index arrays.
    """
    n_blocks = len(table.ov_names)
    rows: list[list[int]] = [[] for _ in range(n_blocks)]
    for r, (op, block) in enumerate(zip(table.op, table.block, strict=True)):
        if op in _ROWS and block > 0:
            rows[block - 1].append(r)
    blocks: list[BlockDesign] = []
    values: list[Array] = []
    targets: list[int] = []
    sources: list[int] = []
    at = 0
    for number in range(n_blocks):
        block, flat = _build_block(table, rows[number], number, at, parameterization)
        blocks.append(block)
        values.append(flat)
        offsets = _offsets(block)
        for free, kind, row, column in zip(
            block.free.tolist(),
            block.matrix.tolist(),
            block.row.tolist(),
            block.column.tolist(),
            strict=True,
        ):
            for position in _positions(block, offsets, MATRICES[kind], row, column):
                targets.append(position)
                sources.append(free)
        at = block.stop
    by_group: dict[int, list[int]] = {}
    for block in blocks:
        by_group.setdefault(block.group, []).append(block.number)
    return ModelDesign(
        blocks=tuple(blocks),
        groups=tuple(tuple(b) for b in by_group.values()),
        flat=np.concatenate(values),
        target=np.array(targets, dtype=np.intp),
        source=np.array(sources, dtype=np.intp),
        n_free=max(table.free, default=0),
    )


def _offsets(block: BlockDesign) -> dict[str, int]:
    lengths = sizes(block.n_observed, block.n_latent, len(block.threshold_item))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) + block.start
    return dict(zip(MATRICES, (int(s) for s in starts), strict=True))


def _positions(
    block: BlockDesign, offsets: dict[str, int], kind: str, row: int, column: int
) -> tuple[int, ...]:
    """Flat positions of a matrix element (two for an off-diagonal symmetric one)."""
    p, m = block.n_observed, block.n_latent
    base = offsets[kind]
    width = {"lambda": m, "theta": p, "psi": m, "beta": m}.get(kind)
    if width is None:
        return (base + row,)
    if kind in ("theta", "psi") and row != column:
        return base + row * width + column, base + column * width + row
    return (base + row * width + column,)


def _build_block(
    table: ParameterTable, rows: Sequence[int], number: int, at: int, parameterization: str
) -> tuple[BlockDesign, Array]:
    names = _with_mixed_covariances(table, rows, _names(table, rows, number))
    p, m = len(names.observed), len(names.latent)
    ordinal_names = set(table.ov_ordinal[number])
    free: list[tuple[int, int, int, int, int, int, float, int]] = []
    fixed: list[tuple[str, int, int, float]] = []
    for r in rows:
        kind, row, column = _place(names, table.lhs[r], table.op[r], table.rhs[r])
        if table.free[r] > 0:
            derivative = _derivative_index(kind, row, column, p, m)
            free.append((table.free[r] - 1, MATRICES.index(kind), row, column, *derivative))
        else:
            value = float(table.ustart[r])
            fixed.append((kind, row, column, 0.0 if np.isnan(value) else value))
    columns = list(zip(*free, strict=True)) if free else [()] * 8
    threshold_item = np.array([names.observed[t[0]] for t in names.thresholds], dtype=np.intp)
    first = rows[0] if rows else None
    block = BlockDesign(
        number=number,
        group=table.group[first] if first is not None else number + 1,
        level=table.level[first] if first is not None else 1,
        observed=tuple(names.observed),
        latent=tuple(names.latent),
        start=at,
        stop=at + sum(sizes(p, m, len(threshold_item))),
        has_means=any(table.op[r] == "~1" for r in rows),
        has_beta=any(table.op[r] in ("~", "<~") for r in rows)
        or any(table.op[r] == "=~" and table.rhs[r] in names.latent for r in rows),
        threshold_item=threshold_item,
        ordinal=np.array([o in ordinal_names for o in names.observed], dtype=bool),
        parameterization=parameterization,
        free=np.array(columns[0], dtype=np.intp),
        matrix=np.array(columns[1], dtype=np.intp),
        row=np.array(columns[2], dtype=np.intp),
        column=np.array(columns[3], dtype=np.intp),
        u=np.array(columns[4], dtype=np.intp),
        v=np.array(columns[5], dtype=np.intp),
        scale=np.array(columns[6], dtype=np.float64),
        mean=np.array(columns[7], dtype=np.intp),
    )
    flat = np.zeros(block.stop - at)
    offsets = {k: v - at for k, v in _offsets(block).items()}
    flat[offsets["delta"] : offsets["delta"] + p] = 1.0
    for name in names.carried:
        flat[offsets["lambda"] + names.observed[name] * m + names.latent[name]] = 1.0
    for kind, row, column, value in fixed:
        for position in _positions(block, offsets, kind, row, column):
            flat[position] = value
    return block, flat
