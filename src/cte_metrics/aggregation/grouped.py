"""Answers with their groups, read at the door and coded once.

Functions: ``code_groups, labels_of, grouped_items, grouped_values, response_range``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.arrays import Integers
from cte_metrics.core.door import ItemData, column, column_names, item_data, sequence
from cte_metrics.core.naming import meant, name_text, named_column, places
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names
from cte_metrics.kernels.summaries.group_summaries import complete
from cte_metrics.kernels.summaries.item_statistics import mean_scores


@dataclass(frozen=True, slots=True)
class Grouped:
    """Complete rows with their groups.

    values: (N, k) in their own numeric type; codes: (N,) 0 ... J-1; labels: (J,) groups with at
    least one complete row; items: names of the columns; kept: (rows,) which rows of the data these
    are; minimum, maximum: the response range where known.

    Created by: ``cte_metrics.aggregation.grouped.grouped_items``,
    ``cte_metrics.aggregation.grouped.grouped_values``.
    Consumed by: ``cte_metrics.aggregation.agreement.agreement``,
    ``cte_metrics.aggregation.variance_components.variance_components``.
    """

    values: np.ndarray
    codes: Integers
    labels: pd.Index
    items: tuple[str, ...]
    kept: np.ndarray
    minimum: float | None
    maximum: float | None
    notes: tuple[str, ...]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.labels)

    @property
    def n_dropped(self) -> int:
        """Rows left out."""
        return int(len(self.kept) - self.kept.sum())

    @property
    def sizes(self) -> Integers:
        """(J,) rows per group."""
        return np.bincount(self.codes, minlength=self.n_groups)


def code_groups(group: Any) -> tuple[Integers, pd.Index]:
    """Integer codes (-1 for a missing group) and the sorted labels."""
    series = group if isinstance(group, pd.Series) else pd.Series(np.asarray(group))
    try:
        codes, labels = pd.factorize(series, sort=True)
    except TypeError:  # labels of several types have no order of their own
        codes, labels = pd.factorize(series.astype(str).where(series.notna()), sort=True)
    return np.asarray(codes, dtype=np.int64), pd.Index(labels, name="group")


def labels_of(data: Any, frame: pd.DataFrame, group: Any) -> Any:
    """One group label per row: a column of ``data`` by name, or an array.

    ``frame`` is the data with texts for names.

    Raises
    ------
    UnknownNameError
        If no column has the name.
    InputError
        If an array has not one entry per row.
    """
    if named_column(data, group):
        (position,) = meant([group], frame.columns.tolist(), "group: there is no column")
        return frame.iloc[:, position]
    if isinstance(group, pd.Series) and len(group) == len(frame):
        return group
    return pd.Series(sequence(group, len(frame), "group"))


def grouped_items(data: Any, group: Any, *, what: str, minimum_items: int = 1) -> Grouped:
    """Read answers and groups; rows with a missing answer or group are left out, with a note.

    Raises
    ------
    InputError
        If no group is given or known, or no row is complete.
    """
    frame = _as_frame(data)
    group = _known_group(frame, group, what)
    exclude = named_column(frame, group)
    _refuse_unknown(frame, group)
    read = item_data(
        frame, exclude=exclude, what=what, minimum_items=minimum_items, variables=(group,)
    )
    label = column(frame, group, read.n_respondents, "group")
    return _keep_complete(read, label)


def _refuse_unknown(frame: Any, group: Any) -> None:
    """Refuse a group column that does not exist before text columns are taken for items."""
    named = named_column(frame, group)
    if not named or hasattr(frame, "keyed") or not hasattr(frame, "columns"):
        return
    known = column_names(frame)
    if name_text(group) not in places(known):
        raise UnknownNameError(
            f"group: there is no column {group!r}.{close_names(group, known)}",
            hint="Name a column, or pass one label per row.",
        )


def _as_frame(data: Any) -> Any:
    """Let one variable (series or 1-D array) pass as a table of one column."""
    if isinstance(data, pd.Series):
        return data.to_frame(data.name if data.name is not None else "value")
    if isinstance(data, np.ndarray | list | tuple) and np.ndim(data) == 1:
        return pd.DataFrame({"value": np.asarray(data)})
    if hasattr(data, "to_numpy") and hasattr(data, "name") and not hasattr(data, "columns"):
        return pd.DataFrame({data.name or "value": data.to_numpy()})
    return data


def _known_group(frame: Any, group: Any, what: str) -> Any:
    if group is not None:
        return group
    known = getattr(frame, "group", None) if hasattr(frame, "keyed") else None
    if known is None:
        raise InputError(
            f"{what} needs groups, and the data name none.",
            hint="Pass group= (a column name or one label per row), or read the responses "
            "with group=.",
        )
    return np.asarray(known)


def _keep_complete(read: ItemData, label: Any) -> Grouped:
    codes, labels = code_groups(label)
    values = read.raw
    full = complete(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    keep = full & (codes >= 0)
    if not keep.any():
        raise InputError(
            "No row has a group and an answer to every item.",
            hint="Check the grouping column, or analyse items that were answered together.",
        )
    notes = _drop_notes(full, codes)
    if not keep.all():
        values, codes = values[keep], codes[keep]
    present = np.bincount(codes, minlength=len(labels)) > 0
    if not present.all():
        lost = [str(x) for x in labels[~present]]
        notes += (f"No complete row in {len(lost)} group(s): {_listed(lost)}; left out.",)
        codes = (np.cumsum(present) - 1)[codes]
        labels = labels[present]
    return Grouped(
        values, codes, labels, read.items, keep, read.minimum, read.maximum, read.notes + notes
    )


def _drop_notes(full: np.ndarray, codes: Integers) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    missing = int((~full).sum())
    homeless = int((codes < 0).sum())
    if missing:
        notes += (f"{missing} of {len(full)} rows with missing answers were dropped.",)
    if homeless:
        notes += (f"{homeless} of {len(full)} rows without a group were dropped.",)
    return notes


def _listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def grouped_values(values: Any, group: Any, *, what: str) -> Grouped:
    """Read one variable with its groups; a survey gives each teacher's mean over the items.

    Raises
    ------
    InputTypeError
        If there are several variables.
    """
    if hasattr(values, "keyed") and hasattr(values, "instrument"):
        return _survey_means(values, group, what)
    found = grouped_items(values, group, what=what)
    if len(found.items) != 1:
        raise InputTypeError(
            f"{what} takes one variable; got {len(found.items)} columns: "
            f"{_listed(list(found.items))}.",
            hint="Pass one column or a score, or use item_variance_components for all at once.",
        )
    return found


def _survey_means(responses: Any, group: Any, what: str) -> Grouped:
    """Each teacher's mean over the answered items, with its school."""
    read = item_data(responses, what=what, variables=(group,))
    known = _known_group(responses, group, what)
    label = column(responses, known, read.n_respondents, "group")
    return _keep_complete(
        replace(read, raw=mean_scores(read.values)[:, None], items=("mean",)), label
    )


