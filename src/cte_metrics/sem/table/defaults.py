"""Default rows of one block of a model, as lavaan adds them.

Order of the default rows: thresholds; variances of observed (not exogenous) and latent
variables; covariances of exogenous latent variables; covariances of outcomes; variances and
covariances of covariates; scaling factors; intercepts.

Functions: ``block_columns``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations

from cte_metrics.sem.syntax.reader import Row
from cte_metrics.sem.syntax.variables import VariableNames, variable_names
from cte_metrics.sem.table.options import TableOptions


@dataclass(slots=True)
class Columns:
    """The growing table: equal-length lists; ``mod`` numbers the row of the text (0: added)."""

    lhs: list[str] = field(default_factory=list)
    op: list[str] = field(default_factory=list)
    rhs: list[str] = field(default_factory=list)
    user: list[int] = field(default_factory=list)
    mod: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    exo: list[int] = field(default_factory=list)
    ustart: list[float] = field(default_factory=list)
    has_start: list[bool] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    equal: list[str] = field(default_factory=list)
    efa: list[str] = field(default_factory=list)
    is_lv: list[bool] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    level: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lhs)

    def extend(self, other: Columns, *, group: int, level: int) -> None:
        """Append the rows of a block."""
        for f in fields(self):
            if f.name not in ("group", "level"):
                getattr(self, f.name).extend(getattr(other, f.name))
        self.group += [group] * len(other)
        self.level += [level] * len(other)

    def names_of(
        self, rows: Sequence[int], outcomes_elsewhere: Collection[str] = ()
    ) -> VariableNames:
        """Roles of the variables in some of the rows."""
        return variable_names(
            [self.lhs[i] for i in rows],
            [self.op[i] for i in rows],
            [self.rhs[i] for i in rows],
            [self.user[i] for i in rows],
            [self.exo[i] for i in rows],
            outcomes_elsewhere,
        )

    def fix(self, i: int, value: float) -> None:
        """Fix row ``i``."""
        self.free[i], self.ustart[i] = 0, value

    def release(self, i: int) -> None:
        """Free row ``i``."""
        self.free[i], self.ustart[i] = 1, math.nan


def block_columns(rows: Sequence[tuple[int, Row]], options: TableOptions, *, group: int) -> Columns:
    """Rows of one block: those of the text, then the defaults, with free and fixed settled.

    ``rows`` pairs the number of each row in the text with the row; ``group`` is the group's
    number: from the second on, equalities across groups free means, variances and scales.
    """
    names = variable_names(
        [r.lhs for _, r in rows], [r.op for _, r in rows], [r.rhs for _, r in rows], [1] * len(rows)
    )
    ordinal = _ordinal(names, options)
    columns = _collect(rows, names, ordinal, options)
    _settle_variances(columns, names, options)
    _settle_covariances(columns, names, options)
    if options.meanstructure:
        _settle_intercepts(columns, names, ordinal, options)
    _settle_covariates(columns, names, options)
    if options.ordinal_level < 2:  # between, items have residual variances of their own
        _settle_ordinal(columns, ordinal)
    if group > 1:
        _settle_later_group(columns, ordinal, options)
    return columns


def _ordinal(names: VariableNames, options: TableOptions) -> dict[str, int]:
    """Ordinal items (covariates excepted) with the number of default thresholds."""
    count = dict(options.n_thresholds)
    outside = set(names.ov_x)
    wanted = {v for v in count if v not in outside} | set(names.ov_ordinal)
    own = count if options.auto_thresholds else {}
    return {v: own.get(v, 0) for v in names.ov if v in wanted}


def _default_keys(
    names: VariableNames, ordinal: dict[str, int], options: TableOptions
) -> list[tuple[str, str, str]]:
    keys = [(v, "|", f"t{t}") for v, n in ordinal.items() for t in range(1, n + 1)]
    keys += [(v, "~~", v) for v in (*names.ov_nox, *names.lv)]
    if options.auto_cov_lv_x:
        keys += [(a, "~~", b) for a, b in combinations(names.lv_x, 2)]
    if options.auto_cov_y:
        keys += [(a, "~~", b) for a, b in combinations((*names.lv_y, *names.ov_y), 2)]
    x = names.ov_x
    keys += [(x[i], "~~", x[j]) for i in range(len(x)) for j in range(i, len(x))]
    if options.ordinal_level < 2:
        keys += [(v, "~*~", v) for v in ordinal]
    if options.meanstructure:
        keys += [(v, "~1", "") for v in (*names.ov, *names.lv)]
    return keys


def _collect(
    rows: Sequence[tuple[int, Row]],
    names: VariableNames,
    ordinal: dict[str, int],
    options: TableOptions,
) -> Columns:
    user = [(r.lhs, r.op, r.rhs) for _, r in rows]
    given = set(user)
    added = [k for k in dict.fromkeys(_default_keys(names, ordinal, options)) if k not in given]
    n = len(user) + len(added)
    efa = [r.modifier.efa[0] if r.modifier and r.modifier.efa else "" for _, r in rows]
    keys = user + added
    latent = set(names.lv)
    return Columns(
        lhs=[k[0] for k in keys],
        op=[k[1] for k in keys],
        rhs=[k[2] for k in keys],
        user=[1] * len(user) + [0] * len(added),
        mod=[number for number, _ in rows] + [0] * len(added),
        free=[1] * n,
        exo=[0] * n,
        ustart=[math.nan] * n,
        has_start=[False] * n,
        lower=[-math.inf] * n,
        upper=[math.inf] * n,
        label=[""] * n,
        equal=[""] * n,
        efa=efa + [""] * len(added),
        is_lv=[k[0] in latent for k in keys],
    )


def _settle_variances(c: Columns, names: VariableNames, options: TableOptions) -> None:
    """Variances that are 0 or 1 by default, and the marker of each factor."""
    exploratory = {c.lhs[i] for i in range(len(c)) if c.op[i] == "=~" and c.efa[i]}
    latent, formative = set(names.lv), set(names.lv_formative)
    marked: set[str] = set()
    for i in range(len(c)):
        variance = c.op[i] == "~~" and c.lhs[i] == c.rhs[i]
        if variance and c.user[i] == 0 and (not options.auto_var or c.lhs[i] in formative):
            c.fix(i, 0.0)
        if variance and (
            (options.standardized_latent and c.lhs[i] in latent) or c.lhs[i] in exploratory
        ):
            c.fix(i, 1.0)
        if c.op[i] == "=~" and c.lhs[i] not in exploratory and c.lhs[i] not in marked:
            marked.add(c.lhs[i])
            if options.identification == "marker" and options.auto_fix_first:
                c.fix(i, 1.0)
    if options.auto_var and options.auto_fix_single:
        _fix_single_indicators(c)


def _fix_single_indicators(c: Columns) -> None:
    """The only indicator of a factor has no residual, unless it serves another factor too."""
    loadings = [(c.lhs[i], c.rhs[i]) for i in range(len(c)) if c.op[i] == "=~"]
    size = Counter(f for f, _ in loadings)
    uses = Counter(v for _, v in loadings)
    single = {v for f, v in loadings if size[f] == 1 and f != v and uses[v] == 1}
    if not single:
        return
    for i in range(len(c)):
        if c.op[i] == "~~" and c.lhs[i] == c.rhs[i] and c.user[i] == 0 and c.lhs[i] in single:
            c.fix(i, 0.0)


def _settle_covariances(c: Columns, names: VariableNames, options: TableOptions) -> None:
    exploratory = {c.lhs[i] for i in range(len(c)) if c.op[i] == "=~" and c.efa[i]}
    apart = set(names.lv) if options.orthogonal else set()
    if options.orthogonal_efa and not options.orthogonal:
        apart = exploratory
    if not apart:
        return
    for i in range(len(c)):
        if (
            c.op[i] == "~~"
            and c.user[i] == 0
            and c.lhs[i] != c.rhs[i]
            and c.lhs[i] in apart
            and c.rhs[i] in apart
        ):
            c.fix(i, 0.0)


def _settle_intercepts(
    c: Columns, names: VariableNames, ordinal: dict[str, int], options: TableOptions
) -> None:
    """Means are 0 where thresholds or, in a growth model, those of the factors take their place."""
    measured = set(names.ov_ind) if options.frees_other_means else set(names.ov)
    for i in range(len(c)):
        if c.op[i] != "~1" or c.user[i]:
            continue
        if c.is_lv[i]:
            if not options.free_lv_intercepts:
                c.fix(i, 0.0)
        elif c.lhs[i] in ordinal or (c.lhs[i] in measured and not options.free_ov_intercepts):
            c.fix(i, 0.0)


def _settle_covariates(c: Columns, names: VariableNames, options: TableOptions) -> None:
    """Moments of covariates are the sample's own (``fixed_x``), or conditioned on."""
    x = set(names.ov_x)
    if not x or not (options.fixed_x or options.conditional_x):
        return
    for i in range(len(c)):
        moment = (c.op[i] == "~~" and c.lhs[i] in x and c.rhs[i] in x) or (
            c.op[i] == "~1" and c.lhs[i] in x
        )
        if moment and c.user[i] == 0:
            c.exo[i] = 1
            if options.fixed_x:
                c.fix(i, math.nan)
        elif options.conditional_x and c.op[i] in ("~", "<~") and c.rhs[i] in x:
            c.exo[i] = 1


