"""Moments of latent variables from those of their indicators, loadings known.

For ``y = nu + Lambda eta + epsilon`` any matrix with ``M Lambda = I`` maps indicators to latent
variables measured with error::

    E(eta) = M (E(y) - nu),      Var(eta) = M S M' - M Theta M'

Of all such matrices ``M`` has the least ``M V M'``; with ``L = (Lambda' Lambda)^-1 Lambda'`` and N
a basis of what Lambda leaves free (``N' Lambda = 0``)::

    M = L - L V Q,      Q = N (N' V N)^+ N'

V = Theta is ML's mapping (Bartlett's scores), V = S GLS's; without V it is ULS's, L itself. This
form needs no inverse of Theta, whose rows are zero for variables without error, and equals
``(Lambda' V^-1 Lambda)^-1 Lambda' V^-1`` where there is one.

Where ``Var(eta)`` would not be positive definite, less than the whole error is taken off (Fuller):
with lambda the smallest root of ``|M S M' - lambda M Theta M'| = 0`` and lambda below ``1 + 1/(n -
1)`` it is ``M S M' - (lambda - 1/(n - 1)) M Theta M'``.

References
----------
Rosseel, Y. & Loh, W. W. (2022). A structural after measurement approach to structural equation
modeling. Psychological Methods. Wall, M. M. & Amemiya, Y. (2000). Estimation for polynomial
structural equation models. Journal of the American Statistical Association, 95, 929-940. Fuller, W.
A. (1987). Measurement error models. Wiley.

Classes: ``Mapping``. Functions: ``mapping``, ``error_share``, ``smallest_root``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array

NO_ERROR = 1e-8


@dataclass(frozen=True, slots=True)
class Mapping:
    """``matrix`` M (m, p), and ``free`` Q (p, p), zero where M does not depend on V.

    ``M`` changes with ``V`` by ``dM = -M dV Q``.
    """

    matrix: Array
    free: Array


def mapping(loadings: Array, weight: Array | None = None) -> Mapping:
    """Map p indicators to m latent variables.

    Parameters
    ----------
    loadings : ndarray (p, m)
        Of full column rank.
    weight : ndarray (p, p), optional
        V; the least squares mapping without.

    Examples
    --------
    >>> mapping(np.array([[1.0], [1.0]]), np.diag([1.0, 3.0])).matrix.round(6).tolist()
    [[0.75, 0.25]]
    """
    p, m = loadings.shape
    left: Array = np.asarray(np.linalg.pinv(loadings), dtype=np.float64)
    if weight is None or p == m:
        return Mapping(left, np.zeros((p, p)))
    basis = linalg.null_space(loadings.T)
    free = basis @ np.linalg.pinv(basis.T @ weight @ basis, hermitian=True) @ basis.T
    return Mapping(left - left @ weight @ free, free)


def error_share(mapped: Array, error: Array, n: float) -> float:
    """Share of the error variance that is taken off the mapped one: 1 unless that were too much.

    Parameters
    ----------
    mapped, error : ndarray (m, m)
        ``M S M'`` and ``M Theta M'``.
    n : float
        Respondents.
    """
    root = smallest_root(mapped, error)
    return root - 1.0 / (n - 1.0) if root < 1.0 + 1.0 / (n - 1.0) else 1.0


def smallest_root(a: Array, b: Array) -> float:
    """Smallest root of ``|A - lambda B| = 0`` for A positive definite and B of any rank; or inf.

    Examples
    --------
    >>> smallest_root(np.diag([2.0, 1.0]), np.diag([1.0, 0.0]))
    2.0
    """
    values, vectors = np.linalg.eigh(b)
    scale = max(float(np.abs(values).max(initial=0.0)), float(np.abs(a).max(initial=0.0)))
    keep = values > NO_ERROR * scale
    if not keep.any():
        return np.inf
    u, v = vectors[:, keep], vectors[:, ~keep]
    inner = u.T @ a @ u
    if v.shape[1]:
        inner = inner - u.T @ a @ v @ np.linalg.pinv(v.T @ a @ v, hermitian=True) @ v.T @ a @ u
    root = np.sqrt(values[keep])
    return float(np.linalg.eigvalsh(inner / root[:, None] / root)[0])
