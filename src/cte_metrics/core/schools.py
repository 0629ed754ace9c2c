"""Which school each respondent belongs to, for analyses that may take note of it.

Functions: ``school_codes``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cte_metrics.core.door import ItemData, column


def school_codes(data: Any, read: ItemData, group: Any = None) -> np.ndarray | None:
    """Return the number of each row's school, -1 where it is unknown.

    Parameters
    ----------
    data : Responses, DataFrame or array
        What was read.
    read : ItemData
        Its answers.
    group : str or array, optional
        A column, or one label a row; a survey's own schools by default.

    Returns
    -------
    ndarray (n,) or None
        ``None`` where fewer than two schools are known.
    """
    import pandas as pd

    labels = read.group if group is None else column(data, group, read.n_respondents, "group")
    if labels is None:
        return None
    series = pd.Series(labels)
    blank = series.map(lambda label: isinstance(label, str) and not label.strip())
    codes, found = pd.factorize(series.mask(blank.astype(bool)))
    return np.asarray(codes, dtype=np.int64) if len(found) > 1 else None
