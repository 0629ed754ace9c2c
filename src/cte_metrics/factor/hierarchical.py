"""General and group factors from correlated factors.

Functions: ``schmid_leiman``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.errors import (
    DataWarning,
    IdentificationError,
    ImproperSolutionWarning,
    InputTypeError,
    warn,
)
from cte_metrics.factor.efa_result import EFA
from cte_metrics.kernels.factor import schmid_leiman as kernel
from cte_metrics.kernels.factor.extraction import Method

if TYPE_CHECKING:
    import pandas as pd


def schmid_leiman(efa: EFA) -> pd.DataFrame:
    """Schmid-Leiman transformation of an oblique solution.

    Parameters
    ----------
    efa : EFA
        Two factors or more, obliquely rotated.

    Returns
    -------
    DataFrame
        Index item: ``g``, one column per group factor (its name with ``*``), ``h2``, ``u2``.
        ``.attrs["general_loadings"]`` holds the factors' loadings on the general factor.

    Raises
    ------
    InputTypeError
        If ``efa`` is not an `EFA`.
    IdentificationError
        If there is one factor only.

    Warns
    -----
    DataWarning
        With two factors, whose loadings on the general factor are set equal, as in psych.
    ImproperSolutionWarning
        If a factor loads 1 or more on the general factor.

    References
    ----------
    Schmid, J., & Leiman, J. M. (1957). Psychometrika, 22, 53-61.

    Examples
    --------
    Two factors that correlate .64 load .8 each on a general factor, so a loading of 1 on the first
    becomes .8 on the general and .6 on the group factor:

    >>> import numpy as np
    >>> from cte_metrics.kernels.factor.schmid_leiman import schmid_leiman as on_arrays
    >>> out = on_arrays(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, .64], [.64, 1.0]]))
    >>> out.general.round(6).tolist(), out.group.round(6).tolist()
    ([0.8, 0.8], [[0.6, 0.0], [0.0, 0.6]])
    """
    import pandas as pd

    if not isinstance(efa, EFA):
        raise InputTypeError(
            f"schmid_leiman takes an EFA; got {type(efa).__name__}.",
            hint="Pass the result of cte.factor.efa(data, n_factors).",
        )
    solution = efa.solution
    if len(solution.factors) < 2:
        raise IdentificationError(
            "One factor has no group factors beside it.", hint="Extract two factors or more."
        )
    method: Method = "minres" if solution.method == "pc" else solution.method
    out = kernel.schmid_leiman(solution.loadings, solution.phi, method)
    _warn(out)
    table = {"g": out.general}
    table |= {f"{name}*": out.group[:, j] for j, name in enumerate(solution.factors)}
    table |= {"h2": out.communalities, "u2": 1.0 - out.communalities}
    frame = pd.DataFrame(table, index=list(solution.items))
    frame.attrs["general_loadings"] = dict(
        zip(solution.factors, np.asarray(out.gamma).tolist(), strict=True)
    )
    return frame


def _warn(out: Any) -> None:
    if not out.identified:
        warn(
            "Two factors do not identify a general factor; their loadings on it were set equal. "
            "Three factors or more are needed.",
            DataWarning,
        )
    if out.heywood:
        warn(
            "A factor loads 1 or more on the general factor, so its group factor vanishes.",
            ImproperSolutionWarning,
        )
