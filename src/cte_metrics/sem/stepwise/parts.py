"""A model in two parts: what measures the latent variables, and what relates them.

The variables in regressions, latent ones and observed ones that are no indicators, belong to the
structural part with their regressions, (co)variances and means (all such variables do in a model
without regressions); loadings, and variances, covariances and intercepts of the indicators, to the
measurement part. What else relates variables outside of regressions is estimated in neither.

Factors that share an indicator, or whose indicators covary, are measured together, in one block;
any other factor is a block of its own.

Both parts are written out as model text to which nothing is to be added, so that they are fitted as
any model is.

Classes: ``ModelParts``. Functions: ``model_parts``, ``measurement_text``, ``structural_text``,
``predictors``,
``with_latent_intercepts``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from cte_metrics.arrays import Flags
from cte_metrics.errors import InputError
from cte_metrics.sem.syntax.expressions import names_of, parse_expression
from cte_metrics.sem.table.table import ParameterTable

PLAIN = re.compile(r"[A-Za-z.][A-Za-z0-9._]*(:[A-Za-z.][A-Za-z0-9._]*)?")


@dataclass(frozen=True, slots=True, eq=False)
class ModelParts:
    """Which rows of a table belong to the structural part.

    Created by: ``cte_metrics.sem.stepwise.parts.model_parts``.
    Consumed by: ``cte_metrics.sem.stepwise.steps.two_steps``.

    Attributes
    ----------
    table : ParameterTable
        The whole model.
    structural : ndarray of bool (n_rows,)
    blocks : tuple of tuple of str
        Factors of each measurement block.
    left_out : tuple of str
        Variables that are no indicators and take part in no regression.
    """

    table: ParameterTable
    structural: Flags
    blocks: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]


def model_parts(table: ParameterTable) -> ModelParts:
    """Part a model.

    Raises
    ------
    InputError
        If the model has no factors, or something that belongs to both parts: indicators in
        regressions, factors as indicators, labels that tie the parts together.
    """
    _require_parts(table)
    _require_scales(table)
    rows = list(zip(table.lhs, table.op, table.rhs, strict=True))
    indicators = {r for _, op, r in rows if op == "=~"}
    outside = [v for v in (*table.ov_names, *table.lv_names) if v not in indicators]
    related = {v for left, op, r in rows if op == "~" for v in (left, r)} or set(outside)
    for left, op, right in rows:
        across = op == "~~" and (left in indicators) != (right in indicators)
        if across or (op == "~" and {left, right} & indicators):
            raise InputError(
                f"'{left} {op} {right}' relates an indicator to a variable of the structural part.",
                hint="Use sem.fit, which estimates everything at once.",
            )
    structural = np.array(
        [op != "=~" and left in related and (r or left) in related for left, op, r in rows]
    )
    _require_free_of_ties(table, structural)
    return ModelParts(
        table=table,
        structural=structural,
        blocks=_blocks(rows, table.lv_names),
        left_out=tuple(v for v in outside if v not in related),
    )


def with_latent_intercepts(table: ParameterTable) -> ParameterTable:
    """The table with free intercepts of the factors that observed variables predict.

    Intercepts of the indicators come from the measurement part, where factors have mean 0; so they
    do in the whole model only if factors have intercepts that make up for their predictors' means.
    """
    pairs = [
        (left, r) for left, op, r in zip(table.lhs, table.op, table.rhs, strict=True) if op == "~"
    ]
    moved = set(table.ov_names)
    for _ in pairs:
        moved |= {left for left, r in pairs if r in moved}
    free = table.free > 0
    factors = set(table.lv_names) & moved
    for i, (left, op) in enumerate(zip(table.lhs, table.op, strict=True)):
        free[i] |= op == "~1" and left in factors and table.user[i] == 0
    return replace(table, free=np.where(free, np.cumsum(free), 0))


def _require_parts(table: ParameterTable) -> None:
    factors = set(table.lv_names)
    if not any(op == "=~" for op in table.op):
        raise InputError(
            "The model has no latent variables with indicators, so there is nothing to measure "
            "first.",
            hint="Use sem.fit.",
        )
    kinds = {
        "exploratory blocks": any(table.efa),
        "composites ('<~')": "<~" in table.op,
        "factors of factors": any(
            op == "=~" and r in factors for op, r in zip(table.op, table.rhs, strict=True)
        ),
        "products of factors": any(":" in v for v in factors),
        "'group:' blocks": any(b.names != table.blocks[0].names for b in table.blocks),
    }
    for kind, there in kinds.items():
        if there:
            raise InputError(
                f"sam does not support {kind} yet.",
                hint="Use sem.fit, which estimates everything at once.",
            )


def _require_scales(table: ParameterTable) -> None:
    """Refuse outcomes whose residual variance is fixed to give them a scale."""
    rows = list(zip(table.lhs, table.op, table.rhs, table.free.tolist(), strict=True))
    scaled = {
        left
        for (left, op, _, free), v in zip(rows, table.ustart, strict=True)
        if op == "=~" and not free and v != 0.0
    }
    outcomes = {left for left, op, _, _ in rows if op == "~"}
    for left, op, right, free in rows:
        factor = op == "~~" and left == right and left in table.lv_names
        if factor and not free and left in outcomes - scaled:
            raise InputError(
                f"{left!r} is an outcome and takes its scale from its residual variance, which its "
                "measurement block does not know.",
                hint=f"Give it its scale by a loading: leave {left} ~~ {left} free and fix a "
                "loading at 1.",
            )


def _require_free_of_ties(table: ParameterTable, structural: Flags) -> None:
    """Refuse labels and constraints that reach from one part into the other."""
    sides: dict[str, set[bool]] = {}
    for name, own in zip(table.label, structural.tolist(), strict=True):
        if name:
            sides.setdefault(name, set()).add(own)
    for name, own in zip(table.plabel, structural.tolist(), strict=True):
        sides[name] = {own}
    for c in table.constraints:
        found = set().union(*(sides.get(v, set()) for v in _constraint_names(c.lhs, c.rhs)))
        if c.op != ":=" and len(found) > 1:
            raise InputError(
                f"The constraint '{c.lhs} {c.op} {c.rhs}' ties the structural part to the "
                "measurement part, which is estimated before it.",
                hint="Use sem.fit, which estimates everything at once.",
            )


def _constraint_names(*sides: str) -> set[str]:
    return {n.label for side in sides for n in names_of(parse_expression(side))}


def _blocks(
    rows: Sequence[tuple[str, str, str]], factors: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Factors that are joined by indicators, or by covariances of indicators."""
    of = {f: {r for left, op, r in rows if op == "=~" and left == f} for f in factors}
    pairs = [{left, right} for left, op, right in rows if op == "~~" and left != right]
    blocks: list[tuple[set[str], set[str]]] = []
    for factor in factors:
        names, items = {factor}, set(of[factor])
        reach = items.union(*(p for p in pairs if p & items))
        for block in [b for b in blocks if b[1] & reach]:
            blocks.remove(block)
            names, items = names | block[0], items | block[1]
        blocks.append((names, items))
    return tuple(tuple(f for f in factors if f in names) for names, _ in blocks)


