"""Agreement of teachers within schools.

Functions: ``agreement``; class ``Agreement``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cte_metrics.aggregation.chance_agreement import Chance, critical_values
from cte_metrics.aggregation.evidence import AGREEMENT_MARK
from cte_metrics.aggregation.grouped import Grouped, grouped_items, response_range
from cte_metrics.arrays import Array
from cte_metrics.core.arguments import checked
from cte_metrics.core.floats import TOO_LARGE
from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.randomness import Seed
from cte_metrics.errors import InputError, InputTypeError, check_confidence
from cte_metrics.kernels.groups import agreement as formulas
from cte_metrics.kernels.summaries import group_summaries as summaries
from cte_metrics.results import Block, Provenance, Result, recorded

REFERENCE = (
    "James, Demaree & Wolf (1984); Lindell, Brandt & Whitney (1999); Burke & Dunlap (2002); "
    "Brown & Hauenstein (2005); LeBreton & Senter (2008)."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Agreement(Result):
    """Agreement statistics per group and over groups.

    Attributes
    ----------
    table : DataFrame, index group
        ``n, rwg_j, rwg_j_skew, rwg_star_j, ad_mean, ad_median, awg, sd``; for one item ``rwg,
        rwg_skew`` in place of ``rwg_j, rwg_j_skew``. ``sd`` is that of the scale means. Values
        are never truncated (see :attr:`truncated`).
    overview : DataFrame, index statistic
        ``n_groups, mean, mean_truncated, median, minimum, maximum, cutoff, share_meeting,
        out_of_range``. ``mean`` takes the values as they are; ``mean_truncated`` counts rwg(j)
        outside 0 to 1 as 0, as multilevel does (the other statistics are not truncated).
    null_variance, skew_variance : float
        Expected variances behind ``rwg_j`` and ``rwg_j_skew``.
    n_items : int
        Number of items.
    scale : tuple of float
        Response range.
    """

    _title: ClassVar[str] = "Agreement within groups"

    table: pd.DataFrame
    overview: pd.DataFrame
    null_variance: float
    skew_variance: float
    n_items: int
    scale: tuple[float, float]

    def _blocks(self) -> list[Block]:
        return [Block("Over groups", self.overview), Block("Groups", self.table)]

    @property
    def truncated(self) -> pd.DataFrame:
        """The table as convention reads it: rwg(j) outside 0 to 1 becomes 0, as multilevel does."""
        return _truncated(self.table, self.null_variance, self.skew_variance)

    @checked
    def critical_values(
        self,
        *,
        n_resamples: int = 10_000,
        correlation: ArrayLike | None = None,
        confidence: float = 0.95,
        rng: Seed = None,
    ) -> pd.DataFrame:
        """Simulate what agreement chance alone reaches, for every group size in the table.

        Parameters
        ----------
        n_resamples : int
            Simulated groups per size.
        correlation : array (k, k), optional
            Correlations of the items; by default they are independent. Correlated items make
            chance agreement more variable, so the critical values become stricter.
        confidence : float
            1 - the share of random groups that may reach the value.
        rng : int or Generator, optional
            Seed.

        Returns
        -------
        DataFrame, index n
            ``rwg_j`` (or ``rwg``): agreement is significant at or above it; ``ad_mean`` and
            ``ad_median``: significant at or below. nan where no value is rare enough. Answers
            are uniform over the categories and rwg(j) is read as convention does, as in
            multilevel::rwg.j.sim and ad.m.sim.

        Raises
        ------
        InputError
            If the response scale does not consist of whole numbers, ``n_resamples`` is below 100,
            or ``confidence`` is not between 0 and 1.
        """
        if n_resamples < 100:
            raise InputError(f"n_resamples={n_resamples}; at least 100 are needed.")
        check_confidence(confidence)
        chance = Chance(self.n_items, self.scale, correlation, n_resamples, confidence)
        return critical_values(self.table["n"].to_numpy(), chance, rng)


@recorded
def agreement(
    data: Any,
    group: Any = None,
    *,
    scale: ResponseScale | Sequence[float] | None = None,
    null: formulas.NullName | float = "uniform",
) -> Agreement:
    r"""Do the teachers of a school agree?

    Parameters
    ----------
    data : Responses, DataFrame, Series or array
        Items of one scale, reverse-scored; a ``Responses`` does that itself. Rows with a missing
        answer or group are left out (as multilevel does), with a note.
    group : str or array, optional
        Column name or one label per row; for ``Responses`` their own group by default.
    scale : ResponseScale or (low, high), optional
        Response range; by default the instrument's, or the observed one with a note.
    null : str or float
        ``uniform, slight_skew, moderate_skew, heavy_skew, triangular, normal``, or their
        variance: what answers without agreement would look like. The uniform variance is
        (A^2 - 1)/12 for A categories. The others are the tabled values of LeBreton and Senter
        (2008) for 5 to 11 categories; beyond, the tabled share of the uniform variance at 5 or 11
        categories is kept, with a note. ``rwg_j_skew`` always uses the slight skew.

    Returns
    -------
    Agreement
        ``.table``, ``.overview``, ``.critical_values()``, ``.truncated``.

    Raises
    ------
    InputError
        If groups are missing, an answer lies outside the scale, or the null variance is not
        positive.

    Notes
    -----
    With S the mean of the item variances (n - 1) within a group, V the null variance, J items:

    .. math:: r_{wg(J)} = \frac{J (1 - S/V)}{J (1 - S/V) + S/V}, \quad r^*_{wg(J)} = 1 - S/V

    AD is the mean absolute deviation about the mean or median, averaged over items (at most A/6
    counts as agreement). awg relates the variance to the largest one possible at the group's mean;
    items whose mean is too extreme for that are left out.

    Unlike multilevel::rwg and rwg.j, S > V is not truncated: r*wg(j) is then negative, and rwg(j)
    negative or above 1; ``.truncated`` gives the conventional reading (0).

    References
    ----------
    James, Demaree & Wolf (1984), J. Applied Psychology, 69, 85-98. Lindell, Brandt & Whitney
    (1999), Applied Psychological Measurement, 23, 127-135. Burke & Dunlap (2002), Organizational
    Research Methods, 5, 159-172. Brown & Hauenstein (2005), ORM, 8, 165-184. LeBreton & Senter
    (2008), ORM, 11, 815-852.

    Examples
    --------
    Two schools of two teachers, one item: the variances are 0 and 2, the null variance 2.

    >>> import pandas as pd
    >>> answers = pd.DataFrame({"school": ["a", "a", "b", "b"], "item": [4, 4, 3, 5]})
    >>> found = agreement(answers, "school", scale=(1, 5))
    >>> found.table["rwg"].tolist()
    [1.0, 0.0]
    >>> found.table["ad_mean"].tolist()
    [0.0, 1.0]
    """
    found = grouped_items(data, group, what="Agreement")
    limits, notes = response_range(scale, found)
    variance, skew, null_notes = _nulls(null, limits)
    table = _table(found, limits, variance, skew)
    notes = found.notes + notes + null_notes + _size_notes(table) + _range_notes(table)
    return Agreement(
        table=table,
        overview=_overview(table, _truncated(table, variance, skew), _n_categories(limits)),
        null_variance=variance,
        skew_variance=skew,
        n_items=len(found.items),
        scale=limits,
        notes=notes,
        provenance=Provenance(
            method="Within-group agreement", n_used=len(found.values), n_dropped=found.n_dropped,
            settings={"null": null, "null_variance": variance, "scale": limits},
            reference=REFERENCE,
        ),
    )  # fmt: skip


def _n_categories(limits: tuple[float, float]) -> float:
    return limits[1] - limits[0] + 1


def _nulls(null: Any, limits: tuple[float, float]) -> tuple[float, float, tuple[str, ...]]:
    """Variance of the chosen null, of the slight skew, and what must be said about them."""
    number = _n_categories(limits)
    skew, tabled = _named_variance("slight_skew", number)
    if isinstance(null, str):
        variance, own = _named_variance(null, number)
        tabled = tabled and own
    elif (
        not isinstance(null, int | float | np.number)
        or isinstance(null, bool)
        or (null > TOO_LARGE)
    ):
        raise InputTypeError(
            f"null={null!r} is neither a name nor a variance.",
            hint=f"Names are {', '.join(formulas.NULLS)}.",
        )
    else:
        variance = float(null)
    if not variance > 0 or not np.isfinite(variance):
        raise InputError(f"The null variance must be positive; got {variance:g}.")
    note = (
        f"Skewed null variances are tabled for 5 to 11 categories; for {number:g} their share of "
        "the uniform variance at the nearest tabled number was kept.",
    )
    return variance, skew, () if tabled else note


def _named_variance(null: str, number: float) -> tuple[float, bool]:
    if number != round(number):
        share, _ = formulas.null_variance(null, 5)  # type: ignore[arg-type]
        return share / 2.0 * (number**2 - 1) / 12, null == "uniform"
    return formulas.null_variance(null, round(number))  # type: ignore[arg-type]


def _table(
    found: Grouped, limits: tuple[float, float], variance: float, skew: float
) -> pd.DataFrame:
    moments, ad_mean, ad_median = _group_statistics(found)
    spread = moments.variance
    alone = moments.n < 2
    name = "rwg_j" if len(found.items) > 1 else "rwg"
    columns = {
        "n": moments.n,
        name: formulas.rwg_j(spread, variance),
        f"{name}_skew": formulas.rwg_j(spread, skew),
        "rwg_star_j": formulas.rwg_star_j(spread, variance),
        "ad_mean": np.where(alone, np.nan, ad_mean.mean(axis=1)),
        "ad_median": np.where(alone, np.nan, ad_median.mean(axis=1)),
        "awg": formulas.awg(moments.mean, spread, moments.n, limits),
        "sd": _sd_of_means(found),
    }
    return pd.DataFrame(columns, index=found.labels)


def _group_statistics(
    found: Grouped,
) -> tuple[summaries.GroupMoments, Array, Array]:
    """Moments and average deviations: from category counts where answers are whole numbers."""
    span = summaries.is_scale_data(found.values)
    if span is not None:
        counted = summaries.counts(found.values, found.codes, found.n_groups, span)
        return (
            summaries.moments_from_counts(counted),
            *summaries.absolute_deviations_from_counts(counted),
        )
    values = found.values.astype(np.float64, copy=False)
    moments = summaries.moments(values, found.codes, found.n_groups)
    around_mean = summaries.absolute_deviation_mean(values, found.codes, moments)
    return moments, around_mean, summaries.absolute_deviation_median(values, found.codes, moments.n)


def _sd_of_means(found: Grouped) -> Array:
    k = found.values.shape[1]
    mean = np.zeros(len(found.values))
    for column in found.values.T:  # item by item: int8 answers would overflow in a row sum
        mean += column
    mean /= k
    return np.sqrt(summaries.moments(mean[:, None], found.codes, found.n_groups).variance[:, 0])


def _truncated(table: pd.DataFrame, variance: float, skew: float) -> pd.DataFrame:
    """The table with 0 for rwg(j) where the mean item variance exceeds the null's."""
    out = table.copy()
    spread = (1 - out["rwg_star_j"]) * variance
    name = "rwg_j" if "rwg_j" in out else "rwg"
    out[name] = out[name].mask(spread > variance, 0.0)
    out[f"{name}_skew"] = out[f"{name}_skew"].mask(spread > skew, 0.0)
    return out


