"""How many groups, and how many members of each? Balanced one-way designs.

With J groups of n, rho = ICC(1) and lambda = (1 + (n - 1) rho) / (1 - rho), the ANOVA F is
distributed as lambda F(J - 1, J (n - 1)). Hence

* reliability of a group mean: ICC(2) = n rho / (1 + (n - 1) rho);
* power of the F test of rho = 0: P(F > F_crit / lambda);
* planned interval of rho: the exact one at F = lambda;
* power for a correlation r between group-level true score and another group variable: the observed
  correlation is r sqrt(ICC(2)), tested by Fisher's z with J groups.

References
----------
Donner, A., & Koval, J. J. (1980). Biometrics, 36, 19-25.
Bonett, D. G. (2002). Statistics in Medicine, 21, 1331-1335.

Functions: ``size_for_reliability, f_power, interval_width, correlation_power, fewest``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cte_metrics.kernels.numerics.distributions import f_quantile, f_sf, normal_cdf, normal_quantile

MOST = 10_000_000


def size_for_reliability(icc1: float, icc2: float) -> int | None:
    """Smallest group size with the wanted reliability of group means; none above ten million.

    Examples
    --------
    >>> size_for_reliability(0.2, 0.7)  # .7 * .8 / (.2 * .3) = 9.33
    10
    """
    size = icc2 * (1 - icc1) / (icc1 * (1 - icc2))
    return max(1, math.ceil(size - 1e-9)) if size <= MOST else None


def variance_ratio(icc1: float, size: int) -> float:
    """Expected mean square between over that within."""
    return (1 + (size - 1) * icc1) / (1 - icc1)


def f_power(icc1: float, n_groups: int, size: int, alpha: float) -> float:
    """Probability that the F test of ICC(1) = 0 is significant."""
    df1, df2 = n_groups - 1, n_groups * (size - 1)
    critical = f_quantile(1 - alpha, df1, df2)
    return float(f_sf(critical / variance_ratio(icc1, size), df1, df2))


def interval_width(icc1: float, n_groups: int, size: int, level: float) -> float:
    """Width of the exact interval of ICC(1) at the expected F."""
    df1, df2 = n_groups - 1, n_groups * (size - 1)
    tail = (1 - level) / 2
    limits = []
    for p in (1 - tail, tail):
        ratio = variance_ratio(icc1, size) / float(f_quantile(p, df1, df2))
        limits.append((ratio - 1) / (ratio + size - 1))
    return limits[1] - limits[0]


def correlation_power(correlation: float, reliability: float, n_groups: int, alpha: float) -> float:
    """Power of the two-sided test of a group-level correlation, attenuated by unreliability."""
    if n_groups < 4:
        return 0.0
    shift = abs(math.atanh(correlation * math.sqrt(reliability))) * math.sqrt(n_groups - 3)
    critical = float(normal_quantile(1 - alpha / 2))
    return float(normal_cdf(shift - critical) + normal_cdf(-shift - critical))


def fewest(enough: Callable[[int], bool], start: int, limit: int = MOST) -> int | None:
    """Smallest whole number from ``start`` for which ``enough`` holds; it must stay true after.

    Examples
    --------
    >>> fewest(lambda n: n * n >= 50, 1)
    8
    """
    high = start
    while not enough(high):
        if high >= limit:
            return None
        high = min(2 * high, limit)
    low = max(start - 1, high // 2 if high > start else start - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high
