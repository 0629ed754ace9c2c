r"""Weights that turn standardised answers z into factor scores ``z W``.

R (p, p) correlations, L (p, m) pattern, Phi (m, m), S = L Phi, U diagonal uniquenesses.

    regression   inv(R) S                                            Thurstone: largest correlation
    with the factor bartlett     inv(U) L inv(L' inv(U) L)                           least unique
    variance, unbiased tenberge     R^-1/2 C Phi^1/2, C = R^-1/2 L Phi^1/2 (Phi^1/2 L' inv(R) L
    Phi^1/2)^-1/2
                                                                     scores correlate as the
                                                                     factors do
    anderson     inv(U) L (L' inv(U) R inv(U) L)^-1/2                uncorrelated scores
    harman       inv(L Phi L' with unit diagonal) L                  idealised variables

References
----------
Grice, J. W. (2001). Computing and evaluating factor scores. Psychological Methods, 6, 430-450.
ten Berge, J. M. F., Krijnen, W. P., Wansbeek, T., & Shapiro, A. (1999). Some new results on
    correlation-preserving factor scores prediction methods. Linear Algebra and its Applications,
    289, 311-318.

Functions: ``score_weights, score_validity``.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from cte_metrics.arrays import Array

ScoreMethod = Literal["regression", "bartlett", "tenberge", "anderson", "harman"]
SCORE_METHODS: tuple[str, ...] = get_args(ScoreMethod)


def score_weights(r: Array, loadings: Array, phi: Array, method: ScoreMethod) -> Array:
    """Weights W (p, m)."""
    if method == "regression":
        return np.asarray(_inverse(r) @ loadings @ phi)
    if method == "tenberge":
        return _tenberge(r, loadings, phi)
    if method == "harman":
        model = loadings @ phi @ loadings.T
        np.fill_diagonal(model, 1.0)
        return np.asarray(np.linalg.solve(model, loadings))
    unique = 1.0 - np.einsum("ij,jk,ik->i", loadings, phi, loadings)
    scaled = loadings / unique[:, None]
    if method == "bartlett":
        return np.asarray(scaled @ np.linalg.inv(loadings.T @ scaled))
    return np.asarray(scaled @ _power(scaled.T @ r @ scaled, -0.5))


def _tenberge(r: Array, loadings: Array, phi: Array) -> Array:
    half = _power(phi, 0.5)
    free = loadings @ half
    inverse = _inverse(r)
    inner = _power(free.T @ inverse @ free, -0.5)
    return np.asarray(inverse @ free @ inner @ half)


def score_validity(r: Array, loadings: Array, phi: Array, weights: Array) -> Array:
    """Correlation of each score with its factor (m,)."""
    covariance = np.einsum("ij,ij->j", weights, loadings @ phi)
    spread = np.sqrt(np.einsum("ij,ik,kj->j", weights, r, weights))
    return np.asarray(covariance / spread)


def _inverse(r: Array) -> Array:
    """Inverse of ``r``; of a singular one that of its non-zero part (Moore and Penrose)."""
    return np.asarray(np.linalg.pinv(r, rcond=1e-10, hermitian=True))


def _power(symmetric: Array, exponent: float) -> Array:
    roots, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * np.maximum(roots, 0.0) ** exponent) @ vectors.T)
