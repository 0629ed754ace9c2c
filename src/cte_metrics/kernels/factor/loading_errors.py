r"""Standard errors of rotated loadings and factor correlations.

The loadings minimise a distance of the sample correlations r from the model's rho(L, Phi), with
weight matrix W; the rotation fixes what the fit leaves open through constraints c(L, Phi) = 0
(Jennrich 1973). With D = d rho / d theta and C = d c / d theta, theta = (L row by row, Phi above
the diagonal), and H the upper left block of the inverse of [[D'WD, C'], [C, 0]],

    acov(theta) = H D'W Gamma W D H / (n - 1),     Gamma the asymptotic covariance matrix of r.

W is the identity for minres, uls, ols and pa, ``w_i w_j`` for wls, and inv(Gamma) under normality
for ml and gls, where the sandwich collapses to the inverse information. Gamma is that of normal
variables (Olkin & Siotani 1976), or the one given, as for polychorics. Correlations are free of
scale, so these errors are those of standardised loadings.

References
----------
Jennrich, R. I. (1973). Standard errors for obliquely rotated factor loadings. Psychometrika, 38,
    593-604.
Browne, M. W., & Shapiro, A. (1986). The asymptotic covariance matrix of sample correlation
    coefficients. LAA, 82.
Zhang, G., Preacher, K. J., & Jennrich, R. I. (2012). The infinitesimal jackknife with exploratory
    factor analysis. Psychometrika, 77, 634-648.

Functions: ``asymptotic_covariance, normal_gamma, correlation_jacobian``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cte_metrics.arrays import Array

Constraint = Callable[[Array, Array], Array]


def asymptotic_covariance(
    loadings: Array, phi: Array, weight: Array, gamma: Array, constraints: Array
) -> Array:
    """N times the covariance matrix of theta (q, q).

    ``weight`` and ``gamma`` are (d, d), or (d,) for a diagonal weight, d = p (p - 1) / 2;
    ``constraints`` (c, q) are the derivatives of the rotation's constraints.
    """
    jacobian = correlation_jacobian(loadings, phi)[:, : constraints.shape[1]]
    weighted = weight[:, None] * jacobian if weight.ndim == 1 else weight @ jacobian
    q, c = jacobian.shape[1], constraints.shape[0]
    bordered = np.zeros((q + c, q + c))
    bordered[:q, :q] = jacobian.T @ weighted
    bordered[q:, :q] = constraints
    bordered[:q, q:] = constraints.T
    h = np.linalg.inv(bordered)[:q, :q]
    return np.asarray(h @ (weighted.T @ gamma @ weighted) @ h)


def correlation_jacobian(loadings: Array, phi: Array) -> Array:
    """Derivatives (d, p k + k (k - 1) / 2) of model correlations above the diagonal."""
    p, k = loadings.shape
    i, j = np.triu_indices(p, 1)
    r, s = np.triu_indices(k, 1)
    structure = loadings @ phi
    by_loading = np.zeros((i.size, p, k))
    pair = np.arange(i.size)
    by_loading[pair, i] = structure[j]
    by_loading[pair, j] = structure[i]
    by_phi = loadings[i][:, r] * loadings[j][:, s] + loadings[i][:, s] * loadings[j][:, r]
    return np.concatenate([by_loading.reshape(i.size, p * k), by_phi], axis=1)


def normal_gamma(rho: Array) -> Array:
    """Asymptotic covariance matrix (d, d) of correlations of normal variables, row by row."""
    i, j = np.triu_indices(rho.shape[0], 1)
    own = rho[i, j]
    ik, il = rho[np.ix_(i, i)], rho[np.ix_(i, j)]
    jk, jl = rho[np.ix_(j, i)], rho[np.ix_(j, j)]
    squares = ik**2 + il**2 + jk**2 + jl**2
    left, right = own[:, None], own[None, :]
    gamma = 0.5 * left * right * squares + ik * jl + il * jk
    gamma -= left * (jk * jl + ik * il) + right * (jk * ik + jl * il)
    return np.asarray(gamma)


def derivatives(function: Constraint, loadings: Array, phi: Array, step: float = 1e-5) -> Array:
    """Central differences of ``function`` (stacks of L and Phi to (b, c)) by theta, (c, q)."""
    p, k = loadings.shape
    r, s = np.triu_indices(k, 1)
    q = p * k + r.size
    moved = np.repeat(loadings[None], 2 * q, axis=0)
    turned = np.repeat(phi[None], 2 * q, axis=0)
    cell = np.arange(p * k)
    for sign, start in ((step, 0), (-step, q)):
        moved[start + cell, cell // k, cell % k] += sign
        pair = start + p * k + np.arange(r.size)
        turned[pair, r, s] += sign
        turned[pair, s, r] += sign
    values = function(moved, turned)
    return np.asarray((values[:q] - values[q:]).T / (2.0 * step))


def orthogonal_constraints(slope: Callable[[Array, Array], tuple[Array, Array]]) -> Constraint:
    """``L'G`` is symmetric; ``slope`` gives the loadings that the criterion sees and G."""

    def constraint(loadings: Array, phi: Array) -> Array:
        seen, gradient = slope(loadings, phi)
        product = np.swapaxes(seen, -1, -2) @ gradient
        r, s = np.triu_indices(loadings.shape[-1], 1)
        return np.asarray(product[:, r, s] - product[:, s, r])

    return constraint


def oblique_constraints(slope: Callable[[Array, Array], tuple[Array, Array]]) -> Constraint:
    """``L'G inv(Phi)`` is diagonal."""

    def constraint(loadings: Array, phi: Array) -> Array:
        seen, gradient = slope(loadings, phi)
        product = np.swapaxes(gradient, -1, -2) @ seen
        along = np.diagonal(product, axis1=-2, axis2=-1)
        off = np.nonzero(~np.eye(loadings.shape[-1], dtype=np.bool_))
        difference = product - phi * along[:, None, :]
        return np.asarray(difference[:, off[0], off[1]])

    return constraint


def canonical_constraints(row_weights: Callable[[Array], Array]) -> Constraint:
    """``L' diag(w) L`` is diagonal, as extraction leaves it; ``row_weights`` gives w (b, p)."""

    def constraint(loadings: Array, phi: Array) -> Array:
        weighted = loadings * row_weights(loadings)[:, :, None]
        product = np.swapaxes(loadings, -1, -2) @ weighted
        r, s = np.triu_indices(loadings.shape[-1], 1)
        return np.asarray(product[:, r, s])

    return constraint