def _overview(table: pd.DataFrame, truncated: pd.DataFrame, n_categories: float) -> pd.DataFrame:
    rows = {}
    for name in table.columns.drop(["n", "sd"]):
        value = table[name].dropna()
        deviation = name.startswith("ad_")
        cutoff = formulas.ad_cutoff(n_categories) if deviation else AGREEMENT_MARK  # type: ignore[arg-type]
        meets = (value <= cutoff) if deviation else (value >= cutoff) & (value <= 1)
        rows[name] = {
            "n_groups": len(value), "mean": value.mean(),
            "mean_truncated": truncated[name].mean(), "median": value.median(),
            "minimum": value.min(), "maximum": value.max(), "cutoff": cutoff,
            "share_meeting": meets.mean() if len(value) else np.nan,
            "out_of_range": 0 if deviation else int(((value < 0) | (value > 1)).sum()),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("statistic")


def _size_notes(table: pd.DataFrame) -> tuple[str, ...]:
    alone = int((table["n"] < 2).sum())
    if not alone:
        return ()
    return (f"{alone} group(s) with one respondent: agreement is not defined there.",)


def _range_notes(table: pd.DataFrame) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    for name in table.columns.intersection(["rwg", "rwg_j", "rwg_skew", "rwg_j_skew"]):
        outside = int(((table[name] < 0) | (table[name] > 1)).sum())
        if outside:
            notes += (
                f"{name} lies outside 0 to 1 in {outside} of {len(table)} groups and is reported "
                "as it is: answers vary more there than the null distribution expects. "
                "Convention reads such values as 0, no agreement (James et al., 1984); see "
                ".truncated.",
            )
    return notes
