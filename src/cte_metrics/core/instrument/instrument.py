"""Instruments: what was asked, on which scale, and how it is scored.

Class: ``Instrument``, a frozen pydantic model that refuses what cannot be scored. It holds facts
(numbers, keys, ranges, sources), never the wording of a published item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any, Self, TypedDict, Unpack, overload

from pydantic import BeforeValidator, model_validator

from cte_metrics.core.arguments import checked
from cte_metrics.core.instrument import text
from cte_metrics.core.instrument.checks import refuse_unscorable
from cte_metrics.core.instrument.files import read_document, write_document
from cte_metrics.core.instrument.parts import (
    Fact,
    GroupRule,
    Item,
    KeyCertainty,
    Level,
    Name,
    Norm,
    Referent,
    ScoringRule,
    Subscale,
    as_records,
)
from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.record import Record
from cte_metrics.errors import InstrumentError, UnknownNameError, close_names

if TYPE_CHECKING:

    class _Further(TypedDict, total=False):
        """What an instrument may be told besides, for type checkers."""

        scoring: ScoringRule
        referent: Referent
        citation: str
        doi: str | None
        form: str
        level: Level
        minimum_answered: int | float | None
        group_rule: GroupRule
        items_without_subscale: Sequence[str]
        norms: Sequence[Norm]
        rights: str
        language: str
        aliases: Sequence[str]
        key_certainty: KeyCertainty
        facts: Mapping[str, Fact]
        notes: Sequence[str]


class Instrument(Record, frozen=True):
    """A published or own instrument in one form (item order), with its scoring key.

    Parameters
    ----------
    id, name, version : str
        Identity; ``version`` is the version of this description.
    response_scale : ResponseScale
        Answers that every item allows that has no range of its own.
    items : sequence of Item (or of ids)
        In the order of the form.
    subscales : sequence of Subscale
        May be empty: then there is one scale, the total.
    scoring : {"mean", "sum", "pomp", "z", "t"}
        How items make a score.
    referent : {"group", "school", "self"}
        Whom the items speak about: the teachers as a group ("we"), the school, or the respondent.
    citation, doi : str
        Publication.
    form : str
        Which order of items, where several circulate.
    level : {"teacher", "school"}
        Level at which scores are meant to be used; ``teacher`` by default where the referent is
        ``self``, otherwise ``school``.
    minimum_answered : int or float, optional
        Count (int) or share (float) of items that a score needs; half of them by default, and two.
        A subscale may have its own.
    group_rule : {"teacher_means", "item_means"}
        How a school's score is made from its teachers' answers.
    items_without_subscale : sequence of str
        Items that count in the total only; any other item must belong to a subscale.
    norms : sequence of Norm
        Only with their source.
    rights : str
        Terms of use.
    key_certainty : str
        How sure the key (order, subscales, reversals) is as a whole.
    facts : mapping of str to Fact
        Certainty and source of each fact.
    notes : sequence of str
        What a user must know or check.

    Raises
    ------
    InstrumentError
        If it cannot be scored: duplicate ids, a subscale naming an unknown item, an item in no
        subscale, ...

    Examples
    --------
    >>> mini = Instrument(
    ...     id="mini", name="Mini scale", response_scale=ResponseScale(1, 5),
    ...     items=[Item("a"), Item("b", reverse=True)],
    ... )
    >>> mini.item_ids, mini.reversed_ids
    (('a', 'b'), ('b',))
    """

    id: Name
    name: str = ""
    version: str = "1"
    response_scale: ResponseScale
    items: Annotated[tuple[Item, ...], BeforeValidator(as_records)]
    subscales: tuple[Subscale, ...] = ()
    scoring: ScoringRule = "mean"
    referent: Referent = "group"
    citation: str = ""
    doi: str | None = None
    form: str = ""
    level: Level = "school"
    minimum_answered: int | float | None = None
    group_rule: GroupRule = "teacher_means"
    items_without_subscale: tuple[str, ...] = ()
    norms: tuple[Norm, ...] = ()
    rights: str = ""
    language: str = ""
    aliases: tuple[str, ...] = ()
    key_certainty: KeyCertainty = "unstated"
    facts: dict[str, Fact] = {}
    notes: tuple[str, ...] = ()

    if TYPE_CHECKING:

        @overload
        def __init__(
            self,
            id: str,
            name: str,
            version: str,
            response_scale: ResponseScale,
            items: Sequence[Item | str],
            subscales: Sequence[Subscale] = (),
            **further: Unpack[_Further],
        ) -> None: ...
        @overload
        def __init__(
            self,
            id: str,
            name: str = "",
            version: str = "1",
            *,
            response_scale: ResponseScale,
            items: Sequence[Item | str],
            subscales: Sequence[Subscale] = (),
            **further: Unpack[_Further],
        ) -> None: ...
        def __init__(self, *values: Any, **named: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _level_from_referent(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("referent") == "self" and "level" not in data:
            return {**data, "level": "teacher"}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_unscorable(
            self.items,
            self.subscales,
            elsewhere=self.items_without_subscale,
            minimum_answered=self.minimum_answered,
        )
        return self

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Item ids in form order."""
        return tuple(item.id for item in self.items)

    @property
    def reversed_ids(self) -> tuple[str, ...]:
        """Ids of the reverse-scored items."""
        return tuple(item.id for item in self.items if item.reverse)

    @property
    def subscale_ids(self) -> tuple[str, ...]:
        """Subscale ids."""
        return tuple(subscale.id for subscale in self.subscales)

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Names of the facts that are not confirmed by a source."""
        return tuple(n for n, f in self.facts.items() if f.certainty != "confirmed")

    def scale_of(self, item: str) -> ResponseScale:
        """Return the answers that one item allows."""
        return self.item(item).response_scale or self.response_scale

    @checked
    def common_scale(self, items: Sequence[str] | None = None) -> ResponseScale | None:
        """Return the answers that items allow (all by default), ``None`` where ranges differ."""
        chosen = [self.scale_of(item) for item in (self.item_ids if items is None else items)]
        ranges = {(scale.minimum, scale.maximum) for scale in chosen}
        return chosen[0] if len(ranges) == 1 else None

    def widest_scale(self) -> ResponseScale:
        """Return the range from the lowest to the highest answer that any item allows."""
        if all(item.response_scale is None for item in self.items):
            return self.response_scale
        every = [self.scale_of(item) for item in self.item_ids]
        return ResponseScale(min(s.minimum for s in every), max(s.maximum for s in every))

    @checked
    def minimum_of(self, scale: str) -> int | float | None:
        """Return the count or share of items that a score of ``scale`` needs, where one is set.

        A count set for the whole instrument does not ask more of a subscale than it has items.
        """
        for subscale in self.subscales:
            if subscale.id == scale:
                own = subscale.minimum_answered
                return _fewer(self.minimum_answered, len(subscale.items)) if own is None else own
        return self.minimum_answered

    @checked
    def item(self, id: str) -> Item:
        """Return one item.

        Raises
        ------
        UnknownNameError
            If there is none of that id.
        """
        return _named(self.items, id, "item", self.id)

    @checked
    def subscale(self, id: str) -> Subscale:
        """Return one subscale.

        Raises
        ------
        UnknownNameError
            If there is none of that id.
        """
        return _named(self.subscales, id, "subscale", self.id)

    @checked
    def for_subscale(self, id: str) -> Instrument:
        """Return the instrument that consists of one subscale."""
        chosen = self.subscale(id)
        kept = {i: self.item(i) for i in chosen.items}
        changed: dict[str, Any] = {
            "items": tuple(kept.values()),
            "subscales": (chosen,),
            "items_without_subscale": (),
            "norms": tuple(n for n in self.norms if n.scale == id),
            "minimum_answered": _fewer(self.minimum_answered, len(kept)),
        }
        return self.model_copy(update=changed)

    def summary(self) -> str:
        """Return the instrument as text: scale, items with key, how sure each fact is, notes."""
        lines = [
            f"{self.name or self.id} ({self.id}, version {self.version})",
            text.labelled("Form", self.form),
            text.answers(self.response_scale),
            f"Referent: {self.referent}; used at the level of the {self.level}; "
            f"score: {self.scoring}; school score: {self.group_rule}",
            text.labelled("Certainty of the key", self.key_certainty),
            *text.items(self.items, self.subscales),
            *text.norms(self.norms),
            *text.facts(self.facts),
            *(text.labelled("Note", note) for note in self.notes),
            text.labelled("Source", self.citation),
            text.labelled("DOI", self.doi),
            text.labelled("Rights", self.rights),
        ]
        return "\n".join(line for line in lines if line)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Read an instrument from a YAML, TOML or JSON file.

        Raises
        ------
        InstrumentError
            If the file cannot be read or describes no usable instrument; the file is named.
        """
        document = read_document(path)
        try:
            return cls.model_validate(document)
        except InstrumentError as error:
            raise InstrumentError(f"{path}: {error.problem}", hint=error.hint) from None

    @checked
    def to_file(self, path: str | PathLike[str]) -> None:
        """Write the instrument as YAML, TOML or JSON (by the file's suffix), without loss."""
        write_document(self.to_dict(), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts that differ from the defaults, ready for YAML, TOML or JSON."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True) | {
            "level": self.level
        }


def _named(things: Sequence[Any], id: str, what: str, instrument: str) -> Any:
    for thing in things:
        if thing.id == id:
            return thing
    ids = [thing.id for thing in things]
    raise UnknownNameError(
        f"{instrument!r} has no {what} {id!r}.{close_names(id, ids)}",
        hint=f"It has: {', '.join(ids) or 'none'}.",
    )


def _fewer(needed: int | float | None, n_items: int) -> int | float | None:
    return min(needed, n_items) if isinstance(needed, int) else needed
