"""Probabilities of the cells of two-way tables at many nodes, and their derivatives by rho.

With Plackett's identity ``d Phi2 / d rho = phi2`` and ``r = sin(t)``,

    Phi2(h, k, rho) = Phi(h) Phi(k)
        + 1/(2 pi) int_0^arcsin(rho) exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt

which a Gauss-Legendre rule of 5 (up to abs(rho) = .35) to 20 nodes (.94) gives to 1e-11; beyond
that Owen's function takes over. One correlation serves all nodes of a pair, so the rule costs
one exponential a corner and node.

References
----------
Drezner, Z. & Wesolowsky, G. O. (1990). On the computation of the bivariate normal integral.
    Journal of Statistical Computation and Simulation, 35, 101-107.
Genz, A. (2004). Numerical computation of rectangular bivariate and trivariate normal and t
    probabilities. Statistics and Computing, 14, 251-260.

Functions: ``node_cells, node_slopes``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.bivariate_normal import density, distribution

_FAR = 37.0
_RULES = {5: 0.35, 6: 0.48, 8: 0.68, 12: 0.88, 20: 0.94}


def node_cells(h: Array, k: Array, rho: Array) -> Array:
    """Probabilities of the cells (P, M, R, C), not below 0 by more than rounding.

    Parameters
    ----------
    h : (P, M, R - 1) float64
        Ascending cut-points of the row variable at each node; ``+inf`` pads.
    k : (P, M, C - 1) float64
    rho : (P,) float64
    """
    corner = _bordered(_below(np.clip(h, -_FAR, _FAR), np.clip(k, -_FAR, _FAR), rho))
    corner[:, :, 1:-1, -1] = special.ndtr(h)
    corner[:, :, -1, 1:-1] = special.ndtr(k)
    corner[:, :, -1, -1] = 1.0
    return _differences(corner)


def node_slopes(h: Array, k: Array, rho: Array) -> Array:
    """Derivatives by rho of ``node_cells`` (P, M, R, C)."""
    r = rho[:, None, None, None]
    return _differences(_bordered(density(h[:, :, :, None], k[:, :, None, :], r)))


def _below(h: Array, k: Array, rho: Array) -> Array:
    """Phi2 at all corners (P, M, R - 1, C - 1)."""
    size = float(np.abs(rho).max(initial=0.0))
    for count, reach in _RULES.items():
        if size <= reach:
            return _by_rule(h, k, rho, count)
    return distribution(h[:, :, :, None], k[:, :, None, :], rho[:, None, None, None])


def _by_rule(h: Array, k: Array, rho: Array, count: int) -> Array:
    x, weight = np.polynomial.legendre.leggauss(count)
    angle = 0.5 * np.arcsin(rho)
    total = special.ndtr(h)[:, :, :, None] * special.ndtr(k)[:, :, None, :]
    product = h[:, :, :, None] * k[:, :, None, :]
    squares = 0.5 * (h * h)[:, :, :, None] + 0.5 * (k * k)[:, :, None, :]
    work = np.empty_like(total)
    for node, w in zip(x, weight, strict=True):
        sine = np.sin(angle * (1.0 + node))[:, None, None, None]
        np.multiply(product, sine, out=work)
        work -= squares
        work /= 1.0 - sine * sine
        np.exp(work, out=work)
        work *= (angle * (w / (2.0 * np.pi)))[:, None, None, None]
        total += work
    return np.asarray(total)


def _bordered(inner: Array) -> Array:
    p, m, rows, columns = inner.shape
    corner = np.zeros((p, m, rows + 2, columns + 2))
    corner[:, :, 1:-1, 1:-1] = inner
    return corner


def _differences(corner: Array) -> Array:
    """Double difference of corner values (P, M, R + 1, C + 1) -> (P, M, R, C)."""
    rows = corner[:, :, 1:] - corner[:, :, :-1]
    return np.asarray(rows[:, :, :, 1:] - rows[:, :, :, :-1])
