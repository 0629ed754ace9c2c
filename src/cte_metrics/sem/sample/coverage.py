"""What incomplete answers can say: refusals and notes before full information is used.

Functions: ``check_answers``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError

SHOWN = 3


def check_answers(label: str, names: Sequence[str], values: Array) -> list[str]:
    """Refuse variables without answers or variation; name pairs that no one answered together.

    Parameters
    ----------
    label : str
        Name of the group, ``""`` when there is one.
    names : sequence of str
        Variables in the order of the columns.
    values : array (n, p)
        Answers, nan where missing.

    Returns
    -------
    list of str
        Notes on pairs of variables without a joint answer.

    Raises
    ------
    InputError
    """
    where = f" in group {label!r}" if label else ""
    answered = ~np.isnan(values)
    empty = [v for v, n in zip(names, answered.sum(axis=0), strict=True) if n == 0]
    if empty:
        raise InputError(
            f"No one answered {', '.join(empty)}{where}.",
            hint="Leave variables without answers out of the model.",
        )
    flat = [
        v for v, s in zip(names, np.nanmax(values, 0) - np.nanmin(values, 0), strict=True) if not s
    ]
    if flat:
        raise InputError(
            f"{', '.join(flat)} {'do' if len(flat) > 1 else 'does'} not vary{where}.",
            hint="Leave constant variables out of the model.",
        )
    return _apart(where, names, answered)


def _apart(where: str, names: Sequence[str], answered: Array) -> list[str]:
    """Note the pairs of variables that no respondent answered both of."""
    counts = answered.T.astype(float) @ answered.astype(float)
    rows, columns = np.nonzero(np.tril(counts == 0))
    if len(rows) == 0:
        return []
    pairs = [
        f"{names[j]} with {names[i]}" for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return [
        f"No one answered both of {'; '.join(pairs[:SHOWN])}{more}{where}: their covariance rests "
        "on the model alone, and the saturated model and its test are not determined there."
    ]
