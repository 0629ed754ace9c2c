"""Measurement invariance across groups, or across waves of the same respondents.

Functions: ``invariance``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack

from cte_metrics.core.arguments import is_list
from cte_metrics.errors import InputError, one_of
from cte_metrics.factor.confirmatory import model_text
from cte_metrics.factor.invariance_result import Invariance, make_result
from cte_metrics.factor.invariance_series import LEVELS, Asked, Level, Series, prepare
from cte_metrics.results.recording import recorded
from cte_metrics.sem.request.model import ModelKeywords
from cte_metrics.sem.semfit import SEMFit

UnusedCategories = Literal["raise", "merge"]
_ONE_BY_ONE: tuple[Level, ...] = ("threshold", "metric")
DEFAULT_LEVELS: tuple[Level, ...] = ("configural", "metric", "scalar", "strict")
_SYNONYMS = {"weak": "metric", "loadings": "metric", "strong": "scalar", "thresholds": "threshold"}
_SYNONYMS |= {"intercepts": "scalar", "residuals": "strict"}


@recorded
def invariance(
    data: Any,
    model: str | None = None,
    *,
    group: Any,
    levels: Sequence[Level] = DEFAULT_LEVELS,
    partial: bool | Sequence[str] = False,
    respondent: Any = None,
    alpha: float = 0.05,
    unused_categories: UnusedCategories = "raise",
    **options: Unpack[ModelKeywords],
) -> Invariance:
    """Compare models of increasing equality across groups or waves.

    Parameters
    ----------
    data : Responses or DataFrame
        One row a respondent (and wave).
    model : str, optional
        Measurement model of one group, in lavaan's syntax, or ``"correlated"``, ``"one_factor"``,
        ``"second_order"``, ``"bifactor"``; by default the instrument's subscales.
    group : str or array
        Grouping variable. ``"wave"`` links the waves of the same respondents: a longitudinal model
        with correlated residuals of the same item.
    levels : sequence of str
        ``configural``, ``metric`` (equal loadings), ``scalar`` (and intercepts), ``strict`` (and
        residual variances), ``variances`` (and factor (co)variances), ``means`` (and factor
        means). With ordinal items the default has ``threshold`` after ``configural``.
    partial : bool or sequence of str
        Release parameters until a level no longer fits worse than the one before (difference test
        at ``alpha``): at each step the one whose score test over all groups has the smallest
        p-value, as long as two items a factor stay equal. Or name the parameters to exempt at
        every level, e.g. ``["f =~ x2", "x3 ~ 1"]``.
    respondent : str or array, optional
        Identifiers that link waves, where the data are no ``Responses``.
    alpha : float
        Level of the tests that ``partial`` goes by.
    unused_categories : {"raise", "merge"}
        What to do with a category of an ordinal item that some group or wave never uses: explain
        it in an error, or merge it with its neighbour everywhere (said in ``notes``).
    **options
        Of ``sem.fit``: ``estimator``, ``missing``, ``ordered``, ...

    Returns
    -------
    Invariance

    Raises
    ------
    InputError
        For unknown levels; for a parameter to exempt that no level makes equal; if a group lacks a
        category of an ordinal item; if waves cannot be linked.

    Notes
    -----
    Figures are scaled, and differences tested by a scaled test, where the estimator is robust;
    ``table.attrs`` and the column ``method`` say which. Ordinal items are identified after Wu and
    Estabrook (2016) in the theta parameterization, so that equal thresholds can be tested alone
    where items have four categories or more. With three they restrict nothing: the level fits like
    the configural one and has no test. Thresholds, loadings and intercepts of binary items can
    only be tested together, which ``scalar`` does: where all items are binary the series is
    ``configural``, ``scalar``, ``strict``; beside others they stay free up to ``scalar``. So every
    level restricts the one before, and a level without fewer parameters is not tested.
    ``delta_cfi`` and ``delta_rmsea`` are this level's figure minus that of the level before.

    References
    ----------
    Wu, H., & Estabrook, R. (2016). Psychometrika, 81, 1014-1045. Cheung, G. W., & Rensvold, R. B.
    (2002). Evaluating goodness-of-fit indexes for testing measurement invariance. Structural
    Equation Modeling, 9, 233-255. Byrne, B. M., Shavelson, R. J., & Muthen, B. (1989). Testing for
    the equivalence of factor covariance and mean structures. Psychological Bulletin, 105, 456-466.

    Examples
    --------
    Four items, two groups of the same population: the metric model has three degrees of freedom
    more than the configural one.

    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> items = rng.normal(size=(400, 1)) + rng.normal(size=(400, 4))
    >>> data = pd.DataFrame(items, columns=["a", "b", "c", "d"]).assign(g=np.arange(400) % 2)
    >>> found = invariance(data, "f =~ a + b + c + d", group="g", levels=["configural", "metric"])
    >>> found.table["df"].tolist(), found.table["delta_df"].tolist()
    ([4, 7], [nan, 3.0])
    """
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha={alpha} is not between 0 and 1.")
    one_of(unused_categories, UnusedCategories, "unused_categories")
    chosen: dict[str, Any] = dict(options)
    exempt = chosen.pop("group_partial", ())
    merge = unused_categories == "merge"
    asked = Asked(data, model_text(model, data), group, respondent, merge, chosen)
    series = prepare(asked)
    named = list(partial) if is_list(partial) else []
    named += [exempt] if isinstance(exempt, str) else list(exempt)
    series.released.update(series.key(p) for p in named)
    series.search, series.alpha = not is_list(partial) and bool(partial), alpha
    fits: dict[str, SEMFit] = {}
    for level in _levels(levels, series):
        fits[level] = series.next(level, next(reversed(fits.values())) if fits else None)
    return make_result(series, fits)


def _levels(levels: Sequence[str], series: Series) -> tuple[str, ...]:
    ordinal = bool(series.plan.n_thresholds)
    wanted = (levels,) if isinstance(levels, str) else tuple(levels)
    found = [one_of(_SYNONYMS.get(str(w), w), Level, "levels") for w in wanted]
    if ordinal and tuple(found) == DEFAULT_LEVELS:
        found.insert(1, "threshold")
    if not ordinal and "threshold" in found:
        raise InputError(
            "The level 'threshold' is for ordinal items.", hint="Declare them: ordered=True."
        )
    ordered = [w for w in LEVELS if w in found]
    if not ordered:
        raise InputError("levels is empty.")
    return tuple(_testable(ordered, series))


def _testable(levels: list[Level], series: Series) -> list[Level]:
    """Leave out the levels that binary items cannot show, and say so."""
    binary = [v for v in series.items if series.plan.is_binary(v)]
    alone = len(binary) == len(series.items)
    lost = [w for w in levels if w in _ONE_BY_ONE] if alone else []
    kept = [w for w in levels if w not in lost]
    why = (
        "the equality of thresholds or loadings of binary items cannot be tested alone (Wu & "
        "Estabrook, 2016): thresholds, loadings and intercepts become equal together, at 'scalar'"
    )
    if lost and not set(kept) - {"configural"}:
        raise InputError(
            f"levels={levels}: {why}.", hint="For example levels=['configural', 'scalar']."
        )
    if lost:
        series.notes.append(f"{' and '.join(lost)} left out: {why}.")
    elif binary and set(kept) & set(_ONE_BY_ONE):
        series.notes.append(f"{', '.join(binary)} stay free up to 'scalar': {why}.")
    if "threshold" in kept and not series.tests_thresholds:
        series.notes.append(
            "threshold: with no more than three categories an item equal thresholds restrict "
            "nothing, so this level fits like the one before and is not tested."
        )
    return kept
