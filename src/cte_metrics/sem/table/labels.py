"""The columns that name a parameter in every table: lhs, op, rhs, group, level, label.

Functions: ``row_labels``, ``parameter_names``.
"""

from __future__ import annotations

from typing import Any

from cte_metrics.sem.table.table import ParameterTable


def row_labels(table: ParameterTable, *, defined: bool = True) -> dict[str, list[Any]]:
    """Columns naming the rows of a table, defined parameters (``:=``) last with group 0."""
    extra = [c for c in table.constraints if c.op == ":="] if defined else []
    label = [text if not text.startswith(".p") else "" for text in table.label]
    return {
        "lhs": [*table.lhs, *(c.lhs for c in extra)],
        "op": [*table.op, *(c.op for c in extra)],
        "rhs": [*table.rhs, *(c.rhs for c in extra)],
        "group": [*table.group.tolist(), *(0 for _ in extra)],
        "level": [*table.level.tolist(), *(0 for _ in extra)],
        "label": [*label, *(c.lhs for c in extra)],
    }


def parameter_names(table: ParameterTable) -> list[str]:
    """One readable name a row: its label, else ``lhs op rhs`` with group and level.

    Examples
    --------
    >>> from cte_metrics.sem.table.table import build_table
    >>> parameter_names(build_table("f =~ x1 + a*x2"))[:3]
    ['f=~x1', 'a', 'x1~~x1']
    """
    names = []
    for i in range(len(table)):
        if table.label[i] and not table.label[i].startswith(".p"):
            names.append(table.label[i])
            continue
        name = f"{table.lhs[i]}{table.op[i]}{table.rhs[i]}"
        if table.group[i] > 1:
            name += f".g{table.group[i]}"
        if table.level[i] > 1:
            name += f".l{table.level[i]}"
        names.append(name)
    return names
