"""Numbers of a column with gaps, as floats.

Functions: ``floats_with_gaps``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

TOO_LARGE = 1e150  # the square of such a number is none

if TYPE_CHECKING:
    import narwhals as nw


def floats_with_gaps(series: nw.Series[Any]) -> np.ndarray:
    """Return a numeric column as floats, nan where something is missing.

    Parameters
    ----------
    series : narwhals Series (n,)
        Numbers of any type that narwhals reads.

    Returns
    -------
    ndarray (n,)
        A pandas column is asked for nan by name: Arrow's numbers in pandas 2.1 give ``NA``.
    """
    import narwhals as nw

    floats = series.cast(nw.Float64)
    if not floats.implementation.is_pandas():
        return np.asarray(floats.to_numpy(), dtype=np.float64)
    values: np.ndarray = floats.to_native().to_numpy(dtype=np.float64, na_value=np.nan)
    return values
