"""The parameter table: every parameter of a model, one a row, with lavaan's columns.

The table is the only representation of a model that the later stages read. It is built in four
steps: rows of the text and default rows of each block (``table.defaults``), modifiers, labels
and equalities across groups (``table.equality``), numbering of the free parameters.

Functions: ``build_table``, ``model_outline``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.errors import InputError, close_names
from cte_metrics.sem.syntax.reader import Constraint, ParsedModel, Row, parse_model
from cte_metrics.sem.syntax.variables import VariableNames
from cte_metrics.sem.table.defaults import Columns, block_columns
from cte_metrics.sem.table.equality import (
    efa_identification,
    effect_coding,
    equality_labels,
    plain_name,
    tie_equal_labels,
)
from cte_metrics.sem.table.modifiers import apply_modifiers
from cte_metrics.sem.table.options import TableOptions, settle_group_equal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BlockNames", "ParameterTable", "TableOptions", "build_table", "model_outline"]


@dataclass(frozen=True, slots=True)
class BlockNames:
    """Group and level (from 1) of a block and its variables by role, in lavaan's order."""

    group: int
    level: int
    names: VariableNames
    lv_efa: tuple[str, ...]

    @property
    def ov_names(self) -> tuple[str, ...]:
        """Observed variables."""
        return self.names.ov

    @property
    def ov_ordinal(self) -> tuple[str, ...]:
        """Observed variables with thresholds."""
        return self.names.ov_ordinal

    @property
    def ov_x(self) -> tuple[str, ...]:
        """Exogenous observed variables."""
        return self.names.ov_x

    @property
    def lv_names(self) -> tuple[str, ...]:
        """Latent variables."""
        return self.names.lv

    @property
    def lv_regular(self) -> tuple[str, ...]:
        """Latent variables with indicators."""
        return self.names.lv_regular


@dataclass(frozen=True, slots=True, eq=False)
class ParameterTable:
    """Parameters of a model, one entry a row in every column.

    ``user``: 1 written, 0 added, 7 and 77 exploratory identification. ``block``, ``group`` and
    ``level`` count from 1. ``free`` is 0 for fixed rows, else the number of the free parameter
    (every free row has its own; equalities are in ``constraints``). ``exo`` marks fixed
    covariates. ``ustart`` is the fixed or starting value (nan where none). ``lower`` and
    ``upper`` are bounds. ``n_blocks`` is groups x levels, group by group.

    Created by: ``cte_metrics.sem.table.table.build_table``.
    Consumed by: ``cte_metrics.sem.model.design.build_design``,
    ``cte_metrics.sem.model.constraints.compile_constraints``,
    ``cte_metrics.sem.estimators.choice.make_estimator``, ``cte_metrics.sem.solving.solve``.
    """

    lhs: tuple[str, ...]
    op: tuple[str, ...]
    rhs: tuple[str, ...]
    user: Integers
    block: Integers
    group: Integers
    level: Integers
    free: Integers
    exo: Integers
    label: tuple[str, ...]
    plabel: tuple[str, ...]
    ustart: Array
    has_start: Flags
    lower: Array
    upper: Array
    efa: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    blocks: tuple[BlockNames, ...]
    group_labels: tuple[str, ...]
    level_labels: tuple[str, ...]
    options: TableOptions

    def __len__(self) -> int:
        return len(self.lhs)

    @property
    def n_free(self) -> int:
        """Number of free rows, before equality constraints."""
        return int(self.free.max(initial=0))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max(initial=1))

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return int(self.level.max(initial=1))

    @property
    def ov_names(self) -> tuple[str, ...]:
        """Observed variables of all blocks."""
        return tuple(dict.fromkeys(v for b in self.blocks for v in b.names.ov))

    @property
    def ov_x(self) -> tuple[str, ...]:
        """Exogenous observed variables of all blocks."""
        return tuple(dict.fromkeys(v for b in self.blocks for v in b.names.ov_x))

    @property
    def lv_names(self) -> tuple[str, ...]:
        """Latent variables of all blocks."""
        return tuple(dict.fromkeys(v for b in self.blocks for v in b.names.lv))

    def to_frame(self) -> pd.DataFrame:
        """Give the table as a DataFrame, constraint rows last."""
        import pandas as pd

        columns = [
            "lhs",
            "op",
            "rhs",
            "user",
            "block",
            "group",
            "level",
            "free",
            "exo",
            "label",
            "plabel",
            "ustart",
            "efa",
        ]
        frame = pd.DataFrame({c: list(getattr(self, c)) for c in columns})
        rows = [
            {"lhs": c.lhs, "op": c.op, "rhs": c.rhs, "user": c.user, "ustart": math.nan}
            | {"block": 0, "group": 0, "level": 0, "free": 0, "exo": 0, "plabel": "", "efa": ""}
            | {"label": c.lhs if c.op == ":=" else ""}
            for c in self.constraints
        ]
        if not rows:
            return frame
        return pd.concat([frame, pd.DataFrame(rows)[columns]], ignore_index=True)


