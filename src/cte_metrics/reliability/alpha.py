"""Coefficient alpha with its item table and five intervals.

Functions: ``cronbach_alpha``. Class: ``Alpha``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.kernels.reliability.alpha import (
    AlphaFigures,
    alpha_figures,
    alpha_interval,
    bootstrap_alpha,
    dropped_figures,
    is_singular,
    item_total,
    smallest_sample,
)
from cte_metrics.kernels.summaries.item_statistics import score_correlations
from cte_metrics.reliability.resampled import Resampling, cut_at_one
from cte_metrics.reliability.source import Missing, Source, read_source
from cte_metrics.results import Block, Interval, Provenance, Result, Status, recorded

if TYPE_CHECKING:
    import pandas as pd

AlphaInterval = Literal["feldt", "duhachek", "bonett", "fisher", "bootstrap"]

_REFERENCE = "Cronbach, L. J. (1951). Psychometrika, 16, 297-334."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Alpha(Result):
    """Coefficient alpha.

    Attributes
    ----------
    alpha : float
        Raw alpha, from the covariances.
    ci : Interval
        Interval of raw alpha, by the method in ``interval``.
    standardized_alpha : float
        Alpha of standardized items; it has no interval here, since raw alpha's is not its own.
    average_r, median_r : float
        Mean and median inter-item correlation.
    guttman6 : float
        Guttman's lambda 6 on the correlation matrix.
    signal_noise : float
        k r / (1 - r), with the average correlation r.
    se : float
        Asymptotic standard error of raw alpha under normality (Duhachek & Iacobucci 2004).
    mean, sd : float
        Mean and standard deviation of the mean score (mean of each respondent's answers).
    sem : float
        Standard error of measurement of the mean score, sd * sqrt(1 - alpha).
    n_items, n_respondents : int
    interval : str
        The method behind ``ci``.
    items : DataFrame
        Index item: ``n, mean, sd, r_total, r_standardized, r_corrected, r_drop``,
        ``alpha_if_dropped`` and the other coefficients without the item.
    """

    _title: ClassVar[str] = "Cronbach's alpha"

    alpha: float
    ci: Interval
    standardized_alpha: float
    average_r: float
    median_r: float
    guttman6: float
    signal_noise: float
    se: float
    mean: float
    sd: float
    sem: float
    n_items: int
    n_respondents: int
    interval: AlphaInterval
    items: pd.DataFrame

    def _blocks(self) -> list[Block]:
        shown = ["n", "mean", "sd", "r_total", "r_drop", "alpha_if_dropped"]
        figures: list[tuple[str, Any]] = [
            ("alpha", self.alpha),
            (f"{100 * self.ci.level:g}% interval ({self.interval})", tuple(self.ci)),
            ("standardized alpha (no interval)", self.standardized_alpha),
            ("average r", self.average_r),
            ("median r", self.median_r),
            ("Guttman's lambda 6", self.guttman6),
            ("signal/noise", self.signal_noise),
            ("standard error of measurement (mean score)", self.sem),
            ("items", self.n_items),
            ("respondents", self.n_respondents),
        ]
        return [Block("", figures), Block("Items", self.items[shown])]


@recorded
def cronbach_alpha(
    data: Any,
    *,
    interval: AlphaInterval = "feldt",
    missing: Missing = "pairwise",
    n_resamples: int = 2000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[Hashable] | None = None,
    n_obs: int | None = None,
) -> Alpha:
    """Compute coefficient alpha, its interval, and what each item does to it.

    alpha = k / (k - 1) * (1 - trace(C) / sum(C)) for k items with covariance matrix C.

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
        Answers (reverse-scored already, unless a ``Responses`` does it), or their ``Moments``, or
        a correlation or covariance matrix with ``n_obs``.
    interval : {"feldt", "duhachek", "bonett", "fisher", "bootstrap"}
        ``feldt`` (default) is exact for equal variances and covariances under normality;
        ``duhachek`` is the normal-theory delta method and ``bonett`` the same on log(1 - alpha);
        ``fisher`` treats alpha as a correlation; ``bootstrap`` takes percentiles of resampled
        respondents and assumes neither normality nor equal covariances.
    missing : {"pairwise", "listwise"}
        Pairwise covariances by default, and pairwise correlations for all that is standardized;
        respondents without any answer are dropped.
    n_resamples : int
        Resamples of the bootstrap.
    rng : Generator or int, optional
        Seed of the bootstrap.
    confidence : float
        Level of the interval, between 0 and 1.
    items : sequence of labels, optional
        Items to use; all by default.
    n_obs : int, optional
        Respondents behind a matrix.

    Returns
    -------
    Alpha

    Raises
    ------
    InputError
        If an item is constant or unanswered, fewer than two items or respondents remain, or a
        bootstrap is asked of a matrix.

    Notes
    -----
    Agrees with ``psych::alpha`` and ``psychometric::alpha.CI``, with three differences: the n of
    the intervals counts respondents with at least one answer (psych counts empty rows too); with
    two items the columns "if dropped" are missing, because one item has no alpha (psych shows
    a ratio of the covariance to a variance); and with missing answers standardized alpha,
    ``average_r``, ``median_r``, ``guttman6`` and ``signal_noise`` rest on the pairwise correlations
    (psych 2.2.9 scales the pairwise covariances, whose variances are those of other rows). No item
    is ever dropped or reversed silently.

    A correlation matrix has no raw alpha: ``alpha`` is then the standardized one, and its interval
    is computed as if it were raw alpha's; a note says so.

    References
    ----------
    Cronbach (1951); Feldt, Woodruff & Salih (1987), Applied Psychological Measurement 11, 93-103;
    Duhachek & Iacobucci (2004), Journal of Applied Psychology 89, 792-808; Bonett (2002), Journal
    of Educational and Behavioral Statistics 27, 335-340.

    Examples
    --------
    Two items with variances 2 and 2 and covariance 1: alpha = 2 * (1 - 4 / 6) = 2 / 3.

    >>> import numpy as np
    >>> from cte_metrics.reliability import cronbach_alpha
    >>> found = cronbach_alpha(np.array([[2.0, 1.0], [1.0, 2.0]]), n_obs=50)
    >>> round(found.alpha, 6)
    0.666667
    >>> low, high = found.ci
    >>> round(low, 3), round(high, 3)
    (0.413, 0.811)
    """
    asked = Resampling.asked(
        interval=interval,
        n_resamples=n_resamples,
        rng=rng,
        confidence=confidence,
        allowed=AlphaInterval,
    )
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Alpha")
    figures = alpha_figures(source.covariance, source.correlation)
    limits, interval_notes = _interval(source, figures, asked)
    table, mean, sd = _item_table(source)
    alpha = float(figures.alpha)
    return Alpha(
        alpha=alpha,
        ci=Interval(*limits, asked.level),
        standardized_alpha=float(figures.standardized),
        average_r=float(figures.average_r),
        median_r=float(figures.median_r),
        guttman6=float(figures.guttman6),
        signal_noise=float(figures.signal_noise),
        se=float(np.sqrt(figures.variance_factor / source.n)) if source.n else np.nan,
        mean=mean,
        sd=sd,
        sem=sd * float(np.sqrt(max(1 - alpha, 0.0))) if alpha <= 1 + 1e-12 else np.nan,
        n_items=source.n_items,
        n_respondents=source.n,
        interval=interval,
        items=table,
        provenance=Provenance(
            method=f"Cronbach's alpha, {missing} covariances, {interval} interval",
            n_used=source.n,
            n_dropped=source.n_dropped,
            settings={"missing": missing, **asked.settings},
            reference=_REFERENCE,
        ),
        status=Status.OK if np.isfinite(alpha) else Status.UNDEFINED,
        notes=(
            *source.notes,
            *source.alpha_by_rule("covariance"),
            *_alpha_notes(source, alpha),
            *source.keying(),
            *interval_notes,
        ),
    )


def _interval(
    source: Source, figures: AlphaFigures, asked: Resampling
) -> tuple[tuple[float, float], tuple[str, ...]]:
    if not asked.bootstrap:
        factor = float(figures.variance_factor)
        limits = alpha_interval(
            asked.method,
            float(figures.alpha),
            source.n,
            source.n_items,
            variance_factor=factor,
            confidence=asked.level,
        )
        low, high, cut = cut_at_one(np.asarray(limits[0]), np.asarray(limits[1]))
        return (float(low), float(high)), (*cut, *_no_interval(source, figures, asked, limits[0]))
    answers = source.answers("A bootstrap interval").values
    if source.complete and np.isnan(answers).any():
        answers = answers[~np.isnan(answers).any(axis=1)]
    answers = answers[~np.isnan(answers).all(axis=1)]
    replicates = bootstrap_alpha(answers, asked.n_resamples, asked.rng)
    found = asked.percentiles(replicates[:, None], "alpha")
    return (float(found.low[0]), float(found.high[0])), found.notes


def _no_interval(
    source: Source, figures: AlphaFigures, asked: Resampling, limit: float
) -> tuple[str, ...]:
    """Say why alpha has no interval of the kind asked for, unless another note does."""
    if np.isfinite(limit) or not source.n or not np.isfinite(figures.alpha):
        return ()
    needed = smallest_sample(asked.method)
    if source.n < needed:
        why = f"it needs at least {needed} respondents, and there are {source.n}"
    elif figures.alpha > 1:
        why = "alpha is above 1, so the pairwise covariances contradict each other"
    else:
        why = "it treats alpha as a correlation, and this alpha is not above -1"
    return (f"There is no {asked.method} interval: {why}.",)


def _item_table(source: Source) -> tuple[pd.DataFrame, float, float]:
    """Return the item table, and mean and sd of the mean score."""
    import pandas as pd

    totals = item_total(source.covariance, source.correlation)
    dropped = dropped_figures(source.covariance, source.correlation)
    r_total = totals.r_total
    mean = float(source.mean.mean())
    sd = float(np.sqrt(max(source.covariance.sum(), 0.0))) / source.n_items
    if source.data is not None and not source.complete:
        observed = score_correlations(source.data.raw)
        r_total, mean, sd = observed.r_total, observed.mean, observed.sd
    n = source.n
    with np.errstate(invalid="ignore"):
        se = np.sqrt(dropped.variance_factor / n) if n else np.full(source.n_items, np.nan)
    columns = {
        "n": source.item_counts.astype(np.int64),
        "mean": source.mean,
        "sd": np.sqrt(np.diagonal(source.covariance)),
        "r_total": r_total,
        "r_standardized": totals.r_standardized,
        "r_corrected": totals.r_corrected,
        "r_drop": totals.r_drop,
        "alpha_if_dropped": dropped.alpha,
        "standardized_alpha_if_dropped": dropped.standardized,
        "guttman6_if_dropped": dropped.guttman6,
        "average_r_if_dropped": dropped.average_r,
        "median_r_if_dropped": dropped.median_r,
        "signal_noise_if_dropped": dropped.signal_noise,
        "se_if_dropped": se,
    }
    return pd.DataFrame(columns, index=pd.Index(source.items, name="item")), mean, sd


def _alpha_notes(source: Source, alpha: float) -> tuple[str, ...]:
    notes = []
    if source.data is None and np.allclose(np.diagonal(source.covariance), 1.0):
        interval = (
            "; its interval is computed as if it were that of raw alpha, which treats the items' "
            "variances as known to be equal"
        )
        notes.append(
            f"From a correlation matrix alpha is standardized alpha{interval * bool(source.n)}."
        )
    if source.n_items == 2:
        notes.append(
            "With two items alpha-if-dropped is not defined, and r_drop is their correlation; "
            "alpha equals the Spearman-Brown coefficient only when their variances are equal."
        )
    notes += _unknown_correlations(source)
    if is_singular(source.matrix("correlation")):
        notes.append(
            "The correlation matrix is singular (items determine each other, or respondents are "
            "fewer than items): lambda 6 rests on its pseudo-inverse."
        )
    if not np.isfinite(alpha):
        notes.append(
            "Alpha is not defined: the sum of the items has no positive variance, because their "
            "covariances cancel their variances. First suspect the keying."
        )
    elif alpha < 0:
        pairs = negative_pairs(source)
        notes.append(
            "Alpha is negative: the covariances sum to less than zero, so the items do not "
            f"measure one thing in one direction (negative covariances: {pairs}). First suspect "
            "the keying: a reverse-worded item that was not reverse-scored, or one turned twice."
        )
    return tuple(notes)


def _unknown_correlations(source: Source, show: int = 4) -> list[str]:
    """Name pairs of items of which one does not vary among the respondents they share."""
    unknown = np.argwhere(~np.isfinite(np.tril(source.matrix("correlation"), -1)))
    if not len(unknown):
        return []
    named = [f"{source.items[j]} with {source.items[i]}" for i, j in unknown[:show].tolist()]
    listed = "; ".join([*named, *(["..."] if len(unknown) > show else [])])
    return [
        f"Correlations are not defined for {listed}: among "
        "the respondents they share one of the two does not vary. What rests on correlations "
        "(average_r, standardized alpha, lambda 6) is missing."
    ]


def negative_pairs(source: Source, show: int = 4) -> str:
    """Name the item pairs with the most negative correlations."""
    r = source.matrix("correlation")
    i, j = np.tril_indices(source.n_items, -1)
    order = np.argsort(r[i, j], kind="stable")
    order = order[r[i, j][order] < 0]
    named = [f"{source.items[j[p]]} with {source.items[i[p]]}" for p in order[:show]]
    return "; ".join(named) + ("; ..." if len(order) > show else "")
