"""Correlations of numeric with ordinal variables, and of numeric variables, given their margins.

With the standardised numeric variable ``z`` and the thresholds ``tau`` of the ordinal one, a row's
likelihood in rho is ``Phi(u_1) - Phi(u_0)``, ``u = (tau - rho z) / s``, ``s = sqrt(1 - rho^2)``
(Olsson, Drasgow & Dorans 1982, two-step). Its derivatives follow from

    u' = (tau rho - z) / s^3,      u'' = tau / s^3 + 3 rho (tau rho - z) / s^5.

For two numeric variables the maximum given means and variances solves a cubic in rho; without
missing answers it is the product-moment correlation.

References
----------
Olsson, U., Drasgow, F., & Dorans, N. J. (1982). The polyserial correlation coefficient.
    Psychometrika, 47, 337-347.

Functions: ``edges, start_polyserial, fit_polyserial, polyserial_scores, fit_numeric,
numeric_scores``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.numerics.bracketed_newton import (
    Maxima,
    bracketed_newton,
    judged_by_height,
)

RHO_LIMIT = 0.995
NUMERIC_LIMIT = 0.999
_SMALLEST = float(np.finfo(float).eps)
_FAR = 37.0
_CELLS_PER_BLOCK = 400_000
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class PolyserialScores:
    """Casewise derivatives of each pair's log-likelihood, each (p, n), zero where missing.

    ``by_mean`` and ``by_variance`` are those of the numeric variable; ``upper`` and ``lower`` those
    with respect to the thresholds above and below the row's category.
    """

    by_rho: Array
    by_mean: Array
    by_variance: Array
    upper: Array
    lower: Array


def edges(cuts: Array, codes: NDArray[np.integer]) -> tuple[Array, Array]:
    """Thresholds above and below each row's category, (p, n).

    Parameters
    ----------
    cuts : (p, K - 1) float64
        Thresholds, padded with ``+inf``.
    codes : (p, n) integer
        Categories from 0; any value where missing.
    """
    ends = np.full((len(cuts), 1), _FAR)
    padded = np.concatenate([-ends, np.clip(cuts, -_FAR, _FAR), ends], axis=1)
    place = np.maximum(codes, 0)
    return np.take_along_axis(padded, place + 1, 1), np.take_along_axis(padded, place, 1)


def _normal(u: Array) -> Array:
    return np.asarray(np.exp(-0.5 * u * u) / _ROOT_2PI)


def fit_polyserial(
    z: Array,
    bounds: tuple[Array, Array],
    start: Array,
    weights: Array | None = None,
) -> Maxima:
    """Maximise the likelihood of every numeric-ordinal pair over rho.

    Parameters
    ----------
    z : (p, n) float64
        Standardised values of the pairs' numeric variables; nan where either answer is missing.
    bounds : two (p, n) float64
        Thresholds above and below the rows' categories (``edges``).
    start : (p,) float64
        From ``start_polyserial``.
    weights : (n,) float64, optional
        Sampling weights.
    """
    present = ~np.isnan(z)
    z = np.where(present, z, 0.0)
    w = np.where(present, 1.0 if weights is None else weights, 0.0)
    upper, lower = bounds

    def score(which: Integers, rho: Array) -> tuple[Array, Array]:
        step = max(1, _CELLS_PER_BLOCK // max(len(which), 1))
        first, second = np.zeros(len(which)), np.zeros(len(which))
        for begin in range(0, z.shape[1], step):
            rows = slice(begin, begin + step)
            a, b = _likelihood_slopes(z[which, rows], upper[which, rows], lower[which, rows], rho)
            first += (w[which, rows] * a).sum(axis=1)
            second += (w[which, rows] * b).sum(axis=1)
        return first, second

    def height(which: Integers, rho: Array) -> Array:
        r, s = rho[:, None], np.sqrt(1.0 - rho * rho)[:, None]
        gap = r * z[which]
        p = special.ndtr((upper[which] - gap) / s) - special.ndtr((lower[which] - gap) / s)
        return np.asarray((w[which] * np.log(np.maximum(p, _SMALLEST))).sum(axis=1))

    found = bracketed_newton(score, start, RHO_LIMIT)
    return judged_by_height(found, score, height, RHO_LIMIT)


def start_polyserial(z: Array, codes: NDArray[np.integer], cuts: Array) -> Array:
    """Point-biserial correlations divided by the sum of the threshold densities (p,)."""
    present = ~np.isnan(z)
    z = np.where(present, z, 0.0)
    n = np.maximum(present.sum(axis=1), 1)
    y = np.where(present, codes, 0).astype(np.float64)
    z_mean, y_mean = z.sum(axis=1) / n, y.sum(axis=1) / n
    cross = (z * y).sum(axis=1) / n - z_mean * y_mean
    spread = np.sqrt(np.maximum((z * z).sum(axis=1) / n - z_mean**2, _SMALLEST))
    density = _normal(np.clip(cuts, -_FAR, _FAR)).sum(axis=1)
    rho = cross / (spread * np.maximum(density, _SMALLEST))
    return np.where(np.abs(rho) > 0.9, rho / 2.0, rho).clip(-0.9, 0.9)


def _likelihood_slopes(z: Array, upper: Array, lower: Array, rho: Array) -> tuple[Array, Array]:
    """First and second derivative in rho of each row's log-likelihood (p, n)."""
    r = rho[:, None]
    s2 = (1.0 - r) * (1.0 + r)
    s = np.sqrt(s2)
    probability, first, second = np.zeros(z.shape), np.zeros(z.shape), np.zeros(z.shape)
    for sign, tau in ((1.0, upper), (-1.0, lower)):
        u = (tau - r * z) / s
        slope = (tau * r - z) / (s2 * s)
        bend = tau / (s2 * s) + 3.0 * r * slope / s2
        phi = _normal(u)
        probability += sign * special.ndtr(u)
        first += sign * phi * slope
        second += sign * phi * (bend - u * slope * slope)
    floored = np.maximum(probability, _SMALLEST)
    rate = first / floored
    return rate, second / floored - rate * rate


