"""Where a row of the parameter table lives in the model matrices, and how it moves the moments.

Functions: ``arrange_names``, ``place``, ``derivative_index``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class BlockOrder:
    """Positions of names in one block while it is being built."""

    observed: dict[str, int]
    latent: dict[str, int]
    carried: set[str]
    thresholds: dict[tuple[str, str], int]

    @property
    def carried_in_order(self) -> list[str]:
        """Observed variables in eta, in the order of the observed."""
        return [v for v in self.observed if v in self.carried]


@dataclass(frozen=True, slots=True)
class Element:
    """One row of the table that is an element of a model matrix."""

    number: int
    lhs: str
    op: str
    rhs: str
    free: int
    value: float


ELEMENTS = frozenset(("=~", "~~", "~", "<~", "~1", "|", "~*~"))
WIDTH = {"lambda": "m", "theta": "p", "psi": "m", "beta": "m"}


def arrange_names(
    observed: Sequence[str], latent: Sequence[str], rows: Sequence[Element]
) -> BlockOrder:
    """Order names; carry observed variables of regressions, or of covariances with latent ones."""
    order = {name: i for i, name in enumerate(observed)}
    etas = {name: i for i, name in enumerate(latent)}
    carried = {v for r in rows if r.op in ("~", "<~") for v in (r.lhs, r.rhs)}
    pairs = [(r.lhs, r.rhs) for r in rows if r.op == "~~" and r.lhs != r.rhs]
    while True:
        inside = carried | etas.keys()
        more = {v for pair in pairs for v in pair if (pair[0] in inside) != (pair[1] in inside)}
        if more <= inside:
            break
        carried |= more
    carried &= order.keys()
    for name in observed:
        if name in carried and name not in etas:
            etas[name] = len(etas)
    thresholds = [(r.lhs, r.rhs) for r in rows if r.op == "|"]
    thresholds.sort(key=lambda t: (order[t[0]], int(t[1][1:])))
    return BlockOrder(order, etas, carried, {t: i for i, t in enumerate(thresholds)})


def place(names: BlockOrder, row: Element) -> tuple[str, int, int]:
    """Matrix, row and column of a row of the table."""
    lhs, op, rhs = row.lhs, row.op, row.rhs
    latent, observed = names.latent, names.observed
    if op == "=~":
        if rhs in latent:
            return "beta", latent[rhs], latent[lhs]
        return "lambda", observed[rhs], latent[lhs]
    if op in ("~", "<~"):
        return "beta", latent[lhs], latent[rhs]
    if op == "~~":
        if lhs in latent:
            return "psi", latent[lhs], latent[rhs]
        return "theta", observed[lhs], observed[rhs]
    if op == "~1":
        return ("alpha", latent[lhs], 0) if lhs in latent else ("nu", observed[lhs], 0)
    if op == "|":
        return "tau", names.thresholds[(lhs, rhs)], 0
    return "delta", observed[lhs], 0


def derivative_index(
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
