"""What the reader must know about single pairs of items.

Functions: ``pair_notes``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cte_metrics.arrays import Flags, Integers
from cte_metrics.kernels.ordinal.ordinal_moments import OrdinalMoments
from cte_metrics.kernels.summaries.contingency import item_pairs

_NEARLY_ONE = 0.99
_NAMED_PAIRS = 5


def pair_notes(
    fitted: OrdinalMoments, items: tuple[str, ...], correction: tuple[float, float]
) -> list[str]:
    """Say which pairs had empty cells, perfect association or no solution."""
    a, b = item_pairs(len(items))
    rho = fitted.correlation[a, b]

    def named(flag: Flags) -> str:
        return _list(f"{items[a[p]]} with {items[b[p]]}" for p in np.flatnonzero(flag))

    notes = []
    if fitted.empty.any():
        notes.append(f"{_empty_note(fitted, a, b, correction)}: {named(fitted.empty)}.")
    if fitted.perfect.any():
        notes.append(
            "Perfect association (two empty cells of a 2 x 2 table); the correlation is set to "
            f"1 or -1 and has no standard error: {named(fitted.perfect)}."
        )
    if fitted.at_limit.any():
        notes.append(
            "Perfect association: the likelihood is nowhere higher than at the limit of the "
            "search (.999; .995 with a numeric item), which is returned and has no standard "
            f"error: {named(fitted.at_limit)}."
        )
    near = (np.abs(rho) > _NEARLY_ONE) & ~fitted.perfect & ~fitted.at_limit
    if near.any():
        notes.append(f"Correlation nearly 1 or -1: {named(near)}.")
    if not fitted.converged.all():
        notes.append(f"The search did not converge: {named(~fitted.converged)}.")
    return notes


def _empty_note(
    fitted: OrdinalMoments,
    a: Integers,
    b: Integers,
    correction: tuple[float, float],
) -> str:
    k = fitted.n_categories
    small = (k[a] == 2) & (k[b] == 2)
    done = []
    if correction[0] > 0 and (fitted.empty & small & ~fitted.perfect).any():
        done.append(f"{correction[0]:g} was added in 2 x 2 tables with one empty cell")
    if correction[1] > 0 and (fitted.empty & ~small).any():
        done.append(f"{correction[1]:g} was put into the empty cells of larger tables")
    what = " and ".join(done) or "they were left as they are"
    return f"Empty cells in {int(fitted.empty.sum())} of {len(a)} two-way tables ({what})"


def _list(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED_PAIRS
    return ", ".join(listed[:_NAMED_PAIRS]) + (f" and {more} more" if more > 0 else "")
