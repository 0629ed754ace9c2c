"""The record of everything in a survey that could not be used as it stood.

Classes: ``Issue`` (one kind of fault in one column), ``IssueLog``. Functions: ``remedies``,
``shown``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.errors import InputError

ISSUE_COLUMNS = ("row", "respondent", "column", "value", "problem")
WHOLE_COLUMN = -1
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of problem in one column.

    Attributes
    ----------
    column : str
        Column of the caller's frame.
    positions : ndarray (m,)
        Row positions from 0; ``WHOLE_COLUMN`` for an entry about the column.
    values : ndarray (m,), object
        Values as they were found.
    problem : str
        What is wrong, in a few words.
    blocking : bool
        Whether ``on_invalid="raise"`` refuses it.
    """

    column: str
    positions: np.ndarray
    values: np.ndarray
    problem: str
    blocking: bool


@dataclass(slots=True)
class IssueLog:
    """Problems found while a survey is read.

    Created by: ``cte_metrics.core.survey.reading.read_survey``,
    ``cte_metrics.core.files.ingest.read_responses``.
    Consumed by: ``cte_metrics.core.files.survey_files.read_file``,
    ``cte_metrics.core.survey.answers.read_answers``,
    ``cte_metrics.core.survey.value_labels.recode_by_labels``.
    """

    found: list[Issue] = field(default_factory=list)

    def add(
        self,
        column: Any,
        positions: Any,
        values: Iterable[Any],
        problem: str,
        *,
        blocking: bool = False,
    ) -> None:
        """Record the same problem at several rows of a column."""
        rows = np.atleast_1d(np.asarray(positions, dtype=np.int64))
        if not len(rows):
            return
        listed = list(values)
        held = np.empty(len(listed), dtype=object)
        held[:] = listed
        self.found.append(Issue(str(column), rows, held, problem, blocking))

    def about(self, column: Any, value: Any, problem: str) -> None:
        """Record one entry about a whole column."""
        self.add(column, [WHOLE_COLUMN], [value], problem)

    def refuse(self, index: pd.Index) -> None:
        """Raise on blocking problems, naming the first few.

        Raises
        ------
        InputError
            If a problem is blocking.
        """
        blocking = [i for i in self.found if i.blocking]
        total = sum(len(i.positions) for i in blocking)
        if not total:
            return
        said = [
            f"Column {i.column!r}, row {shown(index[p])}: {shown(v)} {i.problem}."
            for i in blocking
            for p, v in zip(i.positions[:_SHOWN], i.values[:_SHOWN], strict=True)
        ][:_SHOWN]
        more = f" There are {total - len(said)} more." if total > len(said) else ""
        noun = "entry" if total == 1 else "entries"
        raise InputError(
            f"{total} {noun} of the survey cannot be used. {' '.join(said)}{more}",
            hint=f"{remedies(self)}; or pass on_invalid='missing' to set such answers to missing "
            "and list them in .issues.",
        )

    def table(self, index: pd.Index, respondent: pd.Series | None) -> tuple[pd.DataFrame, Any]:
        """Return the issues as a frame, by row, and the row position of each entry."""
        if not self.found:
            empty = {c: pd.Series(dtype=object) for c in ISSUE_COLUMNS}
            return pd.DataFrame(empty), np.empty(0, dtype=np.int64)
        positions = np.concatenate([i.positions for i in self.found])
        order = np.argsort(positions, kind="stable")
        sizes = [len(i.positions) for i in self.found]
        columns = {
            "row": _take(index, positions),
            "respondent": None if respondent is None else _take(respondent, positions),
            "column": np.repeat(np.array([i.column for i in self.found], dtype=object), sizes),
            "value": np.concatenate([i.values for i in self.found]),
            "problem": np.repeat(np.array([i.problem for i in self.found], dtype=object), sizes),
        }
        frame = pd.DataFrame(columns, columns=list(ISSUE_COLUMNS), dtype=object)
        return frame.iloc[order].reset_index(drop=True), positions[order]


def remedies(log: IssueLog) -> str:
    """Return what a caller may do about answers that cannot be used."""
    texts = any(i.blocking and any(isinstance(v, str) for v in i.values) for i in log.found)
    told = "; or give the texts of the answers in labels=" if texts else ""
    return f"Correct the data{told}; or name codes that stand for no answer in missing_codes"


def shown(value: Any) -> str:
    """Return a value as a reader would write it (numpy scalars without their type)."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def _take(labels: Any, positions: np.ndarray) -> np.ndarray:
    """Return labels at positions; ``None`` for entries about a whole column."""
    out = np.empty(len(positions), dtype=object)
    rows = positions >= 0
    out[rows] = np.asarray(labels, dtype=object)[positions[rows]]
    return out
