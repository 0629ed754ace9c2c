"""Correlations between schools and within schools.

Functions: ``split_correlations``; class ``SplitCorrelations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cte_metrics.aggregation.grouped import grouped_items
from cte_metrics.arrays import Array
from cte_metrics.errors import InputError
from cte_metrics.kernels.summaries import group_summaries as summaries
from cte_metrics.results import Provenance, Result, recorded


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SplitCorrelations(Result):
    """A correlation matrix split into its two levels.

    Attributes
    ----------
    raw : DataFrame
        Correlations over respondents, levels mixed.
    between : DataFrame
        Correlations of group means, weighted by group size.
    within : DataFrame
        Correlations of deviations from group means.
    eta : DataFrame, index variable
        ``between, within``: correlation of the variable with its group mean, and with the
        deviation from it; their squares add to 1.
    n_groups : int
        Groups.
    """

    _title: ClassVar[str] = "Correlations between and within groups"

    raw: pd.DataFrame
    between: pd.DataFrame
    within: pd.DataFrame
    eta: pd.DataFrame
    n_groups: int


@recorded
def split_correlations(data: Any, group: Any = None) -> SplitCorrelations:
    r"""Split correlations into a part between and a part within groups.

    Parameters
    ----------
    data : Responses or DataFrame
        Variables; rows with a missing one are left out, with a note.
    group : str or array, optional
        Column name or one label per row; for ``Responses`` their own group by default.

    Returns
    -------
    SplitCorrelations

    Raises
    ------
    InputError
        If there are fewer than two groups.

    Notes
    -----
    For every pair :math:`r_{xy} = \eta_{Bx} \eta_{By} r_{Bxy} + \eta_{Wx} \eta_{Wy} r_{Wxy}`
    (Robinson, 1950). A correlation of school means can differ from that of teachers in size and
    sign. Equals psych::statsBy (``rbg``, ``rwg``, ``etabg``, ``etawg``) and multilevel::waba on
    complete rows; statsBy uses the rows of each pair.

    References
    ----------
    Robinson, W. S. (1950). American Sociological Review, 15, 351-357. Dansereau, F., Alutto, J. A.,
    & Yammarino, F. J. (1984). Theory testing in organizational behavior.

    Examples
    --------
    Between schools x and y rise together, within schools they move against each other:

    >>> frame = pd.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 2, 5, 6], "y": [2.0, 1, 6, 5]})
    >>> found = split_correlations(frame, "g")
    >>> found.between.loc["x", "y"].round(6), found.within.loc["x", "y"].round(6)
    (np.float64(1.0), np.float64(-1.0))
    """
    found = grouped_items(data, group, what="Splitting correlations")
    if found.n_groups < 2:
        raise InputError("There is one group; nothing varies between groups.")
    values = found.values.astype(np.float64)
    values = values - values.mean(axis=0)
    means = summaries.moments(values, found.codes, found.n_groups).mean
    total = values.T @ values
    between = (means * found.sizes[:, None]).T @ means
    within = total - between
    notes = _flat(np.diag(total), found.items, "does not vary")
    return SplitCorrelations(
        raw=_correlation(total, found.items),
        between=_correlation(between, found.items),
        within=_correlation(within, found.items),
        eta=_eta(np.diag(between), np.diag(within), np.diag(total), found.items),
        n_groups=found.n_groups,
        notes=found.notes + notes,
        provenance=Provenance(
            method="Within and between analysis", n_used=len(values), n_dropped=found.n_dropped,
            reference="Robinson (1950), American Sociological Review, 15, 351-357.",
        ),
    )  # fmt: skip


def _correlation(cross: Array, names: tuple[str, ...]) -> pd.DataFrame:
    size = np.sqrt(np.maximum(np.diag(cross), 0.0))
    floor = 1e-12 * max(float(size.max(initial=0.0)), 1e-300)
    below = np.outer(size, size)
    out = np.full(cross.shape, np.nan)
    np.divide(cross, below, out=out, where=np.minimum.outer(size, size) > floor)
    return pd.DataFrame(out, index=list(names), columns=list(names))


def _eta(between: Array, within: Array, total: Array, names: tuple[str, ...]) -> pd.DataFrame:
    shares = [
        np.sqrt(np.divide(np.maximum(part, 0.0), total, out=np.full(len(total), np.nan),
                          where=total > 0))
        for part in (between, within)
    ]  # fmt: skip
    return pd.DataFrame(
        {"between": shares[0], "within": shares[1]}, index=pd.Index(names, name="variable")
    )


def _flat(total: Array, names: tuple[str, ...], what: str) -> tuple[str, ...]:
    return tuple(f"{n} {what}." for n, t in zip(names, total, strict=True) if t <= 0)
