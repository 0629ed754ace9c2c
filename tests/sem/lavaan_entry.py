"""Run a stored lavaan call with ``sem.fit`` and compare every figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.sem.fitting import fit
from cte_metrics.sem.semfit import SEMFit
from tests.reference_case import Case, Entry

RENAMED = {
    "group.equal": "group_equal",
    "group.partial": "group_partial",
    "fixed.x": "fixed_x",
}
SAME = (
    "estimator", "group", "likelihood", "information", "orthogonal", "missing", "cluster",
    "ordered", "parameterization", "meanstructure", "se", "rotation",
)  # fmt: skip

ESTIMATE = 1e-5
# lavaan stops within about a thousandth of a standard error of the minimum, two-level fits later
STOPPING = {1: 5e-4, 2: 2e-3}
ERROR = 5e-4
CHISQ = 2e-5
# lavaan finds the limits of RMSEA's interval with uniroot's default tolerance on the noncentrality
LOOSE = {"rmsea_ci_lower": 5e-5, "rmsea_ci_upper": 5e-5}


def run(case: Case, entry: Entry) -> SEMFit:
    """Call ``sem.fit`` as the entry called lavaan."""
    options: dict[str, Any] = {}
    for name, value in entry.args.items():
        if name in SAME:
            options[name] = value
        elif name in RENAMED:
            options[RENAMED[name]] = value
        elif name == "std.lv" and value:
            options["identification"] = "variance"
    data = prepared(case, entry)
    if entry.id == "thurstone/cfa_from_cov":
        names = list(data.columns)[-len(data) :]
        cov = pd.DataFrame(data[names].to_numpy(), index=names, columns=names)
        return fit(entry.args["mod"], sample_cov=cov, n_obs=213)
    function = entry.function if entry.function in ("cfa", "sem", "growth") else "sem"
    model = entry.args.get("model", entry.args.get("mod"))
    return fit(model, data, model_type=function, **options)


NEGATIVE = [2, 4, 5, 8, 9, 11, 13, 15, 16, 19, 21]


def prepared(case: Case, entry: Entry) -> pd.DataFrame:
    """The data of an entry: some reverse items first, or take means of waves."""
    data = case.data
    if case.name == "sim_cte21":
        names = [f"g{k:02d}" for k in NEGATIVE]
        data[names] = 7 - data[names]
        data = data.dropna(subset=[f"g{k:02d}" for k in range(1, 22)])
    if entry.id.startswith(("sim_waves/clpm", "sim_waves/riclpm")):
        items = [c for c in data.columns if c.endswith("_1") and c != "burnout_1"]
        stems = [c[:-2] for c in items]
        for wave in (1, 2, 3):
            columns = [f"{stem}_{wave}" for stem in stems]
            data[f"s{wave}"] = data[columns].mean(axis=1, skipna=False)
    return data


def keyed(fit_: SEMFit) -> pd.DataFrame:
    """Parameters indexed by the entries' key, ``lhs op rhs`` with group or level."""
    table = fit_.parameters
    place = [""] * len(table)
    if table.group.max() > 1:
        place = [f"@g{g}" if g else "" for g in table.group]
    if table.level.max() > 1:
        place = [f"@l{v}" if v else "" for v in table.level]
    keys = [
        f"{a} {o} {b}{p}" for a, o, b, p in zip(table.lhs, table.op, table.rhs, place, strict=True)
    ]
    return table.set_index(pd.Index([k.strip() for k in keys]))


def differences(fit_: SEMFit, entry: Entry) -> list[str]:
    """Figures that differ by more than their tolerance, as readable lines."""
    found = _fit_differences(fit_, entry.raw["fit"])
    return found + _parameter_differences(fit_, entry.raw["par"])


def _fit_differences(fit_: SEMFit, expected: dict[str, Any]) -> list[str]:
    out = []
    ours, theirs = fit_.fit_measures.get("logl", 0.0), expected.get("logl") or 0.0
    if ours < theirs - 1e-7 * abs(theirs):
        out.append(f"R found a higher likelihood: {theirs!r}, here {ours!r}")
    for name, value in expected.items():
        key = name.replace(".", "_")
        if value is None:
            continue
        if key not in fit_.fit_measures:
            out.append(f"{key} is absent (R {value})")
            continue
        ours, theirs = fit_.fit_measures[key], _number(value)
        bare = key.replace("_scaled", "").replace("_robust", "")
        tolerance = LOOSE.get(bare, CHISQ) * max(1.0, abs(theirs))
        if not (
            math.isclose(ours, theirs, abs_tol=tolerance) or (ours != ours and theirs != theirs)
        ):
            out.append(f"{key}: {ours!r} (R {theirs!r})")
    return out


def _number(value: Any) -> float:
    if isinstance(value, str):
        return math.inf if value == "Inf" else -math.inf
    return math.nan if value is None else float(value)


def _parameter_differences(fit_: SEMFit, par: dict[str, Any]) -> list[str]:
    table = keyed(fit_)
    keys = par.get("key") or _full_keys(par)
    out = []
    columns = {"est": ("est", ESTIMATE), "se": ("se", ERROR), "std.all": ("std_all", ESTIMATE)}
    columns["std.lv"] = ("std_lv", ESTIMATE)
    for theirs_name, (ours_name, tolerance) in columns.items():
        if theirs_name not in par:
            continue
        for key, value in zip(keys, par[theirs_name], strict=True):
            if value is None:
                continue
            place = key.strip()
            if place not in table.index:
                out.append(f"{key} is absent")
                continue
            ours = table.loc[place, ours_name]
            ours = float(np.atleast_1d(ours)[0])
            allowed = tolerance * max(1.0, abs(value))
            if ours_name.startswith("std") and table.level.max() > 1:
                allowed *= 20.0
            if ours_name != "se":
                error = float(np.atleast_1d(table.loc[place, "se"])[0])
                allowed = max(allowed, STOPPING[int(table.level.max())] * error)
            if not math.isclose(ours, value, abs_tol=allowed):
                out.append(f"{ours_name} of {key}: {ours!r} (R {value!r})")
    return out


def _full_keys(par: dict[str, Any]) -> list[str]:
    """Keys of a table that was stored whole."""
    n = len(par["lhs"])
    place = [""] * n
    if "group" in par and max(par["group"]) > 1:
        place = [f"@g{g}" if g else "" for g in par["group"]]
    if "level" in par and max(par["level"]) > 1:
        place = [f"@l{v}" if v else "" for v in par["level"]]
    triples = zip(par["lhs"], par["op"], par["rhs"], place, strict=True)
    return [f"{a} {o} {b}{p}" for a, o, b, p in triples]
