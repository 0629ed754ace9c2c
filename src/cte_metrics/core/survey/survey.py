"""What a survey consists of, once it has been read and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.naming import in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a survey consists of, once read.

    Created by: ``cte_metrics.core.survey.reading.read_survey``,
    ``cte_metrics.core.survey.survey.Survey.at``.
    Consumed by: ``cte_metrics.core.survey.responses.Responses``.

    Attributes
    ----------
    codes : ndarray (n, k), integer
        Raw answers in item order; the smallest value of the type marks a missing answer.
    index : Index (n,)
        Row labels of the caller's frame (0, 1, ... where it has none).
    respondent, group, wave, weights : Series (n,) or None
        Roles; ``None`` where the caller named none.
    covariates : DataFrame (n, m)
        Further columns.
    issues : DataFrame
        row, respondent, column, value, problem.
    issue_rows : ndarray
        Row position of each issue, -1 for one about a whole column.
    wave_order : tuple
        Waves in the order that the column's type declares; empty where it declares none.
    pooled : bool
        Whether rows of several waves are to be analysed as if they were independent.
    """

    instrument: Instrument
    codes: np.ndarray
    index: pd.Index
    respondent: pd.Series | None
    group: pd.Series | None
    wave: pd.Series | None
    weights: pd.Series | None
    covariates: pd.DataFrame
    issues: pd.DataFrame
    issue_rows: np.ndarray
    wave_order: tuple[Any, ...] = ()
    simulated: bool = False
    pooled: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_respondents(self) -> int:
        """Number of persons: distinct respondents where they are named, otherwise rows."""
        known = self.respondent
        return len(self.index) if known is None else int(known.nunique() + known.isna().sum())

    @property
    def n_groups(self) -> int:
        """Number of schools; 0 where none are named."""
        return 0 if self.group is None else int(self.group.nunique())

    @property
    def waves(self) -> tuple[Any, ...]:
        """Waves in their declared order, else ascending; empty where none are named."""
        if self.wave is None:
            return ()
        return in_order(self.wave.dropna().unique().tolist(), self.wave_order)

    def at(self, positions: np.ndarray) -> Survey:
        """Return the survey of some rows."""
        rows = {
            name: None if value is None else value.iloc[positions]
            for name, value in (
                ("respondent", self.respondent),
                ("group", self.group),
                ("wave", self.wave),
                ("weights", self.weights),
                ("covariates", self.covariates),
            )
        }
        kept = (self.issue_rows < 0) | np.isin(self.issue_rows, positions)
        renumbered = np.full(len(self.index) + 1, -1)
        renumbered[positions] = np.arange(len(positions))
        changed: dict[str, Any] = {
            "codes": np.asfortranarray(self.codes[positions]),
            "index": self.index[positions],
            "issues": self.issues[kept].reset_index(drop=True),
            "issue_rows": renumbered[self.issue_rows[kept]],
            **rows,
        }
        return replace(self, **changed)
