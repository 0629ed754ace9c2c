"""Tucker's congruence of two sets of loadings.

Functions: ``congruence``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.core.door import number_table
from cte_metrics.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def congruence(a: Any, b: Any) -> pd.DataFrame:
    """Congruence of each factor of ``a`` with each factor of ``b``.

    Parameters
    ----------
    a, b : EFA, DataFrame or array (items x factors)
        Loadings of the same items; data frames are matched by item name.

    Returns
    -------
    DataFrame (factors of a x factors of b)
        ``sum x y / sqrt(sum x^2 sum y^2)``, -1 to 1; .95 is usually read as equality and .85 as
        fair similarity (Lorenzo-Seva & ten Berge 2006).

    Raises
    ------
    InputError
        If the items differ or a factor has no loadings.

    References
    ----------
    Tucker, L. R. (1951). A method for synthesis of factor analysis studies.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[3.0], [4.0]])
    >>> float(congruence(a, np.array([[4.0], [3.0]])).iloc[0, 0])
    0.96
    """
    import pandas as pd

    left, right = _frame(a), _frame(b)
    if set(left.index) == set(right.index):
        right = right.loc[left.index]
    elif isinstance(left.index, pd.RangeIndex) or isinstance(right.index, pd.RangeIndex):
        _same_length(left, right)
    else:
        missing = [str(i) for i in left.index.symmetric_difference(right.index)]
        raise InputError(f"The two solutions are not of the same items: {', '.join(missing[:8])}.")
    x, y = left.to_numpy(dtype=np.float64), right.to_numpy(dtype=np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("A loading is missing or infinite; congruence needs complete loadings.")
    lengths = np.sqrt(np.outer((x * x).sum(axis=0), (y * y).sum(axis=0)))
    if not (lengths > 0.0).all():
        raise InputError("A factor without any loading has no congruence with another.")
    return pd.DataFrame(x.T @ y / lengths, left.columns, right.columns)


def _frame(loadings: Any) -> pd.DataFrame:
    import pandas as pd

    table = getattr(loadings, "loadings", loadings)
    values = number_table(table, "The table of loadings")
    if isinstance(table, pd.DataFrame):
        return pd.DataFrame(
            number_table(table, "The table of loadings"), table.index, table.columns
        )
    values = number_table(table, "The table of loadings")
    return pd.DataFrame(values, columns=[f"F{j + 1}" for j in range(values.shape[1])])


def _same_length(left: Any, right: Any) -> None:
    if len(left) != len(right):
        raise InputError(f"One solution has {len(left)} items, the other {len(right)}.")
