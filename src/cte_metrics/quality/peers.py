"""A second opinion: our figures beside those of pingouin and factor_analyzer, on the same answers.

Functions: ``second_opinion``. Class: ``SecondOpinion``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.core.door import complete_rows, item_data
from cte_metrics.errors import InputError
from cte_metrics.kernels.factor.adequacy import bartlett, kmo
from cte_metrics.kernels.factor.henze_zirkler import henze_zirkler
from cte_metrics.kernels.reliability.alpha import alpha_figures
from cte_metrics.results import Provenance, Result, recorded

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 5000
"""pingouin's Henze-Zirkler test holds several n x n matrices."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SecondOpinion(Result):
    """Figures of two other packages beside ours.

    Attributes
    ----------
    table : DataFrame, index figure
        ``ours``, ``theirs``, ``difference``, ``package``, ``remark`` (why theirs is missing).
    """

    _title: ClassVar[str] = "Second opinion"

    table: pd.DataFrame


@recorded
def second_opinion(data: Any) -> SecondOpinion:
    """Compute the figures that pingouin and factor_analyzer get right, there and here.

    Parameters
    ----------
    data : Responses, DataFrame or array (n, k)
        Answers; rows with missing answers are dropped and counted, for both sides.

    Returns
    -------
    SecondOpinion

    Raises
    ------
    InputError
        If an item is constant, or there are no more complete rows than items.

    Notes
    -----
    Alpha and Henze-Zirkler come from pingouin (which is right on floats only, so it gets floats),
    KMO and Bartlett's chi-square from factor_analyzer (which is right on complete answers whose
    covariance matrix has a determinant above 1e-7; otherwise it warns, and the remark says so).

    Examples
    --------
    >>> import cte_metrics as cte
    >>> table = cte.quality.second_opinion(cte.load_example().at_wave(1)).table
    >>> bool((table["difference"].abs() < 1e-9).all())
    True
    """
    import pandas as pd

    read = item_data(data, what="A second opinion", minimum_items=3)
    values, dropped, note = complete_rows(read)
    _check(values, read.items)
    frame = pd.DataFrame(values, columns=list(read.items))
    rows = {name: _row(ours, theirs, package) for name, ours, theirs, package in _pairs(frame)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")
    return SecondOpinion(
        table=table,
        notes=(*read.notes, *([note] if note else [])),
        provenance=Provenance(
            method="Our figures beside pingouin's and factor_analyzer's",
            n_used=len(values),
            n_dropped=dropped,
        ),
    )


def _check(values: np.ndarray, items: tuple[str, ...]) -> None:
    constant = [n for n, c in zip(items, values.T, strict=True) if np.ptp(c) == 0]
    if constant:
        raise InputError(
            f"{', '.join(constant)}: every respondent gave the same answer.",
            hint="Leave out constant items.",
        )
    if len(values) <= len(items):
        raise InputError(
            f"A second opinion needs more complete rows than items; got {len(values)} rows, "
            f"{len(items)} items."
        )


def _pairs(frame: pd.DataFrame) -> list[tuple[str, float, Callable[[], float], str]]:
    """Return figure, our value, a function for theirs, and the package."""
    values = frame.to_numpy()
    covariance = np.cov(values.T)
    r = np.corrcoef(values.T)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    sphericity = bartlett(r, len(values)).chi2
    normality = henze_zirkler(standardised).hz
    return [
        ("alpha", float(alpha_figures(covariance).alpha), lambda: _alpha(frame), "pingouin"),
        ("KMO", kmo(r).overall, lambda: _kmo(frame), "factor_analyzer"),
        ("Bartlett chi-square", sphericity, lambda: _bartlett(frame), "factor_analyzer"),
        ("Henze-Zirkler", normality, lambda: _henze_zirkler(frame), "pingouin"),
    ]


def _row(ours: float, theirs: Callable[[], float], package: str) -> dict[str, Any]:
    """Compare one figure; what the other package says or cannot do becomes the remark."""
    value, remark = float("nan"), ""
    import_module(package)  # what an import warns of is no remark on a figure
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            value = float(theirs())
        except (UserWarning, ValueError, AssertionError, np.linalg.LinAlgError) as problem:
            remark = str(problem)
    return {
        "ours": ours,
        "theirs": value,
        "difference": ours - value,
        "package": package,
        "remark": remark,
    }


def _alpha(frame: pd.DataFrame) -> float:
    import pingouin

    return float(pingouin.cronbach_alpha(frame, nan_policy="listwise")[0])


def _henze_zirkler(frame: pd.DataFrame) -> float:
    import pingouin

    if len(frame) > MAX_ROWS:
        raise ValueError(f"not run above {MAX_ROWS} rows: it holds n x n matrices")
    return float(pingouin.multivariate_normality(frame.to_numpy(dtype=float)).hz)


def _kmo(frame: pd.DataFrame) -> float:
    from factor_analyzer.factor_analyzer import calculate_kmo

    return float(calculate_kmo(frame)[1])


def _bartlett(frame: pd.DataFrame) -> float:
    from factor_analyzer.factor_analyzer import calculate_bartlett_sphericity

    return float(calculate_bartlett_sphericity(frame)[0])
