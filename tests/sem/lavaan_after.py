"""Stored figures of lavaan's that follow a fit, and the fits they belong to."""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics import sem
from tests.reference_case import case

FOLDER = Path(__file__).parents[1] / "reference" / "lavaan_after"
REFERENCE = json.loads((FOLDER / "reference.json").read_text())
FITS = {e["id"]: e for e in REFERENCE["fits"]}


@functools.cache
def stored_fit(id: str) -> Any:
    entry = FITS[id]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sem.fit(entry["model"], case(entry["data"]).data, **dict(entry["options"]))


def with_part(part: str) -> list[str]:
    return [id for id, e in FITS.items() if part in e]


def figures(values: list) -> np.ndarray:
    return np.array([np.nan if v in (None, "NA", "NaN") else v for v in values], dtype=float)


def table_keys(columns: dict, n: int) -> list[tuple]:
    group = columns.get("group", [1] * n)
    return [
        (lhs, op, rhs, 0 if op == ":=" else int(g))
        for lhs, op, rhs, g in zip(
            columns["lhs"], columns["op"], columns["rhs"], group, strict=True
        )
    ]


def frame_keys(frame: pd.DataFrame) -> list[tuple]:
    return list(zip(frame.lhs, frame.op, frame.rhs, frame.group, strict=True))
