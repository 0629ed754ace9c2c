"""Fit indices of covariance structures, from chi-squares.

With T, df of the model and T0, df0 of the baseline, n observations in G groups, and scaling
factors c, c0 (1 for the plain indices)::

    CFI   = 1 - max(T - c df, 0) / max(T - c df, T0 - c0 df0, 0)
    TLI   = 1 - (T - c df) df0 / [(T0 - c0 df0) df]           RNI  = 1 - (T - c df) / (T0 - c0 df0)
    NFI   = (T0 - T) / T0                                     PNFI = (df / df0) NFI
    RFI   = (T0 / df0 - T / df) / (T0 / df0)                  IFI  = (T0 - T) / (T0 - df)
    RMSEA = sqrt(max(T / (n df) - c / n, 0)) sqrt(G)
    MFI   = exp(-(T - df) / (2 n))                            CN   = chi2_quantile / (T / n) + 1

The interval of RMSEA inverts the noncentral chi-square; close fit is P(chi2 > T) at the
noncentrality of the stated RMSEA.

References
----------
Bentler, P. M. (1990). Comparative fit indexes in structural models. Psychological Bulletin, 107,
    238-246.
Browne, M. W. & Cudeck, R. (1992). Sociological Methods & Research, 21, 230-258.
Brosseau-Liard, P. E. & Savalei, V. (2014). Multivariate Behavioral Research, 49, 460-470.

Functions: ``cfi, tli, rni, nfi, pnfi, rfi, ifi, rmsea, rmsea_interval, rmsea_close,
rmsea_not_close, critical_n, mfi``.
"""

from __future__ import annotations

import math

from scipy.special import chndtrinc

from cte_metrics.kernels.numerics.distributions import chi2_cdf, chi2_quantile, noncentral_chi2_cdf


def _excess(t: float, df: float, c: float, t0: float, df0: float, c0: float) -> tuple[float, float]:
    """``T - c df`` of model and baseline; scaling applies to both or to neither."""
    if not (df > 0 and c != 1.0 and c0 != 1.0):
        c = c0 = 1.0
    return t - c * df, t0 - c0 * df0


def cfi(t: float, df: float, t0: float, df0: float, c: float = 1.0, c0: float = 1.0) -> float:
    """Comparative fit index.

    Examples
    --------
    >>> cfi(30.0, 10, 210.0, 10)
    0.9
    """
    own, base = _excess(t, df, c, t0, df0, c0)
    if math.isnan(own) or math.isnan(base):
        return math.nan
    top, bottom = max(own, 0.0), max(own, base, 0.0)
    if top < 1.5e-8 and bottom < 1.5e-8:
        return 1.0
    return 1.0 - top / bottom


def tli(t: float, df: float, t0: float, df0: float, c: float = 1.0, c0: float = 1.0) -> float:
    """Tucker-Lewis index, which is also the nonnormed fit index."""
    own, base = _excess(t, df, c, t0, df0, c0)
    if math.isnan(own) or math.isnan(base):
        return math.nan
    bottom = base * df
    return 1.0 - own * df0 / bottom if df > 0 and bottom != 0.0 else 1.0


def rni(t: float, df: float, t0: float, df0: float, c: float = 1.0, c0: float = 1.0) -> float:
    """Relative noncentrality index."""
    own, base = _excess(t, df, c, t0, df0, c0)
    if math.isnan(own) or math.isnan(base) or abs(base) < 1.5e-8:
        return math.nan
    return 1.0 - own / base


def nfi(t: float, df: float, t0: float, df0: float) -> float:
    """Normed fit index."""
    if math.isnan(t) or math.isnan(t0) or df > df0 or abs(t0) < 1.5e-8:
        return math.nan
    return (t0 - t) / t0 if df > 0 else 1.0


def pnfi(t: float, df: float, t0: float, df0: float) -> float:
    """Parsimony normed fit index."""
    return (df / df0) * (t0 - t) / t0 if df0 > 0 and t0 > 0 else math.nan


def rfi(t: float, df: float, t0: float, df0: float) -> float:
    """Relative fit index."""
    if math.isnan(t) or math.isnan(t0) or df > df0:
        return math.nan
    if not (df > 0 and df0 > 0):
        return 1.0
    base = t0 / df0
    top = base - t / df
    return 1.0 if top < 0 or base <= 0 else top / base


def ifi(t: float, df: float, t0: float, df0: float) -> float:
    """Incremental fit index."""
    bottom = t0 - df
    if math.isnan(t) or math.isnan(bottom) or abs(bottom) < 1.5e-8:
        return math.nan
    return 1.0 if bottom < 0 else (t0 - t) / bottom


def rmsea(t: float, df: float, n: float, *, n_groups: int = 1, c: float = 1.0) -> float:
    """Root mean square error of approximation; 0 without degrees of freedom.

    Examples
    --------
    >>> round(rmsea(30.0, 10, 200), 12)
    0.1
    """
    if math.isnan(t) or math.isnan(df):
        return math.nan
    return math.sqrt(max(t / n / df - c / n, 0.0) * n_groups) if df > 0 else 0.0


def rmsea_interval(
    t: float, df: float, n: float, *, n_groups: int = 1, c: float = 1.0, level: float = 0.9
) -> tuple[float, float]:
    """Limits of RMSEA: noncentralities at which T is an extreme observation."""
    if not (math.isfinite(t) and math.isfinite(df)):
        return math.nan, math.nan
    if df < 1:
        return 0.0, 0.0
    high, low = 1.0 - (1.0 - level) / 2.0, (1.0 - level) / 2.0
    central = float(chi2_cdf(t, df))
    limits = []
    for probability in (high, low):
        if central < probability:
            limits.append(0.0)
            continue
        ncp = float(chndtrinc(t, df, probability))
        limits.append(math.sqrt(c * ncp / (n * df) * n_groups))
    return limits[0], limits[1]


def rmsea_close(
    t: float, df: float, n: float, *, n_groups: int = 1, c: float = 1.0, bound: float = 0.05
) -> float:
    """P-value of the hypothesis RMSEA <= ``bound``."""
    return 1.0 - rmsea_not_close(t, df, n, n_groups=n_groups, c=c, bound=bound)


def rmsea_not_close(
    t: float, df: float, n: float, *, n_groups: int = 1, c: float = 1.0, bound: float = 0.08
) -> float:
    """P-value of the hypothesis RMSEA >= ``bound``."""
    if not (math.isfinite(t) and math.isfinite(df)) or df <= 0:
        return math.nan
    return float(noncentral_chi2_cdf(t, df, n * df / c * bound**2 / n_groups))


def critical_n(t: float, df: float, n: float, alpha: float = 0.05) -> float:
    """Hoelter's critical n: the sample size at which T would just be significant."""
    if df <= 0 or t < 2.3e-16:
        return math.nan if t < 2.3e-16 else 1.0
    return float(chi2_quantile(1.0 - alpha, df)) / (t / n) + 1.0


def mfi(t: float, df: float, n: float) -> float:
    """McDonald's fit index."""
    return math.exp(-0.5 * (t - df) / n)
