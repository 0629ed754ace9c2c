"""Which column of a survey is which: items, respondent, school, wave, covariates, weights.

Functions: ``item_columns, naming_series, plain_series, role_order, role_series, weight_series,
covariate_frame``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cte_metrics.core.declared_order import declared_categories
from cte_metrics.core.floats import floats_with_gaps
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.issues import shown
from cte_metrics.core.naming import name_text, places
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names

_LISTED = 40
_ROWS = 10


def item_columns(
    present: Sequence[Any], instrument: Instrument, columns: Any = None
) -> dict[str, Any]:
    """Return the frame's column of each item, in item order.

    Parameters
    ----------
    present : sequence of str
        Columns of the frame.
    instrument : Instrument
        Items to find.
    columns : mapping of column to item id, or sequence of columns in item order, optional
        Items that it does not name keep their own name.

    Raises
    ------
    UnknownNameError
        If a column or item does not exist; close names are suggested.
    InputError
        If a list has not one column for each item, or a mapping names an item twice.
    """
    items = instrument.item_ids
    if columns is None:
        chosen = {i: i for i in items}
    elif isinstance(columns, Mapping):
        chosen = _mapped(columns, present, items, instrument.id)
    else:
        chosen = _listed(columns, items)
    known = places(present)
    _refuse_absent(chosen, present, instrument)
    chosen = {item: present[known[name_text(c)]] for item, c in chosen.items()}
    taken = list(chosen.values())
    twice = [c for c in taken if taken.count(c) > 1]
    if twice:
        raise InputError(f"Column {twice[0]!r} is given for two items.")
    return chosen


def _listed(columns: Any, items: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        raise InputTypeError(
            f"columns is a mapping of column names to item ids, or a list of columns in item "
            f"order; got {type(columns).__name__}."
        )
    if len(columns) != len(items):
        raise InputError(
            f"columns lists {len(columns)} columns; the instrument has {len(items)} items: "
            f"{', '.join(items)}."
        )
    return dict(zip(items, columns, strict=True))


def _mapped(
    columns: Mapping[Any, Any], present: Sequence[Any], items: tuple[str, ...], name: str
) -> dict[str, Any]:
    columns = {name_text(column): item for column, item in columns.items()}
    known = set(places(present))
    turned = set(columns) <= set(items) and set(map(name_text, columns.values())) <= known
    if turned and not set(columns) <= known:
        raise InputError(
            "columns maps item ids to column names; it must be the other way round.",
            hint="Write columns={'column in the survey': 'item id'}.",
        )
    for item in columns.values():
        if item not in items:
            raise UnknownNameError(
                f"columns names item {item!r}, which {name!r} does not have."
                f"{close_names(item, items)}",
                hint=f"Its items are: {', '.join(items)}.",
            )
    named = list(columns.values())
    twice = [i for i in named if named.count(i) > 1]
    if twice:
        raise InputError(f"columns gives two columns for item {twice[0]!r}.")
    by_item = {item: column for column, item in columns.items()}
    return {i: by_item.get(i, i) for i in items}


def _refuse_absent(chosen: Mapping[str, Any], present: Sequence[Any], owner: Instrument) -> None:
    known = places(present)
    absent = {i: c for i, c in chosen.items() if name_text(c) not in known}
    if not absent:
        return
    free = [c for c in present if name_text(c) not in set(map(name_text, chosen.values()))]
    said = [
        f"{c!r}" + ("" if c == i else f" for item {i!r}") + _perhaps(close_names(c, free))
        for i, c in list(absent.items())[:5]
    ]
    more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
    raise UnknownNameError(
        f"The survey has no column for {len(absent)} of the {len(chosen)} items of "
        f"{owner.id!r}: {'; '.join(said)}{more}.",
        hint="Pass columns={'column in the survey': 'item id', ...}, or a list of columns in item "
        f"order. The survey's columns are: {', '.join(str(c) for c in list(present)[:_LISTED])}.",
    )


def _perhaps(suggestion: str) -> str:
    """Return a suggestion as a clause in brackets."""
    return f" (d{suggestion.strip()[1:]})" if suggestion else ""


def role_series(frame: nw.DataFrame[Any], given: Any, role: str, index: pd.Index) -> Any:
    """Return a respondent, group or wave column (by name or as an array), or ``None``.

    Raises
    ------
    UnknownNameError
        If no column has the name.
    InputError
        If an array has not one entry for each row.
    """
    if given is None:
        return None
    if np.isscalar(given) or _is_label(given, frame.columns):
        return plain_series(frame.get_column(_known(given, frame.columns, role)), index)
    listed: Any = (
        given if hasattr(given, "tolist") or hasattr(given, "to_list") else np.asarray(given)
    )
    values = listed.tolist() if hasattr(listed, "tolist") else listed.to_list()
    if not isinstance(values, list):
        raise InputTypeError(
            f"{role} names a column or has one entry for each row; got {type(given).__name__}."
        )
    if len(values) != len(index):
        raise InputError(f"{role} has {len(values)} entries; the survey has {len(index)} rows.")
    name = getattr(given, "name", None)
    return _plain(pd.Series(values, index=index, name=name if name else role))


def role_order(frame: nw.DataFrame[Any], given: Any) -> tuple[Any, ...]:
    """Return the categories of a role's column in the order that its type declares, if any."""
    if given is None:
        return ()
    named = np.isscalar(given) or _is_label(given, frame.columns)
    series = frame.get_column(_known(given, frame.columns, "wave")) if named else given
    series = getattr(series, "array", series)  # an index and a series of pandas keep their type
    return tuple(declared_categories(series) or ()) if hasattr(series, "dtype") else ()


