"""Thresholds and scaling factors of a model's text that its items have not.

Functions: ``check_ordinal_rows``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cte_metrics.errors import InputError
from cte_metrics.sem.table.table import ParameterTable


def check_ordinal_rows(table: ParameterTable, n_thresholds: Mapping[str, int]) -> None:
    """Refuse thresholds beyond an item's categories, and scales of what is not ordinal.

    Raises
    ------
    InputError
        Naming the row and what the item has; or a threshold that a model without defaults lacks.
    """
    written = {(v, t) for v, op, t in zip(table.lhs, table.op, table.rhs, strict=True) if op == "|"}
    for name, n in n_thresholds.items() if not table.options.auto_thresholds else ():
        lacking = [f"t{k}" for k in range(1, n + 1) if (name, f"t{k}") not in written]
        if lacking:
            raise InputError(
                f"The model does not write the thresholds of {name!r}: {', '.join(lacking)}.",
                hint=f"'{name} | {' + '.join(f't{k}' for k in range(1, n + 1))}'; sem.fit() adds "
                "them itself.",
            )
    for name, op, rhs in zip(table.lhs, table.op, table.rhs, strict=True):
        if op not in ("|", "~*~"):
            continue
        if name not in n_thresholds:
            latent = name in table.lv_names
            raise InputError(
                f"{name} {op} {rhs}: {name!r} is {'latent' if latent else 'not an ordinal item'}, "
                f"so it has no {'thresholds' if op == '|' else 'scaling factor'}.",
                hint="Leave the line out."
                if latent
                else f"Declare it with ordered=[{name!r}], or leave the line out.",
            )
        n = n_thresholds[name]
        if op == "|" and int(rhs[1:]) > n:
            shown = "t1" if n == 1 else f"t1 to t{n}"
            raise InputError(
                f"{name} | {rhs}: {name!r} has {n + 1} categories in the data, so its thresholds "
                f"are {shown}.",
                hint="Leave the threshold out of the model.",
            )