def build_table(model: str | ParsedModel, options: TableOptions | None = None) -> ParameterTable:
    """Complete a model with lavaan's defaults.

    Parameters
    ----------
    model : str or ParsedModel
        Model text, or what ``parse_model`` made of it.
    options : TableOptions
        What the defaults depend on.

    Returns
    -------
    ParameterTable
        Equal to ``lavaan::lavaanify(model, auto = TRUE, ...)``, ``==``, ``:=``, ``<`` and ``>``
        kept apart in ``constraints``.

    Examples
    --------
    >>> table = build_table("f =~ x1 + x2 + x3")
    >>> list(zip(table.lhs, table.op, table.rhs, table.free.tolist()))[:4]
    [('f', '=~', 'x1', 0), ('f', '=~', 'x2', 1), ('f', '=~', 'x3', 2), ('x1', '~~', 'x1', 3)]
    """
    parsed = parse_model(model) if isinstance(model, str) else model
    return _build(parsed, options or TableOptions())


@lru_cache(maxsize=256)
def model_outline(text: str) -> ParameterTable:
    """Build the table of a model for its variables alone: one group, modifiers left out.

    Examples
    --------
    >>> model_outline("f =~ x1 + c(a, b)*x2 + x3").ov_names
    ('x1', 'x2', 'x3')
    """
    parsed = parse_model(text)
    rows = tuple(replace(row, modifier=None) for row in parsed.rows)
    return _build(replace(parsed, rows=rows, constraints=()), TableOptions())


@lru_cache(maxsize=256)
def _build(model: ParsedModel, options: TableOptions) -> ParameterTable:
    options = _settled(model, options)
    columns, group_labels = _all_blocks(model, options)
    if len(model.levels) > 1:
        _level_intercepts(columns, options)
    apply_modifiers(columns, model)
    labels = equality_labels(columns, options, multi_level=len(model.levels) > 1)
    efa_identification(columns, options)
    constraints = list(model.constraints)
    constraints += tie_equal_labels(columns, labels)
    if options.identification == "effects":
        constraints += effect_coding(columns)
    return _finish(columns, tuple(constraints), group_labels, model.levels, options)


def _settled(model: ParsedModel, options: TableOptions) -> TableOptions:
    """Options after the model has had its say: intercepts in the text, ``group:`` blocks."""
    categorical = bool(options.n_thresholds) or any(r.op == "|" for r in model.rows)
    group_equal = settle_group_equal(options.group_equal, categorical=categorical)
    needs_means = (
        options.meanstructure
        or options.model_type == "growth"
        or bool({"intercepts", "means"} & set(group_equal))
        or any(r.op == "~1" for r in model.rows)
    )
    n_groups = options.n_groups
    if model.groups and n_groups not in (1, len(model.groups)):
        raise InputError(
            f"The model text has {len(model.groups)} groups ({', '.join(model.groups)}), "
            f"the data {n_groups}.",
            hint="Give one 'group:' block for each group of the data.",
        )
    return replace(
        options,
        group_equal=group_equal,
        meanstructure=needs_means,
        n_groups=len(model.groups) or n_groups,
        group_partial=tuple(plain_name(p) for p in options.group_partial),
    )


def _all_blocks(model: ParsedModel, options: TableOptions) -> tuple[Columns, tuple[str, ...]]:
    """Rows of every block, group by group and level by level."""
    by_block: list[list[tuple[int, Row]]] = [[] for _ in model.blocks]
    for number, row in enumerate(model.rows, start=1):
        by_block[row.block].append((number, row))
    columns = Columns()
    groups, levels = _group_order(model.groups, options.group_names), model.levels
    parts = sorted(
        zip(model.blocks, by_block, strict=True),
        key=lambda part: groups.index(part[0].group) if part[0].group in groups else 0,
    )
    for block, rows in parts:
        if not groups:
            continue
        group = groups.index(block.group) + 1 if block.group is not None else 1
        level = levels.index(block.level) + 1 if block.level is not None else 1
        columns.extend(block_columns(rows, options, group=1), group=group, level=level)
    if not groups:
        for group in range(1, options.n_groups + 1):
            for block, rows in zip(model.blocks, by_block, strict=True):
                level = levels.index(block.level) + 1 if block.level is not None else 1
                own = _of_level(options, level, by_block[-1])
                columns.extend(block_columns(rows, own, group=group), group=group, level=level)
    return columns, groups


