"""Items that load against the other items of their factor.

Function: ``against_factor``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.sem.inference.solution import Solution

_NOISE = 1.96


def against_factor(solution: Solution) -> list[str]:
    """Name items whose loading is clearly of the other sign than most loadings of their factor.

    Looked at are items of one factor only, of factors with free loadings that are not rotated. A
    loading within 1.96 standard errors of 0 is noise.
    """
    table = solution.table
    rows = np.flatnonzero((np.asarray(table.op) == "=~") & (np.asarray(table.efa) == ""))
    parts: dict[tuple[int, str], list[int]] = {}
    for row in rows.tolist():
        parts.setdefault((int(table.block[row]), table.lhs[row]), []).append(row)
    notes = []
    for (block, factor), own in parts.items():
        shared = {table.rhs[r] for r in rows if table.block[r] == block and table.lhs[r] != factor}
        alone = [r for r in own if table.rhs[r] not in shared]
        named = _against(solution, alone) if any(table.free[r] for r in own) else []
        if named:
            notes.append(_sentence(named, factor))
    return list(dict.fromkeys(notes))


def _against(solution: Solution, rows: list[int]) -> list[str]:
    table, values = solution.table, solution.values
    sign = np.array([_sign(solution, row) for row in rows])
    up, down = int((sign > 0).sum()), int((sign < 0).sum())
    if not up or not down:
        return []
    fixed = [s for r, s in zip(rows, sign, strict=True) if not table.free[r] and values[r] != 0]
    most = float(np.sign(up - down)) or (fixed[0] if fixed else 1.0)
    return [table.rhs[r] for r, s in zip(rows, sign, strict=True) if s == -most]


def _sign(solution: Solution, row: int) -> float:
    value, free = float(solution.values[row]), int(solution.table.free[row])
    if free and solution.vcov is not None:
        error = float(np.sqrt(max(solution.vcov[free - 1, free - 1], 0.0)))
        if abs(value) < _NOISE * error:
            return 0.0
    return float(np.sign(value))


def _sentence(items: list[str], factor: str) -> str:
    one = len(items) == 1
    return (
        f"{', '.join(items)} {'loads' if one else 'load'} on {factor} against its other items. "
        f"First suspect {'its' if one else 'their'} keying: a negatively worded item that was not "
        "reverse-scored, or one turned twice. Nothing was reversed here."
    )
