"""Groups of matrices, means and sizes that are given in place of answers, matched by name.

Functions: ``listed_covariances``, ``listed_means``, ``by_group``, ``numbered``, ``unnamed``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError, UnknownNameError, close_names
from cte_metrics.sem.sample.rows import label_of


def listed_covariances(sample_cov: Any) -> tuple[list[str], list[Any]]:
    """Name and matrix of each group; groups of a list are numbered, a lone matrix has no name."""
    if isinstance(sample_cov, Mapping):
        found = _named(sample_cov, "sample_cov")
        return list(found), list(found.values())
    if np.ndim(sample_cov) == 3 or (
        isinstance(sample_cov, list | tuple) and sample_cov and np.ndim(sample_cov[0]) == 2
    ):
        return numbered(len(sample_cov)), list(sample_cov)
    return [""], [sample_cov]


def listed_means(sample_mean: Any, labels: Sequence[str]) -> list[Any]:
    """Means of each group; those of a single group may be by variable.

    Raises
    ------
    InputError, UnknownNameError
        If there are not as many groups, or a group's name is unknown or missing.
    """
    if sample_mean is None:
        return [None] * len(labels)
    given = _rows_of(sample_mean, labels)
    by_variable = len(labels) == 1 and not (labels[0] and labels[0] in _names(given))
    if by_variable and (isinstance(given, Mapping) or numbers(given, "sample_mean").ndim == 1):
        return [given]
    found = by_group(given, labels, "sample_mean")
    if found is None:
        found = list(given) if np.ndim(given[0]) == 1 else [given]
    if len(found) != len(labels):
        raise InputError(f"sample_mean has {len(found)} groups, sample_cov has {len(labels)}.")
    return found


def _rows_of(mean: Any, labels: Sequence[str]) -> Any:
    """The rows of a frame of means, under the groups' names where it has them."""
    if not hasattr(mean, "columns"):
        return mean
    rows = dict(mean.iterrows())
    counted = unnamed(mean.index) and {label_of(k) for k in rows} != set(labels)
    if not counted:
        return rows
    return next(iter(rows.values())) if len(rows) == 1 else list(rows.values())


def _names(given: Any) -> list[str]:
    return [label_of(k) for k in given] if isinstance(given, Mapping) else []


def by_group(data: Any, labels: Sequence[str], what: str) -> list[Any] | None:
    """Entries of a mapping or labelled series in the order of the groups; ``None`` without names.

    Raises
    ------
    InputError, UnknownNameError
        If the names are not those of the groups of ``sample_cov``.
    """
    series = hasattr(data, "index") and hasattr(data, "items")
    if not isinstance(data, Mapping) and not series:
        return None
    entries = _named(data, what)
    if set(entries) == set(labels):
        return [entries[name] for name in labels]
    if series and unnamed(data.index):
        return list(entries.values())
    if list(labels) == numbered(len(labels)):
        raise InputError(
            f"{what} names {', '.join(map(repr, entries))}, but the groups of sample_cov have no "
            "names.",
            hint="Pass sample_cov as a dict by the same names, or everything as lists.",
        )
    for name in entries:
        if name not in labels:
            raise UnknownNameError(
                f"{what} has an entry {name!r}, but the groups of sample_cov are "
                f"{', '.join(map(repr, labels))}.{close_names(name, labels)}"
            )
    lost = next(name for name in labels if name not in entries)
    raise UnknownNameError(f"{what} has no entry for the group {lost!r} of sample_cov.")


def numbered(n_groups: int) -> list[str]:
    """Names of groups that have none."""
    return [f"Group {g + 1}" for g in range(n_groups)] if n_groups > 1 else [""]


def _named(given: Any, what: str) -> dict[str, Any]:
    """Entries by the groups' names as text; 1 and 1.0 are the same group."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = label_of(key)
        if name in found:
            raise InputError(f"{what} has two entries for the group {name!r}.")
        found[name] = value
    if not found:
        raise InputError(f"{what} is empty.")
    return found


def unnamed(index: Any) -> bool:
    """Whether an index counts rows from 0, so that it names nothing."""
    return bool(len(index) and list(index) == list(range(len(index))))
