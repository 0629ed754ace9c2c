"""Fitting the model behind omega, with its standard error or resamples.

Functions: ``continuous_omega, categorical_omega``. Class: ``FittedOmega``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import InputError
from cte_metrics.kernels.factor import fit_indices
from cte_metrics.kernels.factor.one_factor import (
    OneFactor,
    fit_one_factor,
    fit_one_factor_least_squares,
)
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.kernels.numerics.resampling import bootstrap_indices
from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, OrdinalMoments, ordinal_moments
from cte_metrics.kernels.reliability.omega import (
    bootstrap_omega,
    omega_coefficient,
    omega_derivative,
    ordinal_omega,
    ordinal_omega_gradient,
)
from cte_metrics.kernels.summaries.contingency import category_codes
from cte_metrics.reliability.common_factor import few_loadings, independence_notes
from cte_metrics.reliability.resampled import Resampling
from cte_metrics.reliability.source import Source, refuse_indefinite

MOST_CATEGORIES = 30
LOWEST_CFI, HIGHEST_RMSEA, HIGHEST_SRMR = 0.90, 0.10, 0.10


@dataclass(frozen=True, slots=True)
class FittedOmega:
    """Omega with its model: what both kinds have in common.

    Created by: ``cte_metrics.reliability.omega_estimation.continuous_omega``,
    ``cte_metrics.reliability.omega_estimation.categorical_omega``.
    Consumed by: ``cte_metrics.reliability.omega.mcdonald_omega``.

    Attributes
    ----------
    omega, se : float
        se is nan when ``replicates`` stand in for it.
    fit : OneFactor
    replicates : ndarray or None
        Omega of each resample.
    chisq, df : float
    notes : tuple of str
    """

    omega: float
    se: float
    fit: OneFactor
    replicates: Array | None
    chisq: float = np.nan
    df: float = np.nan
    notes: tuple[str, ...] = ()


def continuous_omega(source: Source, asked: Resampling) -> FittedOmega:
    """Fit one factor to the covariances by maximum likelihood.

    Raises
    ------
    InputError
        If the matrix is not positive definite.
    """
    n, k = source.n, source.n_items
    covariance = source.covariance * ((n - 1) / n if n else 1.0)
    if k == 2:
        return _two_items(source, covariance, asked)
    refuse_indefinite(source, "covariance")
    fit = fit_one_factor(covariance)
    none, notes = _common(fit, covariance, source)
    if none:
        return FittedOmega(np.nan, np.nan, _without_factor(fit), None, notes=notes)
    omega = float(omega_coefficient(fit.loadings, covariance))
    se, replicates = np.nan, None
    if asked.bootstrap:
        answers = source.complete_answers("A bootstrap interval")
        replicates = bootstrap_omega(answers, asked.n_resamples, asked.rng, fit)
    elif n and fit.converged:
        se = _delta_se(omega_derivative(fit, covariance), covariance, source, asked.method)
    df = k * (k + 1) / 2 - 2 * k
    chisq = n * float(fit.discrepancy) if n and df > 0 else np.nan
    notes += source.resampled() if asked.method != "delta" else ()
    if n and df > 0 and fit.converged:
        notes += _misfit(chisq, df, covariance, n)
    return FittedOmega(omega, se, fit, replicates, chisq, float(df), notes)


def _common(fit: OneFactor, covariance: Array, source: Source) -> tuple[bool, tuple[str, ...]]:
    """Return whether there is no common factor, and what must be said of it."""
    none, notes = few_loadings(fit.loadings, np.sqrt(np.diagonal(covariance)), source.items)
    if none:
        return True, notes
    return False, (*notes, *independence_notes(source.correlation, source.n))


def _without_factor(fit: OneFactor) -> OneFactor:
    """The same without its loadings, which are anyone's."""
    nan = np.full_like(fit.loadings, np.nan)
    return replace(fit, loadings=nan, uniquenesses=nan)


def _misfit(chisq: float, df: float, covariance: Array, n: int) -> tuple[str, ...]:
    """Say when one factor clearly does not hold: p < .05, and CFI < .90 or RMSEA > .10."""
    k = len(covariance)
    variances = float(np.log(np.diagonal(covariance)).sum())
    baseline = n * (variances - float(np.linalg.slogdet(covariance)[1]))
    cfi = fit_indices.cfi(chisq, df, baseline, k * (k - 1) / 2)
    rmsea = fit_indices.rmsea(chisq, df, n)
    if chi2_sf(chisq, df) >= 0.05 or (cfi >= LOWEST_CFI and rmsea <= HIGHEST_RMSEA):
        return ()
    return (
        f"One factor fits badly (CFI {cfi:.3f}, RMSEA {rmsea:.3f}), and omega supposes one factor: "
        "compare hierarchical_omega, or the subscales apart.",
    )


