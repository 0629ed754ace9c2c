"""Value labels of statistical files against the labels of the response scale.

Function: ``recode_by_labels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.issues import IssueLog
from cte_metrics.errors import InputError


def recode_by_labels(
    series: pd.Series, labels: Mapping[Any, str], instrument: Instrument, log: IssueLog
) -> pd.Series:
    """Return codes as the instrument numbers them.

    Parameters
    ----------
    series : Series (n,)
        Codes of the file.
    labels : mapping of code to str
        What the file says that its codes mean.
    instrument : Instrument
        Its response scale says what its codes mean.
    log : IssueLog
        Receives an entry when codes are changed.

    Returns
    -------
    Series (n,)
        The same series where file and instrument agree or share no label.

    Raises
    ------
    InputError
        If they disagree about some codes and are silent about others that occur.
    """
    scale = instrument.response_scale
    meant = {code: scale.code_of(str(text)) for code, text in labels.items()}
    changed = {c: m for c, m in meant.items() if m is not None and m != c}
    if not changed:
        return series
    known = {c: m for c, m in meant.items() if m is not None}
    silent = sorted(set(series.dropna().unique()) - set(known), key=str)
    if silent:
        raise InputError(
            f"Column {series.name!r}: the file's value labels number the answers differently from "
            f"the instrument ({_told(changed)}), and code {silent[0]:g} has no label to go by.",
            hint="Label every answer in the instrument's response scale and in the file, or "
            "recode the file.",
        )
    log.about(series.name, None, f"recoded by the file's value labels: {_told(changed)}")
    return series.map(known)


def _told(changed: Mapping[Any, int]) -> str:
    return ", ".join(f"{code:g} is {meant}" for code, meant in changed.items())
