"""The fits behind an invariance series: read once, refitted at each level.

Classes: ``Series``. Functions: ``prepare``, ``difference_test``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal, get_args

from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import name_text
from cte_metrics.errors import DataWarning, InputError, UnknownNameError, close_names
from cte_metrics.factor.invariance_models import Key, OccasionPlan, occasion_model
from cte_metrics.factor.merged_categories import merge_unused, recoded
from cte_metrics.factor.partial_invariance import Release, worst_equality
from cte_metrics.factor.repeated_measures import side_by_side
from cte_metrics.sem.comparison import compare
from cte_metrics.sem.fitting import fit
from cte_metrics.sem.semfit import SEMFit
from cte_metrics.sem.solving import solve_rows
from cte_metrics.sem.syntax.reader import parse_model
from cte_metrics.sem.syntax.structures import quoted
from cte_metrics.sem.table.table import model_outline

Level = Literal["configural", "threshold", "metric", "scalar", "strict", "variances", "means"]
LEVELS: tuple[Level, ...] = get_args(Level)
EQUAL = {
    "configural": (),
    "threshold": ("thresholds",),
    "metric": ("loadings",),
    "scalar": ("intercepts",),
    "strict": ("residuals",),
    "variances": ("variances",),
    "means": ("means",),
}
_GROUP_EQUAL = {"threshold": (), "variances": ("lv.variances", "lv.covariances")}
_FEWEST = 2
_SCALES = 2  # intercept and residual variance


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants: data, text, occasions, how to treat categories nobody used.

    Created by: ``cte_metrics.factor.measurement_invariance.invariance``.
    Consumed by: ``cte_metrics.factor.invariance_series.prepare``.
    """

    data: Any
    text: str
    group: Any
    respondent: Any
    merge: bool
    options: dict[str, Any]


