"""Omega of a one-factor model: for scores on their own scale and for ordinal items.

With loadings lambda (factor variance 1) and the observed covariance matrix S of the items,

    omega = (sum lambda)^2 / sum(S)                       (McDonald 1999, observed variance)

Its large-sample variance follows from omega being a function of S alone: d omega = tr(M dS), so
that under normality n var = 2 tr(M S M S), and without it n var = var((x - m)' M (x - m)).

For ordinal items with thresholds tau, polychoric correlations R and loadings lambda, the sum score
has covariances that add up over pairs of thresholds (Green & Yang 2009):

    omega = sum [Phi2(tau_a, tau_b; lambda_i lambda_j) - Phi(tau_a) Phi(tau_b)]
            / sum [Phi2(tau_a, tau_b; r_ij) - Phi(tau_a) Phi(tau_b)]

over all thresholds a of item i and b of item j, with r_ii = 1; an item may have any number of
categories. Its variance is g' Gamma g / n with the gradient g in thresholds and correlations and
Gamma from ``ordinal_covariance``.

References
----------
McDonald, R. P. (1999). Test Theory. Erlbaum.
Green, S. B. & Yang, Y. (2009). Psychometrika 74, 155-167.

Functions: ``omega_coefficient, omega_derivative, bootstrap_omega, ordinal_omega,
ordinal_omega_gradient``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.factor.one_factor import (
    OneFactor,
    fit_one_factor_stack,
    loading_sum_derivative,
)
from cte_metrics.kernels.numerics.bivariate_normal import density, distribution
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances


def omega_coefficient(loadings: Array, covariance: Array) -> Array:
    """Omega from loadings (..., k) and observed covariance matrices (..., k, k).

    Examples
    --------
    >>> loading = np.array([1.0, 1.0])
    >>> float(omega_coefficient(loading, np.array([[2.0, 1.0], [1.0, 2.0]])))
    0.6666666666666666
    """
    total = covariance.sum(axis=(-2, -1))
    out = np.full(np.shape(total), np.nan)
    np.divide(np.square(loadings.sum(axis=-1)), total, out=out, where=total > 0)
    return np.asarray(out)[()]


def omega_derivative(fit: OneFactor, covariance: Array) -> Array:
    """M with d omega = tr(M dS) for a maximum-likelihood fit, (k, k)."""
    total, loading_sum = covariance.sum(), fit.loadings.sum()
    by_loadings = 2 * loading_sum / total * loading_sum_derivative(fit, covariance)
    return np.asarray(by_loadings - (loading_sum / total) ** 2)


def bootstrap_omega(
    values: Array, n_resamples: int, rng: np.random.Generator, start: OneFactor
) -> Array:
    """Omega of resampled respondents (n_resamples,), all one-factor models fitted together.

    Parameters
    ----------
    values : (n, k)
        Complete answers.
    start : OneFactor
        The sample's fit, from which each resample's begins.

    Returns
    -------
    (n_resamples,); nan where a resample's model has no solution.
    """
    out = [_omegas(stack, start) for stack in bootstrap_covariances(values, n_resamples, rng)]
    return np.concatenate(out)


def _omegas(covariance: Array, start: OneFactor) -> Array:
    out = np.full(len(covariance), np.nan)
    values = np.linalg.eigvalsh(covariance)
    proper = np.flatnonzero(values[:, 0] > 1e-10 * values[:, -1])
    if len(proper):
        fit = fit_one_factor_stack(covariance[proper], start)
        found = omega_coefficient(fit.loadings, covariance[proper])
        out[proper] = np.where(fit.converged, found, np.nan)
    return out


def ordinal_omega(loadings: Array, correlation: Array, cuts: Array, items: Integers) -> float:
    """Green and Yang's coefficient.

    Parameters
    ----------
    loadings : (k,)
        On the scale of the latent responses (unit variance).
    correlation : (k, k)
        Polychoric correlations.
    cuts : (q,)
        All thresholds.
    items : (q,)
        The item that each threshold belongs to.
    """
    true, observed = _latent(loadings, correlation, items)
    below = special.ndtr(cuts)
    chance = below.sum() ** 2
    top = distribution(cuts[:, None], cuts, true).sum() - chance
    return float(top / (distribution(cuts[:, None], cuts, observed).sum() - chance))


def _latent(loadings: Array, correlation: Array, items: Integers) -> tuple[Array, Array]:
    """Correlations of the latent responses behind two thresholds: of true scores, and observed."""
    expanded = loadings[items]
    return np.clip(np.outer(expanded, expanded), -1.0, 1.0), correlation[np.ix_(items, items)]


def ordinal_omega_gradient(
    loadings: Array, correlation: Array, weights: Array, cuts: Array, items: Integers
) -> tuple[Array, Array]:
    """Gradient of Green and Yang's coefficient in the thresholds (q,) and correlations (k, k).

    The loadings are the weighted least squares solution for ``weights`` (k, k) and move with the
    correlations. Entry (i, j) of the second array is the derivative in r_ij = r_ji, i < j.
    """
    true, observed = _latent(loadings, correlation, items)
    below = special.ndtr(cuts)
    chance = below.sum() ** 2
    top = distribution(cuts[:, None], cuts, true).sum() - chance
    bottom = distribution(cuts[:, None], cuts, observed).sum() - chance
    by_cut = (
        _cut_slopes(cuts, true, below) - top / bottom * _cut_slopes(cuts, observed, below)
    ) / bottom
    member = (items == np.arange(len(loadings))[:, None]).astype(np.float64)
    by_loading = 2 * member @ density(cuts[:, None], cuts, _inside(true)) @ member.T @ loadings
    pairs = member @ density(cuts[:, None], cuts, _inside(observed)) @ member.T
    moved = _loading_shift(loadings, correlation, weights, by_loading / bottom)
    by_pair = moved - 2 * top / bottom**2 * pairs
    np.fill_diagonal(by_pair, 0.0)
    return by_cut, by_pair


def _inside(rho: Array) -> Array:
    return np.clip(rho, -0.999999, 0.999999)


def _cut_slopes(cuts: Array, rho: Array, below: Array) -> Array:
    """Derivative of the sum over all pairs of thresholds in each threshold, (q,)."""
    s = np.sqrt((1.0 - rho) * (1.0 + rho))
    gap = cuts - rho * cuts[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(s > 0, gap / s, np.where(gap == 0, 0.0, np.sign(gap) * np.inf))
    phi = np.exp(-0.5 * cuts**2) / np.sqrt(2 * np.pi)
    return np.asarray(2 * phi * (special.ndtr(ratio).sum(1) - below.sum()))


def _loading_shift(loadings: Array, correlation: Array, weights: Array, target: Array) -> Array:
    """Derivative of target' lambda in r_ij = r_ji for the least squares loadings, (k, k)."""
    w = weights * (1 - np.eye(len(loadings)))
    residual = w * (correlation - np.outer(loadings, loadings))
    hessian = w * np.outer(loadings, loadings) + np.diag(w @ loadings**2) - residual
    u = np.linalg.solve(hessian, target)
    return np.asarray(w * (np.outer(u, loadings) + np.outer(loadings, u)))
