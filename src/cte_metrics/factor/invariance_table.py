"""The table and the sentences of an invariance series.

Functions: ``make_result``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cte_metrics.factor.invariance_models import Key
from cte_metrics.factor.invariance_result import Invariance
from cte_metrics.factor.invariance_series import Series, difference_test
from cte_metrics.results import Provenance, Status
from cte_metrics.sem.semfit import SEMFit

_MEASURES = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea")


def make_result(series: Series, fits: dict[str, SEMFit]) -> Invariance:
    """Gather fits, differences, releases and notes."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    before: SEMFit | None = None
    scaled = series.first.solution.options.scaled
    sources = {m: f"{m}_scaled" if scaled else m for m in _MEASURES}
    for current in fits.values():
        row = _figures(current, sources)
        row |= _changes(row, rows[-1] if rows else None, before, current)
        rows.append(row)
        before = current
    table = pd.DataFrame(rows, index=pd.Index(list(fits), name="level"))
    methods = [m for m in table["method"] if m]
    options = series.first.solution.options
    table.attrs.update(sources)
    table.attrs["estimator"] = options.asked
    table.attrs["difference_test"] = methods[0] if methods else ""
    releases = [
        {"level": level, "parameter": _shown(r.key), "chi2": r.chi2, "df": r.df, "p": r.p}
        for level, r in series.found
    ]
    columns = ["level", "parameter", "chi2", "df", "p"]
    return Invariance(
        table=table,
        fits=fits,
        released={
            level: tuple(_shown(r.key) for at, r in series.found if at == level) for level in fits
        },
        releases=pd.DataFrame(releases, columns=columns),
        status=_status(fits),
        notes=_notes(series, fits),
        provenance=Provenance(
            method=f"Measurement invariance, {options.asked}",
            n_used=int(series.first.solution.n_observations),
            n_dropped=series.first.solution.data.n_dropped,
            settings={"levels": tuple(fits), "occasions": series.plan.occasions},
            reference="Wu & Estabrook (2016), Psychometrika, 81, 1014-1045."
            if series.plan.n_thresholds
            else "Meredith (1993), Psychometrika, 58, 525-543.",
        ),
    )


def _figures(current: SEMFit, sources: Mapping[str, str]) -> dict[str, Any]:
    measures = current.fit_measures
    row: dict[str, Any] = {m: measures.get(s, math.nan) for m, s in sources.items()}
    for name in ("srmr", "aic", "bic"):
        row[name] = measures.get(name, math.nan)
    return row


def _changes(
    row: dict[str, Any], last: dict[str, Any] | None, before: SEMFit | None, current: SEMFit
) -> dict[str, Any]:
    names = ("delta_chisq", "delta_df", "delta_pvalue", "delta_cfi", "delta_rmsea")
    if last is None or before is None:
        return dict.fromkeys(names, math.nan) | {"method": ""}
    test = difference_test(before, current)
    return {
        "delta_chisq": test["chisq"],
        "delta_df": test["df"],
        "delta_pvalue": test["pvalue"],
        "delta_cfi": row["cfi"] - last["cfi"],
        "delta_rmsea": row["rmsea"] - last["rmsea"],
        "method": test["method"],
    }


def _shown(key: Key) -> str:
    lhs, op, rhs = key
    if op == "~1":
        return f"{lhs} ~ 1"
    return f"{lhs} | thresholds" if op == "|" else f"{lhs} {op} {rhs}"


def _status(fits: Mapping[str, SEMFit]) -> Status:
    bad = [f.status for f in fits.values() if f.status is not Status.CONVERGED]
    return bad[0] if bad else Status.CONVERGED


def _notes(series: Series, fits: Mapping[str, SEMFit]) -> tuple[str, ...]:
    notes: list[str] = [*series.notes, *dict.fromkeys(series.first.notes)]
    for level, current in fits.items():
        notes += [f"{level}: {n}" for n in current.notes if n not in series.first.notes]
    for level, release in series.found:
        notes.append(
            f"{level}: {_shown(release.key)} was released (score test: chi-square "
            f"{release.chi2:.2f}, df {release.df})."
        )
    for level in series.lacking:
        notes.append(
            f"{level}: the level still fits worse than the one before, but no equality that may be "
            "released stands out."
        )
    return tuple(notes)
