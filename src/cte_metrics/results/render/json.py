"""Parts of results as what ``json.dumps`` takes.

Functions: ``jsonable``, ``published``, ``key``, ``flat``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

UNRECORDED = {"recorded": False}
"""Metadata of a dataclass field that records leave out."""


def jsonable(value: Any) -> Any:
    """Turn a result's parts into what ``json.dumps`` takes.

    nan becomes ``None``, infinity ``"Infinity"`` or ``"-Infinity"``.

    Examples
    --------
    >>> jsonable({"a": np.array([1.0, np.nan]), 2: (np.int64(3), True, -np.inf)})
    {'a': [1.0, None], '2': [3, True, '-Infinity']}
    """
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {key(k): jsonable(v) for k, v in value.items()}
    return _jsonable_object(value)


def _number(value: float) -> float | str | None:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None if math.isnan(value) else value


def key(value: Any) -> str:
    """Return the text that stands for a label: parts of a tuple are joined by `` | ``."""
    return " | ".join(str(k) for k in value) if isinstance(value, tuple) else str(value)


def _jsonable_object(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "provenance"):
        return value.to_dict()
    if hasattr(value, "itertuples"):
        frame = flat(value)
        return {key(c): jsonable(frame.iloc[:, j].tolist()) for j, c in enumerate(frame.columns)}
    if hasattr(value, "to_frame") and hasattr(value, "index"):
        return {key(k): jsonable(v) for k, v in zip(value.index, value.tolist(), strict=True)}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: jsonable(getattr(value, name)) for name in published(value)}
    if isinstance(value, set | frozenset):
        return [jsonable(v) for v in sorted(value, key=str)]
    if isinstance(value, tuple | list | range):
        return [jsonable(v) for v in value]
    return None if str(value) in ("<NA>", "NaT") else str(value)


def published(part: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that belong in a record, with their types as written."""
    return {f.name: f.type for f in fields(part) if f.metadata.get("recorded", True)}


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its index among the columns, unless that merely counts the rows."""
    named = any(n is not None for n in frame.index.names)
    return frame.reset_index() if named or frame.index.dtype.kind not in "iu" else frame
