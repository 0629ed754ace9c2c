"""The result of a series of invariance models.

Classes: ``Invariance``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cte_metrics.results import Block, Result

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.semfit import SEMFit


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Invariance(Result):
    """Fits of increasing equality across groups or waves.

    Attributes
    ----------
    table : DataFrame
        Index ``level``: ``chisq, df, pvalue, cfi, tli, rmsea, srmr, aic, bic``, and against the
        level before ``delta_chisq, delta_df, delta_pvalue, delta_cfi, delta_rmsea, method``.
        ``table.attrs`` says which fit measures stand in the columns and how differences are tested.
    fits : dict of str to SEMFit
        The fit of each level.
    released : dict of str to tuple of str
        Parameters released at each level (empty without ``partial``).
    releases : DataFrame
        Each release with its score test: ``level, parameter, chi2, df, p``.
    """

    _title: ClassVar[str] = "Measurement invariance"

    table: pd.DataFrame
    fits: dict[str, SEMFit]
    released: dict[str, tuple[str, ...]] = field(default_factory=dict)
    releases: pd.DataFrame

    def _blocks(self) -> list[Block]:
        first = ["chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr", "aic", "bic"]
        second = ["delta_chisq", "delta_df", "delta_pvalue", "delta_cfi", "delta_rmsea", "method"]
        blocks = [Block("Fit", self.table[first]), Block("Change", self.table[second])]
        if len(self.releases):
            blocks.append(Block("Released", self.releases))
        return blocks
