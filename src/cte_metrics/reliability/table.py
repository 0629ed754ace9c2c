"""One row of reliability figures for each scale of a survey.

Function: ``reliability_table``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.core.arguments import checked
from cte_metrics.errors import CTEWarning, InputError
from cte_metrics.reliability.alpha import Alpha, AlphaInterval, cronbach_alpha
from cte_metrics.reliability.omega import Omega, mcdonald_omega

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "n_items",
    "n",
    "mean",
    "sd",
    "alpha",
    "alpha_ci_low",
    "alpha_ci_high",
    "omega",
    "omega_ci_low",
    "omega_ci_high",
    "n_omega",
    "sem",
    "average_r",
    "note",
)


@checked
def reliability_table(
    responses: Any,
    *,
    interval: AlphaInterval = "feldt",
    ordinal: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Tabulate alpha, omega and the standard error of measurement of every scale.

    Parameters
    ----------
    responses : Responses or DataFrame
        With a ``Responses``, a row for each subscale and one for all items (``total``); with a
        data frame, one row.
    interval : str
        Alpha's, as in :func:`cronbach_alpha`; omega's is by the delta method.
    ordinal : bool
        Omega for ordinal items.
    confidence : float

    Returns
    -------
    DataFrame
        Index scale: ``n_items, n, mean, sd, alpha, alpha_ci_low, alpha_ci_high, omega,
        omega_ci_low, omega_ci_high, n_omega, sem, average_r, note``. ``mean``, ``sd`` and ``sem``
        are on the scale of the mean score. Omega rests on the ``n_omega`` complete rows, the
        other figures on ``n``. A scale without a coefficient keeps its row, and ``note`` says why
        (``n_omega`` is then 0).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    >>> reliability_table(frame).loc["total", ["n_items", "n"]].tolist()
    [3, 5]
    """
    import pandas as pd

    rows = {
        name: _row(data, interval, ordinal=ordinal, confidence=confidence)
        for name, data in _scales(responses).items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS))
    table.index.name = "scale"
    return table.astype(dict.fromkeys(("n_items", "n", "n_omega"), "int64"))


def _scales(responses: Any) -> dict[str, Any]:
    instrument = getattr(responses, "instrument", None)
    if instrument is None:
        return {"total": responses}
    parts = {s.id: responses.for_subscale(s.id) for s in instrument.subscales}
    whole = set(instrument.item_ids)
    if any(set(s.items) == whole for s in instrument.subscales):
        return parts
    return {**parts, "total": responses}


def _row(data: Any, interval: AlphaInterval, *, ordinal: bool, confidence: float) -> dict[str, Any]:
    alpha: Alpha | None = None
    omega: Omega | None = None
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)  # the notes say the same
        try:
            alpha = cronbach_alpha(data, interval=interval, confidence=confidence)
            notes += [n for n in alpha.notes if n not in notes]
        except InputError as error:
            notes.append(error.problem)
        try:
            omega = mcdonald_omega(data, ordinal=ordinal, confidence=confidence)
            notes += [n for n in omega.notes if n not in notes]
        except InputError as error:
            notes += [error.problem] if error.problem not in notes else []
    return {**_alpha_figures(alpha, data), **_omega_figures(omega), "note": " ".join(notes)}


def _alpha_figures(alpha: Alpha | None, data: Any) -> dict[str, Any]:
    if alpha is None:
        shape = getattr(getattr(data, "keyed", data), "shape", (0, 0))
        nan = dict.fromkeys(
            ("mean", "sd", "alpha", "alpha_ci_low", "alpha_ci_high", "sem", "average_r"), np.nan
        )
        return {"n_items": shape[1], "n": shape[0], **nan}
    return {
        "n_items": alpha.n_items,
        "n": alpha.n_respondents,
        "mean": alpha.mean,
        "sd": alpha.sd,
        "alpha": alpha.alpha,
        "alpha_ci_low": alpha.ci.low,
        "alpha_ci_high": alpha.ci.high,
        "sem": alpha.sem,
        "average_r": alpha.average_r,
    }


def _omega_figures(omega: Omega | None) -> dict[str, Any]:
    if omega is None:
        return {"omega": np.nan, "omega_ci_low": np.nan, "omega_ci_high": np.nan, "n_omega": 0}
    return {
        "omega": omega.omega,
        "omega_ci_low": omega.ci.low,
        "omega_ci_high": omega.ci.high,
        "n_omega": omega.n_respondents,
    }
