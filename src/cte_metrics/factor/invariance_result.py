"""The result of a series of invariance models: its table, its sentences.

Classes: ``Invariance``. Functions: ``make_result``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cte_metrics.factor.invariance_models import Key
from cte_metrics.factor.invariance_series import Series, difference_test
from cte_metrics.results import Block, Provenance, Result, Status
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.semfit import SEMFit

if TYPE_CHECKING:
    import pandas as pd

_MEASURES = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Invariance(Result):
    """Fits of increasing equality across groups or waves.

    Attributes
    ----------
    table : DataFrame
        Index ``level``: ``chisq, df, pvalue, cfi, tli, rmsea, srmr, aic, bic``, and against the
        level before ``delta_chisq, delta_df, delta_pvalue, delta_cfi, delta_rmsea, method``.
        ``table.attrs`` says which fit measures stand in the columns and how differences are tested.
    fits : dict of str to SEMFit
        The fit of each level.
    released : dict of str to tuple of str
        Parameters released at each level (empty without ``partial``).
    releases : DataFrame
        Each release with its score test: ``level, parameter, chi2, df, p``.
    """

    _title: ClassVar[str] = "Measurement invariance"

    table: pd.DataFrame
    fits: dict[str, SEMFit]
    released: dict[str, tuple[str, ...]] = field(default_factory=dict)
    releases: pd.DataFrame

    def _blocks(self) -> list[Block]:
        first = ["chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr", "aic", "bic"]
        second = ["delta_chisq", "delta_df", "delta_pvalue", "delta_cfi", "delta_rmsea", "method"]
        blocks = [Block("Fit", self.table[first]), Block("Change", self.table[second])]
        if len(self.releases):
            blocks.append(Block("Released", self.releases))
        return blocks


def make_result(series: Series, fits: dict[str, SEMFit]) -> Invariance:
    """Gather fits, differences, releases and notes."""
    solution = series.first.solution
    source = (
        "Wu & Estabrook (2016), Psychometrika, 81, 1014-1045."
        if series.plan.n_thresholds
        else "Meredith (1993), Psychometrika, 58, 525-543."
    )
    return Invariance(
        table=_table(fits, solution.options),
        fits=fits,
        released={
            level: tuple(_shown(r.key) for at, r in series.found if at == level) for level in fits
        },
        releases=_releases(series),
        status=_status(fits),
        notes=_notes(series, fits),
        provenance=Provenance(
            method=f"Measurement invariance, {solution.options.asked}",
            n_used=int(solution.n_observations),
            n_dropped=solution.data.n_dropped,
            settings={"levels": tuple(fits), "occasions": series.plan.occasions},
            reference=source,
        ),
    )


def _table(fits: Mapping[str, SEMFit], options: FitOptions) -> pd.DataFrame:
    """Fit of each level, and its change from the level before."""
    import pandas as pd

    sources = {m: f"{m}_scaled" if options.scaled else m for m in _MEASURES}
    rows: list[dict[str, Any]] = []
    before: SEMFit | None = None
    for current in fits.values():
        row = _figures(current, sources)
        rows.append(row | _changes(row, rows[-1] if rows else None, before, current))
        before = current
    table = pd.DataFrame(rows, index=pd.Index(list(fits), name="level"))
    methods = [m for m in table["method"] if m]
    table.attrs.update(sources)
    table.attrs["estimator"] = options.asked
    table.attrs["difference_test"] = methods[0] if methods else ""
    return table


def _releases(series: Series) -> pd.DataFrame:
    import pandas as pd

    columns = ["level", "parameter", "chi2", "df", "p"]
    rows = [(level, _shown(r.key), r.chi2, r.df, r.p) for level, r in series.found]
    return pd.DataFrame(rows, columns=columns)


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
