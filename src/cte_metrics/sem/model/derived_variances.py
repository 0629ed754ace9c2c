"""Residual variances of ordinal outcomes in the delta parameterization.

The scale of an ordinal item is fixed by ``Sigma_ii = 1 / delta_i^2``. An indicator's residual
variance then takes part in nothing else and need not be known; but an ordinal item that is an
outcome (``y ~ f``) is carried into eta, and its residual variance ``psi_i`` moves whatever depends
on the item. With ``B = (I - Beta)^-1`` the unknown psi solve the linear equations::

    sum_j B_ij^2 psi_j = 1 / delta_i^2 - (B Psi_0 B')_ii,      Psi_0 without them

and by the implicit function theorem ``d psi / d theta = -G^-1 d(Sigma_ii - 1 / delta_i^2)/d theta``
with ``G_ij = B_ij^2``.

Functions: ``solve_variances``, ``variance_jacobian``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.design import BlockDesign, BlockMatrices


def derived_places(design: BlockDesign) -> tuple[Index, Index]:
    """Items (k,) among the observed variables, and where they stand in eta (k,)."""
    items = np.array(design.derived, dtype=np.intp)
    eta = [design.latent.index(design.observed[i]) for i in design.derived]
    return items, np.array(eta, dtype=np.intp)


def solve_variances(design: BlockDesign, matrices: BlockMatrices, inverse: Array) -> None:
    """Write the derived residual variances into Psi."""
    items, eta = derived_places(design)
    psi = matrices.psi
    psi[eta, eta] = 0.0
    rows = inverse[eta]
    known = np.einsum("im,mn,in->i", rows, psi, rows)
    wanted = 1.0 / matrices.delta[items] ** 2 - known
    psi[eta, eta] = np.linalg.solve(rows[:, eta] ** 2, wanted)


def variance_jacobian(state: BlockState, diagonal: Array, by_delta: Array) -> tuple[Array, Array]:
    """Derivatives of the derived variances by own parameters, and how they move the items.

    Parameters
    ----------
    diagonal : (n_own, p)
        Derivatives of ``Sigma_ii`` at fixed residual variances.
    by_delta : (n_own, p)
        Derivatives of the scales.

    Returns
    -------
    jacobian : (n_own, k)
    reach : (k, p)
        Column of A of each derived variance: ``d Sigma / d psi = reach' reach``.
    """
    items, eta = derived_places(state.design)
    target = -2.0 * by_delta[:, items] / state.matrices.delta[items] ** 3
    gap = diagonal[:, items] - target
    weights = state.inverse[np.ix_(eta, eta)] ** 2
    moved = np.asarray(-np.linalg.solve(weights, gap.T).T, dtype=np.float64)
    return moved, state.A[:, eta].T
