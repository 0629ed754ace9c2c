"""Bivariate normal probabilities and their derivatives, for whole arrays at once.

The distribution function of two standard normal variables with correlation rho is, by Owen (1956),

    Phi2(h, k, rho) = (Phi(h) + Phi(k)) / 2 - d - T(h, (k - rho h) / (h s))
                      - T(k, (h - rho k) / (k s))

with ``s = sqrt(1 - rho^2)``, Owen's T, and ``d = 1/2`` where h and k have opposite signs, else 0
(at h = k = 0 it is ``1/4 + arcsin(rho) / (2 pi)``). Its derivatives are elementary:

    d Phi2 / d rho     = phi2(h, k, rho)
    d phi2 / d rho     = phi2 * (rho / s^2 + (h k (1 + rho^2) - rho (h^2 + k^2)) / s^4)
    d Phi2 / d h       = phi(h) Phi((k - rho h) / s)

The probability of a cell of a two-way table is the double difference of Phi2 over its corners.

References
----------
Owen, D. B. (1956). Tables for computing bivariate normal probabilities. Annals of Mathematical
    Statistics, 27, 1075-1090.
Plackett, R. L. (1954). A reduction formula for normal multivariate integrals. Biometrika, 41,
    351-360.

Functions: ``density, density_slope, distribution, cell_probabilities, cell_slopes, edge_slopes``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from cte_metrics.arrays import Array

_FAR = 37.0
"""Cut-point that stands for infinity: phi(37) and 1 - Phi(37) vanish beside 1."""
_TINY = 1e-140


def _within(h: Array) -> Array:
    return np.clip(h, -_FAR, _FAR)


def _flushed(h: Array) -> Array:
    """Finite cut-points, with those whose ratios would underflow set to zero."""
    h = _within(h)
    return np.where(np.abs(h) < _TINY, 0.0, h)


def density(h: Array, k: Array, rho: Array) -> Array:
    """Bivariate normal density phi2 at (h, k); arguments broadcast; abs(rho) < 1."""
    h, k = _within(h), _within(k)
    s2 = (1.0 - rho) * (1.0 + rho)
    return np.exp(-0.5 * (h * h - 2.0 * rho * h * k + k * k) / s2) / (2.0 * np.pi * np.sqrt(s2))


def density_slope(h: Array, k: Array, rho: Array) -> Array:
    """Return d phi2 / d rho divided by phi2; finite cut-points only."""
    s2 = (1.0 - rho) * (1.0 + rho)
    return rho / s2 + (h * k * (1.0 + rho * rho) - rho * (h * h + k * k)) / (s2 * s2)


def distribution(h: Array, k: Array, rho: Array) -> Array:
    """Probability that both variables lie below (h, k).

    Parameters
    ----------
    h, k : float64, any shapes that broadcast
        May be infinite.
    rho : float64
        In [-1, 1].

    Returns
    -------
    float64, the broadcast shape; absolute error about 1e-15, also for abs(rho) near 1.
    """
    h, k, rho = np.broadcast_arrays(_flushed(h), _flushed(k), rho)
    s = np.sqrt((1.0 - rho) * (1.0 + rho))
    below_h, below_k = special.ndtr(h), special.ndtr(k)
    opposite = np.where((h < 0.0) != (k < 0.0), 0.5, 0.0)
    inside = 0.5 * (below_h + below_k) - opposite
    below = inside - _owen(h, k, rho, s) - _owen(k, h, rho, s)
    centre = (h == 0.0) & (k == 0.0)
    if centre.any():
        below = np.where(centre, 0.25 + np.arcsin(rho) / (2.0 * np.pi), below)
    return np.clip(below, 0.0, None)


def _owen(h: Array, k: Array, rho: Array, s: Array) -> Array:
    """T(h, (k - rho h) / (h s)), with its limits for h = 0 and s = 0.

    At ``h = 0`` the sign convention is that of a positive zero, which agrees with
    ``distribution``'s rule for the signs of h and k.
    """
    above = k - rho * h
    below = h * s
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = above / below
    flat = below == 0.0
    if flat.any():
        side = np.where(h < 0.0, -1.0, 1.0) * np.sign(above)
        limit = np.where(side > 0.0, np.inf, np.where(side < 0.0, -np.inf, 0.0))
        ratio = np.where(flat, limit, ratio)
    return np.asarray(special.owens_t(h, ratio))


def cell_probabilities(row_cuts: Array, column_cuts: Array, rho: Array) -> Array:
    """Probabilities of the cells of p two-way tables.

    Parameters
    ----------
    row_cuts : (p, R - 1) float64
        Ascending inner cut-points of the row variable; ``+inf`` pads a variable with fewer
        categories (its surplus cells get probability 0).
    column_cuts : (p, C - 1) float64
    rho : (p,) float64

    Returns
    -------
    (p, R, C) float64
    """
    inner = distribution(row_cuts[:, :, None], column_cuts[:, None, :], rho[:, None, None])
    corner = np.zeros((len(rho), row_cuts.shape[1] + 2, column_cuts.shape[1] + 2))
    corner[:, 1:-1, 1:-1] = inner
    corner[:, 1:-1, -1] = special.ndtr(row_cuts)
    corner[:, -1, 1:-1] = special.ndtr(column_cuts)
    corner[:, -1, -1] = 1.0
    return _cells(corner)


def _cells(corner: Array) -> Array:
    """Double difference of corner values (p, R + 1, C + 1) -> (p, R, C)."""
    rows = corner[:, 1:] - corner[:, :-1]
    return rows[:, :, 1:] - rows[:, :, :-1]


def _bordered(inner: Array) -> Array:
    corner = np.zeros((inner.shape[0], inner.shape[1] + 2, inner.shape[2] + 2))
    corner[:, 1:-1, 1:-1] = inner
    return corner


def cell_slopes(row_cuts: Array, column_cuts: Array, rho: Array) -> tuple[Array, Array]:
    """First and second derivative with respect to rho of ``cell_probabilities``, each (p, R, C)."""
    h, k = _within(row_cuts)[:, :, None], _within(column_cuts)[:, None, :]
    r = rho[:, None, None]
    first = density(h, k, r)
    return _cells(_bordered(first)), _cells(_bordered(first * density_slope(h, k, r)))


def edge_slopes(cuts: Array, other_cuts: Array, rho: Array) -> Array:
    """Derivative of cell probabilities with respect to the cut-points of one variable.

    Moving cut-point ``a`` up adds the returned amount to the cells below it (category a) and takes
    it from the cells above it (category a + 1):
    ``phi(tau_a) [Phi((c_b - rho tau_a) / s) - Phi((c_(b-1) - rho tau_a) / s)]``.

    Parameters
    ----------
    cuts : (p, R - 1) float64
        Cut-points that move.
    other_cuts : (p, C - 1) float64
    rho : (p,) float64

    Returns
    -------
    (p, R - 1, C) float64. At abs(rho) = 1 the limit from equal cut-points, phi / 2, is returned.
    """
    tau = _within(cuts)[:, :, None]
    r = rho[:, None, None]
    s = np.sqrt((1.0 - r) * (1.0 + r))
    safe = np.where(s == 0.0, 1.0, s)
    share = np.zeros((len(rho), cuts.shape[1], other_cuts.shape[1] + 2))
    share[:, :, 1:-1] = special.ndtr((_within(other_cuts)[:, None, :] - r * tau) / safe)
    share[:, :, -1] = 1.0
    phi = np.exp(-0.5 * tau * tau) / np.sqrt(2.0 * np.pi)
    return phi * np.where(s == 0.0, 0.5, np.diff(share, axis=2))
