"""Is the correlation matrix fit for factor analysis?

Functions: ``adequacy``. Class: ``Adequacy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.factor.matrices.correlation_input import Correlation, Missing, correlation_matrix
from cte_metrics.factor.matrices.definite import definite_matrix
from cte_metrics.factor.matrices.levels import Level
from cte_metrics.kernels.factor.adequacy import bartlett, kmo
from cte_metrics.results.base import Result
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded

if TYPE_CHECKING:
    import pandas as pd

_WORDS = ((0.9, "marvelous"), (0.8, "meritorious"), (0.7, "middling"), (0.6, "mediocre"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Adequacy(Result):
    """Adequacy of a correlation matrix for factor analysis.

    Attributes
    ----------
    kmo : float
        Kaiser-Meyer-Olkin measure, 0 to 1: how far correlations exceed partial correlations.
    kmo_items : Series
        The same for each item.
    kmo_word : str
        Kaiser's word for it, from ``marvelous`` (.90) to ``unacceptable`` (below .50).
    bartlett_chi2, bartlett_df, bartlett_p : float, int, float
        Test that all correlations are zero; nan where n is unknown.
    determinant : float
        Of the correlation matrix; 0 means that an item repeats others.
    """

    _title: ClassVar[str] = "Adequacy for factor analysis"

    kmo: float
    kmo_items: pd.Series
    kmo_word: str
    bartlett_chi2: float
    bartlett_df: int
    bartlett_p: float
    determinant: float


@recorded
def adequacy(
    data: Any,
    *,
    n_obs: float | None = None,
    correlation: Correlation = "pearson",
    missing: Missing = "listwise",
    group: Any = None,
    level: Level = "total",
) -> Adequacy:
    """KMO, Bartlett's test and the determinant, from one correlation matrix.

    Parameters
    ----------
    data : Responses, DataFrame, array, Moments, or a square correlation matrix
    n_obs : float, optional
        Respondents behind a matrix; without it Bartlett's test is not defined.
    correlation : {"pearson", "spearman", "polychoric", "fiml"}
        Bartlett's test assumes Pearson correlations; with others it is approximate.
    missing : {"listwise", "pairwise"}
    group : str or array, optional
    level : {"total", "within", "between"}
        As in `efa`.

    Returns
    -------
    Adequacy

    Raises
    ------
    InputError
        If an item is constant, the matrix is not positive definite, or there are no more
        respondents than items.

    Notes
    -----
    Equal to psych and factor_analyzer on complete data; with gaps factor_analyzer's KMO fails and
    its Bartlett test is a silent nan.

    References
    ----------
    Kaiser, H. F. (1974). Psychometrika, 39, 31-36. Bartlett, M. S. (1951). Biometrika, 38, 337-344.

    Examples
    --------
    With two items the partial correlation is the correlation, so KMO is one half; and
    ``-(99 - 9/6) log(1 - .25)`` is 28.05:

    >>> import numpy as np
    >>> a = adequacy(np.array([[1, .5], [.5, 1]]), n_obs=100)
    >>> a.kmo, round(a.bartlett_chi2, 2)
    (0.5, 28.05)
    """
    import pandas as pd

    source = correlation_matrix(
        data,
        correlation=correlation,
        missing=missing,
        n_obs=n_obs,
        what="Adequacy",
        group=group,
        level=level,
    )
    r, notes = definite_matrix(source, smooth=False)
    measure = kmo(r)
    apart = [v for v, m in zip(source.items, measure.items, strict=True) if np.isnan(m)]
    if apart:
        verb = "correlates" if len(apart) == 1 else "correlate"
        notes.append(f"{', '.join(apart)} {verb} with no other item: no KMO.")
    test = None if source.n_obs is None else bartlett(r, source.n_obs)
    p = len(source.items)
    if test is None:
        notes.append("Bartlett's test needs n_obs, the number of respondents behind the matrix.")
    elif correlation != "pearson":
        notes.append(f"Bartlett's test is approximate for {correlation} correlations.")
    return Adequacy(
        kmo=measure.overall,
        kmo_items=pd.Series(measure.items, list(source.items), name="kmo"),
        kmo_word=_word(measure.overall),
        bartlett_chi2=np.nan if test is None else test.chi2,
        bartlett_df=p * (p - 1) // 2,
        bartlett_p=np.nan if test is None else test.p,
        determinant=float(np.linalg.det(r)),
        notes=(*source.notes, *notes),
        provenance=Provenance(
            method=f"KMO and Bartlett's test of {correlation} correlations",
            n_used=round(source.n_obs or 0),
            n_dropped=source.n_dropped,
            settings={"correlation": correlation, "missing": missing, "level": level},
            reference="Kaiser (1974), Psychometrika 39; Bartlett (1951), Biometrika 38.",
        ),
    )


def _word(value: float) -> str:
    if np.isnan(value):
        return "undefined"
    for limit, word in _WORDS:
        if value >= limit:
            return word
    return "miserable" if value >= 0.5 else "unacceptable"
