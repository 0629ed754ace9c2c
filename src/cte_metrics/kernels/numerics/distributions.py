"""Distribution functions from ``scipy.special`` alone (``scipy.stats`` costs 0.9 s to import).

Functions: ``normal_cdf, normal_pdf, normal_quantile, chi2_cdf, chi2_sf, chi2_quantile,
noncentral_chi2_cdf, f_sf, f_quantile, t_sf, t_cdf, t_quantile, two_sided_normal, noncentral_t_cdf,
beta_quantile``. All take and return arrays or scalars.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

__all__ = [
    "beta_quantile",
    "chi2_cdf",
    "chi2_quantile",
    "chi2_sf",
    "f_quantile",
    "f_sf",
    "noncentral_chi2_cdf",
    "noncentral_t_cdf",
    "normal_cdf",
    "normal_pdf",
    "normal_quantile",
    "t_cdf",
    "t_quantile",
    "t_sf",
    "two_sided_normal",
]

_SQRT_2PI = float(np.sqrt(2 * np.pi))


def normal_cdf(x: Any) -> Any:
    """P(Z <= x)."""
    return special.ndtr(x)


def normal_pdf(x: Any) -> Any:
    """Density of the standard normal distribution."""
    return np.exp(-0.5 * np.square(x)) / _SQRT_2PI


def normal_quantile(p: Any) -> Any:
    """Quantile: P(Z <= x) = p."""
    return special.ndtri(p)


def two_sided_normal(z: Any) -> Any:
    """P(|Z| >= |z|)."""
    return 2 * special.ndtr(-np.abs(z))


def chi2_cdf(x: Any, df: Any) -> Any:
    """P(X <= x) of the chi-square distribution."""
    return special.chdtr(df, x)


def chi2_sf(x: Any, df: Any) -> Any:
    """P(X > x) of the chi-square distribution."""
    return special.chdtrc(df, x)


def chi2_quantile(p: Any, df: Any) -> Any:
    """Quantile: P(X <= x) = p."""
    return special.chdtri(df, 1 - np.asarray(p))[()]


def noncentral_chi2_cdf(x: Any, df: Any, ncp: Any) -> Any:
    """P(X <= x) of the noncentral chi-square distribution."""
    return special.chndtr(x, df, ncp)


def f_sf(x: Any, df1: Any, df2: Any) -> Any:
    """P(F > x)."""
    return special.fdtrc(df1, df2, x)


def f_quantile(p: Any, df1: Any, df2: Any) -> Any:
    """Quantile: P(F <= x) = p."""
    return special.fdtri(df1, df2, p)


def t_cdf(x: Any, df: Any) -> Any:
    """P(T <= x)."""
    return special.stdtr(df, x)


def t_sf(x: Any, df: Any) -> Any:
    """P(T > x)."""
    return special.stdtr(df, -np.asarray(x))[()]


def t_quantile(p: Any, df: Any) -> Any:
    """Quantile: P(T <= x) = p."""
    return special.stdtrit(df, p)


def noncentral_t_cdf(x: Any, df: Any, ncp: Any) -> Any:
    """P(T <= x) of the noncentral t distribution."""
    return special.nctdtr(df, ncp, x)


def beta_quantile(p: Any, a: Any, b: Any) -> Any:
    """Quantile: P(B <= x) = p of the beta distribution."""
    return special.betaincinv(a, b, p)
