r"""Kendall's tau-b, Yule's Q, biserial and partial correlations of all pairs of columns at once.

tau-b      with s the signs of the differences between two rows, ``sum s_x s_y`` over pairs of rows
           divided by the root of ``sum s_x^2 sum s_y^2``; where answers are missing over the pairs
           of rows that answer both columns.
Yule's Q   of a 2 x 2 table, ``(ad - bc) / (ad + bc)``, which is ``tanh(log(odds ratio) / 2)``.
biserial   the product-moment correlation of a numeric with a binary column times
           ``sqrt(p q) / phi(z_p)``.
partial    ``R_xx - R_xc inv(R_cc) R_cx``, scaled to correlations.

References
----------
Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika, 33, 239-251.
Yule, G. U. (1912). On the methods of measuring association between two attributes. Journal of the
    Royal Statistical Society, 75, 579-652.
Tate, R. F. (1955). The theory of correlation between two continuous variables when one is
    dichotomized. Biometrika, 42, 205-216.

Functions: ``kendall, two_by_two, yule_q, biserial_factors, partial_given``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.numerics.distributions import normal_pdf, normal_quantile
from cte_metrics.kernels.summaries.correlations import correlation_from_covariance

_PAIRS_AT_ONCE = 2_000_000


def kendall(values: Array) -> Array:
    """Kendall's tau-b (k, k) of columns (n, k); nan marks missing answers.

    Examples
    --------
    >>> float(kendall(np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0]]))[0, 1].round(6))
    0.333333
    """
    n, k = values.shape
    cross, own = np.zeros((k, k)), np.zeros((k, k))
    step = max(1, _PAIRS_AT_ONCE // max(n * k, 1))
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        shared = (seen[rows, None, :] & seen[None, :, :]).reshape(-1, k).astype(np.float64)
        signs = np.sign(filled[rows, None, :] - filled[None, :, :]).reshape(-1, k) * shared
        cross += signs.T @ signs
        own += (signs * signs).T @ shared
    spread = np.sqrt(own * own.T)
    return np.divide(cross, spread, out=np.full((k, k), np.nan), where=spread > 0.0)


def two_by_two(high: Array) -> Array:
    """Counts (4, k, k) of pairs of columns ``high`` (n, k) of 0, 1 and nan: both 1, first only,
    second only, none.
    """
    seen = (~np.isnan(high)).astype(np.float64)
    one = np.where(seen > 0.0, high, 0.0)
    zero = seen - one
    return np.stack([one.T @ one, one.T @ zero, zero.T @ one, zero.T @ zero])


def yule_q(counts: Array) -> tuple[Array, Array]:
    """Yule's Q (k, k) of tables (4, k, k), and the standard error of the log odds ratio."""
    a, b, c, d = counts
    total = a * d + b * c
    q = np.divide(a * d - b * c, total, out=np.full(a.shape, np.nan), where=total > 0.0)
    with np.errstate(divide="ignore"):
        return q, np.sqrt((1.0 / counts).sum(axis=0))


def biserial_factors(share: Array) -> Array:
    """``sqrt(p q) / phi(z_p)`` of shares p: what makes point-biserial correlations biserial."""
    return np.asarray(np.sqrt(share * (1.0 - share)) / normal_pdf(normal_quantile(share)))


def partial_given(r: Array, kept: Index, controls: Index) -> Array:
    """Partial correlations of the positions ``kept`` given those of ``controls``.

    Examples
    --------
    >>> r = np.array([[1.0, 0.5, 0.6], [0.5, 1.0, 0.8], [0.6, 0.8, 1.0]])
    >>> float(partial_given(r, np.array([0, 1]), np.array([2]))[0, 1].round(6))  # .02 / (.8 x .6)
    0.041667
    """
    across = r[np.ix_(kept, controls)]
    left = r[np.ix_(kept, kept)] - across @ np.linalg.solve(r[np.ix_(controls, controls)], across.T)
    return correlation_from_covariance(left)