def polyserial_scores(
    z: Array, sd: Array, bounds: tuple[Array, Array], rho: Array
) -> PolyserialScores:
    """Casewise scores at the estimates.

    Parameters
    ----------
    z, bounds
        As in ``fit_polyserial``.
    sd : (p,) float64
        Standard deviations of the numeric variables.
    rho : (p,) float64
    """
    present = ~np.isnan(z)
    z = np.where(present, z, 0.0)
    upper, lower = bounds
    r, scale = rho[:, None], sd[:, None]
    s = np.sqrt((1.0 - r) * (1.0 + r))
    u, v = (upper - r * z) / s, (lower - r * z) / s
    inverse = present / np.maximum(special.ndtr(u) - special.ndtr(v), _SMALLEST)
    above, below = _normal(u), _normal(v)
    gap = inverse * (above - below) * r / s
    return PolyserialScores(
        by_rho=inverse * (above * (upper * r - z) - below * (lower * r - z)) / s**3,
        by_mean=np.where(present, z + gap, 0.0) / scale,
        by_variance=np.where(present, z * z - 1.0 + gap * z, 0.0) / (2.0 * scale * scale),
        upper=inverse * above / s,
        lower=-inverse * below / s,
    )


def fit_numeric(z: Array, y: Array, weights: Array | None = None) -> Maxima:
    """Correlations of standardised numeric pairs (p, n), given means and variances."""
    shared = ~(np.isnan(z) | np.isnan(y))
    w = np.where(shared, 1.0 if weights is None else weights, 0.0)
    n = np.maximum(w.sum(axis=1), _SMALLEST)
    z, y = np.where(shared, z, 0.0), np.where(shared, y, 0.0)
    cross, squares = (w * z * y).sum(axis=1) / n, (w * (z * z + y * y)).sum(axis=1) / n

    def score(which: Integers, rho: Array) -> tuple[Array, Array]:
        c, q, s2 = cross[which], squares[which], (1.0 - rho) * (1.0 + rho)
        cubic = rho * s2 + c * (1.0 + rho * rho) - q * rho
        slope = 1.0 - 3.0 * rho * rho + 2.0 * c * rho - q
        return cubic, np.minimum(slope, -1e-8)

    start = np.clip(cross, -0.99, 0.99)
    return bracketed_newton(score, start, NUMERIC_LIMIT)


def numeric_scores(z: Array, w: Array, sd: tuple[Array, Array], rho: Array) -> dict[str, Array]:
    """Casewise derivatives for two numeric variables: rho, means and variances, each (p, n)."""
    shared = ~(np.isnan(z) | np.isnan(w))
    z, w = np.where(shared, z, 0.0), np.where(shared, w, 0.0)
    r, sz, sw = rho[:, None], sd[0][:, None], sd[1][:, None]
    s2 = (1.0 - r) * (1.0 + r)
    distance = z * z - 2.0 * r * z * w + w * w
    return {
        "rho": np.where(shared, r / s2 + z * w / s2 - distance * r / (s2 * s2), 0.0),
        "mean_1": (z - r * w) / (sz * s2),
        "mean_2": (w - r * z) / (sw * s2),
        "variance_1": np.where(shared, (z * z - r * z * w) / s2 - 1.0, 0.0) / (2.0 * sz * sz),
        "variance_2": np.where(shared, (w * w - r * z * w) / s2 - 1.0, 0.0) / (2.0 * sw * sw),
    }
