"""What agreement chance alone reaches, by simulation.

Functions: ``critical_values``. Class: ``Chance``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import Seed, generator
from cte_metrics.errors import InputError
from cte_metrics.kernels.groups import agreement as formulas
from cte_metrics.kernels.summaries import group_summaries as summaries


@dataclass(frozen=True, slots=True)
class Chance:
    """What is drawn: items, their response range and correlations (k, k), groups, level.

    Created by: ``cte_metrics.aggregation.agreement.Agreement.critical_values``.
    Consumed by: ``cte_metrics.aggregation.chance_agreement.critical_values``.
    """

    n_items: int
    limits: tuple[float, float]
    correlation: Any
    n_resamples: int
    confidence: float


def critical_values(sizes: Array, chance: Chance, rng: Seed) -> pd.DataFrame:
    """Return for every group size above 1 what agreement must reach to be more than chance."""
    related = _checked_correlation(chance.correlation, chance.n_items)
    n_categories = _categories(chance.limits)
    draws = generator(rng)
    rows = {
        int(n): _critical(
            _drawn(draws, int(n), n_categories, related, chance), n_categories, chance
        )
        for n in np.unique(sizes)
        if n > 1
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("n")


def _drawn(
    rng: np.random.Generator, n: int, n_categories: int, correlation: Array | None, chance: Chance
) -> summaries.GroupCounts:
    """How often each category is chosen in ``n_resamples`` groups of n."""
    if correlation is None:
        return formulas.simulate_uniform(rng, chance.n_resamples, n, chance.n_items, n_categories)
    return formulas.simulate_correlated(rng, chance.n_resamples, n, correlation, n_categories)


def _critical(drawn: summaries.GroupCounts, n_categories: int, chance: Chance) -> dict[str, float]:
    null = formulas.uniform_variance(n_categories)
    variance = summaries.moments_from_counts(drawn).variance
    value = formulas.rwg_j(variance, null)
    value = np.where(variance.mean(axis=1) > null, 0.0, value)
    ad_mean, ad_median = summaries.absolute_deviations_from_counts(drawn)
    level = chance.confidence
    return {
        "rwg_j" if chance.n_items > 1 else "rwg": formulas.upper_critical_value(value, level),
        "ad_mean": formulas.lower_critical_value(ad_mean.mean(axis=1), level),
        "ad_median": formulas.lower_critical_value(ad_median.mean(axis=1), level),
    }


def _categories(limits: tuple[float, float]) -> int:
    number = limits[1] - limits[0] + 1
    if number != round(number):
        raise InputError(
            f"The response range {limits[0]:g} to {limits[1]:g} is not made of whole numbers, so "
            "answers cannot be simulated."
        )
    return round(number)


def _checked_correlation(correlation: Any, n_items: int) -> Array | None:
    if correlation is None:
        return None
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.shape != (n_items, n_items) or not np.allclose(matrix, matrix.T):
        raise InputError(
            f"correlation must be a symmetric {n_items} x {n_items} matrix; got shape "
            f"{matrix.shape}."
        )
    if np.linalg.eigvalsh(matrix)[0] < -1e-8:
        raise InputError("correlation is not a correlation matrix: it has a negative eigenvalue.")
    return matrix
