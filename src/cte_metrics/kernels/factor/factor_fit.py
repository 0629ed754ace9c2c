r"""Fit of an exploratory factor model, as psych::fa defines it.

With the model matrix M = L Phi L' and ones on its diagonal, p items, m factors, n respondents:

    df       = ((p - m)^2 - p - m) / 2
    F        = tr(inv(M) R) - log det(inv(M) R) - p                     (F0 for M = I)
    chi2     = F ((n - 1) - (2p + 5)/6 - 2m/3)                           Bartlett's correction
    chi2_0   = F0 ((n - 1) - (2p + 5)/6),  df_0 = p (p - 1) / 2
    tli      = (F0/df_0 - F/df) / (F0/df_0 - 1/c), c the factor of chi2
    cfi      = 1 - max(chi2 - df, 0) / max(chi2_0 - df_0, chi2 - df, 0)
    rmsea    = sqrt(max(chi2/(df n) - 1/(n - 1), 0)); limits sqrt(lambda / (df (n - 1)))
    rmsr     = root mean squared residual correlation off the diagonal
    bic      = chi2 - df log n

F is the normal-theory discrepancy whatever method found the loadings. Where df is 0 there is no
test.

Functions: ``fit, degrees_of_freedom, discrepancy``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.factor import fit_indices as index
from cte_metrics.kernels.numerics.distributions import chi2_sf

_LOWEST_ROOT = 1e-12


@dataclass(frozen=True, slots=True)
class FactorFit:
    """Fit figures; nan where n is unknown or df is 0. ``residuals`` (p, p) are R - L Phi L'."""

    df: int
    objective: float
    null_df: int
    rmsr: float
    residuals: Array
    chi2: float
    p: float
    null_chi2: float
    tli: float
    cfi: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    bic: float


def degrees_of_freedom(n_items: int, n_factors: int) -> int:
    """Distinct correlations minus free parameters."""
    return ((n_items - n_factors) ** 2 - n_items - n_factors) // 2


def fit(r: Array, implied: Array, n_factors: int, n_obs: float | None) -> FactorFit:
    """Fit of ``implied`` = L Phi L' (p, p) to the correlations ``r`` (p, p)."""
    p = r.shape[0]
    df, null_df = degrees_of_freedom(p, n_factors), p * (p - 1) // 2
    residuals = r - implied
    model = implied.copy()
    np.fill_diagonal(model, np.diagonal(r))
    objective = discrepancy(r, model)
    null = discrepancy(r, np.eye(p))
    off = residuals - np.diag(np.diagonal(residuals))
    rmsr = float(np.sqrt((off**2).sum() / (p * (p - 1))))
    tests = _tests(objective, null, df, null_df, p, n_factors, n_obs)
    return FactorFit(df, objective, null_df, rmsr, residuals, *tests)


def discrepancy(r: Array, model: Array) -> float:
    """Normal-theory discrepancy of ``model`` from ``r``; nan when one of them is not definite."""
    if np.linalg.eigvalsh(r)[0] <= _LOWEST_ROOT:
        return float("nan")
    sign, log_det = np.linalg.slogdet(model)
    own_sign, own_log_det = np.linalg.slogdet(r)
    if sign <= 0.0 or own_sign <= 0.0:
        return float("nan")
    trace = float(np.trace(np.linalg.solve(model, r)))
    return max(trace + float(log_det) - float(own_log_det) - r.shape[0], 0.0)


def _tests(
    f: float, f0: float, df: int, df0: int, p: int, m: int, n: float | None
) -> tuple[float, ...]:
    """chi2, p, null chi2, tli, cfi, rmsea with limits, bic."""
    if n is None or not np.isfinite(f):
        return (np.nan,) * 9
    null_factor = (n - 1.0) - (2.0 * p + 5.0) / 6.0
    factor = null_factor - 2.0 * m / 3.0
    chi2, null_chi2 = max(f * factor, 0.0), f0 * null_factor
    if df <= 0:
        return (chi2, np.nan, null_chi2, *(np.nan,) * 6)
    tli = index.tli(f * factor, df, f0 * factor, df0)
    cfi = index.cfi(chi2, df, null_chi2, df0)
    rmsea = index.rmsea(chi2, df, n, c=n / (n - 1.0))
    low, high = index.rmsea_interval(chi2, df, n - 1.0)
    tail = float(chi2_sf(chi2, df))
    return chi2, tail, null_chi2, tli, cfi, rmsea, low, high, chi2 - df * float(np.log(n))