def _ordinal_misfit(fit: OneFactor, correlation: Array) -> list[str]:
    """Say when residual correlations are large: SRMR > .10."""
    residual = _pairs(correlation - np.outer(fit.loadings, fit.loadings))
    srmr = float(np.sqrt(np.square(residual).sum() / (len(residual) + len(correlation))))
    if not srmr > HIGHEST_SRMR:
        return []
    return [
        f"One factor fits badly (SRMR of the polychoric correlations {srmr:.3f}), and omega "
        "supposes one factor: compare hierarchical_omega, or the subscales apart."
    ]


def _delta_se(derivative: Array, covariance: Array, source: Source, interval: str) -> float:
    if interval == "robust":
        answers = source.complete_answers("A robust interval")
        centred = answers - answers.mean(0)
        influence = np.einsum("ij,jk,ik->i", centred, derivative, centred)
        return float(influence.std() / np.sqrt(len(answers)))
    product = derivative @ covariance
    return float(np.sqrt(2 * max(float(np.einsum("ij,ji->", product, product)), 0.0) / source.n))


_TWO = (
    "Two items do not identify a factor: their loadings were set equal, and omega then equals "
    "alpha. The fit of one factor cannot be tested.",
)


def _equal_loadings(matrix: Array) -> OneFactor:
    shared = float(matrix[0, 1])
    loading = np.full(2, np.sqrt(shared) if shared > 0 else np.nan)
    return OneFactor(
        loading, np.diagonal(matrix) - shared, np.asarray(0.0), np.asarray(shared > 0), 0
    )


def _two_items(source: Source, covariance: Array, asked: Resampling) -> FittedOmega:
    fit = _equal_loadings(covariance)
    omega = float(omega_coefficient(fit.loadings, covariance))
    total = covariance.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        derivative = np.full((2, 2), -omega / total) + np.array([[0.0, 2.0], [2.0, 0.0]]) / total
    replicates = None
    if asked.bootstrap:
        answers = source.complete_answers("A bootstrap interval")
        replicates = np.concatenate(
            [
                _two_item_omegas(answers[rows])
                for rows in bootstrap_indices(len(answers), asked.n_resamples, asked.rng)
            ]
        )
    se = (
        _delta_se(derivative, covariance, source, asked.method)
        if source.n and not asked.bootstrap
        else np.nan
    )
    notes = (*_TWO, *independence_notes(source.correlation, source.n))
    return FittedOmega(omega, se, fit, replicates, notes=notes)


def _two_item_omegas(answers: Array) -> Array:
    """4 c12 / var(x1 + x2) of resamples (b, n, 2)."""
    centred = answers - answers.mean(1, keepdims=True)
    cross = (centred[:, :, 0] * centred[:, :, 1]).sum(1)
    total = np.square(centred.sum(2)).sum(1)
    out = np.full(len(answers), np.nan)
    np.divide(4 * cross, total, out=out, where=total > 0)
    return out


def categorical_omega(source: Source, asked: Resampling) -> FittedOmega:
    """Fit one factor to the polychoric correlations by diagonally weighted least squares.

    Raises
    ------
    InputError
        If an item has too many different answers to be ordinal.
    """
    answers = source.answers("Ordinal omega").values
    if source.complete:
        answers = answers[~np.isnan(answers).any(axis=1)]
    data = _as_categories(answers, source.items)
    fitted = ordinal_moments(data)
    _refuse_perfect(fitted, source.items)
    omega, fit, weights, gamma = _ordinal_omega(data, fitted)
    _refuse_without_variance(weights, source.items)
    none, few = few_loadings(fit.loadings, np.ones(source.n_items), source.items)
    if none:
        return FittedOmega(np.nan, np.nan, _without_factor(fit), None, notes=few)
    independent = float(fitted.n * (_pairs(weights) * _pairs(fitted.correlation) ** 2).sum())
    notes = [*(_TWO if source.n_items == 2 else ()), *few]
    notes += independence_notes(fitted.correlation, fitted.n, independent)
    if fitted.empty.any():
        notes.append(f"{int(fitted.empty.sum())} pairs of items have empty cells in their table.")
    if fit.converged and source.n_items > 3:
        notes += _ordinal_misfit(fit, fitted.correlation)
    if asked.bootstrap:
        replicates = [
            _resampled_ordinal(answers[rows], source.items)
            for block in bootstrap_indices(len(answers), asked.n_resamples, asked.rng)
            for rows in block
        ]
        return FittedOmega(omega, np.nan, fit, np.array(replicates), notes=tuple(notes))
    se = _ordinal_se(fitted, fit, weights, gamma) if fit.converged else np.nan
    if fit.converged and not np.isfinite(se):
        notes.append("There is no standard error: these correlations do not identify a factor.")
    return FittedOmega(omega, se, fit, None, notes=tuple(notes))


