r"""Is a correlation matrix fit for factor analysis?

    KMO = sum r_ij^2 / (sum r_ij^2 + sum q_ij^2),  q the partial correlations given all other items,
    chi2 = -((n - 1) - (2p + 5) / 6) log det R,  df = p (p - 1) / 2  (Bartlett 1951: R = I).

Mardia's coefficients for rows x with mean m and covariance S (divisor n - 1, as psych and
semTools):

    skew = mean over pairs of ((x_i - m)' inv(S) (x_j - m))^3,   chi2 = n skew / 6
    kurtosis = mean of ((x_i - m)' inv(S) (x_i - m))^2,
    z = (kurtosis - p (p + 2)) / sqrt(8 p (p + 2) / n)

The sum over pairs needs no n x n matrix: it is the squared norm of the mean third-order moment
tensor of the whitened rows.

References
----------
Kaiser, H. F. (1974). An index of factorial simplicity. Psychometrika, 39, 31-36.
Bartlett, M. S. (1951). The effect of standardization on a chi-square approximation in factor
    analysis. Biometrika, 38, 337-344.
Mardia, K. V. (1970). Measures of multivariate skewness and kurtosis with applications. Biometrika,
    57, 519-530.

Functions: ``kmo, partial_correlations, bartlett, mardia``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import chi2_sf, two_sided_normal


@dataclass(frozen=True, slots=True)
class Kmo:
    """``overall`` measure of sampling adequacy and that of each item (p,)."""

    overall: float
    items: Array


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square test."""

    chi2: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class Mardia:
    """Multivariate skewness with its chi-square test, kurtosis with its normal test."""

    skew: float
    skew_chi2: float
    skew_df: int
    skew_p: float
    kurtosis: float
    kurtosis_z: float
    kurtosis_p: float


def partial_correlations(r: Array) -> Array:
    """Correlations of pairs given all other variables (p, p), 1 on the diagonal."""
    inverse = np.linalg.inv(r)
    scale = np.sqrt(np.diagonal(inverse))
    partial = -inverse / np.outer(scale, scale)
    np.fill_diagonal(partial, 1.0)
    return np.asarray(partial)


def kmo(r: Array) -> Kmo:
    """Kaiser-Meyer-Olkin measure of sampling adequacy of a correlation matrix (p, p).

    nan where an item (or every item) correlates with no other.
    """
    own, partial = r**2, partial_correlations(r) ** 2
    np.fill_diagonal(own, 0.0)
    np.fill_diagonal(partial, 0.0)
    with np.errstate(invalid="ignore"):
        by_item = own.sum(axis=0) / (own.sum(axis=0) + partial.sum(axis=0))
        overall = own.sum() / (own.sum() + partial.sum())
    return Kmo(float(overall), np.asarray(by_item))


def bartlett(r: Array, n_obs: float) -> ChiSquare:
    """Test of sphericity: all correlations are zero."""
    p = r.shape[0]
    log_det = float(np.linalg.slogdet(r)[1])
    chi2 = -((n_obs - 1.0) - (2.0 * p + 5.0) / 6.0) * log_det
    df = p * (p - 1) // 2
    return ChiSquare(chi2, df, float(chi2_sf(chi2, df)))


def mardia(x: Array, block: int = 4096) -> Mardia:
    """Mardia's skewness and kurtosis of complete rows ``x`` (n, p)."""
    n, p = x.shape
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / (n - 1.0)
    white = np.linalg.solve(np.linalg.cholesky(covariance), centred.T).T
    third = np.zeros((p * p, p))
    for start in range(0, n, block):
        rows = white[start : start + block]
        third += (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), p * p).T @ rows
    skew = float((third**2).sum()) / n**2
    kurtosis = float(((white * white).sum(axis=1) ** 2).mean())
    chi2, df = n * skew / 6.0, p * (p + 1) * (p + 2) // 6
    z = (kurtosis - p * (p + 2)) / np.sqrt(8.0 * p * (p + 2) / n)
    return Mardia(
        skew,
        chi2,
        df,
        float(chi2_sf(chi2, df)),
        kurtosis,
        float(z),
        float(two_sided_normal(z)),
    )
