"""Items of a reference entry, reverse-scored as R had them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.reference_case import Entry, case


def keyed(name: str, entry: Entry) -> pd.DataFrame:
    """Return the items of ``args["key"]`` ("-x" reversed), complete rows if R used those."""
    args = entry.args
    names = [k.lstrip("-") for k in args["key"]]
    frame = case(name).data[names].astype(float)
    for k in args["key"]:
        if k.startswith("-"):
            frame[k[1:]] = args["min"] + args["max"] - frame[k[1:]]
    return frame.dropna() if args.get("use") == "complete" else frame


def numbers(values: object) -> np.ndarray:
    """Return a column of a reference table as floats."""
    return np.asarray(values, dtype=float)
