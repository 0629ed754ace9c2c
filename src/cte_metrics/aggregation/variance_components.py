"""How much of the variance lies between schools, and how reliable school means are.

Functions: ``variance_components, item_variance_components``; class ``VarianceComponents``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from cte_metrics.aggregation.grouped import Grouped, code_groups, grouped_values
from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.core.arguments import checked
from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import named_column
from cte_metrics.errors import InputError, check_confidence, one_of
from cte_metrics.kernels.groups import variance_components as formulas
from cte_metrics.kernels.summaries import group_summaries as summaries
from cte_metrics.results import Interval, Provenance, Result, Status, recorded

Method = Literal["anova", "reml"]
GroupSize = Literal["mean", "n0"]
IntervalMethod = Literal["exact", "f"]

REFERENCES = {
    "anova": "Bliese, P. D. (2000). In Klein & Kozlowski (Eds.), Multilevel theory, research, and "
    "methods in organizations, 349-381.",
    "reml": "Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Journal of Statistical "
    "Software, 67(1), 1-48.",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class VarianceComponents(Result):
    """One-way random effects of one variable.

    Attributes
    ----------
    icc1, icc2 : float
        Share of variance between groups; reliability of the mean of a group of average size.
    icc1_ci, icc2_ci : Interval
        Intervals of the population intraclass correlation and of the reliability that it implies.
    f, p : float
        F test of no difference between groups.
    df : tuple of int
        Between and within.
    between, within : float
        Variance components (not mean squares). ``between`` of ``method="anova"`` may be negative.
    ms_between, ms_within : float
        Mean squares.
    mean_group_size, n0 : float
        N/J, and the size that makes the mean squares' expectations right with unequal groups.
    group_reliability : Series, index group
        n rho / (1 + (n - 1) rho) for each group.
    design_effect, effective_n : float
        1 + (k - 1) ICC(1), and N divided by it.
    eta_squared, omega_squared : float
        Share of the sum of squares between groups, raw and corrected.
    mean : float
        Grand mean: of all values (anova) or by generalised least squares (reml).
    """

    _title: ClassVar[str] = "Variance between and within groups"

    icc1: float
    icc2: float
    icc1_ci: Interval
    icc2_ci: Interval
    f: float
    df: tuple[int, int]
    p: float
    between: float
    within: float
    ms_between: float
    ms_within: float
    mean_group_size: float
    n0: float
    group_reliability: pd.Series
    design_effect: float
    effective_n: float
    eta_squared: float
    omega_squared: float
    mean: float
    n_groups: int


@recorded
def variance_components(
    values: Any,
    group: Any = None,
    *,
    method: Method = "anova",
    group_size: GroupSize = "mean",
    interval: IntervalMethod = "exact",
    confidence: float = 0.95,
) -> VarianceComponents:
    """ICC(1), ICC(2) and the variance components behind them.

    Parameters
    ----------
    values : Series, array, one-column DataFrame or Responses
        One value per respondent; of a ``Responses`` each teacher's mean over the items. Missing
        values are left out, with a note.
    group : str or array, optional
        Column name or one label per row; for ``Responses`` their own group by default.
    method : {"anova", "reml"}
        Mean squares (multilevel::ICC1, ICC2), or restricted maximum likelihood (lme4::lmer,
        multilevel::mult.icc), whose components cannot be negative.
    group_size : {"mean", "n0"}
        Size k for ICC(1) by mean squares, the reliability and the design effect: the mean group
        size as multilevel has it, or n0, which is right for unequal groups.
    interval : {"exact", "f"}
        Wald's exact interval for groups of any sizes, or the one from F as if all groups had k
        members. With equal sizes they are the same.
    confidence : float
        Level of the intervals.

    Returns
    -------
    VarianceComponents

    Raises
    ------
    InputError
        If groups are missing or no value is left.

    Notes
    -----
    With mean squares B and W: ICC(1) = (B - W)/(B + (k - 1) W), ICC(2) = (B - W)/B. By REML, ICC(1)
    = tau2/(tau2 + sigma2) and ICC(2) = k ICC(1)/(1 + (k - 1) ICC(1)). lme4 agrees to its own
    precision of about 1e-6; ours is exact to rounding.

    References
    ----------
    Bliese (2000); Wald, A. (1940), Annals of Mathematical Statistics, 11, 96-100; Searle (1971).

    Examples
    --------
    Two schools with means 2 and 5: B = 13.5, W = 1, k = 3.

    >>> found = variance_components([1, 2, 3, 4, 5, 6], ["a", "a", "a", "b", "b", "b"])
    >>> found.f, found.df
    (13.5, (1, 4))
    >>> found.icc1 == 12.5 / 15.5, found.icc2 == 12.5 / 13.5
    (True, True)
    """
    one_of(method, Method, "method")
    one_of(group_size, GroupSize, "group_size")
    one_of(interval, IntervalMethod, "interval")
    check_confidence(confidence)
    found = grouped_values(values, group, what="A variance component")
    data, table = _summaries(found)
    size = data.mean_size if group_size == "mean" else data.n0
    estimate = _estimate(data, table, method, size)
    limits = _limits(data, table, size, interval, confidence)
    status, notes = _verdict(data, table, method, estimate)
    icc1 = float(estimate.icc1[0])
    inflation = float(formulas.design_effect(estimate.icc1, size)[0])
    return VarianceComponents(
        icc1=icc1,
        icc2=float(estimate.icc2[0]),
        icc1_ci=Interval(limits[0], limits[1], confidence),
        icc2_ci=_stepped_interval(limits, size, confidence),
        f=float(table.f[0]), df=table.df, p=float(table.p[0]),
        between=float(estimate.between[0]), within=float(estimate.within[0]),
        ms_between=float(table.ms_between[0]), ms_within=float(table.ms_within[0]),
        mean_group_size=data.mean_size, n0=data.n0,
        group_reliability=_group_reliability(icc1, found),
        design_effect=inflation,
        effective_n=data.n_rows / inflation if inflation > 0 else float("nan"),
        eta_squared=float(formulas.eta_squared(table)[0]),
        omega_squared=float(formulas.omega_squared(table)[0]),
        mean=float(estimate.mean[0]), n_groups=data.n_groups,
        status=status, notes=found.notes + notes,
        provenance=Provenance(
            method="One-way random effects by "
            + ("analysis of variance" if method == "anova" else "restricted maximum likelihood"),
            n_used=data.n_rows, n_dropped=found.n_dropped,
            settings={"method": method, "group_size": group_size, "interval": interval,
                      "confidence": confidence},
            reference=REFERENCES[method],
        ),
    )  # fmt: skip


def _summaries(found: Grouped) -> tuple[formulas.OneWay, formulas.Anova]:
    values = found.values.astype(np.float64, copy=False)
    data = formulas.one_way(summaries.moments(values, found.codes, found.n_groups))
    return data, formulas.anova(data)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """icc1, icc2, between, within, mean: each (k,)."""

    icc1: Array
    icc2: Array
    between: Array
    within: Array
    mean: Array


def _estimate(
    data: formulas.OneWay, table: formulas.Anova, method: Method, size: float
) -> _Estimate:
    if method == "reml" and table.df[0] > 0 and table.df[1] > 0:
        fit = formulas.likelihood(data)
        icc2 = formulas.stepped_up(fit.rho, size)
        return _Estimate(fit.rho, icc2, fit.between, fit.within, fit.mean)
    icc1, icc2 = formulas.intraclass(table, size)
    between = (table.ms_between - table.ms_within) / size
    return _Estimate(icc1, icc2, between, table.ms_within, data.grand)


def _limits(
    data: formulas.OneWay,
    table: formulas.Anova,
    size: float,
    interval: IntervalMethod,
    level: float,
) -> tuple[float, float]:
    if np.isinf(table.f[0]):
        return 1.0, 1.0
    if min(table.df) < 1 or not np.isfinite(table.f[0]):
        return float("nan"), float("nan")
    if interval == "exact":
        low, high = formulas.wald_interval(data, table, level)
    else:
        low, high = formulas.f_interval(table, size, level)
    return float(low[0]), float(high[0])


def _stepped_interval(limits: tuple[float, float], size: float, level: float) -> Interval:
    low, high = (float(formulas.stepped_up(x, size)) for x in limits)
    return Interval(low, high, level)


def _group_reliability(icc1: float, found: Grouped) -> pd.Series:
    value = formulas.stepped_up(icc1, found.sizes.astype(np.float64))
    return pd.Series(value, index=found.labels, name="reliability")


def _verdict(
    data: formulas.OneWay, table: formulas.Anova, method: Method, estimate: _Estimate
) -> tuple[Status, tuple[str, ...]]:
    """Status and notes for the cases in which a figure needs explaining."""
    usual = Status.OK if method == "anova" else Status.CONVERGED
    if data.n_groups < 2:
        return Status.UNDEFINED, (
            "There is one group: variance between groups cannot be estimated.",
        )
    if table.df[1] < 1:
        return Status.UNDEFINED, (
            "Every group has one respondent: variance within groups cannot be told from variance "
            "between them.",
        )
    if table.ms_between[0] == 0 and table.ms_within[0] == 0:
        return Status.UNDEFINED, ("All values are equal: there is no variance to divide.",)
    if table.ms_within[0] == 0:
        return usual, ("Within every group all values are equal: ICC(1) is 1 and F is infinite.",)
    if estimate.between[0] < 0:
        return usual, (
            "Groups differ less than chance alone would make them: the variance between groups "
            "and ICC(1) are negative and reported as they are; read them as 0.",
        )
    if method == "reml" and estimate.between[0] == 0:
        return usual, ("The variance between groups is estimated as 0, the edge of its range.",)
    return usual, ()


@checked
def item_variance_components(
    data: Any, group: Any = None, *, method: Method = "anova", group_size: GroupSize = "mean"
) -> pd.DataFrame:
    """ICC(1) and ICC(2) of every column at once.

    Parameters
    ----------
    data : Responses or DataFrame
        One column a variable; each uses the rows on which it is not missing.
    group, method, group_size
        As for :func:`variance_components`.

    Returns
    -------
    DataFrame, index item
        ``icc1, icc2, f, p, between, within, n, n_groups``; ``method="reml"`` is
        multilevel::mult.icc, which however steps up by the mean group size of all rows, also
        where a variable has missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> survey = pd.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 3, 5, 7], "y": [1.0, 2, 1, 2]})
    >>> item_variance_components(survey, "g")["f"].tolist()
    [8.0, 0.0]
    """
    one_of(method, Method, "method")
    if group is None:
        group = np.asarray(getattr(data, "group", None))
        if group.ndim == 0:
            raise InputError("item_variance_components needs groups; pass group=.")
    exclude = named_column(data, group)
    read = item_data(data, exclude=exclude, what="item_variance_components", variables=(group,))
    codes, _ = code_groups(column(data, group, read.n_respondents, "group"))
    values = read.raw
    if values.dtype.kind != "f" or not np.isnan(values.sum()):
        blocks = [(list(range(read.n_items)), codes >= 0)]
    else:
        blocks = [([j], (codes >= 0) & ~np.isnan(values[:, j])) for j in range(read.n_items)]
    rows = [_item_rows(values[:, cols], codes, keep, method, group_size) for cols, keep in blocks]
    table = pd.concat(rows, ignore_index=True).set_index(pd.Index(read.items, name="item"))
    table.attrs = {"notes": read.notes}
    return table


def _item_rows(
    values: Array, codes: Integers, keep: Flags, method: Method, group_size: GroupSize
) -> pd.DataFrame:
    if not keep.all():
        values, codes = values[keep], codes[keep]
    n_groups = int(codes.max(initial=0)) + 1
    span = summaries.is_scale_data(values)
    if span is not None:
        moments = summaries.moments_from_counts(summaries.counts(values, codes, n_groups, span))
    else:
        moments = summaries.moments(values.astype(np.float64, copy=False), codes, n_groups)
    data = formulas.one_way(moments)
    table = formulas.anova(data)
    size = data.mean_size if group_size == "mean" else data.n0
    found = _estimate(data, table, method, size)
    return pd.DataFrame(
        {
            "icc1": found.icc1, "icc2": found.icc2, "f": table.f, "p": table.p,
            "between": found.between, "within": found.within,
            "n": data.n_rows, "n_groups": data.n_groups,
        }
    )  # fmt: skip
