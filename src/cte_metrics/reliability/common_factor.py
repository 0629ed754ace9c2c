"""Is there a common factor at all? Items that do not correlate have none.

Functions: ``independence_notes, few_loadings``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cte_metrics.arrays import Array
from cte_metrics.kernels.factor.adequacy import bartlett
from cte_metrics.kernels.numerics.distributions import chi2_sf

_LEVEL = 0.05
_NEGLIGIBLE = 1e-6


def independence_notes(correlation: Array, n: int, chi2: float | None = None) -> tuple[str, ...]:
    """Say that correlations (k, k) of n respondents cannot be told from none, where that is so.

    Parameters
    ----------
    chi2 : float, optional
        Test statistic of k (k - 1) / 2 degrees of freedom; Bartlett's by default, which needs a
        positive definite matrix.
    """
    df = len(correlation) * (len(correlation) - 1) // 2
    if n <= len(correlation) + 2:
        return ()
    found = bartlett(correlation, n).chi2 if chi2 is None else chi2
    p = float(chi2_sf(found, df))
    if not p >= _LEVEL:
        return ()
    return (
        f"No common factor can be told from chance: the correlations do not differ from 0 "
        f"(chi-square {found:.2f}, df {df}, p = {p:.3f}), and a model of them fits noise.",
    )


def few_loadings(loadings: Array, sd: Array, items: Sequence[str]) -> tuple[bool, tuple[str, ...]]:
    """Return whether one item at most loads on a factor of three or more, and what to say."""
    load = [n for n, v in zip(items, loadings / sd, strict=True) if v**2 > _NEGLIGIBLE]
    if len(items) < 3 or len(load) > 2:
        return False, ()
    if len(load) == 2:
        return False, (
            f"Only {load[0]} and {load[1]} load on the factor: their correlation fixes the product "
            "of their loadings, not each of them, and omega depends on how it is divided.",
        )
    return True, (
        "No common factor: the items do not correlate, so that a factor could belong to any one "
        "of them, and omega is not defined.",
    )
