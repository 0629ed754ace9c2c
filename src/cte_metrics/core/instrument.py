"""Instruments: what was asked, on which scale, and how it is scored.

Frozen pydantic models that refuse what cannot be scored: ``ResponseScale``, ``Item``, ``Subscale``,
``Norm``, ``Fact``, ``Instrument``. They hold facts (numbers, keys, ranges, sources), never the
wording of a published item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from cte_metrics.core.plain_language import plain
from cte_metrics.errors import InstrumentError, UnknownNameError, close_names

Referent = Literal["group", "school", "self"]
Level = Literal["teacher", "school"]
Certainty = Literal["confirmed", "derived", "unconfirmed", "conflicting"]
KeyCertainty = Literal["confirmed", "high", "medium", "low", "unstated"]
ScoringRule = Literal["mean", "sum", "pomp", "z", "t"]
GroupRule = Literal["teacher_means", "item_means"]

_Name = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class Record(BaseModel):
    """Base of the models: frozen, no unknown entries, positional arguments, plain messages."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False
    )

    def __init__(self, *values: Any, **named: Any) -> None:
        names = list(type(self).model_fields)
        if len(values) > len(names):
            raise InstrumentError(
                f"{type(self).__name__} takes at most {len(names)} values; got {len(values)}."
            )
        given = dict(zip(names, values, strict=False))
        twice = sorted(given.keys() & named.keys())
        if twice:
            raise InstrumentError(f"{type(self).__name__} got {twice[0]!r} twice.")
        try:
            super().__init__(**given, **named)
        except ValidationError as error:
            raise _instrument_error(type(self), error) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read a mapping; faults are told as by the constructor."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise _instrument_error(cls, error) from None


def _instrument_error(model: type[BaseModel], error: ValidationError) -> InstrumentError:
    return InstrumentError(plain(error.errors(include_url=False), model.model_fields))


def fold(text: str) -> str:
    """Return text as answers are compared: no case, one space between words, plain quotes.

    Examples
    --------
    >>> fold("  Strongly\u00a0 AGREE ")
    'strongly agree'
    """
    straight = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u2013", "-")
    return " ".join(straight.casefold().split())


