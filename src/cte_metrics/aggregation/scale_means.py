"""The figures of one scale for every school.

Functions: ``scale_means, staff_sizes``; classes ``Options, ScaleMeans``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.aggregation.evidence import AGREEMENT_MARK
from cte_metrics.arrays import Array, Integers
from cte_metrics.core.numeric_columns import pandas_numbers
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import InputError, UnknownNameError, close_names
from cte_metrics.kernels.groups import agreement as agree
from cte_metrics.kernels.groups import variance_components as components
from cte_metrics.kernels.numerics.distributions import t_quantile
from cte_metrics.kernels.summaries import group_summaries as summaries
from cte_metrics.kernels.summaries.item_statistics import mean_scores
from cte_metrics.kernels.summaries.scale_scores import required_answers


@dataclass(frozen=True, slots=True)
class Options:
    """How schools are scored; weights: (N,) or None; staff: (J,) teachers employed or None.

    Created by: ``cte_metrics.aggregation.school_scores.aggregate``.
    Consumed by: ``cte_metrics.aggregation.scale_means.scale_means``.
    """

    rule: str
    shrink: bool
    confidence: float
    weights: Array | None
    staff: Array | None


@dataclass(frozen=True, slots=True)
class ScaleMeans:
    """columns: (J,) each; figures: the evidence of one scale; notes; n_used teachers.

    Created by: ``cte_metrics.aggregation.scale_means.scale_means``.
    Consumed by: ``cte_metrics.aggregation.school_scores.aggregate``.
    """

    columns: dict[str, Array | Integers]
    figures: dict[str, float]
    notes: tuple[str, ...]
    n_used: int


def staff_sizes(responses: Responses, schools: pd.Index, staff_size: Any) -> Array | None:
    """Teachers employed in each school, nan where unknown.

    Raises
    ------
    UnknownNameError
        If a covariate of that name does not exist.
    InputTypeError
        If a size is no number.
    InputError
        If a size is not positive, or differs within a school.
    """
    if staff_size is None:
        return None
    known = _staff_by_school(responses, staff_size)
    sizes = pd.Series([known.get(school) for school in schools], schools, dtype=object)
    out = pandas_numbers(sizes, "staff_size")
    if ((out <= 0) | np.isinf(out)).any():
        raise InputError("staff_size holds a size that is not positive, or infinite.")
    return out


def _staff_by_school(responses: Responses, staff_size: Any) -> Mapping[Any, Any]:
    if not isinstance(staff_size, str):
        return dict(staff_size.items()) if hasattr(staff_size, "items") else dict(staff_size)
    if staff_size not in responses.covariates:
        known = list(responses.covariates)
        raise UnknownNameError(
            f"staff_size={staff_size!r} is no covariate.{close_names(staff_size, known)}"
        )
    school = np.asarray(responses.group)
    by_school = pd.Series(responses.covariates[staff_size].to_numpy()).groupby(school)
    if (by_school.nunique() > 1).any():
        raise InputError(f"The covariate {staff_size!r} has several values within a school.")
    return dict(by_school.first().items())


def scale_means(
    responses: Responses,
    items: Sequence[int],
    codes: Integers,
    *,
    scale: str,
    n_cells: int,
    options: Options,
) -> ScaleMeans:
    """Every figure of one scale. codes: (N,) cell of each row, -1 for none."""
    values = responses.answers()[:, list(items)]
    names = [responses.instrument.item_ids[j] for j in items]
    needed = required_answers(len(items), responses.instrument.minimum_of(scale))
    score = mean_scores(values, needed)
    keep = (codes >= 0) & ~np.isnan(score)
    weight = np.ones(len(score)) if options.weights is None else options.weights
    keep &= weight > 0
    moments = summaries.moments(score[keep, None], codes[keep], n_cells)
    means = _means(values[keep], score[keep], weight[keep], codes[keep], n_cells, options)
    mean, se = means
    se = se * _correction(moments.n, options.staff)
    half = _half_width(se, moments.n, options.confidence)
    one = components.one_way(moments)
    table = components.anova(one)
    shrunken = _shrunken(one, table, moments, mean, se, options)
    agreed, agreement_figures = _agreement(responses, names, values, codes, n_cells)
    scored, unscored = int(keep.sum()), int(((codes >= 0) & np.isnan(score)).sum())
    return ScaleMeans(
        columns={
            "n": moments.n, "mean": mean, "sd": np.sqrt(moments.variance[:, 0]), "se": se,
            "ci_low": mean - half, "ci_high": mean + half, **shrunken, **agreed,
        },
        figures={**_anova_figures(one, table, options.confidence), **agreement_figures},
        notes=_notes(unscored, options, table),
        n_used=scored,
    )  # fmt: skip


def _means(
    values: Array,
    score: Array,
    weight: Array,
    codes: Integers,
    n_cells: int,
    options: Options,
) -> tuple[Array, Array]:
    """School means and their standard errors (linearised; s/sqrt(n) for equal weights)."""
    if options.rule == "teacher_means":
        values = score[:, None]
    known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=bool)
    mass = summaries.sums_by_group(known * weight[:, None], codes, n_cells)
    filled = np.where(known, values, 0.0)
    total = summaries.sums_by_group(filled * weight[:, None], codes, n_cells)
    item_mean = np.divide(total, mass, out=np.full(mass.shape, np.nan), where=mass > 0)
    n_items = (mass > 0).sum(axis=1)
    mean = np.divide(
        np.nansum(item_mean, axis=1), n_items, out=np.full(n_cells, np.nan), where=n_items > 0
    )
    share = np.divide(1.0, mass * n_items[:, None], out=np.zeros(mass.shape), where=mass > 0)
    residual = np.where(known, filled - np.nan_to_num(item_mean)[codes], 0.0)
    influence = (residual * weight[:, None] * share[codes]).sum(axis=1)
    n = np.bincount(codes, minlength=n_cells)
    squares = np.bincount(codes, influence**2, n_cells)
    variance = np.divide(n * squares, n - 1, out=np.full(n_cells, np.nan), where=n > 1)
    return mean, np.sqrt(variance)


def _correction(n: Integers, staff: Array | None) -> Array | float:
    """Finite-population correction sqrt(1 - n/N); 1 where the staff size is unknown."""
    if staff is None:
        return 1.0
    share = np.where(np.isnan(staff), 0.0, n / np.where(np.isnan(staff), 1.0, staff))
    return np.sqrt(np.clip(1 - share, 0.0, 1.0))


def _half_width(se: Array, n: Integers, level: float) -> Array:
    quantile = np.full(len(n), np.nan)
    several = n > 1
    quantile[several] = t_quantile(0.5 + level / 2, n[several] - 1)
    return se * quantile


def _shrunken(
    one: components.OneWay,
    table: components.Anova,
    moments: summaries.GroupMoments,
    mean: Array,
    se: Array,
    options: Options,
) -> dict[str, Array]:
    """Reliability of each school's mean and its empirical-Bayes estimate."""
    empty = np.full(len(mean), np.nan)
    names = ("reliability", "shrunken", "shrunken_se")
    if min(table.df) < 1:
        return dict.fromkeys(names, empty)
    fit = components.likelihood(one)
    noise = np.divide(fit.within[0], moments.n, out=empty.copy(), where=moments.n > 0)
    noise = noise * np.square(_correction(moments.n, options.staff))
    shrunken, reliability, error = components.shrink(
        mean, moments.n, float(fit.mean[0]), float(fit.between[0]), noise
    )
    if not options.shrink:
        shrunken = error = empty
    return dict(zip(names, (reliability, shrunken, error), strict=True))


