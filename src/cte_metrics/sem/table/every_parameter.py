"""The table of every parameter that a model could have: its own rows, then all absent ones.

Absent parameters are those that score tests look at: loadings of every observed variable on
every factor, covariances among observed and among latent variables, regressions among the
variables of structural equations, intercepts, thresholds, scales.

Functions: ``all_parameters``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from cte_metrics.sem.table.table import BlockNames, ParameterTable

Key = tuple[str, str, str]


@lru_cache(maxsize=64)
def all_parameters(table: ParameterTable) -> ParameterTable:
    """Extend a table by its absent parameters and free every row.

    Returns
    -------
    ParameterTable
        The rows of ``table`` come first; ``user`` is 1 for its free rows and 10 for all others;
        ``free`` is the row number; there are no constraints.
    """
    present = {
        (table.lhs[i], table.op[i], table.rhs[i], int(table.block[i])) for i in range(len(table))
    }
    added: list[tuple[Key, int]] = []
    for b, block in enumerate(table.blocks, start=1):
        keys = dict.fromkeys(_possible(table, block, b))
        added += [(k, b) for k in keys if (*k, b) not in present]
    n_old, n_new = len(table), len(added)
    blocks = np.array([b for _, b in added], dtype=np.int64)
    owners = [table.blocks[b - 1] for b in blocks]
    rows = np.arange(n_old + n_new)

    def longer(old: np.ndarray, new: list | np.ndarray) -> np.ndarray:
        return np.concatenate((old, np.asarray(new, dtype=old.dtype)))

    return replace(
        table,
        lhs=(*table.lhs, *(k[0] for k, _ in added)),
        op=(*table.op, *(k[1] for k, _ in added)),
        rhs=(*table.rhs, *(k[2] for k, _ in added)),
        user=np.where(longer(table.free, np.zeros(n_new)) > 0, 1, 10),
        block=longer(table.block, blocks),
        group=longer(table.group, [o.group for o in owners]),
        level=longer(table.level, [o.level for o in owners]),
        free=rows + 1,
        exo=longer(table.exo, np.zeros(n_new)),
        label=(*table.label, *("" for _ in added)),
        plabel=tuple(f".p{i + 1}." for i in rows),
        ustart=longer(table.ustart, np.zeros(n_new)),
        has_start=longer(table.has_start, np.zeros(n_new, dtype=bool)),
        lower=longer(table.lower, np.full(n_new, -np.inf)),
        upper=longer(table.upper, np.full(n_new, np.inf)),
        efa=(*table.efa, *("" for _ in added)),
        constraints=(),
    )


def _possible(table: ParameterTable, block: BlockNames, number: int) -> Iterator[Key]:
    """Every parameter of a block, in lavaan's order."""
    names = block.names
    here = np.flatnonzero(table.block == number)
    structural = [(table.lhs[i], table.rhs[i]) for i in here if table.op[i] in ("~", "<~")]
    outcomes = [table.lhs[i] for i in here if table.op[i] == "~"]
    variables = list(dict.fromkeys([*outcomes, *(x for _, x in structural)]))
    inner = [v for v in variables if v not in names.ov_x]
    left = inner if table.options.conditional_x else variables
    for factor in names.lv:
        for item in names.ov_nox:
            if item not in left:
                yield factor, "=~", item
    yield from _covariances(names.ov_nox, skip=set(names.ov) - set(names.ov_ind))
    if not table.options.conditional_x:
        yield from _covariances(names.ov_x)
    yield from _covariances(names.lv)
    for y in left:
        for x in variables:
            if y != x and not (y in names.ov_ind and x in names.lv):
                yield y, "~", x
    yield from _others(table, block)


def _covariances(variables: tuple[str, ...], skip: set[str] | None = None) -> Iterator[Key]:
    """Lower triangle column by column; pairs with a variable to skip are left out."""
    for j, a in enumerate(variables):
        for b in variables[j:]:
            if not skip or (a not in skip and b not in skip):
                yield a, "~~", b


def _others(table: ParameterTable, block: BlockNames) -> Iterator[Key]:
    names = block.names
    if table.options.meanstructure:
        observed = names.ov_nox if table.options.conditional_x else names.ov
        for v in (*observed, *names.lv):
            yield v, "~1", ""
    if names.ov_ordinal and table.n_groups > 1:
        for v in names.ov_ordinal:
            yield v, "~*~", v
