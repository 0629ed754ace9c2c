r"""How many factors: criteria that need no simulated data.

kaiser       roots of R above 1.
map          minimum average partial: with m components taken out, the mean squared (Velicer 1976)
             or fourth-power (Velicer, Eaton & Fava 2000) partial correlation; m = 0 is R itself.
ekc          empirical Kaiser criterion: root j against
             ``max(1, (1 + sqrt(p/n))^2 (p - sum_{l<j} root_l) / (p - j + 1))``; roots until the
             first that fails.
hull         fit against degrees of freedom for m = 0 ... J factors; solutions off the upper
             convex hull go (all of them: EFAtools keeps some), and the sharpest bend decides,
             ``((f_i - f_i-1) / (df_i-1 - df_i)) / ((f_i+1 - f_i) / (df_i - df_i+1))``.
sequential   fewest factors whose maximum-likelihood chi-square has p > .05; also by RMSEA's lower
             limit, and AIC.

References
----------
Velicer, W. F. (1976). Determining the number of components from the matrix of partial
    correlations. Psychometrika, 41.
Velicer, W. F., Eaton, C. A., & Fava, J. L. (2000). Construct explication through factor or
    component analysis.
Braeken, J., & van Assen, M. A. L. M. (2017). An empirical Kaiser criterion. Psychological Methods,
    22, 450-466.
Lorenzo-Seva, U., Timmerman, M. E., & Kiers, H. A. L. (2011). The Hull method for selecting the
    number of common factors. Multivariate Behavioral Research, 46, 340-364.

Functions: ``eigenvalues, count_until_failure, minimum_average_partial, empirical_kaiser_reference,
hull, hull_choice, largest_n_factors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.factor import fit_indices as index
from cte_metrics.kernels.factor.adequacy import kmo
from cte_metrics.kernels.factor.extraction import extract

HullFit = Literal["caf", "cfi", "rmsea"]


def eigenvalues(r: Array) -> Array:
    """Roots of ``r`` (p,), falling."""
    return np.asarray(np.linalg.eigvalsh(r)[::-1])


def count_until_failure(values: Array, reference: Array) -> int:
    """How many leading values exceed their reference before the first that does not."""
    fails = np.flatnonzero(~(values > reference))
    return int(fails[0]) if fails.size else int(values.size)


def minimum_average_partial(r: Array, power: int = 2) -> Array:
    """Average partial correlation to ``power`` after 0, 1, ... p - 2 components, (p - 1,)."""
    p = r.shape[0]
    roots, vectors = np.linalg.eigh(r)
    parts = vectors[:, ::-1] * np.sqrt(np.maximum(roots[::-1], 0.0))
    taken = np.cumsum(parts.T[:, :, None] * parts.T[:, None, :], axis=0)
    left = r - np.concatenate([np.zeros((1, p, p)), taken[: p - 2]])
    scale = np.sqrt(np.maximum(np.diagonal(left, axis1=1, axis2=2), 1e-300))
    partial = np.abs(left / (scale[:, :, None] * scale[:, None, :])) ** power
    total = partial.sum(axis=(1, 2)) - np.diagonal(partial, axis1=1, axis2=2).sum(axis=1)
    return np.asarray(total / (p * (p - 1)))


def empirical_kaiser_reference(roots: Array, n_obs: float) -> Array:
    """Reference values (p,) of the empirical Kaiser criterion."""
    p = roots.size
    before = np.concatenate([[0.0], np.cumsum(roots)[:-1]])
    edge = (1.0 + np.sqrt(p / n_obs)) ** 2
    return np.asarray(np.maximum(edge * (p - before) / (p - np.arange(p)), 1.0))


def largest_n_factors(n_items: int) -> int:
    """The largest number of factors whose degrees of freedom are not negative."""
    m = np.arange(n_items)
    return int(m[(n_items - m) ** 2 - n_items - m >= 0][-1])


@dataclass(frozen=True, slots=True)
class Hull:
    """``n_factors`` 0 ... J, ``df``, and three fits (J + 1,), each higher when better."""

    n_factors: Index
    df: Array
    caf: Array
    cfi: Array
    rmsea: Array


def hull(r: Array, n_obs: float, largest: int, method: Literal["uls", "ml"] = "uls") -> Hull:
    """Fit of 0 to ``largest`` factors: CAF (1 - KMO of the residuals), CFI and 1 - RMSEA.

    Chi-square is n - 1 times the discrepancy; the baseline is n - 1 times the sum of squared
    correlations. RMSEA has the divisor df n - 1 of EFAtools.
    """
    p = r.shape[0]
    m = np.arange(largest + 1)
    df = ((p - m) ** 2 - p - m) / 2.0
    fitted = [_discrepancy_and_caf(r, int(k), method) for k in m]
    chi2 = (n_obs - 1.0) * np.array([f[0] for f in fitted])
    cfi = [index.cfi(t, d, chi2[0], df[0]) for t, d in zip(chi2, df, strict=True)]
    rmsea = np.sqrt(np.maximum(chi2 - df, 0.0) / (df * n_obs - 1.0))
    caf = np.array([f[1] for f in fitted])
    return Hull(m, df, caf, np.array(cfi), 1.0 - rmsea)


def _discrepancy_and_caf(r: Array, m: int, method: Literal["uls", "ml"]) -> tuple[float, float]:
    if m == 0:
        return 0.5 * float((r**2).sum() - r.shape[0]), 1.0 - kmo(r).overall
    found = extract(r, m, method)
    residual = r - found.loadings @ found.loadings.T
    np.fill_diagonal(residual, 1.0)
    squares = 0.5 * float((residual**2).sum() - r.shape[0])
    value = found.objective if method == "ml" else squares
    return value, 1.0 - kmo(residual).overall


def hull_choice(df: Array, fit: Array) -> tuple[int | None, Array]:
    """The chosen position, and the bend (J + 1,) at each solution on the hull, nan off it.

    The ends of the hull have no bend; where nothing lies between them there is no choice.
    """
    on = [0]
    for i in range(1, fit.size):
        if fit[i] > fit[on[-1]] or (i == fit.size - 1 and fit[i] == fit[on[-1]]):
            on.append(i)
    on = _convex(df, fit, on)
    bend = np.full(fit.size, np.nan)
    bend[[on[0], on[-1]]] = 0.0
    for before, i, after in zip(on, on[1:], on[2:], strict=False):
        rise = (fit[i] - fit[before]) / (df[before] - df[i])
        left = (fit[after] - fit[i]) / (df[i] - df[after])
        bend[i] = rise / left if left > 0.0 else np.inf
    return (int(np.nanargmax(bend)) if len(on) > 2 else None), bend


def _convex(df: Array, fit: Array, on: list[int]) -> list[int]:
    """Drop solutions below the line between their neighbours until none is left."""
    kept = list(on)
    i = 1
    while i < len(kept) - 1:
        a, b, c = kept[i - 1 : i + 2]
        share = (df[a] - df[b]) / (df[a] - df[c])
        if fit[b] <= fit[a] + share * (fit[c] - fit[a]):
            del kept[i]
            i = max(i - 1, 1)
        else:
            i += 1
    return kept