def response_range(scale: Any, found: Grouped) -> tuple[tuple[float, float], tuple[str, ...]]:
    """The response range: given, the instrument's, or (with a note) the observed one.

    Raises
    ------
    InputError
        If the range is empty, or an answer lies outside.
    """
    low_seen, high_seen = float(found.values.min()), float(found.values.max())
    if scale is None and found.minimum is not None and found.maximum is not None:
        return (found.minimum, found.maximum), ()
    if scale is None:
        return (low_seen, high_seen), (
            f"No response scale was given: the observed range {low_seen:g} to {high_seen:g} was "
            "taken for it, which makes agreement look lower when an end of the scale was not "
            "used.",
        )
    low, high = _limits_of(scale)
    if not low < high:
        raise InputError(f"scale=({low:g}, {high:g}): the minimum must lie below the maximum.")
    if low_seen < low or high_seen > high:
        _refuse_outside(found, low, high)
    return (low, high), ()


def _limits_of(scale: Any) -> tuple[float, float]:
    if hasattr(scale, "minimum") and hasattr(scale, "maximum"):
        return float(scale.minimum), float(scale.maximum)
    try:
        low, high = (float(x) for x in scale)
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"scale={scale!r} is no response scale.",
            hint="Pass a ResponseScale or the pair (lowest, highest) answer.",
        ) from error
    return low, high


def _refuse_outside(found: Grouped, low: float, high: float) -> None:
    row, item = np.argwhere((found.values < low) | (found.values > high))[0]
    where = int(np.flatnonzero(found.kept)[row])
    raise InputError(
        f"Column {found.items[item]!r}, row {where}: the answer {found.values[row, item]:g} lies "
        f"outside the response scale {low:g} to {high:g}.",
        hint="Correct the answer, mark it as missing, or give the right scale.",
    )
