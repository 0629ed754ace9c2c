"""The one-factor model S = lambda lambda' + diag(psi), by maximum likelihood and least squares.

Maximum likelihood minimises F = log|Sigma| + tr(S Sigma^-1) over lambda and psi without bounds, so
that a negative residual variance shows itself, as in lavaan with ``std.lv = TRUE``. With
A = Sigma^-1, B = A S A and G = A - B,

    dF/dlambda = 2 G lambda            dF/dpsi = diag(G)

and the exact Hessian is built from T(A, B) + T(B, A) - T(A, A) + 2 G, where T(P, Q)_ij =
tr(P Sigma_j Q Sigma_i) and Sigma_i = dSigma/dtheta_i is e_i lambda' + lambda e_i' or e_i e_i'.
Newton steps on a stack of matrices fit all resamples of a bootstrap at once.

Least squares minimises sum_{i<j} w_ij (r_ij - lambda_i lambda_j)^2: with w = 1 / avar(r_ij) it is
lavaan's diagonally weighted estimator of one ordinal factor (thresholds are saturated).

References
----------
Joreskog (1967), Psychometrika 32, 443-482.
McDonald (1999), Test Theory.
Muthen (1984), Psychometrika 49, 115-132.

Functions: ``fit_one_factor, fit_one_factor_stack, fit_one_factor_least_squares,
loading_sum_derivative``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags

_MAX_STEPS = 200
_HALVINGS = 30
_TOLERANCE = 1e-11
_FISHER_STEPS = 3


@dataclass(frozen=True, slots=True)
class OneFactor:
    """A fitted one-factor model, or a stack of b of them.

    Attributes
    ----------
    loadings : (k,) or (b, k)
        With factor variance 1; their sum is not negative.
    uniquenesses : (k,) or (b, k)
        Residual variances; negative ones are improper.
    discrepancy : float or (b,)
        Minimum of the discrepancy function (for ML: F - log|S| - k).
    converged : bool or (b,)
    steps : int
    """

    loadings: Array
    uniquenesses: Array
    discrepancy: Array
    converged: Flags
    steps: int


def fit_one_factor(covariance: Array) -> OneFactor:
    """Fit one covariance matrix (k, k), positive definite, by maximum likelihood.

    Examples
    --------
    >>> loading = np.array([1.0, 2.0, 0.5, 1.5])
    >>> found = fit_one_factor(np.outer(loading, loading) + np.eye(4))
    >>> found.loadings.round(6).tolist(), found.uniquenesses.round(6).tolist()
    ([1.0, 2.0, 0.5, 1.5], [1.0, 1.0, 1.0, 1.0])
    """
    fit = fit_one_factor_stack(covariance[None])
    return OneFactor(
        fit.loadings[0], fit.uniquenesses[0], fit.discrepancy[0], fit.converged[0], fit.steps
    )


def fit_one_factor_stack(covariances: Array, start: OneFactor | None = None) -> OneFactor:
    """Fit a stack of covariance matrices (b, k, k), each positive definite.

    Parameters
    ----------
    covariances : (b, k, k)
    start : OneFactor, optional
        A fit (k,) from which all begin; for resamples, that of the sample.
    """
    sd = np.sqrt(np.einsum("bii->bi", covariances))
    r = covariances / (sd[:, :, None] * sd[:, None, :])
    theta = _start(r) if start is None else _restart(start, sd)
    logdet = np.linalg.slogdet(r)[1]
    value, gradient, hessian, expected = _derivatives(theta, r)
    done = np.zeros(len(r), dtype=bool)
    steps = 0
    while steps < _MAX_STEPS and not done.all():
        newton = steps >= _FISHER_STEPS or start is not None
        step = _direction(gradient, hessian, expected, newton=newton)
        theta_new = _shorten(theta, step, gradient, r, value)
        theta_new[done] = theta[done]
        moved = np.abs(theta_new - theta).max(1)
        theta = theta_new
        value, gradient, hessian, expected = _derivatives(theta, r)
        done |= (moved < 1e-9) | (np.abs(gradient).max(1) < _TOLERANCE)
        steps += 1
    k = r.shape[1]
    loadings, uniquenesses = theta[:, :k], theta[:, k:]
    small = np.abs(gradient).max(1) < 1e-6
    sign = np.where(loadings.sum(1, keepdims=True) < 0, -1.0, 1.0)
    return OneFactor(
        sign * loadings * sd, uniquenesses * sd**2, value - logdet - k, done & small, steps
    )


def _start(r: Array) -> Array:
    """Loadings from the first principal axis after smc-like communalities, (b, 2k)."""
    k = r.shape[1]
    reduced = r.copy()
    off = np.abs(r - np.eye(k)).max(2)
    reduced[:, np.arange(k), np.arange(k)] = np.clip(off, 0.1, 0.9)
    values, vectors = np.linalg.eigh(reduced)
    lead = vectors[:, :, -1] * np.sqrt(np.maximum(values[:, -1], 0.1))[:, None]
    lead = np.clip(lead, -0.95, 0.95)
    return np.concatenate((lead, 1.0 - lead**2), axis=1)


def _restart(start: OneFactor, sd: Array) -> Array:
    return np.concatenate((start.loadings / sd, start.uniquenesses / sd**2), axis=1)


def _derivatives(theta: Array, s: Array) -> tuple[Array, Array, Array, Array]:
    """F, gradient, exact and expected Hessian at theta (b, 2k)."""
    k = s.shape[1]
    lam, psi = theta[:, :k], theta[:, k:]
    sigma = lam[:, :, None] * lam[:, None, :]
    sigma[:, np.arange(k), np.arange(k)] += psi
    a = np.linalg.inv(sigma)
    a = (a + a.transpose(0, 2, 1)) / 2
    b = a @ s @ a
    g = a - b
    value = np.linalg.slogdet(sigma)[1] + np.einsum("bij,bij->b", s, a)
    gradient = np.concatenate(
        (2 * np.einsum("bij,bj->bi", g, lam), np.einsum("bii->bi", g)), axis=1
    )
    expected = _curvature(a, a, lam)
    cross = _curvature(a, b, lam)
    hessian = cross + cross.transpose(0, 2, 1) - expected
    hessian[:, :k, :k] += 2 * g
    return value, gradient, (hessian + hessian.transpose(0, 2, 1)) / 2, expected


def _curvature(p: Array, q: Array, lam: Array) -> Array:
    """T(P, Q)_ij = tr(P Sigma_j Q Sigma_i) for all parameters, (b, 2k, 2k)."""
    k = lam.shape[1]
    pl, ql = np.einsum("bij,bj->bi", p, lam), np.einsum("bij,bj->bi", q, lam)
    lpl, lql = (pl * lam).sum(1)[:, None, None], (ql * lam).sum(1)[:, None, None]
    out = np.empty((len(lam), 2 * k, 2 * k))
    out[:, :k, :k] = (
        ql[:, :, None] * pl[:, None, :] + pl[:, :, None] * ql[:, None, :] + lql * p + lpl * q
    )
    mixed = q * pl[:, None, :] + p * ql[:, None, :]
    out[:, :k, k:] = mixed
    out[:, k:, :k] = mixed.transpose(0, 2, 1)
    out[:, k:, k:] = p * q
    return out


def _direction(gradient: Array, hessian: Array, expected: Array, *, newton: bool) -> Array:
    """Newton step where the Hessian is positive definite, else the Fisher scoring step."""
    chosen = expected
    if newton:
        definite = np.linalg.eigvalsh(hessian)[:, 0] > 1e-8
        chosen = np.where(definite[:, None, None], hessian, expected)
    ridge = 1e-12 * np.eye(chosen.shape[1])
    return np.asarray(-np.linalg.solve(chosen + ridge, gradient[:, :, None])[:, :, 0])


def _shorten(theta: Array, step: Array, gradient: Array, s: Array, value: Array) -> Array:
    """Halve each step until Sigma is positive definite and F does not rise."""
    slope = (gradient * step).sum(1)
    scale = np.ones(len(theta))
    for _ in range(_HALVINGS):
        trial = theta + scale[:, None] * step
        bad = ~(_objective(trial, s) <= value + 1e-4 * scale * slope + 1e-12)
        if not bad.any():
            return trial
        scale[bad] /= 2
    scale[bad] = 0.0
    return theta + scale[:, None] * step


def _objective(theta: Array, s: Array) -> Array:
    """F, or infinity where Sigma is not positive definite."""
    k = s.shape[1]
    lam, psi = theta[:, :k], theta[:, k:]
    sigma = lam[:, :, None] * lam[:, None, :]
    sigma[:, np.arange(k), np.arange(k)] += psi
    values, vectors = np.linalg.eigh(sigma)
    proper = values[:, 0] > 1e-10
    values = np.where(proper[:, None], values, 1.0)
    rotated = np.einsum("bji,bjk,bki->bi", vectors, s, vectors)
    found = np.log(values).sum(1) + (rotated / values).sum(1)
    return np.where(proper, found, np.inf)


def loading_sum_derivative(fit: OneFactor, covariance: Array) -> Array:
    """M with d(sum of ML loadings) = tr(M dS), (k, k), by the implicit function theorem."""
    k = len(covariance)
    theta = np.concatenate((fit.loadings, fit.uniquenesses))[None]
    hessian = _derivatives(theta, covariance[None])[2][0]
    target = np.concatenate((np.ones(k), np.zeros(k)))
    u = np.linalg.solve(hessian, target)
    lam = fit.loadings
    direction = np.outer(u[:k], lam) + np.outer(lam, u[:k]) + np.diag(u[k:])
    a = np.linalg.inv(np.outer(lam, lam) + np.diag(fit.uniquenesses))
    return np.asarray(a @ direction @ a)


def fit_one_factor_least_squares(correlation: Array, weights: Array | None = None) -> OneFactor:
    """Minimise sum_{i<j} w_ij (r_ij - lambda_i lambda_j)^2 by Newton steps.

    Parameters
    ----------
    correlation : (k, k)
    weights : (k, k), optional
        Positive; 1 by default. The diagonal is not used.

    Examples
    --------
    >>> loading = np.array([0.5, 0.6, 0.7, 0.8])
    >>> fit_one_factor_least_squares(np.outer(loading, loading)).loadings.round(6).tolist()
    [0.5, 0.6, 0.7, 0.8]
    """
    k = len(correlation)
    w = np.ones((k, k)) if weights is None else weights / weights[~np.eye(k, dtype=bool)].mean()
    w = w * (1 - np.eye(k))
    lam = _start(correlation[None])[0, :k]
    value, converged, steps = _squares(lam, correlation, w), False, 0
    while steps < _MAX_STEPS and not converged:
        step, slope = _least_squares_step(lam, correlation, w)
        lam, value, length = _search(lam, step, slope, value, correlation, w)
        converged = length < 1e-12
        steps += 1
    lam = -lam if lam.sum() < 0 else lam
    unique = np.diagonal(correlation) - lam**2
    return OneFactor(lam, unique, np.asarray(value), np.asarray(converged), steps)


def _squares(lam: Array, r: Array, w: Array) -> float:
    return float((w * (r - np.outer(lam, lam)) ** 2).sum() / 4)


def _least_squares_step(lam: Array, r: Array, w: Array) -> tuple[Array, float]:
    residual = w * (r - np.outer(lam, lam))
    gradient = -residual @ lam
    gauss = w * np.outer(lam, lam) + np.diag(w @ lam**2)
    hessian = gauss - residual
    if np.linalg.eigvalsh(hessian)[0] <= 1e-10:
        hessian = gauss + 1e-8 * np.eye(len(lam))
    step = -np.linalg.solve(hessian, gradient)
    return np.asarray(step), float(gradient @ step)


def _search(
    lam: Array, step: Array, slope: float, value: float, r: Array, w: Array
) -> tuple[Array, float, float]:
    scale = 1.0
    for _ in range(_HALVINGS):
        trial = lam + scale * step
        found = _squares(trial, r, w)
        if found <= value + 1e-4 * scale * slope + 1e-15:
            return trial, found, float(np.abs(scale * step).max())
        scale /= 2
    return lam, value, 0.0
