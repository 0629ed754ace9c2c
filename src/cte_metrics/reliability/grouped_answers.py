"""A scale's answers with the group of each respondent, gaps kept.

Functions: ``grouped_answers``. Class: ``GroupedAnswers``.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import named_column
from cte_metrics.errors import InputError
from cte_metrics.summaries.keying import keying_check


@dataclass(frozen=True, slots=True)
class GroupedAnswers:
    """values (n, k), nan for gaps; names of the items; cluster (n,); notes on rows and keying.

    Created by: ``cte_metrics.reliability.grouped_answers.grouped_answers``.
    Consumed by: ``cte_metrics.reliability.multilevel.multilevel_reliability``.
    """

    values: Array
    names: tuple[str, ...]
    cluster: Array
    notes: tuple[str, ...]


def grouped_answers(data: Any, group: Any, items: Sequence[Hashable] | None) -> GroupedAnswers:
    """Read a scale's items and the group of each respondent.

    Raises
    ------
    InputError
        If no group is known, or an item has no variance.
    """
    if group is None:
        if getattr(data, "group", None) is None or not hasattr(data, "keyed"):
            raise InputError(
                "Multilevel reliability needs groups, and the data name none.",
                hint="Pass group= (a column name or one label per row).",
            )
        group = "group"
    own = named_column(data, group) if items is None else ()
    read = item_data(
        data,
        items=items,
        exclude=own,
        what="Multilevel reliability",
        minimum_items=2,
        variables=(group,),
    )
    cluster = column(data, group, read.n_respondents, "group")
    known = cluster == cluster
    notes = [*read.notes]
    if not known.all():
        notes.append(f"{int((~known).sum())} rows without a group were dropped.")
    values = read.values[known]
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.nanvar(values, axis=0)
    flat = [v for v, s in zip(read.items, spread, strict=True) if not s > 0]
    if flat:
        raise InputError(
            f"Everyone gave the same answer to {', '.join(map(repr, flat))}, or no one answered.",
            hint="Leave the item out.",
        )
    complete = values[~np.isnan(values).any(axis=1)]
    if len(complete) > len(read.items):
        key = getattr(getattr(data, "instrument", None), "reversed_ids", None)
        notes += keying_check(np.cov(complete.T), read.items, reversed_ids=key)
    return GroupedAnswers(values, tuple(read.items), cluster[known], tuple(notes))
