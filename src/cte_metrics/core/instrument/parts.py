"""The parts of an instrument, and the closed lists that describe it.

Frozen pydantic models ``Item``, ``Subscale``, ``Norm``, ``Fact``; ``as_records`` reads items given
by their ids alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, overload

from pydantic import StringConstraints, field_validator

from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.record import Record

Referent = Literal["group", "school", "self"]
Level = Literal["teacher", "school"]
Certainty = Literal["confirmed", "derived", "unconfirmed", "conflicting"]
KeyCertainty = Literal["confirmed", "high", "medium", "low", "unstated"]
ScoringRule = Literal["mean", "sum", "pomp", "z", "t"]
GroupRule = Literal["teacher_means", "item_means"]

Name = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class Item(Record, frozen=True):
    """One question: an identifier and whether agreement means less of the construct.

    Parameters
    ----------
    id : str
        Column name of the item.
    label : str
        A gloss for tables and plots.
    reverse : bool
        Whether the item is scored ``minimum + maximum - answer``, of its own range.
    certainty : str, optional
        How sure the item's place in this form, its subscale and its sign are.
    note : str
        Remark for the reader.
    response_scale : ResponseScale, optional
        Answers that this item allows, where they are not the instrument's.
    """

    id: Name
    label: str = ""
    reverse: bool = False
    certainty: Certainty | None = None
    note: str = ""
    response_scale: ResponseScale | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            id: str,
            label: str = "",
            reverse: bool = False,
            certainty: Certainty | None = None,
            note: str = "",
            response_scale: ResponseScale | None = None,
        ) -> None: ...


class Subscale(Record, frozen=True):
    """Items that are scored together.

    Parameters
    ----------
    id, name : str
        Identifier (a column of the score table) and readable name.
    items : sequence of str
        Item ids.
    note : str
        Remark for the reader.
    minimum_answered : int or float, optional
        Count (int) or share (float) of its items that a score needs; the instrument's by default.
    """

    id: Name
    name: str = ""
    items: tuple[str, ...]
    note: str = ""
    minimum_answered: int | float | None = None

    if TYPE_CHECKING:

        @overload
        def __init__(
            self,
            id: str,
            name: str,
            items: Sequence[str],
            note: str = "",
            minimum_answered: int | float | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self,
            id: str,
            name: str = "",
            *,
            items: Sequence[str],
            note: str = "",
            minimum_answered: int | float | None = None,
        ) -> None: ...
        def __init__(self, *values: Any, **named: Any) -> None: ...

    @field_validator("items")
    @classmethod
    def _some_items(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        if not items:
            raise ValueError("A subscale needs at least one item.")
        twice = [i for i in items if items.count(i) > 1]
        if twice:
            raise ValueError(f"The subscale lists item {twice[0]!r} twice.")
        return items


class Norm(Record, frozen=True):
    """Mean and standard deviation of a (sub)scale in a published sample."""

    scale: Name
    mean: float
    sd: float
    sample: str = ""
    source: str = ""
    certainty: Certainty = "unconfirmed"

    if TYPE_CHECKING:

        def __init__(
            self,
            scale: str,
            mean: float,
            sd: float,
            sample: str = "",
            source: str = "",
            certainty: Certainty = "unconfirmed",
        ) -> None: ...

    @field_validator("sd")
    @classmethod
    def _positive(cls, sd: float) -> float:
        if sd <= 0:
            raise ValueError("The standard deviation of a norm must be above 0.")
        return sd


class Fact(Record, frozen=True):
    """How sure a fact about the instrument is, and where it was seen."""

    certainty: Certainty
    source: str = ""
    note: str = ""

    if TYPE_CHECKING:

        def __init__(self, certainty: Certainty, source: str = "", note: str = "") -> None: ...


def as_records(value: Any) -> Any:
    """Let a list of items name them by their ids alone."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [{"id": v} if isinstance(v, str | int) else v for v in value]
    return value
