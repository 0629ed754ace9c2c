"""Question texts as column headers (Google Forms, Qualtrics): which column is which item.

Functions: ``named_columns, columns_by_text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.response_scale import fold
from cte_metrics.errors import InputError

_ROW_OF_GRID = re.compile(r"\[([^\[\]]+)\]\s*$")


def named_columns(columns: Any, present: Sequence[Any]) -> Any:
    """Return columns given by position (whole numbers from 0) by their names.

    Raises
    ------
    InputError
        If there is no column at a position.
    """
    if columns is None or isinstance(columns, Mapping | str):
        return columns
    listed = list(columns)
    if not listed or not all(isinstance(c, int) and c not in present for c in listed):
        return listed
    outside = [c for c in listed if not 0 <= c < len(present)]
    if outside:
        raise InputError(
            f"There is no column at position {outside[0]}; the file has {len(present)} columns, "
            "counted from 0."
        )
    return [present[c] for c in listed]


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
        keys = _keys([column, texts.get(column, "")])
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


def _keys(texts: Iterable[str]) -> list[str]:
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
