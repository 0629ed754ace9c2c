"""Reader of the values from R in ``tests/reference``, for the pages of this site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.reference_case import case  # noqa: E402

__all__ = ["ROOT", "case", "data", "values"]


def data(name: str) -> pd.DataFrame:
    """Return the data set of a case."""
    return case(name).data


def values(name: str, entry: str, *, whole: bool = False) -> Any:
    """Return what R returned; with ``whole``, the arguments of the call as well."""
    found = case(name)[entry]
    return (
        {"args": found.args, "values": found.values, "call": found.call} if whole else found.values
    )
