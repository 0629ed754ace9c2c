"""JSON Schemas of the records, made from the classes of results.

Functions: ``schema``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union

import numpy as np

from cte_metrics.results.base import Result
from cte_metrics.results.record import Find, field_types, opened

NUMBER = {
    "anyOf": [{"type": ["number", "null"]}, {"enum": ["Infinity", "-Infinity"]}],
    "description": "A figure; null where it is missing (nan).",
}
FRAME = {
    "type": "object",
    "additionalProperties": {"type": "array"},
    "description": "A table: each column by its name, the index among them; see layout.",
}
SERIES = {"type": "object", "description": "Values by their labels; see layout."}


def schema(kind: type[Result], find: Find) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a class's records.

    Parameters
    ----------
    kind : type
        A class of results.
    find : callable
        Gives the class of a result by its name, for results inside results.

    Examples
    --------
    >>> from cte_metrics.report.records import result_class
    >>> written = schema(result_class("Alpha"), result_class)
    >>> written["properties"]["schema"], written["properties"]["n_items"]
    ({'const': 'cte_metrics/Alpha'}, {'type': 'integer'})
    """
    parts: dict[str, Any] = {}
    body = _record(kind, parts, find)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.__name__}
    return head | body | ({"$defs": parts} if parts else {})


def _record(kind: type[Result], parts: dict[str, Any], find: Find) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "result": {"const": kind.__name__},
        "schema": {"const": f"cte_metrics/{kind.__name__}"},
        "schema_version": {"const": kind._schema_version},
    }
    own = {n: _of(t, parts, find) for n, t in field_types(kind, find).items()}
    layouts = {"layout": {"type": "object", "description": "How frames and series are laid out."}}
    first = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
    return {"description": first} | _object(meta | own | layouts)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any, parts: dict[str, Any], find: Find) -> dict[str, Any]:
    """Return the schema of a type; dataclasses and results become definitions."""
    hint, origin, args = opened(hint)
    if origin in (Union, UnionType):
        return _of_union(args, parts, find)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (tuple, list):
        return _of_sequence(args, parts, find)
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(args[1], parts, find)}
    return _of_class(origin or hint, parts, find)


def _of_union(args: tuple[Any, ...], parts: dict[str, Any], find: Find) -> dict[str, Any]:
    return {"anyOf": [_of(t, parts, find) for t in args]}


def _of_sequence(args: tuple[Any, ...], parts: dict[str, Any], find: Find) -> dict[str, Any]:
    if len(args) == 1 or args[-1] is Ellipsis:
        return {"type": "array", "items": _of(args[0], parts, find)}
    fixed = [_of(t, parts, find) for t in args]
    return {"type": "array", "prefixItems": fixed, "minItems": len(args), "maxItems": len(args)}


def _of_class(kind: Any, parts: dict[str, Any], find: Find) -> dict[str, Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind.__module__.startswith("pandas"):
        return FRAME if kind.__name__ == "DataFrame" else SERIES
    if issubclass(kind, Enum):
        return {"enum": [member.name.lower() for member in kind]}
    if is_dataclass(kind):
        return _definition(kind, parts, find)
    raise TypeError(f"There is no schema of {kind!r}.")


_PLAIN: dict[Any, dict[str, Any]] = {
    Any: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: NUMBER,
    NoneType: {"type": "null"},
    np.ndarray: {"type": "array"},
}


def _definition(kind: Any, parts: dict[str, Any], find: Find) -> dict[str, Any]:
    """Define a part once, and refer to it."""
    name = kind.__name__
    if name not in parts:
        parts[name] = {}
        parts[name] = (
            _record(kind, parts, find)
            if issubclass(kind, Result)
            else _object({n: _of(t, parts, find) for n, t in field_types(kind, find).items()})
        )
    return {"$ref": f"#/$defs/{name}"}