def _settle_ordinal(c: Columns, ordinal: dict[str, int]) -> None:
    """Residual variances and scales of ordinal items are 1."""
    if not ordinal:
        return
    for i in range(len(c)):
        if c.user[i]:
            continue
        if c.op[i] == "~*~" or (c.op[i] == "~~" and c.lhs[i] == c.rhs[i] and c.lhs[i] in ordinal):
            c.fix(i, 1.0)


def _settle_later_group(c: Columns, ordinal: dict[str, int], options: TableOptions) -> None:
    """What equalities across groups make free in every group but the first."""
    equal = set(options.group_equal)
    exploratory = {c.lhs[i] for i in range(len(c)) if c.op[i] == "=~" and c.efa[i]}
    free_means = bool({"intercepts", "thresholds"} & equal) and "means" not in equal
    free_variances = "loadings" in equal and "lv.variances" not in equal
    scaled = any(op == "~*~" for op in c.op) and "thresholds" in equal
    for i in range(len(c)):
        variance = c.op[i] == "~~" and c.lhs[i] == c.rhs[i]
        if c.op[i] == "~1" and c.is_lv[i] and c.user[i] == 0 and free_means:
            c.release(i)
        elif variance and c.is_lv[i] and c.user[i] == 0 and free_variances:
            if options.standardized_latent or c.lhs[i] in exploratory:
                c.release(i)
        elif scaled and (
            (c.op[i] == "~*~" and options.parameterization == "delta")
            or (variance and c.lhs[i] in ordinal and options.parameterization == "theta")
        ):
            c.release(i)
