"""What the search for the number of factors answers with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cte_metrics.arrays import Array
from cte_metrics.results.base import Result
from cte_metrics.results.render.blocks import Block

if TYPE_CHECKING:
    import pandas as pd


BASIS = {
    "parallel": "roots of the reduced matrix above the 95th percentile of random data",
    "parallel_components": "roots of the correlation matrix above the same of random data",
    "map": "smallest average squared partial correlation",
    "map_revised": "smallest average fourth-power partial correlation",
    "ekc": "roots above the empirical Kaiser reference",
    "hull": "sharpest bend of CFI against degrees of freedom",
    "hull_caf": "sharpest bend of the common part accounted for",
    "hull_rmsea": "sharpest bend of RMSEA",
    "kaiser": "roots above 1",
    "comparison_data": "first number that data with one factor more do not beat",
    "sequential": "first number that maximum likelihood does not reject (p > .05)",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Retention(Result):
    """How many factors, by several criteria.

    Attributes
    ----------
    suggested : dict
        Criterion to number of factors; ``None`` where a criterion finds none (see ``notes``).
    eigenvalues, reference_eigenvalues, mean_eigenvalues : ndarray (p,)
        Roots of the correlation matrix, their 95th percentile and mean in random data.
    factor_eigenvalues, reference_factor_eigenvalues, mean_factor_eigenvalues : ndarray (p,)
        The same of the matrix reduced by the communalities of one minres factor, as in psych.
    map_values, map_revised_values : Series
        Index number of components, from 0.
    ekc_reference : ndarray (p,)
    hull : DataFrame
        Index number of factors: ``df, caf, cfi, rmsea`` (each higher when better) and the bends
        ``caf_bend, cfi_bend, rmsea_bend``; nan off the hull.
    stability : DataFrame
        Index number of factors: share of bootstrap resamples in which parallel analysis suggests
        it, ``parallel`` (factors) and ``parallel_components``; the reference roots stay the same.

    Arrays of criteria that were not asked for are empty.
    """

    _title: ClassVar[str] = "How many factors?"

    suggested: Mapping[str, int | None]
    eigenvalues: Array
    reference_eigenvalues: Array
    mean_eigenvalues: Array
    factor_eigenvalues: Array
    reference_factor_eigenvalues: Array
    mean_factor_eigenvalues: Array
    map_values: pd.Series
    map_revised_values: pd.Series
    ekc_reference: Array
    hull: pd.DataFrame
    stability: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """Index criterion: ``n_factors``, ``agree`` (criteria with the same answer), ``basis``."""
        return _criteria(self.suggested)

    @property
    def roots(self) -> pd.DataFrame:
        """Index number of the root: observed roots beside those of random data."""
        return _roots(self)

    def _blocks(self) -> list[Block]:
        blocks = [Block("Criteria", self.table), Block("Roots", self.roots)]
        if len(self.map_values):
            both = self.map_values.to_frame("map").assign(map_revised=self.map_revised_values)
            blocks.append(Block("Average partial correlations", both))
        if len(self.hull):
            blocks.append(Block("Hull", self.hull))
        if len(self.stability):
            blocks.append(Block("Share of resamples", self.stability))
        return blocks


def _criteria(suggested: Mapping[str, int | None]) -> pd.DataFrame:
    import pandas as pd

    votes = Counter(m for m in suggested.values() if m is not None)
    rows = {
        name: {"n_factors": m, "agree": 0 if m is None else votes[m], "basis": BASIS[name]}
        for name, m in suggested.items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    if None in suggested.values():
        frame["n_factors"] = frame["n_factors"].astype("Int64")
    frame.index.name = "criterion"
    return frame


def _roots(found: Retention) -> pd.DataFrame:
    import pandas as pd

    parts = {
        "component": found.eigenvalues,
        "component_mean": found.mean_eigenvalues,
        "component_p95": found.reference_eigenvalues,
        "factor": found.factor_eigenvalues,
        "factor_mean": found.mean_factor_eigenvalues,
        "factor_p95": found.reference_factor_eigenvalues,
        "ekc": found.ekc_reference,
    }
    p = len(found.eigenvalues)
    index = pd.RangeIndex(1, p + 1, name="root")
    return pd.DataFrame({k: v for k, v in parts.items() if len(v) == p}, index=index)
