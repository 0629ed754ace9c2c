"""Test-retest reliability: the same respondents on two occasions.

Function: ``test_retest``. Class: ``TestRetest``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.core.door import item_data
from cte_metrics.errors import InputError, check_confidence
from cte_metrics.kernels.reliability.alpha import alpha_figures, alpha_interval, smallest_sample
from cte_metrics.kernels.reliability.retest import pair_correlation, profile_agreement
from cte_metrics.kernels.summaries.item_statistics import mean_scores
from cte_metrics.kernels.summaries.moments import moments
from cte_metrics.reliability.coefficient import Coefficient
from cte_metrics.results import Interval, Provenance, Status, recorded
from cte_metrics.summaries.keying import keying_check

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = "Revelle, W. & Condon, D. M. (2019). Psychological Assessment, 31, 1395-1411."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TestRetest(Coefficient):
    """Agreement of two occasions.

    Attributes
    ----------
    r : float
        Correlation of the mean scores, the test-retest reliability.
    ci : Interval
        Fisher's z.
    mean_first, mean_second, sd_first, sd_second : float
        Of the mean scores.
    alpha_first, alpha_second : float
        Alpha on each occasion; nan for single scores.
    profile : float
        Mean correlation of a respondent's own two profiles of answers (psych's rqq).
    items : DataFrame
        Index item: ``r, mean_first, mean_second, n``; empty for single scores.
    scores : DataFrame
        Index respondent: ``first, second, profile, distance`` (mean squared difference of the
        answers).
    n_items, n_respondents : int
    """

    __test__: ClassVar[bool] = False
    _title: ClassVar[str] = "Test-retest reliability"

    r: float
    ci: Interval
    mean_first: float
    mean_second: float
    sd_first: float
    sd_second: float
    alpha_first: float
    alpha_second: float
    profile: float
    items: pd.DataFrame
    scores: pd.DataFrame
    n_items: int
    n_respondents: int

    @property
    def estimate(self) -> float:
        """The correlation."""
        return self.r


@recorded
def test_retest(
    first: Any,
    second: Any,
    *,
    confidence: float = 0.95,  # noqa: PT028
) -> TestRetest:
    """Correlate the scores of the same respondents on two occasions.

    Parameters
    ----------
    first, second : Responses, DataFrame, array (n, k), or Series or array of scores (n,)
        The two occasions. ``Responses`` are matched by respondent; otherwise rows correspond in
        order, and data frames must have the same columns and index.
    confidence : float

    Returns
    -------
    TestRetest
        ``float(result)`` is the correlation.

    Raises
    ------
    InputError
        If the occasions do not match, fewer than three respondents have both scores, or a score
        does not vary.

    Notes
    -----
    A respondent's score is the mean of the answers given, as in ``psych::testRetest``, whose
    ``r12``, ``rqq`` (profile), ``dxy`` (distance) and ``rii`` (items) these are. A high
    correlation does not rule out that all scores shifted: compare the means.

    Examples
    --------
    >>> import numpy as np
    >>> found = test_retest(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0]))
    >>> round(found.r, 6), found.n_respondents
    (0.6, 4)
    """
    level = check_confidence(confidence)
    x, y, items, index, notes = _matched(first, second)
    scores = mean_scores(x), mean_scores(y)
    both = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    n = int(both.sum())
    _refuse(n, scores, both)
    r = float(pair_correlation(scores[0][:, None], scores[1][:, None])[0])
    limits = alpha_interval("fisher", abs(r), n, 2, confidence=level)
    limits = limits if r > 0 else (-limits[1], -limits[0])
    if n < smallest_sample("fisher"):
        notes = (*notes, f"There is no interval: Fisher's z needs four respondents; here are {n}.")
    key = getattr(getattr(first, "instrument", None), "reversed_ids", None)
    for when, answers in (("on the first occasion", x), ("on the second occasion", y)):
        covariance = moments(answers, "pairwise").covariance
        notes += keying_check(covariance, items, reversed_ids=key, when=when)
    table = _item_table(x, y, items)
    profiles, distance = profile_agreement(x, y)
    dropped = len(both) - n
    if dropped:
        notes = (*notes, f"{dropped} respondents without a score on both occasions were left out.")
    import pandas as pd

    frame = pd.DataFrame(
        {"first": scores[0], "second": scores[1], "profile": profiles, "distance": distance},
        index=index,
    )
    moments_of = [(float(s[both].mean()), float(s[both].std(ddof=1))) for s in scores]
    return TestRetest(
        r=r,
        ci=Interval(*limits, level),
        mean_first=moments_of[0][0],
        mean_second=moments_of[1][0],
        sd_first=moments_of[0][1],
        sd_second=moments_of[1][1],
        alpha_first=_alpha(x),
        alpha_second=_alpha(y),
        profile=float(np.nanmean(profiles)) if np.isfinite(profiles).any() else np.nan,
        items=table,
        scores=frame,
        n_items=len(items),
        n_respondents=n,
        provenance=Provenance(
            method="Correlation of mean scores on two occasions, Fisher interval",
            n_used=n,
            n_dropped=dropped,
            settings={"confidence": level},
            reference=_REFERENCE,
        ),
        status=Status.OK,
        notes=notes,
    )


def _matched(first: Any, second: Any) -> tuple[Array, Array, tuple[str, ...], Any, tuple[str, ...]]:
    if _is_scores(first) and _is_scores(second):
        one, two = (item_data(_score_column(d), what="Test-retest") for d in (first, second))
        _same_length(one.values, two.values)
        return one.values, two.values, one.items, one.index, ()
    one, two = (item_data(d, what="Test-retest", variables=None) for d in (first, second))
    if set(one.items) != set(two.items):
        missing = sorted(set(one.items) ^ set(two.items))
        raise InputError(
            f"The occasions have different items: {', '.join(missing[:6])} on one only.",
            hint="Pass the same items in both.",
        )
    order = [two.items.index(name) for name in one.items]
    x, y = one.values, two.values[:, order]
    told = tuple(dict.fromkeys((*one.notes, *two.notes)))
    if hasattr(first, "keyed") and hasattr(second, "keyed"):
        *matched, notes = _by_respondent(x, y, one, two)
        return *matched, (*told, *notes)
    _same_length(x, y)
    if (
        hasattr(first, "index")
        and hasattr(second, "index")
        and not first.index.equals(second.index)
    ):
        raise InputError(
            "The rows of the two occasions have different labels, so it is not known which belong "
            "together.",
            hint="Sort both by respondent and give them the same index.",
        )
    return x, y, one.items, one.index, told


def _is_scores(data: Any) -> bool:
    return getattr(data, "ndim", None) == 1 or (
        isinstance(data, list | tuple) and bool(data) and np.ndim(data[0]) == 0
    )


def _score_column(scores: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        series = pd.Series(scores)
    except OverflowError:  # older pandas meets whole numbers beyond the reach of floats
        series = pd.Series(scores, dtype=object)
    return pd.DataFrame({"score": series})


def _same_length(x: Array, y: Array) -> None:
    if len(x) != len(y):
        raise InputError(
            f"The occasions have {len(x)} and {len(y)} rows; each row is one respondent.",
            hint="Keep the respondents who took part on both occasions, in the same order.",
        )


def _by_respondent(
    x: Array, y: Array, one: Any, two: Any
) -> tuple[Array, Array, tuple[str, ...], Any, tuple[str, ...]]:
    import pandas as pd

    first, second = pd.Index(np.asarray(one.index)), pd.Index(np.asarray(two.index))
    if first.has_duplicates or second.has_duplicates:
        raise InputError(
            "A respondent appears twice on one occasion.",
            hint="Pass one wave each: responses.at_wave(1), responses.at_wave(2).",
        )
    shared = first[first.isin(second)]
    alone = len(first) + len(second) - 2 * len(shared)
    notes = (f"{alone} respondents took part on one occasion only and were left out.",)
    rows_x, rows_y = first.get_indexer(shared), second.get_indexer(shared)
    return x[rows_x], y[rows_y], one.items, shared, notes if alone else ()


def _refuse(n: int, scores: tuple[Array, Array], both: Flags) -> None:
    if n < 3:
        raise InputError(
            f"{n} respondents have a score on both occasions; at least three are needed."
        )
    for name, score in zip(("first", "second"), scores, strict=True):
        if np.ptp(score[both]) == 0:
            raise InputError(
                f"The scores of the {name} occasion are all equal, so nothing can correlate."
            )


def _item_table(x: Array, y: Array, items: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    shared = (~np.isnan(x) & ~np.isnan(y)).sum(0)
    columns = {
        "r": pair_correlation(x, y),
        "mean_first": _column_means(x),
        "mean_second": _column_means(y),
        "n": shared,
    }
    return pd.DataFrame(columns, index=pd.Index(items, name="item"))


def _column_means(x: Array) -> Array:
    return mean_scores(np.ascontiguousarray(x.T))


def _alpha(x: Array) -> float:
    if x.shape[1] < 2:
        return np.nan
    covariance = moments(x, "pairwise").covariance
    if not np.isfinite(covariance).all() or (np.diagonal(covariance) <= 0).any():
        return np.nan
    return float(alpha_figures(covariance).alpha)
