r"""Discrepancies of a factor model as functions of its uniquenesses alone.

For given uniquenesses the best loadings are eigenvectors, so that each discrepancy is a function of
the roots that no factor accounts for; `extraction` lists the functions and where they come from.
Derivatives are analytic, for any number of points at once: ``psi`` is (..., p).

Functions: ``least_squares_roots, likelihood_roots, generalized_roots``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.numerics.bounded_newton import Derivatives


def least_squares_roots(psi: Array, s: Array, m: int) -> Derivatives:
    """Half the sum of squares of the p - m smallest roots of ``s - diag(psi)``, with derivatives
    in psi (..., p).
    """
    roots, u = np.linalg.eigh(s - psi[..., None] * np.eye(psi.shape[-1]))
    low = _left_over(roots, m, 0.0)
    left = np.where(low, roots, 0.0)
    kept = u * low[..., None, :]
    weights = 2.0 * left[..., None] / _gaps(roots, m)
    hessian = (kept @ _turned(kept)) ** 2 + _between(u, low, weights)
    return Derivatives(
        np.asarray(0.5 * (left * left).sum(axis=-1)), -_squares(u, left), np.asarray(hessian)
    )


def likelihood_roots(log_psi: Array, s: Array, m: int) -> Derivatives:
    """Normal-theory discrepancy with the loadings profiled out; derivatives in log(psi)."""
    roots, u, low = _scaled_roots(log_psi, s, m)
    kept = u * low[..., None, :]
    slope = np.where(low, 1.0 - roots, 0.0)
    value = np.where(low, roots - np.log(roots) - 1.0, 0.0).sum(axis=-1)
    inner = ((kept * roots[..., None, :]) @ _turned(kept)) * (kept @ _turned(kept))
    weights = -slope[..., None] * _sums(roots, m) / _gaps(roots, m)
    return Derivatives(
        np.asarray(value), _squares(u, slope), np.asarray(inner + _between(u, low, weights))
    )


def generalized_roots(log_psi: Array, s: Array, m: int) -> Derivatives:
    """Generalised least squares discrepancy, loadings profiled out; derivatives in log(psi)."""
    roots, u, low = _scaled_roots(log_psi, s, m)
    kept = u * low[..., None, :]
    a = 1.0 / roots
    slope = np.where(low, a * a - a, 0.0)
    value = 0.5 * np.where(low, (1.0 - a) ** 2, 0.0).sum(axis=-1)
    once = (kept * a[..., None, :]) @ _turned(kept)
    identity = kept @ _turned(kept)
    twice = (kept * (a * a)[..., None, :]) @ _turned(kept)
    inner = twice * identity + once * once - once * identity
    weights = -slope[..., None] * _sums(roots, m) / _gaps(roots, m)
    return Derivatives(
        np.asarray(value), _squares(u, slope), np.asarray(inner + _between(u, low, weights))
    )


def _scaled_roots(log_psi: Array, s: Array, m: int) -> tuple[Array, Array, Flags]:
    scale = np.exp(-0.5 * log_psi)
    roots, vectors = np.linalg.eigh(s * scale[..., :, None] * scale[..., None, :])
    roots = np.maximum(roots, 1e-12)
    return roots, vectors, _left_over(roots, m, 1.0)


def _left_over(roots: Array, m: int, floor: float) -> Flags:
    """Which of the ascending roots (..., p) no factor accounts for: all but the m largest that
    exceed ``floor``.
    """
    return np.asarray((np.arange(roots.shape[-1]) < roots.shape[-1] - m) | (roots <= floor))


def _squares(u: Array, weights: Array) -> Array:
    """``(u * u) weights`` (..., p)."""
    return np.asarray(((u * u) @ weights[..., None])[..., 0])


def _turned(stack: Array) -> Array:
    return stack.swapaxes(-1, -2)


def _gaps(roots: Array, m: int) -> Array:
    """Differences (..., p, m) of all roots and the m largest, negative also where two are equal."""
    return np.asarray(np.minimum(roots[..., :, None] - roots[..., None, -m:], -1e-12))


def _sums(roots: Array, m: int) -> Array:
    return np.asarray(roots[..., :, None] + roots[..., None, -m:])


def _between(u: Array, low: Flags, weights: Array) -> Array:
    """Sum over pairs of a left-over root and one that a factor accounts for of weight times z z',
    z the product of their vectors; ``weights`` (..., p, m).
    """
    m = weights.shape[-1]
    weights = np.where(low[..., :, None] & ~low[..., None, -m:], weights, 0.0)
    total = np.zeros_like(u)
    for j in range(m):
        high = u[..., :, u.shape[-1] - m + j]
        inner = (u * weights[..., None, :, j]) @ _turned(u)
        total += inner * (high[..., :, None] * high[..., None, :])
    return total