def _refuse_perfect(fitted: OrdinalMoments, items: Sequence[str]) -> None:
    bad = np.flatnonzero(fitted.perfect | (np.abs(_pairs(fitted.correlation)) >= 1))
    if len(bad):
        i, j = (int(place[bad[0]]) for place in _pair_places(len(items)))
        raise InputError(
            f"The answers to {items[i]} and {items[j]} determine each other (polychoric "
            f"correlation {fitted.correlation[i, j]:.0f}).",
            hint="Leave one of them out, or collect more answers.",
        )


def _refuse_without_variance(weights: Array, items: Sequence[str]) -> None:
    bad = np.flatnonzero(_pairs(weights) == 0)
    if len(bad):
        i, j = (int(place[bad[0]]) for place in _pair_places(len(items)))
        raise InputError(
            f"The polychoric correlation of {items[i]} and {items[j]} has no sampling variance in "
            "these data: too few answers, or empty cells.",
            hint="Join rare categories, or leave one of the items out.",
        )


def _pairs(matrix: Array) -> Array:
    return np.asarray(matrix[_pair_places(len(matrix))])


def _ordinal_se(fitted: OrdinalMoments, fit: OneFactor, weights: Array, gamma: Array) -> float:
    try:
        by_cut, by_pair = ordinal_omega_gradient(
            fit.loadings, fitted.correlation, weights, fitted.locations, fitted.location_items
        )
    except np.linalg.LinAlgError:
        return np.nan
    gradient = np.concatenate((by_cut, _pairs(by_pair)))
    return float(np.sqrt(max(float(gradient @ gamma @ gradient), 0.0) / fitted.n))


def _pair_places(k: int) -> tuple[Index, Index]:
    return np.triu_indices(k, 1)


def _ordinal_omega(
    data: MixedData, fitted: OrdinalMoments
) -> tuple[float, OneFactor, Array, Array]:
    """Omega, its one-factor fit, the weights (k, k) of the fit and Gamma."""
    k = len(fitted.n_categories)
    gamma = asymptotic_covariance(data, fitted)
    variances = np.diagonal(gamma)[len(fitted.locations) :]
    weights = np.zeros((k, k))
    i, j = _pair_places(k)
    usable = np.isfinite(variances) & (variances > 0)
    precision = np.where(usable, 1.0 / np.where(usable, variances, 1.0), 0.0)
    weights[i, j] = weights[j, i] = precision
    fit = (
        _equal_loadings(fitted.correlation)
        if k == 2
        else fit_one_factor_least_squares(fitted.correlation, weights)
    )
    omega = ordinal_omega(fit.loadings, fitted.correlation, fitted.locations, fitted.location_items)
    return omega, fit, weights, gamma


def _resampled_ordinal(answers: Array, items: Sequence[str]) -> float:
    try:
        data = _as_categories(answers, items)
        fitted = ordinal_moments(data)
        _refuse_perfect(fitted, items)
        omega, fit, weights, _ = _ordinal_omega(data, fitted)
    except (InputError, np.linalg.LinAlgError):
        return np.nan
    return omega if fit.converged and (_pairs(weights) > 0).all() else np.nan


def _as_categories(answers: Array, items: Sequence[str]) -> MixedData:
    coded = category_codes(answers)
    n_categories = coded.n_categories
    most = int(n_categories.argmax())
    if n_categories[most] > MOST_CATEGORIES:
        raise InputError(
            f"Item {items[most]} has {n_categories[most]} different answers; ordinal items have at "
            f"most {MOST_CATEGORIES}.",
            hint="Use ordinal=False for answers on a continuous scale.",
        )
    if (n_categories < 2).any():
        constant = [n for n, c in zip(items, n_categories, strict=True) if c < 2]
        raise InputError(
            f"{', '.join(constant)} takes one value only among the rows that are used.",
            hint="Leave the item out.",
        )
    return MixedData(coded.codes, answers, n_categories)
