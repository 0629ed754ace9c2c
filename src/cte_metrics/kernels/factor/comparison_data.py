r"""Comparison data: how many factors reproduce the observed roots (Ruscio & Roche 2012).

For m = 1, 2, ... a population with m factors is made that has the items' own distributions and, as
nearly as m factors allow, their correlations. Samples of n from it give roots whose distances to
the observed ones (root mean square) are compared with those under m - 1 factors; m is kept while a
one-sided Mann-Whitney test at .30 says that it is closer.

The population (Ruscio & Kaczetow 2008): m normal factors and unique parts with loadings taken from
an intermediate correlation matrix, each variable then given the item's distribution by rank; the
intermediate matrix moves by the remaining difference of the correlations until that stops
shrinking.

References
----------
Ruscio, J., & Roche, B. (2012). Determining the number of factors to retain in an exploratory
    factor analysis using comparison data of known factorial structure. Psychological Assessment,
    24, 282-292.
Ruscio, J., & Kaczetow, W. (2008). Simulating multivariate nonnormal data using an iterative
    algorithm. Multivariate Behavioral Research, 43, 355-381.

Functions: ``comparison_data, population_of``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.factor.extraction import extract
from cte_metrics.kernels.numerics.distributions import normal_cdf


@dataclass(frozen=True, slots=True)
class Comparison:
    """``n_factors`` kept; ``distance`` (m,) medians and ``p`` (m,) of each m against m - 1."""

    n_factors: int
    distance: Array
    p: Array


def comparison_data(
    values: Array,
    r: Array,
    largest: int,
    rng: np.random.Generator,
    *,
    n_population: int = 10_000,
    n_samples: int = 500,
    level: float = 0.30,
) -> Comparison:
    """Compare the roots of ``r`` (p, p) with those of data with 1 ... ``largest`` factors."""
    observed = np.linalg.eigvalsh(r)[::-1]
    before: Array | None = None
    medians, tests = [], []
    kept = 0
    for m in range(1, largest + 1):
        population = population_of(values, r, m, n_population, rng)
        roots = _sampled_roots(population, len(values), n_samples, rng)
        distance = np.sqrt(((roots - observed) ** 2).mean(axis=1))
        medians.append(float(np.median(distance)))
        tests.append(0.0 if before is None else _closer(distance, before))
        if before is not None and tests[-1] >= level:
            break
        kept, before = m, distance
    return Comparison(kept, np.array(medians), np.array(tests))


def population_of(
    values: Array, r: Array, m: int, n_population: int, rng: np.random.Generator
) -> Array:
    """A population (n_population, p) with m factors, the items' distributions and about ``r``."""
    p = values.shape[1]
    sorted_answers = np.sort(rng.choice(values, n_population, axis=0), axis=0)
    for j in range(p):
        sorted_answers[:, j] = np.sort(rng.choice(values[:, j], n_population))
    factors = rng.standard_normal((n_population, m))
    unique = rng.standard_normal((n_population, p))
    intermediate, best, best_error = r.copy(), None, np.inf
    share, failures = 1.0, 0
    target = r.copy()
    while failures < 5:
        candidate = _ranked(intermediate, m, factors, unique, sorted_answers)
        difference = r - np.corrcoef(candidate, rowvar=False)
        error = float(np.sqrt((np.tril(difference, -1) ** 2).sum() / (0.5 * p * (p - 1))))
        if error < best_error - 1e-6:
            best, best_error, target = candidate, error, intermediate
            last, share, failures = difference, 1.0, 0
            intermediate = target + share * last
        else:
            failures += 1
            share *= 0.5
            intermediate = target + share * last
    assert best is not None
    return best


def _ranked(
    intermediate: Array, m: int, factors: Array, unique: Array, sorted_answers: Array
) -> Array:
    """Variables with the factor structure of ``intermediate`` and the answers' distributions."""
    matrix = np.clip(intermediate, -0.999, 0.999)
    np.fill_diagonal(matrix, 1.0)
    loadings = np.clip(extract(matrix, m, "uls", thorough=False).loadings, -1.0, 1.0)
    common = (loadings**2).sum(axis=1)
    loadings = loadings / np.sqrt(np.maximum(common, 1.0))[:, None]
    rest = np.sqrt(np.maximum(1.0 - (loadings**2).sum(axis=1), 0.0))
    latent = factors @ loadings.T + unique * rest
    out = np.empty_like(latent)
    np.put_along_axis(out, np.argsort(latent, axis=0), sorted_answers, axis=0)
    return out


def _sampled_roots(population: Array, n: int, n_samples: int, rng: np.random.Generator) -> Array:
    matrices = np.empty((n_samples, population.shape[1], population.shape[1]))
    for i in range(n_samples):
        rows = population[rng.integers(0, len(population), n)]
        rows = rows - rows.mean(axis=0)
        cross = rows.T @ rows
        scale = np.sqrt(np.maximum(np.diagonal(cross), 1e-12))
        matrices[i] = cross / np.outer(scale, scale)
    return np.asarray(np.linalg.eigvalsh(matrices)[:, ::-1])


def _closer(now: Array, before: Array) -> float:
    """One-sided Mann-Whitney p value that ``now`` is smaller than ``before`` (normal
    approximation).
    """
    a, b = len(now), len(before)
    order = np.argsort(np.concatenate([now, before]), kind="stable")
    ranks = np.empty(a + b)
    ranks[order] = np.arange(1, a + b + 1)
    u = float(ranks[:a].sum()) - a * (a + 1) / 2.0
    z = (u + 0.5 - a * b / 2.0) / np.sqrt(a * b * (a + b + 1) / 12.0)
    return float(normal_cdf(z))