@dataclass
class Series:
    """Fits one level after the other, each starting from what the first one read.

    Created by: ``cte_metrics.factor.invariance_series.prepare``.
    Consumed by: ``cte_metrics.factor.measurement_invariance.invariance``,
    ``cte_metrics.factor.invariance_result.make_result``.
    """

    text: str
    plan: OccasionPlan
    first: SEMFit
    generated: bool
    search: bool = False
    alpha: float = 0.05
    released: set[Key] = field(default_factory=set)
    found: list[tuple[str, Release]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def items(self) -> tuple[str, ...]:
        """Items that factors measure."""
        return _items(self.text)

    @property
    def tests_thresholds(self) -> bool:
        """Whether equal thresholds restrict anything: some item has more of them than scales."""
        return any(n > _SCALES for n in self.plan.n_thresholds.values())

    def next(self, level: str, before: SEMFit | None) -> SEMFit:
        """Fit a level, releasing equalities where asked for."""
        current = self.fit(level)
        if before is None or not self.search:
            return current
        while True:
            pvalue = difference_test(before, current)["pvalue"]
            if not pvalue < self.alpha:
                return current
            release = worst_equality(current.solution, self.candidates(level, current))
            if release is None or not release.p < self.alpha:
                self.lacking.append(level)
                return current
            self.released.add(release.key)
            self.found.append((level, release))
            current = self.fit(level)

    def fit(self, level: str) -> SEMFit:
        """Fit a level with the parameters released so far."""
        if level == "configural" and not (self.plan.n_thresholds and not self.plan.waves):
            return self.first
        solution = self.first.solution
        request = solution.request
        upto = LEVELS[: LEVELS.index(level) + 1]
        if self.generated:
            equal = frozenset(e for w in upto for e in EQUAL[w])
            plan = replace(self.plan, equal=equal, released=frozenset(self.released))
            request = replace(request, text=occasion_model(self.text, plan))
        else:
            names = [e for w in upto for e in _GROUP_EQUAL.get(w, EQUAL[w])]
            exempt = tuple(f"{a}{op}{b}" for a, op, b in sorted(self.released))
            request = replace(request, group_equal=tuple(names), group_partial=exempt)
        found = solve_rows(
            request,
            solution.options,
            solution.data,
            estimator=solution.estimator,
            baseline=solution.baseline,
        )
        return SEMFit.of(found)

    def candidates(self, level: str, current: SEMFit) -> Mapping[Key, Sequence[int]]:
        """Parameters that this level ties and that may still be released."""
        keys = [k for k in self.tied(level) if k not in self.released]
        places = {k: self.rows(k, current) for k in keys if self.may_release(k, keys)}
        table = current.solution.table
        return {
            k: rows
            for k, rows in places.items()
            if len(rows) > 1 and (k[1] != "=~" or (table.free[list(rows)] > 0).all())
        }

    def tied(self, level: str) -> list[Key]:
        """Parameters that a level sets equal."""
        rows = parse_model(self.text).rows
        loadings = [(r.lhs, "=~", r.rhs) for r in rows if r.op == "=~"]
        factors = {k[0] for k in loadings}
        items = list(dict.fromkeys(k[2] for k in loadings if k[2] not in factors))
        if level == "metric":
            return loadings
        if level == "threshold":
            return [(v, "|", "") for v in items if v in self.plan.n_thresholds]
        if level == "scalar":
            return [(v, "~1", "") for v in items]
        return [(v, "~~", v) for v in items] if level == "strict" else []

    def key(self, parameter: str) -> Key:
        """The parameter that a text such as ``"f =~ x2"`` names.

        Raises
        ------
        UnknownNameError
            If no level of the series makes it equal.
        """
        row = parse_model(parameter).rows[0]
        lhs, op, rhs = row.lhs, row.op, "" if row.op == "|" else row.rhs
        known = self.tieable()
        found = next((k for k in ((lhs, op, rhs), (rhs, op, lhs)) if k in known), None)
        if found is None:
            names = ["".join(k) for k in known]
            raise UnknownNameError(
                f"{parameter!r} is exempted, but no level makes a parameter of that name equal."
                f"{close_names(lhs + op + rhs, names)}",
                hint="Write it as in the model, for example 'f =~ x2', 'x2 ~ 1' or 'x2 ~~ x2'.",
            )
        return found

    def tieable(self) -> list[Key]:
        """Every parameter that some level makes equal."""
        factors = list(dict.fromkeys(k[0] for k in self.tied("metric")))
        own = [k for w in ("metric", "threshold", "scalar", "strict") for k in self.tied(w)]
        own += [(f, "~1", "") for f in factors] + [(f, "~~", f) for f in factors]
        return own + [(a, "~~", b) for a, b in combinations(factors, 2)]

    def may_release(self, key: Key, still: Sequence[Key]) -> bool:
        """Whether enough equal items stay with every factor of the parameter's item."""
        if key[1] in ("~~", "|"):
            return True
        if key[1] == "=~":
            return sum(k[0] == key[0] for k in still) > _FEWEST
        rows = [r for r in parse_model(self.text).rows if r.op == "=~"]
        items = {k[0] for k in still}
        factors = {r.lhs for r in rows if r.rhs == key[0]}
        return all(sum(r.lhs == f and r.rhs in items for r in rows) > _FEWEST for f in factors)

    def rows(self, key: Key, current: SEMFit) -> list[int]:
        """Rows of the table that belong to a parameter, occasion by occasion."""
        table = current.solution.table
        plan = self.plan
        places: list[int] = []
        for t in range(len(plan.occasions)):
            lhs, rhs = plan.name(key[0], t), plan.name(key[2], t) if key[2] else ""
            for i in range(len(table)):
                same = table.lhs[i] == lhs and table.op[i] == key[1]
                same &= key[1] == "|" or table.rhs[i] == rhs
                if same and (plan.waves or table.group[i] == t + 1):
                    places.append(i)
        return places


def prepare(asked: Asked) -> Series:
    """Read the data once and fit the first model."""
    for name in ("group_equal", "cluster"):
        if name in asked.options:
            raise InputError(f"{name}= cannot be given to invariance().")
    if asked.options.get("se") in ("bootstrap", "boot") or "rng" in asked.options:
        raise InputError(
            "A series of models is compared by its tests, which resamples do not change.",
            hint="Refit one level with resamples: sem.fit(..., se='bootstrap').",
        )
    waves = isinstance(asked.group, str) and asked.group == "wave" and _has_waves(asked.data)
    return _of_waves(asked) if waves else _of_groups(asked)


def _has_waves(data: Any) -> bool:
    if hasattr(data, "instrument"):
        return data.wave is not None
    return "wave" in getattr(data, "columns", ())


def _of_groups(asked: Asked) -> Series:
    if asked.respondent is not None:
        raise InputError("respondent= links waves; the groups are independent samples.")
    options = dict(asked.options)
    ordinal = bool(options.get("ordered"))
    options.setdefault("identification", "variance")
    notes: list[str] = []
    data, group = asked.data, asked.group
    if ordinal:
        options["parameterization"] = "theta"
        if asked.merge:
            data, group, notes = _merged_groups(asked)
    text = asked.text if ordinal else _without_higher_means(asked.text)
    first = fit(text, data, group=group, model_type="cfa", **options)
    labels = tuple(first.solution.data.labels)
    if len(labels) < 2:
        raise InputError(f"The grouping variable has one value only: {labels[0]!r}.")
    plan = OccasionPlan(labels, waves=False, n_thresholds=_thresholds(first) if ordinal else {})
    return Series(asked.text, plan, first, generated=ordinal, notes=notes)


def _without_higher_means(text: str) -> str:
    """Fix the means of factors that only factors measure, which equal intercepts would free."""
    rows = parse_model(text).rows
    items = set(_items(text))
    measured = {r.lhs for r in rows if r.op == "=~" and r.rhs in items}
    given = {r.lhs for r in rows if r.op == "~1"}
    factors = dict.fromkeys(r.lhs for r in rows if r.op == "=~")
    higher = [f for f in factors if f not in measured and f not in given]
    return "\n".join([text, *(f"{quoted(f)} ~ 0*1" for f in higher)])


def _merged_groups(asked: Asked) -> tuple[Any, Any, list[str]]:
    """Answers in which every group uses the same categories, and the groups."""
    import pandas as pd

    names = model_outline(asked.text).ov_names
    values = item_data(asked.data, items=names, what="The model", variables=(asked.group,)).values
    group = column(asked.data, asked.group, len(values), "group")
    frame = pd.DataFrame(values, columns=list(names))
    codes = pd.factorize(group)[0]
    notes = []
    for item in _ordinal_items(names, asked.options["ordered"]):
        answers = frame[item].to_numpy()
        parts = [answers[codes == g] for g in range(codes.max() + 1)]
        recode, note = merge_unused(parts, item)
        if recode:
            frame[item] = recoded(answers, recode)
            notes.append(note)
    return frame, group, notes


def _ordinal_items(names: Sequence[str], ordered: Any) -> tuple[str, ...]:
    if ordered is True:
        return tuple(names)
    wanted = {ordered} if isinstance(ordered, str) else set(map(name_text, ordered or ()))
    return tuple(v for v in names if v in wanted)


def _of_waves(asked: Asked) -> Series:
    items = _items(asked.text)
    options = dict(asked.options)
    wide, labels = side_by_side(asked.data, items, wave=asked.group, respondent=asked.respondent)
    names = _ordinal_items(items, options.pop("ordered", ()))
    options["identification"] = "variance"
    notes = list(asked.data.notes) if hasattr(asked.data, "instrument") else []
    if names:
        options["parameterization"] = "theta"
        options["ordered"] = [f"{v}_{w}" for v in names for w in labels]
        if asked.merge:
            notes += _merge_waves(wide, names, labels)
    else:
        options["meanstructure"] = True
    counts = {v: _n_thresholds(wide, v, labels) for v in names}
    plan = OccasionPlan(labels, waves=True, n_thresholds=counts)
    first = fit(occasion_model(asked.text, plan), wide, model_type="cfa", **options)
    return Series(asked.text, plan, first, generated=True, notes=notes)


def _merge_waves(wide: Any, items: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Recode the wide frame in place so that all waves share the categories of an item."""
    notes = []
    for item in items:
        columns = [f"{item}_{w}" for w in labels]
        recode, note = merge_unused([wide[c].to_numpy() for c in columns], item)
        for c in columns if recode else ():
            wide[c] = recoded(wide[c].to_numpy(), recode)
        notes += [note] if recode else []
    return notes


def _items(text: str) -> tuple[str, ...]:
    rows = parse_model(text).rows
    factors = {r.lhs for r in rows if r.op == "=~"}
    return tuple(dict.fromkeys(r.rhs for r in rows if r.op == "=~" and r.rhs not in factors))


def _thresholds(first: SEMFit) -> dict[str, int]:
    table = first.solution.table
    found: dict[str, int] = {}
    for lhs, op, group in zip(table.lhs, table.op, table.group, strict=True):
        if op == "|" and group == 1:
            found[lhs] = found.get(lhs, 0) + 1
    return found


def _n_thresholds(wide: Any, item: str, labels: Sequence[str]) -> int:
    """Thresholds of an item, which must show the same categories in every wave."""
    seen = {w: sorted(wide[f"{item}_{w}"].dropna().unique().tolist()) for w in labels}
    every = sorted({c for values in seen.values() for c in values})
    for wave, values in seen.items():
        lost = [c for c in every if c not in values]
        if lost:
            shown = ", ".join(f"{c:g}" for c in lost)
            raise InputError(
                f"Nobody gave answer {shown} to {item!r} in wave {wave}, so its thresholds cannot "
                "be compared.",
                hint="Merge that category with its neighbour in all waves, leave the item out of "
                "ordered=, or leave out the wave.",
            )
    return len(every) - 1


def difference_test(before: SEMFit, current: SEMFit) -> dict[str, Any]:
    """Difference test of a level against the one before; none where it has no fewer parameters."""
    gap = current.solution.df - before.solution.df
    if gap <= 0:
        chisq = current.solution.chisq - before.solution.chisq
        return {"chisq": chisq, "df": float(gap), "pvalue": math.nan, "method": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        row = compare(before, current).iloc[-1]
    return {
        "chisq": float(row["chisq_diff"]),
        "df": float(row["df_diff"]),
        "pvalue": float(row["pvalue"]),
        "method": str(row["method"]),
    }
