"""Answers of several waves side by side: one row a respondent.

Functions: ``side_by_side``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import in_order
from cte_metrics.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def side_by_side(
    data: Any, items: Sequence[str], *, wave: str = "wave", respondent: Any = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Turn rows of respondent and wave into one row a respondent.

    Parameters
    ----------
    data : Responses or DataFrame
        ``Responses`` know respondent and wave; a frame has a column ``wave`` and one that
        ``respondent`` names.
    items : sequence of str
    wave : str
    respondent : str or array, optional

    Returns
    -------
    wide : DataFrame
        Columns ``item_wave``, rows respondents in order of appearance; missing where a respondent
        skipped a wave.
    waves : tuple of str
        Labels in ascending order.

    Raises
    ------
    InputError
        Without identifiers of respondents, with fewer than two waves, or if a respondent has two
        rows in a wave.
    """
    import pandas as pd

    rows = item_data(data, items=items, what="Repeated measures", variables=None)
    n = len(rows.values)
    waves = pd.Series(_waves(data, wave, n))
    persons = pd.Series(_respondents(data, respondent, n))
    keep = (waves.notna() & persons.notna()).to_numpy()
    declared = data.waves if hasattr(data, "instrument") else ()
    labels = in_order(waves[keep].unique().tolist(), declared)
    if len(labels) < 2:
        raise InputError(f"There is only one wave ({', '.join(map(str, labels))}).")
    frame = pd.DataFrame(rows.values, columns=list(items)).assign(_p=persons, _w=waves)[keep]
    twice = frame.duplicated(["_p", "_w"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise InputError(f"Respondent {row['_p']!r} has two rows in wave {row['_w']!r}.")
    wide = frame.pivot(index="_p", columns="_w", values=list(items))
    wide = wide.reindex(frame["_p"].unique())
    wide.columns = pd.Index([f"{pair[0]}_{_text(pair[1])}" for pair in wide.columns.tolist()])
    return wide.rename_axis(None), tuple(_text(w) for w in labels)


def _waves(data: Any, wave: str, n: int) -> np.ndarray:
    known = getattr(data, "wave", None) if hasattr(data, "instrument") else None
    return np.asarray(known) if known is not None else column(data, wave, n, "wave")


def _respondents(data: Any, respondent: Any, n: int) -> np.ndarray:
    if respondent is not None:
        return column(data, respondent, n, "respondent")
    known = getattr(data, "respondent", None) if hasattr(data, "instrument") else None
    if known is None:
        raise InputError(
            "Waves can only be linked when it is known which rows belong to the same respondent.",
            hint="Name the column of identifiers: respondent='id' (in Responses, or here). For "
            "independent samples at each wave, give the waves another column name.",
        )
    return np.asarray(known)


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
