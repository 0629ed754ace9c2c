"""One row an answer becomes one row a respondent.

Functions: ``widened``, ``long_hint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cte_metrics.core.issues import shown
from cte_metrics.errors import InputError, UnknownNameError, close_names


def widened(frame: pd.DataFrame, long: Any, wave: str | None, others: Sequence[str]) -> Any:
    """Return one row a respondent (and wave), one column an item.

    Parameters
    ----------
    frame : DataFrame
        One row an answer.
    long : tuple of str
        The columns of the respondent, the item and the answer.
    wave : str or None
        The column of the wave; respondents have one row each.
    others : sequence of str
        Columns that are the same in all rows of a respondent (and wave): school, covariates.

    Raises
    ------
    InputError
        If ``long`` is not three names, a row names no respondent or item, an item was answered
        twice, or a column of ``others`` changes within a respondent.
    UnknownNameError
        If a column does not exist.
    """
    respondent, item, answer = _three(long, list(frame.columns))
    keys = [respondent, *([wave] if wave is not None and wave != respondent else [])]
    carried = [c for c in dict.fromkeys(others) if c not in (*keys, item, answer)]
    for name in (*keys, item):
        _refuse_blank(frame[name], name)
    _refuse_twice(frame, [*keys, item])
    _refuse_changing(frame, keys, carried)
    wide = frame.pivot(index=keys, columns=item, values=answer)
    wide.columns = [_name(c) for c in wide.columns]
    first = frame.drop_duplicates(keys)[[*keys, *carried]]
    return first.merge(wide.reset_index(), on=keys, how="left", sort=False)


def _three(long: Any, present: list[str]) -> tuple[str, str, str]:
    named = () if isinstance(long, str) else tuple(long)
    if len(named) != 3 or len(set(named)) != 3 or not all(isinstance(n, str) for n in named):
        raise InputError(
            f"long={long!r} does not name three columns.",
            hint="Write long=('respondent', 'item', 'answer') with the file's names of them.",
        )
    for name in named:
        if name not in present:
            raise UnknownNameError(
                f"long: the file has no column {name!r}.{close_names(name, present)}",
                hint=f"Its columns are: {', '.join(present)}.",
            )
    return named


def _name(item: Any) -> str:
    """Return an item's name as a column's: 3.0 is "3"."""
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item).strip()


def _refuse_blank(series: pd.Series, name: str) -> None:
    blank = series.isna()
    if blank.any():
        raise InputError(
            f"Column {name!r}, row {blank.idxmax()}: nothing stands there; {int(blank.sum())} such "
            "rows. An answer in long format needs its respondent and item."
        )


def _refuse_twice(frame: pd.DataFrame, keys: list[str]) -> None:
    again = frame.duplicated(keys)
    if again.any():
        row = frame[again][keys].iloc[0]
        told = ", ".join(f"{name} {shown(value)}" for name, value in row.to_dict().items())
        raise InputError(
            f"Row {again.idxmax()} answers once more: {told}. {int(again.sum())} such rows.",
            hint="Name the occasion in wave= where respondents answered several times.",
        )


def _refuse_changing(frame: pd.DataFrame, keys: list[str], carried: list[str]) -> None:
    for name in carried:
        kinds = frame.groupby(keys)[name].nunique(dropna=False)
        if (kinds > 1).any():
            raise InputError(
                f"Column {name!r} is not the same in all rows of respondent "
                f"{shown(_person(kinds.index[kinds > 1][0]))}.",
                hint="In long format a respondent's school, weight and covariates are repeated in "
                "each row; name the occasion in wave= where they change over time.",
            )


def _person(key: Any) -> Any:
    """Return the respondent of a key, also where the wave stands beside it."""
    return key[0] if isinstance(key, tuple) else key


def long_hint(frame: pd.DataFrame, items: Sequence[str]) -> str | None:
    """Return a hint where a column holds the items' names, else ``None``."""
    for name in frame.columns:
        column = frame[name]
        if (
            len(column) > column.nunique()
            and len(items) > 1
            and set(items) <= set(column.map(_name))
        ):
            return (
                f"Column {name!r} holds the items' names: the file has one row an answer. Pass "
                f"long=('respondent', {name!r}, 'answer') with the file's names of the "
                "respondent and the answer."
            )
    return None
