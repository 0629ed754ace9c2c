"""Root mean squared residuals: continuous, ordinal, and level by level.

Reference: Asparouhov, T. & Muthen, B. (2018). SRMR in Mplus.

Functions: ``residual_measures``, ``ordinal_srmr``, ``two_level_srmr``, ``two_level_ordinal_srmr``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import n_half, vech
from cte_metrics.sem.estimators.two_level import lifted
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.model.ordinal import layout


@dataclass(frozen=True, slots=True)
class _RootMeanSquares:
    """Root mean squared residuals of one group; ``_means`` with means counted in."""

    rmr: float
    rmr_means: float
    srmr: float
    srmr_means: float
    crmr: float
    crmr_means: float
    mplus: float
    mplus_means: float


def residual_measures(solution: Solution) -> dict[str, float]:
    """Standardized root mean squared residuals."""
    estimator = solution.estimator
    observed = estimator.saturated().moments
    if solution.table.n_levels > 1:
        ordinal = solution.options.ordinal
        return two_level_ordinal_srmr(solution) if ordinal else two_level_srmr(solution)
    if solution.options.ordinal:
        return ordinal_srmr(solution)
    parts = [
        _continuous_root_mean_squares(o, s.moments, estimator.has_means)
        for o, s in zip(observed, solution.states, strict=True)
    ]

    def pooled(name: str) -> float:
        pairs = zip(estimator.shares, parts, strict=True)
        return float(sum(share * getattr(part, name) for share, part in pairs))

    return {
        "rmr": pooled("rmr_means"),
        "rmr_nomean": pooled("rmr"),
        "srmr": pooled("srmr_means"),
        "srmr_bentler": pooled("srmr_means"),
        "srmr_bentler_nomean": pooled("srmr"),
        "crmr": pooled("crmr_means"),
        "crmr_nomean": pooled("crmr"),
        "srmr_mplus": pooled("mplus_means"),
        "srmr_mplus_nomean": pooled("mplus"),
    }


def _continuous_root_mean_squares(
    observed: Moments, implied: Moments, means: bool
) -> _RootMeanSquares:
    s, sigma = observed.cov, implied.cov
    p = len(s)
    lower = np.tril_indices(p)
    strict = np.tril_indices(p, -1)
    sd, sd_implied = np.sqrt(s.diagonal()), np.sqrt(np.abs(sigma.diagonal()))
    raw = s - sigma
    bentler = raw / (sd[:, None] * sd)
    bollen = s / (sd[:, None] * sd) - sigma / (sd_implied[:, None] * sd_implied)
    relative = (s.diagonal() - sigma.diagonal()) / s.diagonal()
    half, pairs = p * (p + 1) / 2, p * (p - 1) / 2
    sums = (
        float((raw[lower] ** 2).sum()),
        float((bentler[lower] ** 2).sum()),
        float((bollen[strict] ** 2).sum()),
        float((bollen[strict] ** 2).sum() + (relative**2).sum()),
    )
    counts = (half, half, pairs, half)
    plain = [math.sqrt(a / b) if b else 0.0 for a, b in zip(sums, counts, strict=True)]
    if not means or observed.mean is None or implied.mean is None:
        return _RootMeanSquares(*(v for v in plain for _ in range(2)))
    d = observed.mean - implied.mean
    scaled = observed.mean / sd - implied.mean / sd_implied
    added = [float((x**2).sum()) for x in (d, d / sd, d / sd, scaled)]
    both = [math.sqrt((a + m) / (b + p)) for a, b, m in zip(sums, counts, added, strict=True)]
    return _RootMeanSquares(*(v for pair in zip(plain, both, strict=True) for v in pair))


def ordinal_srmr(solution: Solution) -> dict[str, float]:
    """Root mean squared residuals: of correlations, and with thresholds counted in.

    As in lavaan ``srmr`` leaves the thresholds out, ``srmr_bentler`` and ``crmr`` count them in.
    """
    samples = solution.estimator.saturated().moments
    names = ("rmr", "srmr", "crmr")
    total = dict.fromkeys([*names, *(f"{name}_nomean" for name in names)], 0.0)
    for sample, state, share in zip(
        samples, solution.states, solution.estimator.shares, strict=True
    ):
        assert sample.vector is not None  # ordinal blocks carry their moment vector
        found = _ordinal_root_mean_squares(sample.vector, state)
        for name, value in found.items():
            total[name] += share * value
    return {
        "rmr": total["rmr"],
        "rmr_nomean": total["rmr_nomean"],
        "srmr": total["srmr_nomean"],
        "srmr_bentler": total["srmr"],
        "srmr_bentler_nomean": total["srmr_nomean"],
        "crmr": total["crmr"],
        "crmr_nomean": total["crmr_nomean"],
        "srmr_mplus": math.nan,
        "srmr_mplus_nomean": math.nan,
    }


def _ordinal_root_mean_squares(sample: Array, state: BlockState) -> dict[str, float]:
    lay, design = layout(state.design), state.design
    q, n_items = len(lay.item), design.n_observed  # covariates count too, as in lavaan
    n_pairs = len(lay.rows)
    observed, implied = sample[len(sample) - n_pairs :], state.vector[len(sample) - n_pairs :]
    numeric = slice(len(sample) - n_pairs - len(lay.numeric), len(sample) - n_pairs)
    sd, sd_implied = np.ones(design.n_observed), np.ones(design.n_observed)
    sd[lay.numeric] = np.sqrt(sample[numeric])
    sd_implied[lay.numeric] = np.sqrt(np.abs(state.vector[numeric]))
    i, j = lay.rows, lay.columns
    raw = observed - implied
    residuals = {
        "rmr": raw,
        "srmr": raw / (sd[i] * sd[j]),
        "crmr": observed / (sd[i] * sd[j]) - implied / (sd_implied[i] * sd_implied[j]),
    }
    lead = (sample[:q] - state.vector[:q])[lay.threshold >= 0]
    extra = {"rmr": n_items, "srmr": n_items, "crmr": 0}
    out = {}
    for name, residual in residuals.items():
        squares, n = float(residual @ residual), len(residual) + extra[name]
        both = squares + float(lead @ lead)
        out[f"{name}_nomean"] = math.sqrt(squares / n) if n else 0.0
        out[name] = math.sqrt(both / (n + len(lead))) if n + len(lead) else 0.0
    return out


SMALLEST_SHARE = 1e-6


def two_level_srmr(solution: Solution) -> dict[str, float]:
    """Root mean squared residual correlations within, between, and their sum.

    Each is the mean over the groups, weighted by their cases. As in lavaan, eigenvalues of the
    implied matrix between below a millionth of the largest are lifted to it first, so that an
    improper solution at level 2 has a figure.
    """
    estimator = solution.estimator
    observed = estimator.saturated().moments
    within = between = 0.0
    for share, (w, b) in zip(estimator.shares, estimator.groups, strict=True):
        within += share * _residual_correlation(observed[w].cov, solution.states[w].cov)
        proper = lifted(solution.states[b].cov, SMALLEST_SHARE)
        between += share * _residual_correlation(observed[b].cov, proper)
    return {"srmr": within + between, "srmr_within": within, "srmr_between": between}


def _residual_correlation(observed: Array, implied: Array) -> float:
    if (observed.diagonal() <= 0).any() or (implied.diagonal() <= 0).any():
        return math.nan
    residual = vech(_correlation(observed) - _correlation(implied))
    return float(np.sqrt((residual**2).mean()))


def _correlation(cov: Array) -> Array:
    sd = np.sqrt(cov.diagonal())
    return np.asarray(cov / (sd[:, None] * sd))


def two_level_ordinal_srmr(solution: Solution) -> dict[str, float]:
    """Root mean squared residuals of the correlations within and between, and their sum.

    The diagonals count (with residual 0), as for continuous items. nan between where an item's
    variance, in the sample or implied, is not positive.
    """
    estimator = solution.estimator
    observed = estimator.saturated().moments
    within = between = 0.0
    for share, (w, b) in zip(estimator.shares, estimator.groups, strict=True):
        p = solution.design.blocks[w].n_observed
        pairs = p * (p - 1) // 2
        difference = _vector(observed[w].vector)[-pairs:] - solution.states[w].vector[-pairs:]
        within += share * float(np.sqrt((difference[:pairs] ** 2).sum() / n_half(p)))
        between += share * _upper_residual(observed[b].cov, solution.states[b].cov)
    return {"srmr": within + between, "srmr_within": within, "srmr_between": between}


def _vector(vector: Array | None) -> Array:
    assert vector is not None  # blocks of ordinal items carry their moment vector
    return vector


def _upper_residual(observed: Array, implied: Array) -> float:
    if (observed.diagonal() <= 0.0).any() or (implied.diagonal() <= 0.0).any():
        return float("nan")
    a, b = np.sqrt(observed.diagonal()), np.sqrt(implied.diagonal())
    residual = vech(observed / (a[:, None] * a) - implied / (b[:, None] * b))
    return float(np.sqrt((residual**2).mean()))
