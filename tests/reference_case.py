"""Reader of the reference values in ``tests/reference``."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class Entry:
    """One call in R and what it returned."""

    id: str
    function: str
    package: str
    call: str
    args: dict[str, Any]
    raw: Any
    note: str

    @property
    def values(self) -> Any:
        """The returned values, matrices as data frames or arrays, null as nan."""
        return decode(self.raw)


@dataclass(frozen=True)
class Case:
    """A data set with its entries."""

    name: str
    by_id: dict[str, Entry]

    @property
    def data(self) -> pd.DataFrame:
        """A fresh copy of the data set."""
        return _frame(self.name).copy()

    def __getitem__(self, key: str) -> Entry:
        return self.by_id[key if key in self.by_id else f"{self.name}/{key}"]

    def entries(self, prefix: str = "", function: str | None = None) -> list[Entry]:
        """Entries whose id (without the data set) starts with a prefix, of one R function."""
        start = f"{self.name}/{prefix}"
        return [
            e
            for k, e in self.by_id.items()
            if k.startswith(start) and (function is None or e.function == function)
        ]


@functools.cache
def case(name: str) -> Case:
    """Read one data set's references."""
    rows = json.loads((FOLDER / name / "reference.json").read_text())
    entries = {
        r["id"]: Entry(
            r["id"],
            r["function"],
            r["package"],
            r["call"],
            r["args"],
            r["values"],
            str(r.get("note", "")),
        )
        for r in rows
    }
    return Case(name, entries)


@functools.cache
def _frame(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name / "data.csv")


def decode(value: Any) -> Any:
    """Turn stored values into numbers, arrays and frames."""
    if value is None:
        return float("nan")
    if value in ("Inf", "-Inf"):
        return float(value)
    if isinstance(value, list):
        return _array(value)
    if not isinstance(value, dict):
        return value
    if set(value) == {"names", "lower"}:
        return _symmetric(value)
    if {"rows", "cols", "data"} <= set(value):
        return _matrix(value)
    if ".row" in value:
        columns = {k: decode(v) for k, v in value.items() if k != ".row"}
        rows = value[".row"] if isinstance(value[".row"], list) else [value[".row"]]
        return pd.DataFrame(columns, index=rows)
    return {k: decode(v) for k, v in value.items()}


def _array(value: list[Any]) -> Any:
    decoded = [decode(v) for v in value]
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in decoded):
        return np.array(decoded, dtype=float)
    return decoded


def _symmetric(value: dict[str, Any]) -> pd.DataFrame:
    names = value["names"]
    out = np.zeros((len(names), len(names)))
    rows, cols = np.tril_indices(len(names))
    out[rows, cols] = decode(value["lower"])
    out[cols, rows] = out[rows, cols]
    return pd.DataFrame(out, index=names, columns=names)


def _matrix(value: dict[str, Any]) -> Any:
    rows, cols = value["rows"], value["cols"]
    named = isinstance(rows, list) or isinstance(cols, list)
    n_rows = len(rows) if isinstance(rows, list) else None
    n_cols = len(cols) if isinstance(cols, list) else None
    data = np.array([decode(v) for v in value["data"]])
    n_rows = n_rows or (data.size // n_cols if n_cols else int(rows))
    data = data.reshape(n_rows, -1)
    if not named:
        return data
    return pd.DataFrame(
        data,
        index=rows if isinstance(rows, list) else None,
        columns=cols if isinstance(cols, list) else None,
    )