def _group_order(written: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Groups of the text in the order of the data, where the text calls them by their labels."""
    known = [w for w in written if w in names]
    if not written or not known or len(written) != len(names):
        return written
    if len(known) < len(written):
        other = next(w for w in written if w not in names)
        raise InputError(
            f"The model's group {other!r} is not in the data, whose groups are "
            f"{', '.join(names)}.{close_names(other, names)}"
        )
    return names


def _of_level(options: TableOptions, level: int, upper: Sequence[tuple[int, Row]]) -> TableOptions:
    """In a two-level ordinal model, thresholds of items at both levels belong to the upper one."""
    if not options.ordinal_level:
        return options
    above = {v for _, r in upper for v in (r.lhs, r.rhs)}
    counts = tuple((v, n if level > 1 or v not in above else 0) for v, n in options.n_thresholds)
    return replace(options, ordinal_level=level, n_thresholds=counts)


def _level_intercepts(c: Columns, options: TableOptions) -> None:
    """At two levels, means belong to the upper level and thresholds vary there too."""
    upper = {
        c.lhs[i] for i in range(len(c)) if c.op[i] == "~1" and c.level[i] > 1 and not c.is_lv[i]
    }
    for i in range(len(c)):
        mean = c.op[i] == "~1" and c.lhs[i] in upper
        below = c.op[i] == "|" and not options.ordinal_level
        if c.level[i] == 1 and (mean or below):
            c.fix(i, 0.0)
        elif c.level[i] > 1 and c.op[i] == "~*~":
            c.fix(i, 1.0)


def _finish(
    c: Columns,
    constraints: tuple[Constraint, ...],
    group_labels: tuple[str, ...],
    level_labels: tuple[str, ...],
    options: TableOptions,
) -> ParameterTable:
    count = 0
    for i, free in enumerate(c.free):
        if free:
            count += 1
            c.free[i] = count
    n_levels = max(c.level, default=1)
    block = [(g - 1) * n_levels + level for g, level in zip(c.group, c.level, strict=True)]

    return ParameterTable(
        lhs=tuple(c.lhs),
        op=tuple(c.op),
        rhs=tuple(c.rhs),
        user=_ints(c.user),
        block=_ints(block),
        group=_ints(c.group),
        level=_ints(c.level),
        free=_ints(c.free),
        exo=_ints(c.exo),
        label=tuple(c.label),
        plabel=tuple(f".p{i}." for i in range(1, len(c) + 1)),
        ustart=_reals(c.ustart),
        has_start=np.array(c.has_start, dtype=bool),
        lower=_reals(c.lower),
        upper=_reals(c.upper),
        efa=tuple(c.efa),
        constraints=constraints,
        blocks=_block_names(c, block, options),
        group_labels=group_labels,
        level_labels=level_labels,
        options=options,
    )


def _ints(values: list[int]) -> Integers:
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array


def _reals(values: list[float]) -> Array:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _block_names(c: Columns, block: list[int], options: TableOptions) -> tuple[BlockNames, ...]:
    outcomes = {left for left, op in zip(c.lhs, c.op, strict=True) if op == "~"}
    found = []
    for b in range(1, max(block, default=0) + 1):
        rows = [i for i, at in enumerate(block) if at == b]
        elsewhere = outcomes if c.level[rows[0]] > 1 else ()
        names = c.names_of(rows, outcomes_elsewhere=elsewhere)
        if options.ordinal_level:  # cut within; the effects of clusters are continuous
            cut = dict(options.n_thresholds) if c.level[rows[0]] == 1 else ()
            names = replace(names, ov_ordinal=tuple(v for v in names.ov if v in cut))
        efa = tuple(dict.fromkeys(c.lhs[i] for i in rows if c.op[i] == "=~" and c.efa[i]))
        found.append(BlockNames(c.group[rows[0]], c.level[rows[0]], names, efa))
    return tuple(found)


@lru_cache(maxsize=64)
def positive_variances(table: ParameterTable) -> ParameterTable:
    """The same table with 0 as lower bound of every free variance."""
    lower = table.lower.copy()
    for i in np.flatnonzero(table.free):
        if table.op[i] == "~~" and table.lhs[i] == table.rhs[i]:
            lower[i] = max(lower[i], 0.0)
    lower.flags.writeable = False
    return replace(table, lower=lower)
