"""The six intraclass correlations of Shrout & Fleiss, from mean squares.

For n targets and k raters with mean squares B (targets), J (raters), E (error), W (within):

    ICC1 = (B - W) / (B + (k-1) W)                       ICC1k = (B - W) / B
    ICC2 = (B - E) / (B + (k-1) E + k (J - E) / n)       ICC2k = (B - E) / (B + (J - E) / n)
    ICC3 = (B - E) / (B + (k-1) E)                       ICC3k = (B - E) / B

Intervals of forms 1 and 3 follow from the F distribution of B / W and B / E, those of form 2 from
Satterthwaite's degrees of freedom (Shrout & Fleiss 1979; McGraw & Wong 1996). Without error (E or
W is 0) a form is 1 and so are both limits; without variance between targets (B is 0) the forms
that divide by B are not defined.

References
----------
Shrout, P. E. & Fleiss, J. L. (1979). Psychological Bulletin, 86, 420-428.
McGraw, K. O. & Wong, S. P. (1996). Psychological Methods, 1, 30-46.

Function: ``icc_forms``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import f_quantile, f_sf
from cte_metrics.kernels.reliability.crossed_variances import MeanSquares

_ROUNDING = 1e-12
FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


@dataclass(frozen=True, slots=True)
class ICCForms:
    """Figures of the six forms in the order of ``FORMS``, (6,) each."""

    icc: Array
    f: Array
    df1: Array
    df2: Array
    p: Array
    low: Array
    high: Array


def icc_forms(squares: MeanSquares, n: int, k: int, confidence: float = 0.95) -> ICCForms:
    """Six forms with F tests and intervals; nan where a form is not defined.

    Parameters
    ----------
    squares : MeanSquares
    n, k : int
        Targets and raters.
    """
    squares = _without_rounding(squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        single = _single(squares, n, k)
        average = _average(squares, n)
        f1, f3 = _quotient(squares.target, squares.within), _quotient(squares.target, squares.error)
        df1, dfw, dfe = n - 1.0, n * (k - 1.0), (n - 1.0) * (k - 1.0)
        tail = (1 - confidence) / 2
        low1, high1 = _f_limits(f1, df1, dfw, tail)
        low3, high3 = _f_limits(f3, df1, dfe, tail)
        low2, high2 = _form2_limits(squares, n, k, single[1], tail)
        low = np.array([_spread(low1, k), low2, _spread(low3, k)])
        high = np.array([_spread(high1, k), high2, _spread(high3, k)])
        low_k = np.array([1 - 1 / low1, _step_up(low2, k), 1 - 1 / low3])
        high_k = np.array([1 - 1 / high1, _step_up(high2, k), 1 - 1 / high3])
        f = np.array([f1, f3, f3])
        df2 = np.array([dfw, dfe, dfe])
        forms = np.concatenate((single, average))
        return ICCForms(
            np.where(np.isfinite(forms), forms, np.nan),
            np.tile(f, 2),
            np.full(6, df1),
            np.tile(df2, 2),
            np.tile(np.asarray(f_sf(f, df1, df2)), 2),
            _limit(np.concatenate((low, low_k)), forms),
            _limit(np.concatenate((high, high_k)), forms),
        )


def _without_rounding(s: MeanSquares) -> MeanSquares:
    """Mean squares that are rounding errors beside the others become 0."""
    values = np.array([s.target, s.rater, s.error, s.within])
    values[np.abs(values) <= _ROUNDING * np.abs(values).max()] = 0.0
    return MeanSquares(*(float(v) for v in values))


def _limit(limits: Array, forms: Array) -> Array:
    """Limits of the six forms: 1 for a perfect form, nan for one that is not defined."""
    defined = np.isfinite(forms) & np.isfinite(limits)
    return np.where(forms == 1.0, 1.0, np.where(defined, limits, np.nan))


def _quotient(top: float, bottom: float) -> np.float64:
    return np.float64(top) / np.float64(bottom)


def _single(s: MeanSquares, n: int, k: int) -> Array:
    return np.array(
        [
            _quotient(s.target - s.within, s.target + (k - 1) * s.within),
            _quotient(
                s.target - s.error, s.target + (k - 1) * s.error + k * (s.rater - s.error) / n
            ),
            _quotient(s.target - s.error, s.target + (k - 1) * s.error),
        ]
    )


def _average(s: MeanSquares, n: int) -> Array:
    return np.array(
        [
            _quotient(s.target - s.within, s.target),
            _quotient(s.target - s.error, s.target + (s.rater - s.error) / n),
            _quotient(s.target - s.error, s.target),
        ]
    )


def _f_limits(f: np.float64, df1: float, df2: float, tail: float) -> tuple[np.float64, np.float64]:
    return f / f_quantile(1 - tail, df1, df2), f * f_quantile(1 - tail, df2, df1)


def _spread(f: np.float64, k: int) -> np.float64:
    return (f - 1) / (f + k - 1)


def _step_up(r: np.float64, k: int) -> np.float64:
    return k * r / (1 + r * (k - 1))


def _form2_limits(
    s: MeanSquares, n: int, k: int, icc2: float, tail: float
) -> tuple[np.float64, np.float64]:
    raters = k * icc2 * s.rater
    errors = (n * (1 + (k - 1) * icc2) - k * icc2) * s.error
    df = (k - 1) * (n - 1) * (raters + errors) ** 2
    df = np.float64(df) / ((n - 1) * raters**2 + errors**2)
    upper, lower = f_quantile(1 - tail, n - 1, df), f_quantile(1 - tail, df, n - 1)
    rest = k * s.rater + (k * n - k - n) * s.error
    low = n * (s.target - upper * s.error) / (upper * rest + n * s.target)
    high = n * (lower * s.target - s.error) / (rest + n * lower * s.target)
    return np.float64(low), np.float64(high)
