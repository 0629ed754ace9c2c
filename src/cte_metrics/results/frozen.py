"""What leaves a result cannot change it: frames are copied, arrays refuse to be written to.

Class: ``Frozen``. Functions: ``handed``, ``plain``, ``read_only``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from operator import methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cte_metrics.errors import InputError


class NotKept:
    """Stands in a restored record for what only the analysis itself holds (rows, fits)."""

    def __repr__(self) -> str:
        """Say what is missing."""
        return "<not kept in a record>"


class Frozen:
    """Base of what is handed out: its public attributes give copies or read-only arrays.

    A frame, series, dictionary or list is copied each time it is looked up (in pandas 3 without
    moving its values); an array is given as a view that refuses to be written to. Private
    attributes are as they are, so that the library's own work pays nothing.
    """

    __slots__ = ()

    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            """Hand out a public attribute; refuse what a restored record does not hold."""
            value = object.__getattribute__(self, name)
            if name[0] != "_":
                return handed(value)
            if type(value) is NotKept:
                raise _not_kept(type(self).__name__)
            return value


def _not_kept(kind: str) -> InputError:
    return InputError(
        f"This {kind} was restored from its record, which holds figures but no answers and no fit.",
        hint="Run the analysis again on the data; pickle keeps a result whole.",
    )


def handed(value: Any) -> Any:
    """Return a value that can be changed (or refuses to be) without changing the original.

    Examples
    --------
    >>> import pandas as pd
    >>> kept = {"a": pd.Series([1, 2])}
    >>> out = handed(kept)["a"]
    >>> out.iloc[0] = 9
    >>> kept["a"].tolist()
    [1, 2]
    """
    return _hand(type(value))(value)  # type: ignore[arg-type]  # every type has a hash


@cache
def _hand(kind: type) -> Callable[[Any], Any]:
    """Choose, once for every type, how its values are handed out."""
    if kind in _HANDS:
        return _HANDS[kind]
    pandas = sys.modules.get("pandas")  # a type of its own is never met before it is loaded
    if pandas is not None and issubclass(kind, pandas.DataFrame | pandas.Series):
        return methodcaller("copy", deep=not _copies_on_write(pandas))
    if pandas is not None and issubclass(kind, pandas.Index):
        return methodcaller("view")
    if issubclass(kind, dict):
        return lambda value: kind({k: handed(v) for k, v in value.items()})
    return _view if issubclass(kind, np.ndarray) else _as_it_is


def _copies_on_write(pandas: Any) -> bool:
    return int(pandas.__version__.split(".")[0]) >= 3


def _as_it_is(value: Any) -> Any:
    return value


def _view(array: np.ndarray) -> np.ndarray:
    if not array.flags.writeable:
        return array
    out = array.view()
    out.flags.writeable = False
    return out


_HANDS: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((float, int, str, bool, type(None)), _as_it_is),
    dict: lambda value: {k: handed(v) for k, v in value.items()},
    MappingProxyType: lambda value: MappingProxyType({k: handed(v) for k, v in value.items()}),
    list: lambda value: [handed(v) for v in value],
    tuple: lambda value: tuple(handed(v) for v in value),
    set: set,
    np.ndarray: _view,
}


def plain(value: Any) -> Any:
    """Return nested mappings and sequences as mappings and tuples that cannot change.

    Examples
    --------
    >>> plain({"a": [1, [2, 3]]})["a"]
    (1, (2, 3))
    """
    if _HANDS.get(type(value)) is _as_it_is:
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({k: plain(v) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return tuple(plain(v) for v in value)
    return value


def thawed(value: Any) -> Any:
    """Undo ``plain``, for pickles, which take no mapping proxy."""
    if isinstance(value, Mapping):
        return {k: thawed(v) for k, v in value.items()}
    return tuple(thawed(v) for v in value) if isinstance(value, tuple) else value


def read_only(array: npt.ArrayLike) -> np.ndarray:
    """Return an array that refuses to be written to (a copy unless already read-only).

    Examples
    --------
    >>> read_only([1.0, 2.0]).flags.writeable
    False
    """
    out = np.asarray(array)
    if out.flags.writeable:
        out = out.copy()
        out.flags.writeable = False
    return out
