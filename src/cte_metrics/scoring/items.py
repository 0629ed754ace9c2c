"""Item analysis: each item alone, and against its scale.

Functions: ``item_analysis``. Class: ``ItemAnalysis``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.core.door import ItemData, item_data
from cte_metrics.core.keying import keying_notes
from cte_metrics.errors import InputError
from cte_metrics.kernels.reliability.alpha import alpha_of, dropped_figures, item_total
from cte_metrics.kernels.summaries.item_statistics import item_statistics, score_correlations
from cte_metrics.kernels.summaries.moments import MomentArrays, moments
from cte_metrics.results import Block, Provenance, Result, recorded

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ItemAnalysis(Result):
    """Statistics of items.

    Attributes
    ----------
    table : DataFrame
        Index item: ``n, missing, mean, sd, median, minimum, maximum, skew, kurtosis, floor,
        ceiling, r_total, r_drop, alpha_if_dropped, trimmed, mad, se``; with several subscales also
        ``subscale`` and ``r_drop_subscale``.
    alpha : float
        Alpha of all items.
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Item analysis"

    table: pd.DataFrame
    alpha: float
    n_items: int
    n_respondents: int

    def _blocks(self) -> list[Block]:
        main = ["n", "missing", "mean", "sd", "median", "minimum", "maximum", "floor", "ceiling"]
        scale = ["skew", "kurtosis", "r_total", "r_drop", "alpha_if_dropped"]
        scale += [c for c in ("subscale", "r_drop_subscale") if c in self.table]
        return [
            Block("", [("alpha of all items", self.alpha), ("respondents", self.n_respondents)]),
            Block("Answers", self.table[main]),
            Block("Shape and discrimination", self.table[scale]),
        ]


@recorded
def item_analysis(data: Any, *, items: Sequence[Hashable] | None = None) -> ItemAnalysis:
    """Describe each item and how it goes with the others.

    Parameters
    ----------
    data : Responses, DataFrame or array (n, k)
        Answers; those of a ``Responses`` are reverse-scored first.
    items : sequence of labels, optional
        Items to use; all by default.

    Returns
    -------
    ItemAnalysis

    Raises
    ------
    InputError
        If no item has an answer.

    Notes
    -----
    ``n`` to ``kurtosis``, ``trimmed`` (10% at each end), ``mad`` (times 1.4826) and ``se`` equal
    ``psych::describe`` (type 3: moments over n, standard deviation over n - 1). ``r_total`` is the
    correlation with the mean of each respondent's answers, ``r_drop`` and ``alpha_if_dropped``
    come from pairwise covariances, as in ``psych::alpha``; a constant item has none of them and
    is left out of the others' (a note names it). ``floor`` and ``ceiling`` are shares of the
    answers at the ends of the response range, missing where no range is known.

    Examples
    --------
    >>> import pandas as pd
    >>> found = item_analysis(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3]}))
    >>> found.table.loc["a", ["n", "mean", "median", "r_drop"]].round(6).tolist()
    [4.0, 2.5, 2.5, 0.6]
    """
    answers = item_data(data, items=items, what="Item analysis")
    single = item_statistics(answers.raw, answers.minimum, answers.maximum)
    pairs = moments(answers.raw, "pairwise")
    if pairs.n == 0:
        raise InputError("No item has an answer.")
    varying = np.flatnonzero(single.sd > 1e-12 * np.maximum(np.abs(single.mean), 1e-12))
    scale = _against_scale(answers, pairs, varying)
    import pandas as pd

    columns = {
        "n": single.n.astype(np.int64),
        "missing": single.missing.astype(np.int64),
        "mean": single.mean,
        "sd": single.sd,
        "median": single.median,
        "minimum": single.minimum,
        "maximum": single.maximum,
        "skew": single.skew,
        "kurtosis": single.kurtosis,
        "floor": single.floor,
        "ceiling": single.ceiling,
        **scale,
        "trimmed": single.trimmed,
        "mad": single.mad,
        "se": single.se,
    }
    table = pd.DataFrame(columns, index=pd.Index(answers.items, name="item"))
    table, checked = _with_subscales(table, answers, pairs, varying)
    return ItemAnalysis(
        table=table,
        alpha=_alpha(pairs, varying),
        n_items=answers.n_items,
        n_respondents=pairs.n,
        provenance=Provenance(
            method="Item analysis",
            n_used=pairs.n,
            n_dropped=answers.n_respondents - pairs.n,
            settings={"missing": "pairwise"},
            reference="Crocker, L. & Algina, J. (1986). Introduction to Classical and Modern Test "
            "Theory. Holt.",
        ),
        notes=(
            *answers.notes,
            *_notes(answers, pairs, varying),
            *keying_notes(
                answers.items,
                checked.tolist(),
                reversed_ids=getattr(getattr(data, "instrument", None), "reversed_ids", None),
            ),
        ),
    )


def _against_scale(answers: ItemData, pairs: MomentArrays, varying: Index) -> dict[str, Array]:
    """r_total, r_drop and alpha_if_dropped among the items that vary, (k,) each."""
    out = {name: np.full(answers.n_items, np.nan) for name in ("r_total", "r_drop", "alpha")}
    if len(varying) > 1:
        covariance = pairs.covariance[np.ix_(varying, varying)]
        totals = item_total(covariance)
        out["r_drop"][varying] = totals.r_drop
        out["alpha"][varying] = dropped_figures(covariance).alpha
        raw = answers.raw if len(varying) == answers.n_items else answers.raw[:, varying]
        out["r_total"][varying] = (
            totals.r_total if pairs.complete else score_correlations(raw).r_total
        )
    return {
        "r_total": out["r_total"],
        "r_drop": out["r_drop"],
        "alpha_if_dropped": out["alpha"],
    }


def _alpha(pairs: MomentArrays, varying: Index) -> float:
    if len(varying) < 2:
        return np.nan
    c = pairs.covariance[np.ix_(varying, varying)]
    return alpha_of(c)


def _with_subscales(
    table: pd.DataFrame, answers: ItemData, pairs: MomentArrays, varying: Index
) -> tuple[pd.DataFrame, Array]:
    """Add each item's subscale, and return the item-rest correlations to check for keying."""
    checked = table["r_drop"].to_numpy().copy()
    present = {
        name: [i for i in items if i in table.index] for name, items in answers.subscales.items()
    }
    if len(present) < 2:
        return table, checked
    own = np.full(len(table), np.nan)
    label = np.full(len(table), "", dtype=object)
    for name, items in present.items():
        rows = np.array([table.index.get_loc(i) for i in items], dtype=np.intp)
        label[rows] = name
        used = np.intersect1d(rows, varying)
        if len(used) > 1:
            own[used] = item_total(pairs.covariance[np.ix_(used, used)]).r_drop
    return table.assign(subscale=label, r_drop_subscale=own), own


def _notes(answers: ItemData, pairs: MomentArrays, varying: Index) -> tuple[str, ...]:
    notes = []
    empty = answers.n_respondents - pairs.n
    if empty:
        notes.append(f"{empty} rows without any answer were left out.")
    constant = [n for j, n in enumerate(answers.items) if j not in set(varying.tolist())]
    if constant:
        notes.append(
            f"{', '.join(constant)}: constant or hardly answered, so without correlations; alpha "
            "and the other items' figures leave it out."
        )
    if not pairs.complete:
        notes.append("Answers are missing: correlations rest on the rows that share two items.")
    return tuple(notes)
