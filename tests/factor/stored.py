"""Correlation matrices and loadings behind the stored values, and comparison up to order and
sign.
"""

import itertools

import numpy as np
import pandas as pd

from tests.reference_case import Case, Entry, case

CASES = ("thurstone", "bfi_ac", "hs1939", "sim_cte12", "sim_cte18", "sim_cte21")
N_OBS = {"thurstone": 213}


def answers(c: Case, entry: Entry) -> pd.DataFrame:
    """Return the rows that the entry used, reversed where it says so."""
    data = c.data[entry.args["items"]]
    use = str(entry.args.get("use", ""))
    if "complete" in use:
        data = data.dropna()
    if "reversed" in use:
        key = c["rowsum_mean.CTE"].args["key"]
        turned = [name[1:] for name in key if name.startswith("-")]
        data = data.assign(**{name: 7 - data[name] for name in turned})
    return data


def correlations(c: Case, entry: Entry) -> np.ndarray:
    """Return the correlation matrix that the entry factored."""
    if c.name == "thurstone":
        return c.data.set_index("variable").to_numpy(dtype=float)
    return answers(c, entry).corr().to_numpy()


def array(value: object) -> np.ndarray:
    """Return stored loadings or Phi as an array, whatever form they were stored in."""
    if isinstance(value, dict):
        value = value["data"]
    return np.atleast_2d(np.asarray(value, dtype=float))


def phi_of(values: dict, k: int, name: str = "Phi") -> np.ndarray:
    """Return stored factor correlations, the identity when none were stored."""
    phi = values.get(name)
    missing = phi is None or (isinstance(phi, float) and np.isnan(phi))
    return np.eye(k) if missing else array(phi)


def aligned(loadings: np.ndarray, phi: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return loadings and Phi with columns in the order and with the signs nearest to ``to``."""
    best, out = np.inf, (loadings, phi)
    for order in itertools.permutations(range(loadings.shape[1])):
        moved = loadings[:, order]
        signs = np.where((moved * to).sum(axis=0) < 0, -1.0, 1.0)
        distance = float(np.abs(moved * signs - to).max())
        if distance < best:
            best = distance
            out = (moved * signs, phi[np.ix_(order, order)] * np.outer(signs, signs))
    return out


def fa_entries(
    cases: tuple[str, ...] = CASES, rotation: str | None = None
) -> list[tuple[str, str]]:
    """Return (case, id) of psych::fa entries, of one rotation when it is given."""
    out = []
    for name in cases:
        for entry in case(name).entries("fa."):
            if rotation is None or entry.id.endswith(f".{rotation}"):
                out.append((name, entry.id))
    return out
