"""Models of several occasions (groups, or waves of the same respondents) with equal parameters.

An occasion is a group or a wave; the first is the reference. With continuous items:

========== ============================== =======================================
level      equal across occasions         free in the later occasions
========== ============================== =======================================
configural nothing                        all; factor variance 1, factor mean 0
metric     loadings                       factor variances
scalar     ... and intercepts             factor means
strict     ... and residual variances
========== ============================== =======================================

With ordinal items (Wu & Estabrook 2016, theta parameterization) intercepts are 0 and residual
variances 1 to begin with; equal thresholds free both in the later occasions, equal loadings the
factor variances, ``scalar`` sets the intercepts back to 0 and frees the factor means, ``strict``
sets the residual variances to 1.

A binary item has one threshold and one loading to tell its threshold, loading, intercept and
residual variance from: its scale is arbitrary until all of the first three are equal. It is left
alone up to ``scalar``, which makes them equal at once and frees its residual variance, so that each
level restricts the one before. The variance of a factor whose items are all binary is free from
``scalar`` on.

Factor means are those of the factors that items measure; a second-order factor keeps mean 0.

References
----------
Wu, H., & Estabrook, R. (2016). Identification of confirmatory factor analysis models of different
levels of invariance for ordered categorical outcomes. Psychometrika, 81, 1014-1045.

Classes: ``OccasionPlan``. Functions: ``occasion_model``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from cte_metrics.errors import InputError
from cte_metrics.sem.syntax.reader import ParsedModel, Row, parse_model
from cte_metrics.sem.syntax.structures import quoted

Key = tuple[str, str, str]
FREE = math.nan


@dataclass(frozen=True, slots=True)
class OccasionPlan:
    """What a model of several occasions is to hold equal.

    ``occasions`` are wave labels (variables get them as a suffix) or, with ``waves`` false, group
    labels; ``equal`` names what is equal (``thresholds, loadings, intercepts, residuals,
    variances, means``); ``n_thresholds`` the ordinal items; ``released`` parameters exempt.

    Created by: ``cte_metrics.factor.invariance_series.prepare``.
    Consumed by: ``cte_metrics.factor.invariance_models.occasion_model``.
    """

    occasions: tuple[str, ...]
    waves: bool
    equal: frozenset[str] = frozenset()
    n_thresholds: Mapping[str, int] = field(default_factory=dict)
    released: frozenset[Key] = frozenset()

    def name(self, variable: str, t: int) -> str:
        """Name of a variable at an occasion."""
        return f"{variable}_{self.occasions[t]}" if self.waves else variable

    def is_equal(self, what: str, key: Key) -> bool:
        """Whether a parameter is held equal."""
        return what in self.equal and key not in self.released

    def is_binary(self, item: str) -> bool:
        """Whether an item has two categories."""
        return self.n_thresholds.get(item) == 1

    def is_joint(self, item: str) -> bool:
        """Whether threshold, loadings and intercept of a binary item are held equal at once."""
        free = any(item == (k[2] if k[1] == "=~" else k[0]) for k in self.released if k[1] != "~~")
        return self.equal >= {"thresholds", "loadings", "intercepts"} and not free


def occasion_model(model: str, plan: OccasionPlan) -> str:
    """Write the model of all occasions.

    Parameters
    ----------
    model : str
        Model of one occasion: factors and their items, residual covariances.
    plan : OccasionPlan

    Returns
    -------
    str
        Model text for ``sem.fit(..., parameterization="theta")``, with ``group=`` where the
        occasions are groups.
    """
    parsed = parse_model(model)
    _check(parsed)
    writer = _Writer(parsed, plan)
    return "\n".join(writer.lines())


def _check(parsed: ParsedModel) -> None:
    if parsed.groups or parsed.levels:
        raise InputError(
            "invariance() writes the groups itself; the model may not have 'group:' or 'level:'."
        )
    if parsed.constraints:
        first = parsed.constraints[0]
        raise InputError(
            f"The constraint {first.lhs} {first.op} {first.rhs} cannot be carried over to several "
            "occasions.",
            hint="Leave constraints and defined parameters out of the model of one occasion.",
        )
    if not any(r.op == "=~" for r in parsed.rows):
        raise InputError("The model has no factors whose measurement could be invariant.")


class _Writer:
    """Writes one statement for each parameter, with a value and a label at each occasion."""

    def __init__(self, parsed: ParsedModel, plan: OccasionPlan) -> None:
        self.parsed, self.plan = parsed, plan
        self.loadings = [r for r in parsed.rows if r.op == "=~"]
        self.factors = list(dict.fromkeys(r.lhs for r in self.loadings))
        measured = dict.fromkeys(r.rhs for r in self.loadings)
        self.items = [v for v in measured if v not in self.factors]
        self.top = [f for f in self.factors if f not in measured]
        self.measuring = {r.lhs for r in self.loadings if r.rhs in self.items}
        self.given = {(r.lhs, r.op, r.rhs) for r in parsed.rows}
        self.count = 0

    def lines(self) -> Iterator[str]:
        for row in self.loadings:
            yield from self.loading(row)
        for item in self.items:
            yield from self.item(item)
        for factor in self.factors:
            yield from self.factor(factor)
        for row in self.parsed.rows:
            if row.op != "=~":
                yield from self.other(row)
        if self.plan.waves:
            for item in self.items:
                names = [quoted(self.plan.name(item, t)) for t in range(self.n)]
                for a, b in combinations(names, 2):
                    yield f"{a} ~~ {b}"

    @property
    def n(self) -> int:
        return len(self.plan.occasions)

    def statement(self, key: Key, values: list[float], *, equal: bool) -> Iterator[str]:
        """One parameter: its value at each occasion (nan: free), one label where it is equal."""
        self.count += 1
        labels = [f"inv{self.count}" if equal else f"inv{self.count}.{t}" for t in range(self.n)]
        lhs, op, rhs = key
        op = "~" if op == "~1" else op
        if self.plan.waves:
            for t in range(self.n):
                yield self._wave(lhs, op, rhs, values[t], labels[t], t)
            return
        right = quoted(rhs) if rhs else "1"
        fixed = ", ".join(_number(v) for v in values)
        named = ", ".join(labels)
        yield f"{quoted(lhs)} {op} c({fixed})*{right} + c({named})*{right}"

    def _wave(self, lhs: str, op: str, rhs: str, value: float, label: str, t: int) -> str:
        left = quoted(self.plan.name(lhs, t))
        right = rhs if op == "|" else quoted(self.plan.name(rhs, t)) if rhs else "1"
        return f"{left} {op} {_number(value)}*{right} + {label}*{right}"

    def loading(self, row: Row) -> Iterator[str]:
        key = (row.lhs, "=~", row.rhs)
        value = _fixed(row)
        equal = self.ties_loading(row) and math.isnan(value)
        yield from self.statement(key, [value] * self.n, equal=equal)

    def ties_loading(self, row: Row) -> bool:
        """Whether a loading is equal; where a binary scale is arbitrary it is so jointly."""
        if self.plan.is_binary(row.rhs):
            return self.plan.is_joint(row.rhs)
        on_scale = row.rhs not in self.factors or self.has_scale(row.rhs)
        return on_scale and self.plan.is_equal("loadings", (row.lhs, "=~", row.rhs))

    def has_scale(self, factor: str) -> bool:
        """Whether equal loadings put a factor on the same scale at every occasion."""
        return any(self.ties_loading(r) for r in self.loadings if r.lhs == factor)

    def item(self, item: str) -> Iterator[str]:
        n_thresholds = self.plan.n_thresholds.get(item, 0)
        equal = self.ties_thresholds(item)
        for k in range(1, n_thresholds + 1):
            key = (item, "|", f"t{k}")
            if key not in self.given:
                yield from self.statement(key, [FREE] * self.n, equal=equal)
        mean, spread = (item, "~1", ""), (item, "~~", item)
        if n_thresholds:
            means, spreads = self._ordinal_scale(item)
        else:
            means = spreads = [FREE] * self.n
        if mean not in self.given:
            equal = not n_thresholds and self.plan.is_equal("intercepts", mean)
            yield from self.statement(mean, means, equal=equal)
        if spread not in self.given:
            equal = not n_thresholds and self.plan.is_equal("residuals", spread)
            yield from self.statement(spread, spreads, equal=equal)

    def ties_thresholds(self, item: str) -> bool:
        """Whether the thresholds of an item are equal."""
        if self.plan.is_binary(item):
            return self.plan.is_joint(item)
        return self.plan.is_equal("thresholds", (item, "|", ""))

    def _ordinal_scale(self, item: str) -> tuple[list[float], list[float]]:
        """Intercepts and residual variances of an ordinal item."""
        plan = self.plan
        thresholds = self.ties_thresholds(item)
        joint = plan.is_binary(item) and thresholds
        intercepts = joint or plan.is_equal("intercepts", (item, "~1", ""))
        residuals = plan.is_equal("residuals", (item, "~~", item))
        later_mean = FREE if thresholds and not intercepts else 0.0
        later_spread = FREE if thresholds and not residuals else 1.0
        n = self.n - 1
        return [0.0, *[later_mean] * n], [1.0, *[later_spread] * n]

    def factor(self, factor: str) -> Iterator[str]:
        spread, mean = (factor, "~~", factor), (factor, "~1", "")
        n = self.n - 1
        if spread not in self.given:
            free = "loadings" in self.plan.equal and self.has_scale(factor)
            equal = self.plan.is_equal("variances", spread)
            later = FREE if free and not equal else 1.0
            yield from self.statement(spread, [1.0, *[later] * n], equal=False)
        if mean not in self.given:
            free = "intercepts" in self.plan.equal and factor in self.measuring
            later = FREE if free and not self.plan.is_equal("means", mean) else 0.0
            yield from self.statement(mean, [0.0, *[later] * n], equal=False)
        if "variances" in self.plan.equal:
            yield from self._covariances(factor)

    def _covariances(self, factor: str) -> Iterator[str]:
        """Equal covariances of the factors of an occasion."""
        if factor not in self.top:
            return
        for other in self.top[self.top.index(factor) + 1 :]:
            key = (factor, "~~", other)
            if key not in self.given and (other, "~~", factor) not in self.given:
                equal = self.plan.is_equal("variances", key)
                yield from self.statement(key, [FREE] * self.n, equal=equal)

    def other(self, row: Row) -> Iterator[str]:
        """Rows of the text other than loadings: the same at every occasion, never equal."""
        key = (row.lhs, row.op, row.rhs)
        yield from self.statement(key, [_fixed(row)] * self.n, equal=False)


def _fixed(row: Row) -> float:
    """Value that the text fixes, nan where it does not."""
    if row.modifier is None or row.modifier.fixed is None:
        return FREE
    if len(set(map(_number, row.modifier.fixed))) > 1:
        raise InputError(
            f"{row.lhs} {row.op} {row.rhs} has different values in c(); invariance() writes the "
            "groups itself.",
            hint="Give one value, or none.",
        )
    return row.modifier.fixed[0]


def _number(value: float) -> str:
    return "NA" if math.isnan(value) else repr(float(value))