class ResponseScale(Record):
    """The whole numbers from ``minimum`` to ``maximum``, with the words some of them carry.

    Parameters
    ----------
    minimum, maximum : int
        Lowest and highest answer.
    labels : mapping of int to str
        Answer text of a code; need not cover every code.

    Raises
    ------
    InstrumentError
        If ``minimum >= maximum``, a label lies outside the range, or two labels are alike.

    Examples
    --------
    >>> scale = ResponseScale(1, 4, {1: "not at all true", 4: "exactly true"})
    >>> scale.n_categories, scale.code_of("Exactly  TRUE")
    (4, 4)
    """

    minimum: int
    maximum: int
    labels: dict[int, str] = {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError(
                f"The lowest answer ({self.minimum}) must be below the highest ({self.maximum})."
            )
        for code, label in self.labels.items():
            if not self.minimum <= code <= self.maximum:
                raise ValueError(
                    f"The label {label!r} belongs to answer {code}, which is outside "
                    f"{self.minimum} to {self.maximum}."
                )
        _refuse_twins(list(self.labels.values()))
        return self

    @property
    def n_categories(self) -> int:
        """Number of possible answers."""
        return self.maximum - self.minimum + 1

    def code_of(self, label: str) -> int | None:
        """Return the code of an answer text (case and spacing ignored), ``None`` if unknown."""
        wanted = fold(label)
        return next((c for c, text in self.labels.items() if fold(text) == wanted), None)


def _refuse_twins(labels: list[str]) -> None:
    folded = [fold(label) for label in labels]
    for label, text in zip(labels, folded, strict=True):
        if not text:
            raise ValueError("A label of the response scale is empty.")
        if folded.count(text) > 1:
            raise ValueError(
                f"Two answers carry the label {label!r}; their texts could not be told apart."
            )


class Item(Record):
    """One question: an identifier and whether agreement means less of the construct.

    Parameters
    ----------
    id : str
        Column name of the item.
    label : str
        A gloss for tables and plots.
    reverse : bool
        Whether the item is scored ``minimum + maximum - answer``.
    certainty : str, optional
        How sure the item's place in this form, its subscale and its sign are.
    note : str
        Remark for the reader.
    """

    id: _Name
    label: str = ""
    reverse: bool = False
    certainty: Certainty | None = None
    note: str = ""


class Subscale(Record):
    """Items that are scored together.

    Parameters
    ----------
    id, name : str
        Identifier (a column of the score table) and readable name.
    items : sequence of str
        Item ids.
    note : str
        Remark for the reader.
    """

    id: _Name
    name: str = ""
    items: tuple[str, ...]
    note: str = ""

    @field_validator("items")
    @classmethod
    def _some_items(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        if not items:
            raise ValueError("A subscale needs at least one item.")
        twice = [i for i in items if items.count(i) > 1]
        if twice:
            raise ValueError(f"The subscale lists item {twice[0]!r} twice.")
        return items


class Norm(Record):
    """Mean and standard deviation of a (sub)scale in a published sample."""

    scale: _Name
    mean: float
    sd: float
    sample: str = ""
    source: str = ""
    certainty: Certainty = "unconfirmed"

    @field_validator("sd")
    @classmethod
    def _positive(cls, sd: float) -> float:
        if sd <= 0:
            raise ValueError("The standard deviation of a norm must be above 0.")
        return sd


class Fact(Record):
    """How sure a fact about the instrument is, and where it was seen."""

    certainty: Certainty
    source: str = ""
    note: str = ""


def _as_records(value: Any) -> Any:
    """Let a list of items name them by their ids alone."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [{"id": v} if isinstance(v, str | int) else v for v in value]
    return value


class Instrument(Record):
    """A published or own instrument in one form (item order), with its scoring key.

    Parameters
    ----------
    id, name, version : str
        Identity; ``version`` is the version of this description.
    response_scale : ResponseScale
        Answers that every item allows.
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
        Count (int) or share (float) of items that a score needs.
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

    id: _Name
    name: str = ""
    version: str = "1"
    response_scale: ResponseScale
    items: Annotated[tuple[Item, ...], BeforeValidator(_as_records)]
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

    @model_validator(mode="before")
    @classmethod
    def _level_from_referent(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("referent") == "self" and "level" not in data:
            return {**data, "level": "teacher"}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_items(self.items)
        _check_subscales(self)
        _check_counts(self)
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

    def item(self, id: str) -> Item:
        """Return one item.

        Raises
        ------
        UnknownNameError
            If there is none of that id.
        """
        return _named(self.items, id, "item", self.id)

    def subscale(self, id: str) -> Subscale:
        """Return one subscale.

        Raises
        ------
        UnknownNameError
            If there is none of that id.
        """
        return _named(self.subscales, id, "subscale", self.id)

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

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Read an instrument from a YAML, TOML or JSON file.

        Raises
        ------
        InstrumentError
            If the file cannot be read or describes no usable instrument; the file is named.
        """
        from cte_metrics.core.instrument_files import read_document

        document = read_document(path)
        try:
            return cls.model_validate(document)
        except InstrumentError as error:
            raise InstrumentError(f"{path}: {error.problem}", hint=error.hint) from None

    def to_file(self, path: str | PathLike[str]) -> None:
        """Write the instrument as YAML, TOML or JSON (by the file's suffix), without loss."""
        from cte_metrics.core.instrument_files import write_document

        write_document(self.to_dict(), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts that differ from the defaults, ready for YAML, TOML or JSON."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True) | {
            "level": self.level
        }


def _check_items(items: tuple[Item, ...]) -> None:
    if not items:
        raise ValueError("An instrument needs at least one item.")
    ids = [item.id for item in items]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"Two items have the same id {twice[0]!r}.")


def _check_subscales(instrument: Instrument) -> None:
    ids, known = list(instrument.subscale_ids), instrument.item_ids
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"Two subscales have the same id {twice[0]!r}.")
    for subscale in instrument.subscales:
        for item in subscale.items:
            if item not in known:
                raise ValueError(
                    f"Subscale {subscale.id!r} names item {item!r}, which the instrument "
                    f"does not have.{close_names(item, known)}"
                )
        if subscale.id == "total" and set(subscale.items) != set(known):
            raise ValueError(
                "'total' is the name of the score over all items; a subscale of some items "
                "needs another id."
            )
    _check_homeless(instrument)


def _check_homeless(instrument: Instrument) -> None:
    known = instrument.item_ids
    for item in instrument.items_without_subscale:
        if item not in known:
            raise ValueError(
                f"'items_without_subscale' names item {item!r}, which the instrument does not "
                f"have.{close_names(item, known)}"
            )
    housed = {i for s in instrument.subscales for i in s.items} | set(
        instrument.items_without_subscale
    )
    homeless = [i for i in known if i not in housed]
    if instrument.subscales and homeless:
        raise ValueError(
            f"These items belong to no subscale: {', '.join(homeless)}. Add them to one, or list "
            "them under 'items_without_subscale' if they count in the total only."
        )


def _check_counts(instrument: Instrument) -> None:
    needed, n_items = instrument.minimum_answered, len(instrument.items)
    if needed is None:
        return
    top = n_items if isinstance(needed, int) else 1.0
    if isinstance(needed, bool) or not 0 <= needed <= top:
        raise ValueError(
            f"'minimum_answered' is {needed}; give a count from 0 to {n_items}, or a share from "
            "0.0 to 1.0."
        )


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
