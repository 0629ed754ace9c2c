"""Which equality to release: score tests of a parameter over all occasions at once.

Functions: ``worst_equality``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.factor.invariance_models import Key
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.sem.inference.modification import (
    ScoreParts,
    inverse_information,
    released_inverse,
    score_parts,
    score_size,
)
from cte_metrics.sem.inference.solution import Solution


@dataclass(frozen=True, slots=True)
class Release:
    """Score test of releasing one parameter everywhere.

    Created by: ``cte_metrics.factor.partial_invariance.worst_equality``.
    Consumed by: ``cte_metrics.factor.invariance_series.Series``.
    """

    key: Key
    chi2: float
    df: int
    p: float


def worst_equality(solution: Solution, candidates: Mapping[Key, Sequence[int]]) -> Release | None:
    """Return the candidate with the smallest p-value; ``None`` where none can be tested.

    Parameters
    ----------
    solution : Solution
    candidates : mapping of parameter to row numbers
        Rows of the table that belong to the parameter, at all occasions: tied by equality, or
        fixed at the later occasions.
    """
    parts = score_parts(solution)
    equal = solution.constraints.equal.jacobian(solution.theta)
    inverse = inverse_information(solution, parts)
    tests = [_test(solution, parts, equal, inverse, k, rows) for k, rows in candidates.items()]
    found = [t for t in tests if t is not None]
    return min(found, key=lambda t: (t.p, -t.chi2)) if found else None


def _test(
    solution: Solution,
    parts: ScoreParts,
    equal: Array,
    inverse: Array,
    key: Key,
    rows: Sequence[int],
) -> Release | None:
    free = solution.table.free[list(rows)]
    n = score_size(solution)
    if (free > 0).all():
        tied = equal[:, free - 1].any(axis=1)
        if not tied.any():
            return None
        own = np.ix_(parts.own, parts.own)
        slope = parts.gradient[parts.own]
        change = released_inverse(parts.information[own], equal[~tied])
        chi2, df = float(n * slope @ change @ slope), int(tied.sum())
    else:
        fixed = np.array([r for r, f in zip(rows[1:], free[1:], strict=True) if f == 0])
        if not len(fixed):
            return None
        cross = parts.information[np.ix_(fixed, parts.own)]
        variance = parts.information[np.ix_(fixed, fixed)] - cross @ inverse @ cross.T
        slope = parts.gradient[fixed]
        chi2, df = float(n * slope @ np.linalg.pinv(variance) @ slope), len(fixed)
    return Release(key, chi2, df, float(chi2_sf(max(chi2, 0.0), df)))
