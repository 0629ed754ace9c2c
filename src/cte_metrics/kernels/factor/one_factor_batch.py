r"""One common factor by minres for many correlation matrices at once.

Minimises ``sum_{i<j} (r_ij - l_i l_j)^2`` over the loadings l of each matrix by damped Newton
steps; all arrays have the matrices as their first axis. Loadings are kept within the bound of
`extraction` (uniqueness of at least 0.005).

Functions: ``one_factor_loadings, reduced_eigenvalues``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.factor.extraction import LOWEST_UNIQUENESS

_LIMIT = float(np.sqrt(1.0 - LOWEST_UNIQUENESS))


def reduced_eigenvalues(r: Array, loadings: Array) -> Array:
    """Roots (b, p), falling, of ``r`` (b, p, p) with communalities of one factor on the
    diagonal.
    """
    reduced = r.copy()
    place = np.arange(r.shape[-1])
    reduced[:, place, place] = loadings**2
    return np.asarray(np.linalg.eigvalsh(reduced)[:, ::-1])


def one_factor_loadings(
    r: Array, start: Array, *, tolerance: float = 1e-6, max_iterations: int = 60
) -> Array:
    """Loadings (b, p) on one factor of each matrix in ``r`` (b, p, p), from ``start`` (b, p)."""
    final = np.clip(start, -_LIMIT, _LIMIT)
    off = r.copy()
    place = np.arange(r.shape[-1])
    off[:, place, place] = 0.0
    active = np.arange(len(r))
    now, damping = final.copy(), np.full(len(r), 1e-3)
    value, gradient = _value_and_gradient(off, now)
    for _ in range(max_iterations):
        held = (np.abs(now) >= _LIMIT) & (gradient * now < 0.0)
        free_gradient = np.where(held, 0.0, gradient)
        going = np.abs(free_gradient).max(axis=1) > tolerance
        if not going.all():
            final[active] = now
            if not going.any():
                return final
            active, off, now, value = active[going], off[going], now[going], value[going]
            gradient, damping, held = gradient[going], damping[going], held[going]
            free_gradient = free_gradient[going]
        step = np.linalg.solve(_hessian(off, now, held, damping), free_gradient[:, :, None])
        trial = np.clip(now - step[:, :, 0], -_LIMIT, _LIMIT)
        new_value, new_gradient = _value_and_gradient(off, trial)
        better = new_value < value
        damping = np.where(better, 0.1 * damping, np.maximum(10.0 * damping, 1e-2))
        now = np.where(better[:, None], trial, now)
        value = np.where(better, new_value, value)
        gradient = np.where(better[:, None], new_gradient, gradient)
    final[active] = now
    return final


def _value_and_gradient(off: Array, loadings: Array) -> tuple[Array, Array]:
    """Half the criterion up to a constant: ``-l'r l / 2 + ((l'l)^2 - sum l^4) / 4``."""
    fitted = (off @ loadings[:, :, None])[:, :, 0]
    squares = loadings * loadings
    total = squares.sum(axis=1)
    value = -0.5 * (loadings * fitted).sum(axis=1)
    value += 0.25 * (total * total - (squares * squares).sum(axis=1))
    return value, -fitted + (total[:, None] - squares) * loadings


def _hessian(off: Array, loadings: Array, held: Flags, damping: Array) -> Array:
    """Second derivatives plus damping; rows of held loadings are those of the identity."""
    hessian = 2.0 * loadings[:, :, None] * loadings[:, None, :] - off
    squares = loadings * loadings
    place = np.arange(loadings.shape[1])
    hessian[:, place, place] = squares.sum(axis=1)[:, None] - squares + damping[:, None]
    if held.any():
        which, item = np.nonzero(held)
        hessian[which, item, :] = 0.0
        hessian[which, :, item] = 0.0
        hessian[which, item, item] = 1.0
    return np.asarray(hessian)
