"""Does a scale measure the same thing in teachers and in schools?

The factors are given the same items at both levels and the equality of the two is tested step by
step:

=========== ============================================ =======================================
step        constraint                                   meaning
=========== ============================================ =======================================
configural  same factors and items at both levels        a construct at either level
metric      loadings equal across the levels             the same construct (isomorphism); the
                                                         variance between is comparable with
                                                         that within
strong      and no residual variance at level 2          schools differ on items only through
                                                         the factor; intercepts are the same in
                                                         all schools
=========== ============================================ =======================================

References: Mehta, P. D. & Neale, M. C. (2005). People are variables too. Psychological Methods,
10, 259-284. Jak, S., Oort, F. J. & Dolan, C. V. (2013). A test for cluster bias. Structural
Equation Modeling, 20, 265-282. Stapleton, L. M., Yang, J. S. & Hancock, G. R. (2016). Journal of
Educational and Behavioral Statistics, 41, 481-520.

Functions: ``isomorphism``. Class: ``Isomorphism``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import name_text, named_column
from cte_metrics.errors import CTEWarning, InputError, one_of
from cte_metrics.results import Block, Provenance, Result, Status, recorded
from cte_metrics.sem.comparison import compare
from cte_metrics.sem.fitting import fit

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.semfit import SEMFit

Step = Literal["configural", "metric", "strong"]
STEPS: tuple[Step, ...] = get_args(Step)
MEASURES = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr_within", "srmr_between")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Isomorphism(Result):
    """Fits of increasing equality across the two levels.

    Attributes
    ----------
    table : DataFrame
        Index step: ``chisq, df, pvalue, cfi, tli, rmsea, srmr_within, srmr_between, aic, bic``
        and, against the step before, ``delta_chisq, delta_df, delta_pvalue, delta_cfi``; scaled
        figures and scaled differences with ``estimator="MLR"``.
    loadings : DataFrame
        Index (factor, item): ``within, between`` of the configural step (factor variance 1 within
        and between), ``equal`` of the metric step.
    icc : Series
        Intraclass correlation of each factor, from the metric step; comparable across
        levels only when the metric step holds.
    fits : dict of str to SEMFit
    n_groups : int
    """

    _title: ClassVar[str] = "Invariance across teachers and schools"

    table: pd.DataFrame
    loadings: pd.DataFrame
    icc: pd.Series
    fits: dict[str, SEMFit]
    n_groups: int

    def _blocks(self) -> list[Block]:
        change = [c for c in self.table.columns if c.startswith("delta")]
        fit = [c for c in self.table.columns if c not in change]
        return [
            Block("Fit", self.table[fit]),
            Block("Change", self.table[change]),
            Block("Loadings", self.loadings),
            Block("Intraclass correlation of the factors", self.icc.to_frame("icc")),
        ]


@recorded
def isomorphism(
    data: Any,
    group: Any = None,
    *,
    factors: Mapping[str, Sequence[str]] | None = None,
    steps: Sequence[Step] = STEPS,
    estimator: Literal["ML", "MLR"] = "ML",
    missing: Literal["listwise", "fiml"] = "listwise",
) -> Isomorphism:
    """Test cross-level invariance of a measurement model.

    Parameters
    ----------
    data : Responses, DataFrame or array (n, k)
        Items.
    group : str or array (n,), optional
        School of each teacher; that of the responses by default.
    factors : mapping of str to sequence of str, optional
        Items of each factor. By default the instrument's subscales, or one factor of all items.
    steps : sequence of {"configural", "metric", "strong"}
        Steps to fit, each compared with the one before.
    estimator : {"ML", "MLR"}
    missing : {"listwise", "fiml"}

    Returns
    -------
    Isomorphism

    Raises
    ------
    InputError
        If a factor has fewer than two items, an item is unknown, or the groups cannot carry two
        levels.

    Notes
    -----
    ``metric`` against ``configural`` is the likelihood-ratio test of isomorphism.
    Zero residual variances lie on the edge of the parameter space: the p-value of ``strong`` is
    conservative. Equals a series of ``lavaan::cfa(cluster=)`` fits and ``lavTestLRT``.
    """
    import pandas as pd

    for step in steps:
        one_of(step, Step, "steps")
    if not steps:
        raise InputError("steps is empty; name at least one of 'configural', 'metric', 'strong'.")
    answers = _read(data, group, factors)
    fits = _fits(answers, tuple(steps), estimator, missing)
    table = _table(fits)
    last = list(fits.values())[-1]
    return Isomorphism(
        table=table,
        loadings=_loadings(answers, fits),
        icc=_icc(answers, fits),
        fits=fits,
        n_groups=int(pd.unique(pd.Series(answers.cluster)).size),
        provenance=Provenance(
            method=f"Two-level factor models, {estimator}",
            n_used=last.provenance.n_used,
            n_dropped=len(answers.cluster) - last.provenance.n_used + answers.n_ungrouped,
            settings={"estimator": estimator, "missing": missing, "steps": tuple(fits)},
            reference="Stapleton, Yang & Hancock (2016); Jak, Oort & Dolan (2013)",
        ),
        status=_status(fits),
        notes=_notes(answers, fits, table),
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """values (n, k); names of the items and stand-ins for them in the model text."""

    values: np.ndarray
    cluster: np.ndarray
    stand_ins: dict[str, str]
    factors: dict[str, tuple[str, ...]]
    n_ungrouped: int
    notes: tuple[str, ...]


def _read(data: Any, group: Any, factors: Mapping[str, Sequence[str]] | None) -> _Answers:
    if group is None:
        if not hasattr(data, "keyed") or data.group is None:
            raise InputError(
                "Invariance across levels needs groups, and the data name none.",
                hint="Pass group= (a column name or one label per row).",
            )
        group = "group"
    chosen = (
        None
        if factors is None
        else list(dict.fromkeys(name_text(v) for f in factors.values() for v in f))
    )
    exclude = named_column(data, group) if chosen is None else ()
    what = "Invariance across levels"
    read = item_data(
        data, items=chosen, exclude=exclude, what=what, minimum_items=2, variables=(group,)
    )
    cluster = column(data, group, read.n_respondents, "group")
    known = np.asarray([c == c and c is not None for c in cluster.tolist()])
    if factors is None:
        given = {k: v for k, v in read.subscales.items() if set(v) != set(read.items)}
        factors = given or {"factor": read.items}
    for name, items in factors.items():
        if len(items) < 2:
            raise InputError(f"Factor {name!r} has {len(items)} item; two or more are needed.")
    return _Answers(
        values=read.values[known],
        cluster=cluster[known],
        stand_ins={v: f"item_{k + 1}" for k, v in enumerate(read.items)},
        factors={k: tuple(map(name_text, v)) for k, v in factors.items()},
        n_ungrouped=int((~known).sum()),
        notes=read.notes,
    )


def _fits(
    answers: _Answers,
    steps: tuple[Step, ...],
    estimator: Literal["ML", "MLR"],
    missing: Literal["listwise", "fiml"],
) -> dict[str, SEMFit]:
    """Fit the steps; all share the summaries and unrestricted moments of the first."""
    import pandas as pd

    frame = pd.DataFrame(answers.values, columns=list(answers.stand_ins.values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        first = fit(
            model_text(answers.factors, answers.stand_ins, steps[0]),
            frame,
            cluster=answers.cluster,
            estimator=estimator,
            missing=missing,
            on_failure="return",
        )
        fits: dict[str, SEMFit] = {steps[0]: first}
        for step in steps[1:]:
            text = model_text(answers.factors, answers.stand_ins, step)
            fits[step] = first.again(text)
    return fits


def model_text(
    factors: Mapping[str, Sequence[str]], stand_ins: Mapping[str, str], step: Step
) -> str:
    """Write the two-level model of a step, factors ``w1, w2, ...`` within and ``b1, ...`` between.

    Factor variances are 1 within, and 1 between unless the loadings are equal. A factor of two
    items has equal loadings.
    """
    equal = step != "configural"
    blocks = []
    for level in "wb":
        lines = []
        for k, items in enumerate(factors.values()):
            labels = (
                f"load_{k}_{j if len(items) > 2 else 0}" + ("" if equal else f"_{level}")
                for j in range(len(items))
            )
            terms = (
                f"NA*{stand_ins[v]} + {label}*{stand_ins[v]}"
                for v, label in zip(items, labels, strict=True)
            )
            lines.append(f"{level}{k + 1} =~ " + " + ".join(terms))
            scale = "" if equal and level == "b" else "1*"
            lines.append(f"{level}{k + 1} ~~ {scale}{level}{k + 1}")
        names = [f"{level}{k + 1}" for k in range(len(factors))]
        lines += [f"{a} ~~ {b}" for i, a in enumerate(names) for b in names[i + 1 :]]
        if step == "strong" and level == "b":
            used = dict.fromkeys(stand_ins[v] for items in factors.values() for v in items)
            lines += [f"{v} ~~ 0*{v}" for v in used]
        blocks.append("\n".join(lines))
    return "level: 1\n{}\nlevel: 2\n{}\n".format(*blocks)


def _table(fits: Mapping[str, SEMFit]) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, float]] = []
    before: SEMFit | None = None
    for found in fits.values():
        row = _measures(found)
        delta = {f"delta_{k}": np.nan for k in ("chisq", "df", "pvalue", "cfi")}
        if before is not None and before.converged and found.converged:
            delta |= _change(before, found)
            delta["delta_cfi"] = row["cfi"] - rows[-1]["cfi"]
        rows.append(row | delta)
        before = found
    table = pd.DataFrame(rows, index=pd.Index(list(fits), name="step"))
    first = next(iter(fits.values()))
    table.attrs["measures"] = "scaled" if "chisq_scaled" in first.fit_measures else "standard"
    return table


def _change(before: SEMFit, found: SEMFit) -> dict[str, float]:
    """Difference test; where the scaled one is negative, the strictly positive one of 2010."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        change = compare(before, found).iloc[1]
        if np.isnan(change["pvalue"]) and change["method"] == "satorra_bentler_2001":
            change = compare(before, found, method="satorra_bentler_2010").iloc[1]
    pairs = (("chisq", "chisq_diff"), ("df", "df_diff"), ("pvalue", "pvalue"))
    return {f"delta_{ours}": float(change[theirs]) for ours, theirs in pairs}


