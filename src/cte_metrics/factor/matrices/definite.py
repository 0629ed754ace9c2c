"""A correlation matrix must be positive definite; if it is not, say why, or smooth it on request.

Functions: ``definite_matrix, any_matrix``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError
from cte_metrics.factor.matrices.correlation_input import CorrelationInput
from cte_metrics.kernels.numerics.matrix_smoothing import nearest_positive_definite

_LOWEST_ROOT = 1e-9


def definite_matrix(source: CorrelationInput, *, smooth: bool) -> tuple[Array, list[str]]:
    """Return the matrix, smoothed if asked for and needed, with a note.

    Raises
    ------
    InputError
        If there are no more respondents than items, or the matrix is not positive definite.
    """
    p = len(source.items)
    roots, vectors = np.linalg.eigh(source.matrix)
    listwise = ", use missing='listwise' instead of pairwise" if source.pairwise else ""
    if roots[0] > _LOWEST_ROOT and not (source.n_obs is not None and source.n_obs <= p):
        return source.matrix, []
    if smooth:
        return _smoothed(source.matrix, float(roots[0]))
    if source.n_obs is not None and source.n_obs <= p:
        raise InputError(
            f"{source.n_obs:g} respondents are not enough for {p} items: there must be more "
            "respondents than items.",
            hint="Collect more answers or analyse fewer items; smooth=True goes ahead anyway.",
        )
    if source.level == "between":
        raise InputError(
            f"The between-school correlations are not positive definite (smallest root "
            f"{roots[0]:.3g}): as differences of estimates they need not be, least with few "
            "schools or small intraclass correlations.",
            hint="Pass smooth=True, analyse fewer items, or use level='within'.",
        )
    raise InputError(
        f"The correlation matrix is not positive definite (smallest root {roots[0]:.3g}): "
        f"{_culprits(source, vectors[:, 0])}.",
        hint="Leave out one of these items (a copy, a total score, or its own reverse)"
        f"{listwise}, or pass smooth=True.",
    )


def any_matrix(source: CorrelationInput, *, smooth: bool) -> tuple[Array, list[str]]:
    """Return the matrix for methods that need no inverse: as it is, unless ``smooth`` is asked for.

    A note says so where the matrix is not positive definite.
    """
    roots, vectors = np.linalg.eigh(source.matrix)
    if roots[0] > _LOWEST_ROOT:
        return source.matrix, []
    if smooth:
        return _smoothed(source.matrix, float(roots[0]))
    return source.matrix, [
        f"The correlation matrix is not positive definite (smallest root {roots[0]:.3g}: "
        f"{_culprits(source, vectors[:, 0])}); it was used as it is, which needs no inverse."
    ]


def _culprits(source: CorrelationInput, vector: Array) -> str:
    share = np.abs(vector)
    involved = [source.items[int(i)] for i in np.argsort(-share) if share[i] > 0.3 * share.max()]
    shown = ", ".join(involved[:8])
    return f"a combination of {shown} has no variance of its own"


def _smoothed(r: Array, smallest: float) -> tuple[Array, list[str]]:
    smooth = nearest_positive_definite(r)
    change = float(np.max(np.abs(smooth - r)))
    return smooth, [
        f"SMOOTHED: the correlation matrix was not positive definite (smallest root "
        f"{smallest:.3g}); correlations were changed by {change:.3g} at most."
    ]
