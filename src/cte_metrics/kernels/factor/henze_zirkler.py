r"""Henze and Zirkler's test of multivariate normality.

With squared Mahalanobis distances d_ij between rows and d_i from the mean (covariance with divisor
n), p columns and

    b = ((2p + 1) n / 4)^(1/(p+4)) / sqrt(2)
    HZ = (1/n) sum_ij exp(-b^2 d_ij / 2) - 2 (1 + b^2)^(-p/2) sum_i exp(-b^2 d_i / (2 (1 + b^2)))
         + n (1 + 2 b^2)^(-p/2)

which is lognormal under normality, with the mean and variance of the paper. Pairs are taken in
blocks of rows, so memory does not grow with n squared.

References
----------
Henze, N., & Zirkler, B. (1990). A class of invariant consistent tests for multivariate normality.
    Communications in Statistics: Theory and Methods, 19, 3595-3617.

Function: ``henze_zirkler``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import normal_cdf


@dataclass(frozen=True, slots=True)
class HenzeZirkler:
    """Statistic and p value."""

    hz: float
    p: float


def henze_zirkler(x: Array, block: int = 1024) -> HenzeZirkler:
    """Test complete rows ``x`` (n, p)."""
    n, p = x.shape
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / n
    white = np.linalg.solve(np.linalg.cholesky(covariance), centred.T).T
    length = (white * white).sum(axis=1)
    b2 = 0.5 * ((2.0 * p + 1.0) * n / 4.0) ** (2.0 / (p + 4.0))
    pairs = 0.0
    for start in range(0, n, block):
        rows = slice(start, start + block)
        distance = length[rows, None] + length - 2.0 * (white[rows] @ white.T)
        pairs += float(np.exp(-0.5 * b2 * np.maximum(distance, 0.0)).sum())
    centre = float(np.exp(-b2 / (2.0 * (1.0 + b2)) * length).sum())
    hz = pairs / n - 2.0 * (1.0 + b2) ** (-p / 2.0) * centre + n * (1.0 + 2.0 * b2) ** (-p / 2.0)
    return HenzeZirkler(hz, _tail(hz, b2, p))


def _tail(hz: float, b2: float, p: int) -> float:
    """Upper tail of the lognormal distribution with the moments of HZ under normality."""
    a, b4, b8 = 1.0 + 2.0 * b2, b2**2, b2**4
    w = (1.0 + b2) * (1.0 + 3.0 * b2)
    mean = 1.0 - a ** (-p / 2.0) * (1.0 + p * b2 / a + p * (p + 2) * b4 / (2.0 * a**2))
    variance = (
        2.0 * (1.0 + 4.0 * b2) ** (-p / 2.0)
        + 2.0 * a ** (-p) * (1.0 + 2.0 * p * b4 / a**2 + 3.0 * p * (p + 2) * b8 / (4.0 * a**4))
        - 4.0 * w ** (-p / 2.0) * (1.0 + 3.0 * p * b4 / (2.0 * w) + p * (p + 2) * b8 / (2.0 * w**2))
    )
    spread = np.log((variance + mean**2) / mean**2)
    centre = np.log(mean) - 0.5 * spread
    return float(normal_cdf(-(np.log(hz) - centre) / np.sqrt(spread)))
