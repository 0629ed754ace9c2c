"""Are answers multivariate normal?

Functions: ``mardia, henze_zirkler``. Classes: ``Mardia, HenzeZirkler``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import complete_rows, item_data
from cte_metrics.errors import InputError
from cte_metrics.kernels.factor import adequacy as kernel
from cte_metrics.kernels.factor import henze_zirkler as hz_kernel
from cte_metrics.results.base import Result
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Mardia(Result):
    """Mardia's multivariate skewness and kurtosis.

    Attributes
    ----------
    skew, skew_chi2, skew_df, skew_p : float, float, int, float
        Coefficient (0 under normality), its chi-square ``n skew / 6`` and p value.
    kurtosis, kurtosis_z, kurtosis_p : float
        Coefficient (``k (k + 2)`` under normality for k items), its z and two-sided p value.
    """

    _title: ClassVar[str] = "Mardia's multivariate skewness and kurtosis"

    skew: float
    skew_chi2: float
    skew_df: int
    skew_p: float
    kurtosis: float
    kurtosis_z: float
    kurtosis_p: float


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HenzeZirkler(Result):
    """Henze and Zirkler's test: ``hz`` and its p value."""

    _title: ClassVar[str] = "Henze-Zirkler test of multivariate normality"

    hz: float
    p: float


@recorded
def mardia(data: Any) -> Mardia:
    """Multivariate skewness and kurtosis with their tests.

    Parameters
    ----------
    data : Responses, DataFrame or array
        Answers; rows with missing answers are dropped and counted.

    Returns
    -------
    Mardia

    Raises
    ------
    InputError
        If an item is constant or a combination of others, or there are no more rows than items.

    Notes
    -----
    The covariance matrix has divisor n - 1, as in psych and semTools, whose ``b1p`` and ``b2p`` (or
    ``b1d`` and ``b2d``) are ``skew`` and ``kurtosis`` here; psych's own ``skew`` is the chi-square.

    References
    ----------
    Mardia, K. V. (1970). Biometrika, 57, 519-530.

    Examples
    --------
    One item with answers -1 and 1 has no skew; its squared distances are (n - 1) / n = 3/4, so
    the kurtosis is 9/16:

    >>> import numpy as np
    >>> out = mardia(np.array([[-1.0], [1.0], [-1.0], [1.0]]))
    >>> round(out.skew, 6), round(out.kurtosis, 6)
    (0.0, 0.5625)
    """
    values, dropped, notes = _complete(data, "Mardia's test")
    found = kernel.mardia(values)
    return Mardia(
        **asdict(found),
        notes=notes,
        provenance=Provenance(
            method="Mardia's multivariate skewness and kurtosis",
            n_used=len(values),
            n_dropped=dropped,
            reference="Mardia (1970), Biometrika 57.",
        ),
    )


@recorded
def henze_zirkler(data: Any) -> HenzeZirkler:
    """Henze and Zirkler's test of multivariate normality.

    Parameters
    ----------
    data : Responses, DataFrame or array
        Answers; rows with missing answers are dropped and counted.

    Returns
    -------
    HenzeZirkler

    Raises
    ------
    InputError
        If an item is constant or a combination of others, or there are no more rows than items.

    Notes
    -----
    Equals pingouin's ``multivariate_normality`` on floats; that function is wrong on integer
    columns and holds an n x n matrix, which this one does not.

    References
    ----------
    Henze, N., & Zirkler, B. (1990). Communications in Statistics, 19, 3595-3617.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((200, 2))
    >>> henze_zirkler(x).p > 0.05, henze_zirkler(np.exp(x)).p < 0.001
    (True, True)
    """
    values, dropped, notes = _complete(data, "The Henze-Zirkler test")
    found = hz_kernel.henze_zirkler(values)
    return HenzeZirkler(
        hz=found.hz,
        p=found.p,
        notes=notes,
        provenance=Provenance(
            method="Henze-Zirkler test",
            n_used=len(values),
            n_dropped=dropped,
            reference="Henze & Zirkler (1990), Communications in Statistics 19.",
        ),
    )


def _complete(data: Any, what: str) -> tuple[Array, int, tuple[str, ...]]:
    read = item_data(data, what=what)
    values, dropped, note = complete_rows(read)
    n, p = values.shape
    if n <= p:
        raise InputError(f"{what} needs more complete rows than items; got {n} rows, {p} items.")
    sd = values.std(axis=0)
    constant = [name for name, s in zip(read.items, sd, strict=True) if not s > 0.0]
    if constant:
        raise InputError(
            f"{', '.join(constant)}: every respondent gave the same answer.",
            hint="Leave out constant items.",
        )
    standardised = (values - values.mean(axis=0)) / sd
    if np.linalg.eigvalsh(standardised.T @ standardised / n)[0] < 1e-10:
        raise InputError(
            f"{what} needs a covariance matrix of full rank; an item is a combination of others.",
            hint="Leave out copies and total scores.",
        )
    return standardised, dropped, (*read.notes, *([note] if note else []))
