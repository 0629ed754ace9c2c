"""Omega hierarchical from a Schmid-Leiman solution.

For a correlation matrix R with V = sum(R), general loadings g, group loadings G and uniquenesses
u2 of the Schmid-Leiman solution (``schmid_leiman``),

    hierarchical = (sum g)^2 / V        total = 1 - sum(u2) / V
    asymptotic   = (sum g)^2 / (V - sum u2)
    ecv          = sum g^2 / (sum g^2 + sum G^2)

and for the items that load highest on a group factor, with the same sums over them alone, the
general, the group and the total coefficient of their sum. Items with g < 0 change sign first.

References
----------
Zinbarg, R. E., Revelle, W., Yovel, I. & Li, W. (2005). Psychometrika, 70, 123-133.

Function: ``hierarchical_figures``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.factor import extraction, rotation
from cte_metrics.kernels.factor.schmid_leiman import schmid_leiman
from cte_metrics.kernels.reliability.alpha import alpha_coefficient, squared_multiple_correlations


@dataclass(frozen=True, slots=True)
class HierarchicalFigures:
    """Coefficients and loadings of k items and m group factors.

    Attributes
    ----------
    hierarchical, total, asymptotic, ecv, alpha, guttman6 : float
    group_omegas : (1 + m, 3)
        Total, general and group coefficient of all items, then of each group's.
    general : (k,)
    group_loadings : (k, m)
    communalities : (k,)
    pattern : (k, m)
        Oblique loadings, before any sign change.
    phi : (m, m)
    gamma : (m,)
        Loadings of the factors on the general factor.
    signs : (k,)
        -1 for items that changed sign.
    heywood : (k,) bool
    general_heywood, converged : bool
    """

    hierarchical: float
    total: float
    asymptotic: float
    ecv: float
    alpha: float
    guttman6: float
    group_omegas: Array
    general: Array
    group_loadings: Array
    communalities: Array
    pattern: Array
    phi: Array
    gamma: Array
    signs: Array
    heywood: Flags
    general_heywood: bool
    converged: bool


def hierarchical_figures(
    correlation: Array,
    n_factors: int,
    method: extraction.Method = "minres",
    rotation_method: rotation.Method = "oblimin",
    *,
    thorough: bool = True,
) -> HierarchicalFigures:
    """Factor a correlation matrix (k, k) and compute the coefficients; ``thorough`` as in
    ``extraction.extract``.
    """
    extracted = extraction.extract(correlation, n_factors, method, thorough=thorough)
    turned = rotation.rotate(extracted.loadings, rotation_method)
    solution = schmid_leiman(turned.loadings, turned.phi, method)
    signs = np.where(solution.general < 0, -1.0, 1.0)
    r = correlation * np.outer(signs, signs)
    general, group = signs * solution.general, signs[:, None] * solution.group
    total = float(r.sum())
    unique = float((1 - solution.communalities).sum())
    square = float(general.sum() ** 2)
    common = float((general**2).sum())
    smc = squared_multiple_correlations(r)
    k = len(r)
    return HierarchicalFigures(
        hierarchical=square / total,
        total=1 - unique / total,
        asymptotic=square / (total - unique),
        ecv=common / (common + float((group**2).sum())),
        alpha=float(alpha_coefficient(k, np.asarray(float(k)), r.sum())),
        guttman6=float(1 - (1 - smc).sum() / total),
        group_omegas=_group_omegas(r, general, group, 1 - unique / total),
        general=general,
        group_loadings=group,
        communalities=solution.communalities,
        pattern=turned.loadings,
        phi=turned.phi,
        gamma=solution.gamma,
        signs=signs,
        heywood=extracted.heywood,
        general_heywood=solution.heywood,
        converged=extracted.converged and turned.converged,
    )


def _group_omegas(r: Array, general: Array, group: Array, total: float) -> Array:
    """Rows: all items, then the items of each group factor; nan for a factor without items."""
    member = np.abs(group).argmax(1)[:, None] == np.arange(group.shape[1])
    variance = np.einsum("im,ij,jm->m", member, r, member.astype(np.float64))
    own = np.square((member * group).sum(0))
    shared = np.square((member * general[:, None]).sum(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        by_general, by_group = shared / variance, own / variance
    whole = [total, general.sum() ** 2 / r.sum(), own.sum() / r.sum()]
    return np.vstack((whole, np.column_stack((by_general + by_group, by_general, by_group))))
