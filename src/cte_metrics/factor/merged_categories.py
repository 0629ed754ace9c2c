"""Categories that some group or wave never uses, merged with their neighbours.

Functions: ``merge_unused``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError


def merge_unused(answers: Sequence[Array], item: str) -> tuple[dict[float, float], str]:
    """Find the recoding that leaves every occasion with the same categories.

    Parameters
    ----------
    answers : sequence of arrays
        Answers of each group or wave to one item.
    item : str
        Its name, for the note.

    Returns
    -------
    recode : dict
        Category to category it is merged into: the nearest below that everyone uses, or above
        where there is none below. Empty when nothing is to be done.
    note : str

    Raises
    ------
    InputError
        If fewer than two categories are left.

    Examples
    --------
    >>> merge_unused([np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 4])], "q1")
    ({1.0: 2.0}, 'q1: answer 1 was merged with 2, because it is missing in a group.')
    """
    used = [set(np.unique(a[np.isfinite(a)]).tolist()) for a in answers]
    every = sorted(set().union(*used))
    shared = sorted(set.intersection(*used))
    if len(shared) < 2:
        raise InputError(
            f"The groups share fewer than two answers to {item!r}, so it cannot be compared.",
            hint="Leave the item out.",
        )
    recode = {c: _nearest(c, shared) for c in every if c not in shared}
    if not recode:
        return {}, ""
    parts = [f"answer {c:g} was merged with {to:g}" for c, to in recode.items()]
    return recode, f"{item}: {', '.join(parts)}, because it is missing in a group."


def _nearest(category: float, shared: Sequence[float]) -> float:
    below = [s for s in shared if s < category]
    return below[-1] if below else shared[0]


def recoded(values: Array, recode: Mapping[float, float]) -> Array:
    """Apply a recoding to an array of answers."""
    out = values.copy()
    for category, target in recode.items():
        out[values == category] = target
    return out