def _measures(found: SEMFit) -> dict[str, float]:
    if not found.converged:
        return dict.fromkeys((*MEASURES, "aic", "bic"), np.nan)
    values = found.fit_measures
    row = {k: float(values.get(f"{k}_scaled", values[k])) for k in MEASURES}
    return row | {k: float(values[k]) for k in ("aic", "bic")}


def _loadings(answers: _Answers, fits: Mapping[str, SEMFit]) -> pd.DataFrame:
    import pandas as pd

    pairs = [(f, v) for f, items in answers.factors.items() for v in items]
    columns: dict[str, list[float]] = {}
    for name, step, level in (("within", "configural", 1), ("between", "configural", 2)):
        columns[name] = _loadings_of(fits.get(step), level, len(pairs))
    columns["equal"] = _loadings_of(fits.get("metric"), 1, len(pairs))
    return pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(pairs, names=["factor", "item"]))


def _loadings_of(found: SEMFit | None, level: int, count: int) -> list[float]:
    if found is None or not found.converged:
        return [np.nan] * count
    table = found.parameters
    return [float(x) for x in table[(table.op == "=~") & (table.level == level)]["est"]]


def _icc(answers: _Answers, fits: Mapping[str, SEMFit]) -> pd.Series:
    """Variance between over total variance of each factor; the variance within is 1."""
    import pandas as pd

    found = fits.get("metric") or fits.get("strong")
    shares = [np.nan] * len(answers.factors)
    if found is not None and found.converged:
        table = found.parameters
        own = table[(table.op == "~~") & (table.lhs == table.rhs) & (table.level == 2)]
        variance = own.set_index("lhs")["est"]
        between = (float(variance[f"b{k + 1}"]) for k in range(len(answers.factors)))
        shares = [b / (1.0 + b) for b in between]
    return pd.Series(shares, index=pd.Index(list(answers.factors), name="factor"), name="icc")


def _status(fits: Mapping[str, SEMFit]) -> Status:
    bad = [f.status for f in fits.values() if not f.status.usable]
    return bad[0] if bad else Status.CONVERGED


def _notes(answers: _Answers, fits: Mapping[str, SEMFit], table: pd.DataFrame) -> tuple[str, ...]:
    notes = list(answers.notes)
    if answers.n_ungrouped:
        notes.append(f"{answers.n_ungrouped} rows without a group were dropped.")
    names = {short: name for name, short in answers.stand_ins.items()}
    for step, found in fits.items():
        for note in found.notes:
            for short in sorted(names, key=len, reverse=True):
                note = note.replace(short, names[short])
            notes.append(f"{step}: {note}")
    p = float(table["delta_pvalue"].get("metric", np.nan))
    if np.isfinite(p):
        verdict = (
            "Loadings differ between teachers and schools (p = {:.3g}): the school-level factor is "
            "not the teachers' factor, and its variance cannot be compared with theirs."
            if p < 0.05
            else "Equal loadings at both levels are compatible with the data (p = {:.3g})."
        )
        notes.append(verdict.format(p))
    return tuple(dict.fromkeys(notes))