def measurement_text(parts: ModelParts, factors: Sequence[str]) -> str:
    """Write a measurement block: its factors covary freely, as far as they are unrelated."""
    table = parts.table
    rows = list(zip(table.lhs, table.op, table.rhs, strict=True))
    items = {r for left, op, r in rows if op == "=~" and left in factors}
    own = [
        i
        for i, (left, op, r) in enumerate(rows)
        if (op == "=~" and left in factors)
        or (op != "=~" and left in items)
        or (op == "~1" and left in factors and table.user[i] == 1)
        or (op == "~~" and left == r and left in factors)
    ]
    covariances = [f"{_name(a)} ~~ {_name(b)}" for a, b in combinations(factors, 2)]
    return "\n".join([*_written(table, own, ()), *covariances])


def structural_text(parts: ModelParts) -> str:
    """Write the structural part, its variables taken as observed.

    Exogenous variables covary; variances and means that only served to identify a factor, or that
    were held at the sample's, are free.
    """
    table = parts.table
    own = np.flatnonzero(parts.structural)
    variance = [
        op == "~~" and a == b for a, op, b in zip(table.lhs, table.op, table.rhs, strict=True)
    ]
    fixed = table.free == 0
    latent = np.array([left in table.lv_names for left in table.lhs])
    scale = fixed & np.array(variance) & latent & (table.ustart != 0.0)
    means = fixed & (table.user == 0) & (np.array(table.op) == "~1")
    freed = np.flatnonzero((table.exo > 0) | scale | means)
    return "\n".join(
        [*_written(table, own.tolist(), set(freed.tolist())), *_exogenous_covariances(parts)]
    )


def predictors(table: ParameterTable) -> tuple[str, ...]:
    """Variables that predict others and are predicted by none."""
    pairs = [
        (left, r) for left, op, r in zip(table.lhs, table.op, table.rhs, strict=True) if op == "~"
    ]
    outcomes = {left for left, _ in pairs}
    return tuple(dict.fromkeys(r for _, r in pairs if r not in outcomes))


def _exogenous_covariances(parts: ModelParts) -> Iterator[str]:
    table = parts.table
    there = {
        frozenset((left, r))
        for left, op, r in zip(table.lhs, table.op, table.rhs, strict=True)
        if op == "~~"
    }
    for a, b in combinations(predictors(table), 2):
        if frozenset((a, b)) not in there:
            yield f"{_name(a)} ~~ {_name(b)}"


def _written(table: ParameterTable, rows: Sequence[int], freed: Collection[int]) -> Iterator[str]:
    """Write rows with all that is fixed, labelled, bounded; then the constraints among them."""
    keys: dict[tuple[str, str, str], list[int]] = {}
    for i in rows:
        keys.setdefault((table.lhs[i], table.op[i], table.rhs[i]), []).append(i)
    labels: set[str] = set()
    for (left, op, right), same in keys.items():
        term, sign = ("1", "~") if op == "~1" else (_name(right), op)
        free = [bool(table.free[i]) or i in freed for i in same]
        fixed = [
            "NA" if f else format(float(table.ustart[i]), ".17g")
            for i, f in zip(same, free, strict=True)
        ]
        terms = [f"{_vector(fixed)}*{term}"]
        if any(table.label[i] for i in same):
            named = [table.label[i] or f"row_{i}" for i in same]
            labels.update(named)
            terms.append(f"{_vector(named)}*{term}")
        for word, values in (("lower", table.lower), ("upper", table.upper)):
            if free[0] and np.isfinite(values[same[0]]):
                terms.append(f"{word}({float(values[same[0]]):.17g})*{term}")
        yield f"{_name(left)} {sign} {' + '.join(terms)}"
    for c in table.constraints:
        if c.op == ":=":
            labels |= {c.lhs} if _constraint_names(c.rhs) <= labels else set()
        if _constraint_names(c.lhs, c.rhs) <= labels:
            yield f"{c.lhs} {c.op} {c.rhs}"


def _vector(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"c({', '.join(values)})"


def _name(variable: str) -> str:
    return variable if PLAIN.fullmatch(variable) else f"`{variable}`"
