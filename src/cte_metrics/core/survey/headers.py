"""Question texts as column headers (Google Forms, Qualtrics): which column is which item.

Functions: ``named_columns, columns_by_text, header_keys, as_name``.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.response_scale import fold
from cte_metrics.errors import InputError

_ROW_OF_GRID = re.compile(r"\[([^\[\]]+)\]\s*$")


def named_columns(columns: Any, present: Sequence[Any]) -> Any:
    """Return columns given by whole numbers by their names.

    A whole number is a name where the file has columns so called, a position from 0 elsewhere.

    Raises
    ------
    InputError
        If there is no column at a position, or some of the numbers are names and some are not.
    """
    if columns is None or isinstance(columns, str):
        return columns
    if isinstance(columns, Mapping):
        return {as_name(c, present): item for c, item in columns.items()}
    listed = list(columns)
    if not listed or not all(_is_number(c) for c in listed):
        return [as_name(c, present) for c in listed]
    names = [c for c in listed if str(c) in present]
    if len(names) == len(listed):
        return [str(c) for c in listed]
    if names:
        raise InputError(
            f"columns may name columns or give positions: a column is called {names[0]}, none is "
            f"called {next(c for c in listed if str(c) not in present)}.",
            hint="Write names as texts ('1') to tell them from positions.",
        )
    outside = [c for c in listed if not 0 <= c < len(present)]
    if outside:
        raise InputError(
            f"There is no column at position {outside[0]}; the file has {len(present)} columns, "
            "counted from 0."
        )
    return [present[c] for c in listed]


def _is_number(column: Any) -> bool:
    return isinstance(column, numbers.Integral) and not isinstance(column, bool)


def as_name(column: Any, present: Sequence[Any]) -> Any:
    """Return a column's name as the file has it: headers are texts without blanks around them."""
    if column in present:
        return column
    stripped = str(column).strip()
    return stripped if stripped in present else column


def columns_by_text(
    present: Sequence[str], texts: Mapping[str, str], instrument: Instrument
) -> dict[str, str] | None:
    """Match headers and question texts with item ids and labels.

    A header matches an item when it, its part in square brackets (a row of a grid) or its part
    after the last " - " equals the item's id or label; case, spacing and end marks do not matter.

    Parameters
    ----------
    present : sequence of str
        Columns of the file.
    texts : mapping of column to str
        Question texts that the file gives beside its column names.
    instrument : Instrument
        Items to find.

    Returns
    -------
    dict of column to item id, or None
        ``None`` where every item has a column of its own name.

    Raises
    ------
    InputError
        If two columns match the same item.
    """
    wanted = set(instrument.item_ids) - set(present)
    if not wanted:
        return None
    by_text = _texts_of_items(instrument, wanted)
    found: dict[str, str] = {}
    for column in present:
        keys = header_keys([column, texts.get(column, "")])
        item = next((by_text[k] for k in keys if k in by_text), None)
        if item is not None:
            _refuse_second(found, item, column)
            found[column] = item
    return found


def _texts_of_items(instrument: Instrument, wanted: set[str]) -> dict[str, str]:
    """Return id and label of each wanted item, normalised; labels shared by items do not count."""
    ids = {_bare(i): i for i in wanted}
    labels = [_bare(item.label) for item in instrument.items if item.label]
    unique = {
        _bare(item.label): item.id
        for item in instrument.items
        if item.id in wanted and item.label and labels.count(_bare(item.label)) == 1
    }
    return unique | ids


def header_keys(texts: Iterable[str]) -> list[str]:
    """Return what headers and question texts may be called: whole, row of a grid, last part.

    Examples
    --------
    >>> header_keys(["How often? [Sets goals.]"])
    ['how often? [sets goals.]', 'sets goals']
    """
    keys = []
    for text in texts:
        keys.append(_bare(text))
        grid = _ROW_OF_GRID.search(text)
        if grid:
            keys.append(_bare(grid.group(1)))
        if " - " in text:
            keys.append(_bare(text.rpartition(" - ")[2]))
    return [k for k in keys if k]


def _bare(text: str) -> str:
    return fold(text).strip(" .?!:*")


def _refuse_second(found: Mapping[str, str], item: str, column: str) -> None:
    for other, taken in found.items():
        if taken == item:
            raise InputError(
                f"Columns {other!r} and {column!r} both look like item {item!r}.",
                hint="Say which one it is: columns={'column in the file': 'item id'}.",
            )
