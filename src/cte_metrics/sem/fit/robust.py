"""What robust fit indices rest on: unscaled statistics and their scaling factors.

Classes: ``Robust``. Functions: ``mean_scaling``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cte_metrics.sem.inference.tests import ScaledTest


@dataclass(frozen=True, slots=True)
class Robust:
    """Statistic and scaling behind the robust indices: ``t, c, t_scaled`` and ``t0, c0``.

    Created by: ``cte_metrics.sem.fit.robust_gaps.corrected_robust``,
    ``cte_metrics.sem.fit.robust_ordinal.categorical_robust``.
    Consumed by: ``cte_metrics.sem.fit.measures.fit_measures``.
    """

    t: float
    c: float
    t_scaled: float
    t0: float
    c0: float
    df: float
    df0: float
    c_interval: float


def mean_scaling(test: ScaledTest, df: float) -> float:
    """Scaling factor that gives the same mean; a shift is turned into one."""
    if test.name != "scaled.shifted":
        return test.scaling
    return test.scaling * (df - test.shift) / df if df > 0 else math.nan
