"""How frames and series were laid out, beside the plain record that holds their values.

A record holds a frame as columns by name, its index among them. What that leaves out (which
columns are the index, the types, labels that are no texts) stands in the record's ``layout``.

Functions: ``layout``, ``frame``, ``series``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.results.render.json import flat, jsonable, key, published

if TYPE_CHECKING:
    import pandas as pd

INFINITE = {"Infinity": np.inf, "-Infinity": -np.inf}


def layout(value: Any) -> dict[str, Any] | None:
    """Describe every frame and series inside a value; ``None`` where there is none."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _of_frame(value)
    if pandas is not None and isinstance(value, pandas.Series):
        return _of_series(value)
    if isinstance(value, Mapping):
        inside = {key(k): layout(v) for k, v in value.items()}
    elif isinstance(value, tuple | list):
        inside = {str(i): layout(v) for i, v in enumerate(value)}
    elif is_dataclass(value) and not hasattr(value, "provenance"):
        inside = {name: layout(getattr(value, name)) for name in published(value)}
    else:
        return None
    return {k: v for k, v in inside.items() if v is not None} or None


def _of_frame(value: pd.DataFrame) -> dict[str, Any]:
    shown = flat(value)
    added = shown.shape[1] - value.shape[1]
    out: dict[str, Any] = {
        "columns": _labels(value.columns),
        "types": [str(d) for d in shown.dtypes],
    }
    if added:
        out["index"] = [key(c) for c in shown.columns[:added]]
        out["index_names"] = jsonable(list(value.index.names))
    elif value.index.tolist() != list(range(len(value))):
        out["rows"] = value.index.tolist()
    if any(n is not None for n in value.columns.names):
        out["column_names"] = jsonable(list(value.columns.names))
    if value.attrs:
        out["attributes"] = jsonable(value.attrs)
    return out


def _of_series(value: pd.Series) -> dict[str, Any]:
    return {
        "name": jsonable(value.name),
        "type": str(value.dtype),
        "labels": _labels(value.index),
        "index_names": jsonable(list(value.index.names)),
    }


def _labels(index: pd.Index) -> list[Any]:
    return [jsonable(label) for label in index.tolist()]


def frame(body: Mapping[str, list[Any]], how: Mapping[str, Any]) -> pd.DataFrame:
    """Build a frame of its columns in a record and their layout."""
    import pandas as pd

    added = list(how.get("index", ()))
    labels = [_label(c) for c in how["columns"]]
    names = [*added, *(key(c) for c in labels)]
    columns = [_typed(body[n], t) for n, t in zip(names, how["types"], strict=True)]
    out = pd.DataFrame(dict(enumerate(columns[len(added) :])))
    out.index = _index(columns[: len(added)], how, len(columns[0]) if columns else 0)
    out.columns = _index_of(labels, how.get("column_names", [None]))
    out.attrs = dict(how.get("attributes", {}))
    return out


def _index(levels: list[Any], how: Mapping[str, Any], n: int) -> Any:
    import pandas as pd

    if not levels:
        return pd.Index(how["rows"]) if "rows" in how else pd.RangeIndex(n)
    names = how["index_names"]
    if len(levels) == 1:
        return pd.Index(levels[0].array, name=names[0])
    return pd.MultiIndex.from_arrays(levels, names=names)


def series(body: Mapping[str, Any], how: Mapping[str, Any]) -> pd.Series:
    """Build a series of its labelled values in a record and their layout."""
    labels = [_label(k) for k in how["labels"]]
    out = _typed([body[key(k)] for k in labels], how["type"])
    out.index = _index_of(labels, how["index_names"])
    out.name = _label(how["name"])
    return out


def _index_of(labels: list[Any], names: list[Any]) -> Any:
    import pandas as pd

    if labels and all(isinstance(label, tuple) for label in labels):
        return pd.MultiIndex.from_tuples(labels, names=names)
    return pd.Index(labels, name=names[0])


def _label(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _typed(values: list[Any], kind: str) -> pd.Series:
    """Return a column of its recorded type, or as it comes where pandas has no such type."""
    import pandas as pd

    if kind.startswith(("float", "Float")):
        values = [INFINITE.get(v, v) if isinstance(v, str) else v for v in values]
    try:
        return pd.Series(values, dtype=kind)
    except TypeError:
        return pd.Series(values, dtype=object)