def _is_label(given: Any, present: Sequence[Any]) -> bool:
    """Whether a tuple is the label of a column, as with several header rows."""
    return isinstance(given, tuple) and name_text(given) in places(present)


def _known(name: Any, present: Sequence[Any], role: str) -> Any:
    position = places(present).get(name_text(name))
    if position is None:
        raise UnknownNameError(
            f"{role}: the survey has no column {name!r}.{close_names(name, present)}",
            hint=f"Its columns are: {', '.join(str(c) for c in list(present)[:_LISTED])}.",
        )
    return present[position]


def naming_series(frame: nw.DataFrame[Any], given: Any, role: str, index: pd.Index) -> Any:
    """Return a respondent, group or wave column as ``role_series``; whole numbers as such.

    A column of whole numbers with gaps arrives as floats: a school is 1001, never 1001.0.
    """
    series = role_series(frame, given, role, index)
    if series is None or not pd.api.types.is_float_dtype(series.dtype):
        return series
    absent = series.isna().to_numpy()
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if not (np.isfinite(values) & (np.floor(values) == values))[~absent].all() or absent.all():
        return series
    if not absent.any():
        return series.astype(np.int64)
    whole = np.empty(len(values), dtype=object)
    whole[~absent] = [int(v) for v in values[~absent]]
    return pd.Series(whole, index=series.index, name=series.name)


def covariate_frame(frame: nw.DataFrame[Any], names: Any, index: pd.Index) -> pd.DataFrame:
    """Return the covariates, in the order given.

    Raises
    ------
    UnknownNameError
        If no column has one of the names.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    columns = {
        n: plain_series(frame.get_column(_known(n, frame.columns, "covariates")), index)
        for n in wanted
    }
    return pd.DataFrame(columns, index=index)


def weight_series(frame: nw.DataFrame[Any], given: Any, index: pd.Index) -> Any:
    """Return the sampling weights as float64, or ``None``.

    Raises
    ------
    InputError
        If a weight is missing, negative, infinite or not a number.
    """
    series = role_series(frame, given, "weights", index)
    if series is None:
        return None
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
    blank = np.flatnonzero(series.isna().to_numpy())
    if len(blank):
        rows = ", ".join(shown(index[row]) for row in blank[:_ROWS])
        raise InputError(
            f"Column {series.name!r}: {len(blank)} of {len(index)} respondents have no weight: "
            f"row{'' if len(blank) == 1 else 's'} {rows}{', ...' if len(blank) > _ROWS else ''}.",
            hint="A weight is a number of 0 or more; give respondents to leave out the weight 0, "
            "those without a design weight the weight 1.",
        )
    faulty = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(faulty):
        row = faulty[0]
        raise InputError(
            f"Column {series.name!r}, row {shown(index[row])}: {series.tolist()[row]!r} is not a "
            f"weight. Rows at fault: {len(faulty)}.",
            hint="A weight is a number of 0 or more; give respondents to leave out the weight 0.",
        )
    return pd.Series(values, index=index, name=series.name)


def plain_series(series: nw.Series[Any], index: pd.Index) -> pd.Series:
    """Return a column as a pandas Series that is the same whatever frame it came from."""
    if series.dtype.is_numeric() and not series.is_null().any():
        values = np.array(series.to_numpy())
        if values.dtype.kind in "iuf":
            return pd.Series(values, index=index, name=series.name)
    if series.dtype.is_numeric():
        return pd.Series(floats_with_gaps(series).copy(), index=index, name=series.name)
    return _plain(pd.Series(series.to_list(), index=index, name=series.name))


def _plain(series: pd.Series) -> pd.Series:
    """Return texts with blank ones missing; other kinds as they are."""
    if not pd.api.types.is_string_dtype(series.dtype) and series.dtype != object:
        return series
    blank = np.array([isinstance(v, str) and not v.strip() for v in series.tolist()], dtype=bool)
    return series.mask(blank, None) if blank.any() else series
