"""Rotation of given loadings.

Functions: ``rotate``. Class: ``Rotated``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import number_table
from cte_metrics.errors import InputError, NonConvergenceWarning, one_of, warn
from cte_metrics.factor.efa_result import EFA
from cte_metrics.factor.rotation_options import (
    RotationOptions,
    checked_options,
    kaiser_normalised,
    rotation_text,
)
from cte_metrics.kernels.factor import rotation as rotating
from cte_metrics.results.base import Result
from cte_metrics.results.frozen import read_only
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded
from cte_metrics.results.status import Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Rotated(Result):
    """Rotated loadings.

    Attributes
    ----------
    loadings, structure : DataFrame (items x factors)
        Pattern, and correlations of items and factors.
    factor_correlations : DataFrame (factors x factors)
    transformation : ndarray (factors x factors)
        T, where the pattern is the given loadings times ``inv(T)'`` and Phi is ``T'T``.
    criterion : float
        Value of the criterion, as GPArotation computes it.
    """

    _title: ClassVar[str] = "Rotated loadings"

    loadings: pd.DataFrame
    structure: pd.DataFrame
    factor_correlations: pd.DataFrame
    transformation: Array
    criterion: float

    @property
    def table(self) -> pd.DataFrame:
        """The pattern."""
        return self.loadings


@recorded
def rotate(
    loadings: Any,
    method: rotating.Method = "oblimin",
    *,
    kaiser: bool | None = None,
    rotation_options: Mapping[str, Any] | None = None,
    **options: Unpack[RotationOptions],
) -> Rotated:
    """Rotate orthogonal loadings.

    Parameters
    ----------
    loadings : DataFrame or array (items x factors)
        Unrotated (or orthogonally rotated) loadings; an `EFA` gives its own, its Phi undone.
    method : str
        As ``rotation`` of `efa`.
    kaiser : bool, optional
        Rotate rows of equal length (Kaiser normalisation). By default, ``None``, ``varimax`` and
        ``promax`` do and all other rotations do not; the result says which.
    rotation_options : mapping, optional
        As in `efa`; single options may also be given by name, as in ``gamma=-0.5``.

    Returns
    -------
    Rotated

    Raises
    ------
    InputError
        If the method or an option does not exist, or loadings are missing.

    Examples
    --------
    Loadings turned by 45 degrees turn back:

    >>> import numpy as np
    >>> a = np.array([[.5, .5], [.4, .4], [.5, -.5], [.6, -.6]])
    >>> rotate(a, "varimax").loadings.round(6).abs().to_numpy().tolist()[0]
    [0.0, 0.707107]
    """
    one_of(method, rotating.Method, "method")
    values, items, names = _read(loadings)
    given = checked_options(
        method, {**dict(rotation_options or {}), **options}, items, n_factors=values.shape[1]
    )
    normalised = kaiser_normalised(method, kaiser)
    turned = rotating.rotate(values, method, kaiser=normalised, **given)
    notes: tuple[str, ...] = ()
    if not turned.converged:
        notes = (f"Rotation {method} reached no minimum with separate factors.",)
        warn(notes[0], NonConvergenceWarning)
    return _result(turned, items, names, method, normalised, notes)


def _read(loadings: Any) -> tuple[Array, list[str], list[str]]:
    if isinstance(loadings, EFA):
        solution = loadings.solution
        half = np.linalg.cholesky(solution.phi)
        return solution.loadings @ half, list(solution.items), list(solution.factors)
    values = number_table(loadings, "The table of loadings")
    if not values.size or not np.isfinite(values).all():
        raise InputError(
            f"Loadings are a complete table of items by factors; got shape {values.shape}"
            + (" with missing or infinite values." if values.size else ".")
        )
    p, k = values.shape
    if hasattr(loadings, "index") and hasattr(loadings, "columns"):
        return values, [str(i) for i in loadings.index], [str(c) for c in loadings.columns]
    return values, [f"item_{i + 1}" for i in range(p)], [f"F{j + 1}" for j in range(k)]


def _result(
    turned: rotating.Rotation,
    items: list[str],
    names: list[str],
    method: str,
    kaiser: bool,
    notes: tuple[str, ...],
) -> Rotated:
    import pandas as pd

    return Rotated(
        loadings=pd.DataFrame(turned.loadings, items, names),
        structure=pd.DataFrame(turned.loadings @ turned.phi, items, names),
        factor_correlations=pd.DataFrame(turned.phi, names, names),
        transformation=read_only(turned.transformation),
        criterion=turned.criterion,
        provenance=Provenance(
            method=f"R{rotation_text(method, kaiser)[1:]}" if method != "none" else "No rotation",
            n_used=len(items),
            settings={"method": method, "kaiser": kaiser},
            reference="Bernaards & Jennrich (2005), Educational and Psychological Measurement 65.",
        ),
        status=Status.CONVERGED if turned.converged else Status.MAX_ITER,
        notes=notes,
    )
