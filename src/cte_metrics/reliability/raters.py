"""Intraclass correlations of ratings: Shrout and Fleiss's six forms.

Function: ``icc``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.arguments import checked
from cte_metrics.core.door import item_data
from cte_metrics.errors import InputError, check_confidence, one_of
from cte_metrics.kernels.reliability.crossed_variances import (
    CrossedVariances,
    MeanSquares,
    balanced_reml,
    mean_squares,
    unbalanced_reml,
    without_error,
)
from cte_metrics.kernels.reliability.icc_forms import FORMS, icc_forms

if TYPE_CHECKING:
    import pandas as pd

ICCMethod = Literal["reml", "anova"]


@checked
def icc(
    ratings: Any,
    *,
    method: ICCMethod = "reml",
    confidence: float = 0.95,
    raters: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Compute the six intraclass correlations of targets rated by several raters.

    ========  ======================================================================
    ICC1      each target has other raters; absolute agreement of single ratings
    ICC2      raters are a random sample, the same for all; absolute agreement
    ICC3      raters are fixed; consistency
    ICC1k...  the same for the mean of the k raters
    ========  ======================================================================

    Parameters
    ----------
    ratings : DataFrame or array (n, k)
        One row a target, one column a rater; missing ratings allowed with ``reml``.
    method : {"reml", "anova"}
        ``reml`` (default, as psych) uses all ratings and no negative variance; with complete
        ratings it equals ``anova`` unless a variance component is estimated as 0. ``anova`` drops
        targets with missing ratings and may give negative coefficients.
    confidence : float
    raters : sequence of labels, optional
        Columns to use.

    Returns
    -------
    DataFrame
        Index form: ``icc, f, df1, df2, p, ci_low, ci_high``. ``attrs`` holds ``n_targets``,
        ``n_raters``, ``n_dropped``, ``variances`` (target, rater, error) and ``notes``.

    Raises
    ------
    InputError
        If there are fewer than two raters or targets, or the ratings do not vary.

    Notes
    -----
    Equals ``psych::ICC``: with missing ratings F, degrees of freedom and intervals use the REML
    variances as if all ratings were there. lme4's search stops at relative errors about 1e-6, ours
    does not.

    References
    ----------
    Shrout, P. E. & Fleiss, J. L. (1979). Psychological Bulletin, 86, 420-428.

    Examples
    --------
    The six targets and four judges of Shrout and Fleiss:

    >>> scores = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8]]
    >>> scores += [[7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> icc(scores)["icc"].round(2).tolist()
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    one_of(method, ICCMethod, "method")
    level = check_confidence(confidence)
    data = item_data(ratings, items=raters, what="An intraclass correlation", minimum_items=2)
    values, notes = data.values, list(data.notes)
    answered = ~np.isnan(values).all(axis=1)
    if not answered.all():
        notes.append(f"{int((~answered).sum())} targets without any rating were dropped.")
    values = values[answered]
    if method == "anova" and np.isnan(values).any():
        complete = ~np.isnan(values).any(axis=1)
        notes.append(f"{int((~complete).sum())} targets with missing ratings were dropped.")
        values = values[complete]
    _refuse(values, data.items, int(answered.sum()))
    squares, variances = _estimate(values, method)
    n, k = values.shape
    found = icc_forms(squares, n, k, level)
    table = _table(found)
    notes += _notes(variances, method, np.isnan(values).any()) + _undefined(table)
    table.attrs = {
        "n_targets": n,
        "n_raters": k,
        "n_dropped": data.n_respondents - n,
        "variances": {
            "target": variances.target,
            "rater": variances.rater,
            "error": variances.error,
        },
        "method": method,
        "confidence": level,
        "notes": tuple(notes),
    }
    return table


def _estimate(values: Array, method: str) -> tuple[MeanSquares, CrossedVariances]:
    n, k = values.shape
    if np.isnan(values).any():
        perfect = without_error(values)
        if perfect is None:
            variances = unbalanced_reml(values)
            return _as_mean_squares(variances, n, k), variances
        values = perfect
    squares = mean_squares(values)
    if method == "anova":
        return squares, CrossedVariances(
            (squares.target - squares.error) / k, (squares.rater - squares.error) / n, squares.error
        )
    variances = balanced_reml(squares, n, k)
    return _as_mean_squares(variances, n, k), variances


def _as_mean_squares(v: CrossedVariances, n: int, k: int) -> MeanSquares:
    """Expected mean squares of complete ratings with these variances."""
    return MeanSquares(k * v.target + v.error, n * v.rater + v.error, v.error, v.error + v.rater)


def _refuse(values: Array, names: Sequence[str], n_targets: int) -> None:
    if len(values) < 2:
        by_reml = "With missing ratings use method='reml', which uses every rating."
        hint = by_reml if n_targets > 1 else "Pass one row a target and one column a rater."
        raise InputError(
            f"An intraclass correlation needs at least two targets; {len(values)} can be used.",
            hint=hint,
        )
    empty = [n for n, c in zip(names, values.T, strict=True) if np.isnan(c).all()]
    if empty:
        raise InputError(f"{', '.join(empty)} rated no target.", hint="Leave the rater out.")
    if np.nanmax(values) == np.nanmin(values):
        raise InputError("All ratings are equal, so there is no variance to apportion.")
    if np.isnan(values).any() and (~np.isnan(values)).sum() <= sum(values.shape):
        raise InputError("There are too few ratings to tell targets, raters and error apart.")


def _table(found: Any) -> pd.DataFrame:
    import pandas as pd

    columns = {
        "icc": found.icc,
        "f": found.f,
        "df1": found.df1,
        "df2": found.df2,
        "p": found.p,
        "ci_low": found.low,
        "ci_high": found.high,
    }
    return pd.DataFrame(columns, index=pd.Index(FORMS, name="form"))


def _undefined(table: pd.DataFrame) -> list[str]:
    """Say which forms or intervals do not exist, and why."""
    absent = table["icc"].isna()
    bare = ~absent & (table["ci_low"].isna() | table["ci_high"].isna())
    notes = []
    if absent.any():
        notes.append(
            f"{', '.join(table.index[absent])}: not defined, since the targets' mean ratings are "
            "all equal: there is no variance between targets to share out."
        )
    if bare.any():
        notes.append(
            f"{', '.join(table.index[bare])}: no interval, since neither targets nor errors vary."
        )
    return notes


def _notes(variances: CrossedVariances, method: str, missing: bool) -> list[str]:
    notes = []
    if missing:
        notes.append(
            "Ratings are missing: variances by REML from all ratings; F, degrees of freedom and "
            "intervals treat them as if the ratings were complete."
        )
    if not variances.converged:
        notes.append("NOT CONVERGED: the search for the REML variances did not end.")
    if method == "reml":
        whole = variances.target + variances.rater + variances.error
        zero = [
            name
            for name, v in (("targets", variances.target), ("raters", variances.rater))
            if v <= 1e-12 * whole
        ]
        if zero:
            notes.append(
                f"The variance of {' and of '.join(zero)} is estimated as 0 and was pooled with "
                "the error; method='anova' keeps the mean squares apart."
            )
    elif variances.target < 0:
        notes.append("The variance between targets is negative: raters do not tell targets apart.")
    return notes