def _agreement(
    responses: Responses, items: Sequence[str], values: Array, codes: Integers, n_cells: int
) -> tuple[dict[str, Array], dict[str, float]]:
    """rwg(j) and AD of the teachers who answered every item, per cell and over cells.

    Items of different ranges have no common distribution of chance, and so no rwg(j).
    """
    common = responses.instrument.common_scale(items)
    scale = common or responses.instrument.widest_scale()
    full = codes >= 0
    if values.dtype.kind == "f":
        full = full & summaries.complete(values)
    span = (scale.minimum, scale.maximum)
    counted = summaries.counts(values[full], codes[full], n_cells, span)
    moments = summaries.moments_from_counts(counted)
    some = moments.n > 1
    uniform, _ = agree.null_variance("uniform", scale.n_categories)
    skew, _ = agree.null_variance("slight_skew", scale.n_categories)
    rwg_j = agree.rwg_j(moments.variance, uniform if common else np.nan * uniform)
    rwg_j_skew = agree.rwg_j(moments.variance, skew if common else np.nan * skew)
    deviation = summaries.absolute_deviations_from_counts(counted)[0].mean(axis=1)
    deviation = np.where(some, deviation, np.nan)
    high = (rwg_j >= AGREEMENT_MARK) & (rwg_j <= 1)
    figures = {
        "median_rwg_j": _median(rwg_j),
        "share_above_70": float(high[some].mean()) if some.any() else float("nan"),
        "median_rwg_j_skew": _median(rwg_j_skew),
        "median_ad_mean": _median(deviation),
    }
    return {"rwg_j": rwg_j, "ad_mean": deviation}, figures


def _median(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _anova_figures(
    one: components.OneWay, table: components.Anova, level: float
) -> dict[str, float]:
    icc1, icc2 = components.intraclass(table, one.mean_size)
    low = high = np.array([np.nan])
    if min(table.df) >= 1 and np.isfinite(table.f[0]):
        low, high = components.wald_interval(one, table, level)
    return {
        "icc1": float(icc1[0]), "icc1_low": float(low[0]), "icc1_high": float(high[0]),
        "icc2": float(icc2[0]), "f": float(table.f[0]), "df_between": table.df[0],
        "df_within": table.df[1], "p": float(table.p[0]), "mean_group_size": one.mean_size,
        "n_groups": one.n_groups,
    }  # fmt: skip


def _notes(unscored: int, options: Options, table: components.Anova) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if unscored:
        notes += ("Teachers with too few answers have no score; n counts those who have one.",)
    if options.weights is not None:
        notes += ("Means and standard errors are weighted; agreement and ICC are not.",)
    if min(table.df) < 1:
        notes += (
            "Differences between schools cannot be estimated (one school, or one teacher in "
            "each), so there is no shrinkage.",
        )
    return notes
