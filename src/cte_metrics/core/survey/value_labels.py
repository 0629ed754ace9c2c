"""Value labels of statistical files against the labels of the response scale.

Function: ``recode_by_labels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cte_metrics.core.issues import IssueLog
from cte_metrics.core.survey.wording import Wording
from cte_metrics.errors import InputError


def recode_by_labels(
    series: pd.Series, labels: Mapping[Any, str], wording: Wording, log: IssueLog
) -> pd.Series:
    """Return codes as the instrument numbers them.

    Parameters
    ----------
    series : Series (n,)
        Codes of the file, numbers or texts.
    labels : mapping of code to str
        What the file says that its codes mean.
    wording : Wording
        What the instrument's codes mean.
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
    meant = {code: wording.code_of(str(text)) for code, text in labels.items()}
    changed = {c: m for c, m in meant.items() if m is not None and not _is_code(c, m)}
    if not changed:
        return series
    known = {c: m for c, m in meant.items() if m is not None}
    given = [v for v in series.dropna().unique() if not isinstance(v, str) or v.strip()]
    silent = sorted(set(given) - set(known), key=str)
    if silent:
        raise InputError(
            f"Column {series.name!r}: the file's value labels number the answers differently from "
            f"the instrument ({_told(changed)}), and code {_shown(silent[0])} has no label to go "
            "by.",
            hint="Label every answer in the instrument's response scale and in the file, or "
            "recode the file.",
        )
    log.about(series.name, None, f"recoded by the file's value labels: {_told(changed)}")
    return series.map(known)


def _told(changed: Mapping[Any, int]) -> str:
    return ", ".join(f"{_shown(code)} is {meant}" for code, meant in changed.items())


def _is_code(stated: Any, meant: int) -> bool:
    """Whether a code of the file, a number or its text, is the instrument's."""
    try:
        return float(stated) == meant
    except (TypeError, ValueError):
        return False


def _shown(code: Any) -> str:
    return repr(code) if isinstance(code, str) else f"{code:g}"
