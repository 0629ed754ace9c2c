"""A result from its record: what ``to_dict()`` wrote, read back by the types of the fields.

Functions: ``restored``, ``field_types``, ``opened``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

import numpy as np

from cte_metrics.errors import InputError
from cte_metrics.results.base import Result
from cte_metrics.results.frozen import read_only
from cte_metrics.results.layout import INFINITE, frame, series
from cte_metrics.results.render.json import published

Find: TypeAlias = Callable[[str], type[Result]]
"""Gives the class of a result by its name; raises ``InputError`` for unknown names."""
_META = ("result", "schema", "schema_version", "layout")


def restored(record: Any, find: Find) -> Result:
    """Return the result of a record.

    Raises
    ------
    InputError
        If it is no record of this library, of a later version, incomplete or misshapen.
    """
    kind = _kind(record, find)
    types = field_types(kind, find)
    missing = [name for name in types if name not in record]
    unknown = [name for name in record if name not in types and name not in _META]
    if missing or unknown:
        raise InputError(
            f"This is not a whole record of {kind.__name__}: "
            + "; ".join(
                f"{word} {', '.join(map(repr, names))}"
                for word, names in (("it lacks", missing), ("it has an unknown", unknown))
                if names
            )
            + "."
        )
    layouts = record.get("layout", {})
    values = {n: _field(record[n], t, layouts.get(n), (kind, n, find)) for n, t in types.items()}
    return kind._restored(values)


def _kind(record: Any, find: Find) -> type[Result]:
    name = record.get("schema") if isinstance(record, Mapping) else None
    if not isinstance(name, str) or not name.startswith("cte_metrics/"):
        raise InputError(
            f"A record is a dict with schema='cte_metrics/...'; got {_shown(record, name)}.",
            hint="Pass what a result's to_dict() returned, or json.loads of its JSON text.",
        )
    kind = find(name.removeprefix("cte_metrics/"))
    version = record.get("schema_version")
    if not isinstance(version, int) or not 1 <= version <= kind._schema_version:
        raise InputError(
            f"This record of {kind.__name__} has schema_version={version!r}; this library reads "
            f"up to {kind._schema_version}.",
            hint="Update cte_metrics, or write the record again with this version.",
        )
    return kind


def _shown(record: Any, name: Any) -> str:
    return f"schema={name!r}" if isinstance(record, Mapping) else type(record).__name__


def field_types(kind: type, find: Find) -> dict[str, Any]:
    """Return what a result publishes (or a part's fields), each with its type."""
    if issubclass(kind, Result):
        written = kind._published()
    else:
        written = published(kind)
    names = _Names(find)
    return {n: _evaluated(t, kind, names) for n, t in written.items()}


class _Names(dict[str, Any]):
    """Names in annotations that are imported for type checkers only."""

    def __init__(self, find: Find) -> None:
        self.find = find

    def __missing__(self, name: str) -> Any:
        if name == "pd":
            import pandas as pd

            return pd
        try:
            return self.find(name)
        except InputError:
            raise KeyError(name) from None


def _evaluated(written: Any, kind: type, names: _Names) -> Any:
    """Evaluate an annotation in the module of the class (or base) that wrote it."""
    if not isinstance(written, str):
        return written
    for owner in kind.__mro__:
        try:
            return eval(written, vars(sys.modules[owner.__module__]), names)
        except NameError:
            continue
    raise NameError(f"{kind.__name__}: the type {written!r} is not known.")


def opened(hint: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return a type, what it is a form of, and its parts; behind a name for a type, what it names.

    ``NDArray`` is such a name since numpy 2.5.
    """
    origin, args = get_origin(hint), get_args(hint)
    if type(origin).__name__ == "TypeAliasType":
        return opened(origin.__value__[args])
    return hint, origin, args


def _field(value: Any, hint: Any, how: Any, where: tuple[type, str, Find]) -> Any:
    kind, name, find = where
    try:
        return _read(value, hint, how, find)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The record of {kind.__name__} cannot be read: {name!r} does not hold a "
            f"{getattr(hint, '__name__', hint)}.",
            hint="Pass a record as to_dict() wrote it, its layout included.",
        ) from None


def _read(value: Any, hint: Any, how: Any, find: Find) -> Any:
    """Read one value of a record as the type that its field declares."""
    hint, origin, args = opened(hint)
    if origin in (Union, UnionType):
        return _read_union(value, args, how, find)
    if origin is Literal or hint in (Any, str, bool, int, NoneType):
        return _plain(value, hint)
    if hint is float:
        return _float(value)
    if origin in (tuple, list):
        return _read_sequence(value, hint, how or {}, find)
    if origin is not None and issubclass(origin, Mapping):
        return _read_mapping(value, args, how or {}, find)
    if (origin or hint) is np.ndarray:
        return _array(value)
    return _read_object(value, hint, how, find)


def _read_union(value: Any, options: tuple[Any, ...], how: Any, find: Find) -> Any:
    others = [t for t in options if t is not NoneType]
    if value is None and float not in others:
        return None
    return _read(value, others[0], how, find) if len(others) == 1 else value


def _plain(value: Any, hint: Any) -> Any:
    if hint in (str, bool, int) and not isinstance(value, hint):
        raise TypeError
    return value


def _float(value: Any) -> Any:
    if value is None:
        return np.nan
    if isinstance(value, bool) or not (isinstance(value, int | float) or value in INFINITE):
        raise TypeError
    return INFINITE[value] if isinstance(value, str) else value


def _array(value: Any) -> np.ndarray:
    found = np.array(value)
    return read_only(np.array(value, dtype=float) if found.dtype.kind in "OU" else found)


def _read_sequence(value: Any, hint: Any, how: Mapping[str, Any], find: Find) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError
    args = get_args(hint)
    every = get_origin(hint) is list or args[-1] is Ellipsis
    hints = [args[0]] * len(value) if every else args
    found = [
        _read(v, t, how.get(str(i)), find)
        for i, (v, t) in enumerate(zip(value, hints, strict=True))
    ]
    return found if get_origin(hint) is list else tuple(found)


def _read_mapping(value: Any, args: Any, how: Mapping[str, Any], find: Find) -> dict[Any, Any]:
    label, inside = args
    parts = get_origin(label) is tuple
    return {
        (tuple(k.split(" | ")) if k else ()) if parts else k: _read(v, inside, how.get(k), find)
        for k, v in value.items()
    }


def _read_object(value: Any, hint: type, how: Any, find: Find) -> Any:
    if hint.__module__.startswith("pandas"):
        return frame(value, how) if hint.__name__ == "DataFrame" else series(value, how)
    if issubclass(hint, Enum):
        return hint[value.upper()]
    if issubclass(hint, Result):
        return restored(value, find)
    if is_dataclass(hint):
        types = field_types(hint, find)
        how = how or {}
        return hint(**{n: _read(value[n], t, how.get(n), find) for n, t in types.items()})
    raise TypeError
