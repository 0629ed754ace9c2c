"""The parts of a dossier: decisions with the figures behind them, and sections that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cte_metrics.results.frozen import Frozen
from cte_metrics.results.render.json import UNRECORDED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Level = Literal["good", "caution", "stop", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Frozen):
    """One question that the survey answers, with the figures and the rule behind the answer.

    Attributes
    ----------
    question : str
        What the reader wants to know.
    verdict : str
        The answer in one sentence.
    level : {"good", "caution", "stop", "info"}
        How the answer bears on using the scores.
    figures : mapping of str to float
        The figures that decided.
    rule : str
        The rule that was applied.
    source : str
        The publication that the rule comes from.
    """

    question: str
    verdict: str
    level: Level
    figures: Mapping[str, float] = field(default_factory=dict, hash=False)
    rule: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section(Frozen):
    """One part of the dossier.

    Attributes
    ----------
    id, title : str
        Anchor and heading.
    text : str
        One or two plain sentences.
    tables : mapping of str to DataFrame
        Caption to table.
    drawings : mapping of str to callable
        Caption to a function that draws a matplotlib figure when called; no part of records. It
        can be pickled (a method or a ``functools.partial``, no lambda).
    decisions : tuple of Decision
        What this part decides.
    notes : tuple of str
        What the reader must know.
    """

    id: str
    title: str
    text: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    drawings: Mapping[str, Callable[[], Figure]] = field(default_factory=dict, metadata=UNRECORDED)
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
