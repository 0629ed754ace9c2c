r"""Schmid-Leiman transformation: a general factor and residual group factors from correlated
factors.

With pattern ``L`` (p, k) and factor correlations ``Phi``, one factor of ``Phi`` gives each
first-order factor a loading ``gamma`` on the general factor. Then item loadings are ``L gamma`` on
the general factor and ``L_ij sqrt(1 - gamma_j^2)`` on the group factors. The general loadings come
from Phi as in psych: minres for three factors or more (in closed form for three, where that is
proper); for two, equal loadings ``sqrt(|phi|)`` (the model is then not identified); for one, 1.

References
----------
Schmid, J., & Leiman, J. M. (1957). The development of hierarchical factor solutions.
    Psychometrika, 22, 53-61.

Functions: ``schmid_leiman, general_loadings``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.factor.extraction import LOWEST_UNIQUENESS, Method, extract


@dataclass(frozen=True, slots=True)
class SchmidLeiman:
    """``general`` (p,), ``group`` (p, k), ``gamma`` (k,) loadings of the factors on the general
    factor.

    ``communalities`` (p,) are those of the oblique solution, ``diag(L Phi L')``. ``heywood``: the
    second-order solution has a loading of 1 or more, so that a group factor vanishes.
    ``identified``: three factors or more.
    """

    general: Array
    group: Array
    gamma: Array
    communalities: Array
    heywood: bool
    identified: bool


def schmid_leiman(pattern: Array, phi: Array, method: Method = "minres") -> SchmidLeiman:
    """Transform ``pattern`` (p, k) with factor correlations ``phi`` (k, k)."""
    gamma = general_loadings(phi, method)
    remaining = np.sqrt(np.maximum(1.0 - gamma**2, 0.0))
    communalities = np.einsum("ij,jk,ik->i", pattern, phi, pattern)
    k = gamma.size
    group = pattern * remaining if k > 1 else np.zeros_like(pattern)
    heywood = bool(k > 1 and np.any(gamma**2 >= 1.0))
    return SchmidLeiman(pattern @ gamma, group, gamma, communalities, heywood, k > 2)


def general_loadings(phi: Array, method: Method = "minres") -> Array:
    """Loadings (k,) of correlated factors on one general factor."""
    k = phi.shape[0]
    if k == 1:
        return np.ones(1)
    if k == 2:
        r = float(phi[0, 1])
        return np.array([np.sqrt(abs(r)), np.sign(r) * np.sqrt(abs(r))])
    exact = _of_three(phi) if k == 3 and method != "pc" else None
    return extract(phi, 1, method).loadings[:, 0] if exact is None else exact


def _of_three(phi: Array) -> Array | None:
    """The loadings that reproduce three correlations, ``gamma_i^2 = r_ij r_ik / r_jk``.

    None where they are not proper: then the minimum lies at the bound.
    """
    r = phi[[1, 2, 0], [2, 0, 1]]
    product = float(r[0] * r[1] * r[2])
    if not product > 0.0:
        return None
    size = np.sqrt(product) / np.abs(r)
    if not np.all(size**2 < 1.0 - LOWEST_UNIQUENESS):
        return None
    gamma = size * np.array([1.0, np.sign(r[2]), np.sign(r[1])])
    return -gamma if gamma.sum() < 0.0 else gamma
