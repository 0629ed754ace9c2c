"""Path models, constraints, growth, overrides and summaries against lavaan (reference tests).

``tests/reference/sem_models/make.R`` fits them; tolerances as in ``lavaan_entry``.
"""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import CTEWarning
from cte_metrics.sem.fitting import fit
from cte_metrics.sem.semfit import SEMFit
from tests.reference_case import FOLDER, case
from tests.sem.lavaan_entry import RENAMED, SAME, _fit_differences

ENTRIES: dict[str, Any] = json.loads((FOLDER / "sem_models" / "reference.json").read_text())[
    "entries"
]
NAMES = [f"x{k}" for k in range(1, 10)]
LABELS = ("lhs", "op", "rhs", "group")


def run(name: str) -> SEMFit:
    entry = ENTRIES[name]
    args = entry["args"] or {}
    options: dict[str, Any] = dict(entry["python"] or {})
    for key, value in args.items():
        if key in (*SAME, "test"):
            options[key] = value
        elif key in RENAMED:
            options[RENAMED[key]] = value
        elif key == "std.lv":
            options["identification"] = "variance"
    data = case(entry["data"]).data
    if name == "weights":
        data["w"] = 0.5 + (np.arange(1, len(data) + 1) % 5) / 4
    if not name.startswith("summary"):
        return fit(entry["model"], data, model_type=entry["fun"], **options)
    return fit(entry["model"], model_type=entry["fun"], **_summaries(name, data), **options)


def _summaries(name: str, data: pd.DataFrame) -> dict[str, Any]:
    parts = [data]
    if "groups" in name:
        parts = [data[data.school == s] for s in data.school.unique()]
    covs = [p[NAMES].cov() for p in parts]
    out: dict[str, Any] = {"sample_cov": covs if len(covs) > 1 else covs[0]}
    out["n_obs"] = [len(p) for p in parts]
    if name in ("summary.groups", "summary.means"):
        means = [p[NAMES].mean() for p in parts]
        out["sample_mean"] = means if len(means) > 1 else means[0]
    return out


def parameter_differences(found: SEMFit, par: dict[str, Any]) -> list[str]:
    ours = found.parameters.set_index(list(LABELS))
    out = []
    for i in range(len(par["lhs"])):
        key = tuple(par[c][i] for c in LABELS)
        if par["op"][i] == ":=":
            key = (par["lhs"][i], ":=", par["rhs"][i], 0)
        if key not in ours.index:
            out.append(f"{key} is absent")
            continue
        row = ours.loc[[key]].iloc[0]
        for column, theirs in (("est", "est"), ("se", "se"), ("std_all", "std.all")):
            value = None if par.get(theirs) is None else par[theirs][i]
            if value is None or (isinstance(value, str) and value == "NA"):
                continue
            allowed = (5e-4 if column == "se" else 1e-5) * max(1.0, abs(value))
            if column == "est" and not math.isnan(row.se):
                allowed = max(allowed, 5e-4 * row.se)
            if not math.isclose(row[column], value, abs_tol=allowed):
                out.append(f"{column} of {key}: {row[column]!r} (R {value!r})")
    return out


@pytest.mark.parametrize("name", list(ENTRIES))
def test_equals_lavaan(name: str) -> None:
    entry = ENTRIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        found = run(name)
    expected = {k: v for k, v in (entry["fit"] or {}).items() if v != "NA"}
    if (
        expected.get("df") == 0
    ):  # lavaan's critical n is 1 when rounding leaves the chi-square above 0
        expected = {k: v for k, v in expected.items() if not k.startswith("cn_")}
    lines = _fit_differences(found, expected) + parameter_differences(found, entry["par"])
    assert found.converged
    assert not lines, "\n".join(lines)
