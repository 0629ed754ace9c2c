"""Disclosure control for every table that shows figures of groups.

Functions: ``protect``; class ``Protected``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cte_metrics.core.arguments import checked
from cte_metrics.errors import InputError, UnknownNameError, close_names
from cte_metrics.kernels.groups.disclosure import suppress
from cte_metrics.results.frozen import Frozen


@dataclass(frozen=True, slots=True, eq=False)
class Protected(Frozen):
    """A table that may be shown.

    Created by: ``cte_metrics.aggregation.disclosure.protect``.
    Consumed by: ``cte_metrics.aggregation.school_scores.aggregate``.

    Attributes
    ----------
    table : DataFrame
        The rows given; every figure of a suppressed one is missing, and ``suppressed`` says so.
    margins : dict
        For each set of divisions whose totals may be shown, a Series that says which of those
        totals must be suppressed too, e.g. ``margins[("wave",)]``; ``margins[()]`` is the grand
        total.
    n_primary, n_complementary : int
        Cells below the minimum, and cells hidden so that those cannot be computed.
    notes : tuple of str
        What was done.
    """

    table: pd.DataFrame
    margins: dict[tuple[str, ...], pd.Series]
    n_primary: int
    n_complementary: int
    notes: tuple[str, ...]


@checked
def protect(
    table: pd.DataFrame,
    n: str = "n",
    *,
    by: Sequence[str] = ("group",),
    minimum: int = 5,
    keep: Sequence[str] = (),
) -> Protected:
    """Suppress small groups, and as many others as keep them from being computed.

    Parameters
    ----------
    table : DataFrame
        One row per cell (and scale); index levels name the divisions.
    n : str
        Column with the respondents behind each row.
    by : sequence of str
        Index levels that divide the respondents (school, wave, subgroup). Other levels (scales)
        show the same respondents again: a cell is hidden in all of them or in none, because
        subscales add up to totals. Its size is the smallest of its rows'.
    minimum : int
        Fewest respondents whose figures may be shown. 1 or less suppresses nothing.
    keep : sequence of str
        Columns that do not depend on answers (a school's name) and stay.

    Returns
    -------
    Protected

    Notes
    -----
    All margins over ``by`` are taken to be public, whether or not the table holds them: a reader
    of a report has the overall mean from the next page. A margin below the minimum is itself
    listed in ``.margins`` for whoever would show it.

    References
    ----------
    Cox, L. H. (1980). Journal of the American Statistical Association, 75, 377-385.

    Examples
    --------
    >>> import pandas as pd
    >>> schools = pd.DataFrame({"n": [2, 9, 12], "mean": [4.0, 3.0, 3.5]},
    ...                        index=pd.Index(["a", "b", "c"], name="group"))
    >>> protect(schools).table["suppressed"].tolist()
    [True, True, False]
    """
    _check_names(table, n, by)
    if not minimum >= 0 or int(minimum) != minimum:
        raise InputError(f"minimum={minimum!r} must be a whole number of respondents, 0 or more.")
    counts, levels, place = _cube(table, n, by)
    hidden = suppress(counts, int(minimum))
    inner = hidden[tuple(slice(0, -1) for _ in by)]
    primary = (counts > 0) & (counts < minimum)
    out = _blank(table, inner[place], keep)
    extra = int((inner & ~primary).sum())
    return Protected(
        table=out,
        margins=_margins(hidden, levels, by),
        n_primary=int(primary.sum()),
        n_complementary=extra,
        notes=_notes(int(primary.sum()), extra, int(inner.sum()), int((counts > 0).sum()), minimum),
    )


def _check_names(table: pd.DataFrame, n: str, by: Sequence[str]) -> None:
    if not len(by):
        raise InputError("by names no level of the table's index.", hint="Name the divisions.")
    if n not in table.columns:
        raise UnknownNameError(f"The table has no column {n!r}.{close_names(n, table.columns)}")
    for name in by:
        if name not in table.index.names:
            raise UnknownNameError(
                f"The table has no index level {name!r}.{close_names(name, table.index.names)}"
            )


def _cube(
    table: pd.DataFrame, n: str, by: Sequence[str]
) -> tuple[np.ndarray, list[pd.Index], tuple[np.ndarray, ...]]:
    """Counts by division, the labels of each, and where each row of the table lies."""
    coded = [pd.factorize(table.index.get_level_values(name), sort=True) for name in by]
    place = tuple(np.asarray(codes) for codes, _ in coded)
    shape = tuple(len(labels) for _, labels in coded)
    size = table[n].fillna(0).to_numpy(dtype=np.int64)
    counts = np.full(shape, np.iinfo(np.int64).max)
    some = size > 0
    np.minimum.at(counts, tuple(p[some] for p in place), size[some])
    counts[counts == np.iinfo(np.int64).max] = 0
    return (
        counts,
        [pd.Index(labels, name=b) for (_, labels), b in zip(coded, by, strict=True)],
        place,
    )


def _blank(table: pd.DataFrame, hide: np.ndarray, keep: Sequence[str]) -> pd.DataFrame:
    out = table.drop(columns="suppressed", errors="ignore").copy()
    for name in out.columns.difference(list(keep)):
        column = out[name]
        if column.dtype.kind in "iub":
            column = column.astype(float)
        out[name] = column.mask(hide)
    out["suppressed"] = hide
    return out


def _margins(
    hidden: np.ndarray, levels: list[pd.Index], by: Sequence[str]
) -> dict[tuple[str, ...], pd.Series]:
    """Suppression of every margin: the divisions that remain are the key."""
    out = {}
    for code in range(2 ** len(by) - 1):
        stays = [bool(code >> k & 1) for k in range(len(by))]
        part = hidden[tuple(slice(0, -1) if s else -1 for s in stays)]
        kept = [lv for lv, s in zip(levels, stays, strict=True) if s]
        index: pd.Index
        if len(kept) > 1:
            index = pd.MultiIndex.from_product(kept)
        else:
            index = kept[0] if kept else pd.Index(["overall"])
        flat = np.atleast_1d(part).ravel()
        name = tuple(b for b, s in zip(by, stays, strict=True) if s)
        out[name] = pd.Series(flat, index=index, name="suppressed")
    return out


def _notes(primary: int, extra: int, hidden: int, total: int, minimum: int) -> tuple[str, ...]:
    if not hidden:
        return ()
    notes: tuple[str, ...] = (
        f"{primary} of {total} groups have fewer than {minimum} respondents: suppressed.",
    )
    if extra:
        notes += (
            f"{extra} further group(s) are suppressed so that no small group can be computed by "
            "subtraction.",
        )
    if hidden == total:
        notes += ("Nothing can be shown without revealing a small group.",)
    return notes
