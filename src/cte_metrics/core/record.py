"""The base of the pydantic models: frozen, strict, and plain in what it says.

Class: ``Record``.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from cte_metrics.core.plain_language import plain
from cte_metrics.errors import InstrumentError


class Record(BaseModel, frozen=True):
    """Base of the models: frozen, no unknown entries, positional arguments, plain messages.

    A record that people build states its ``__init__`` for type checkers: the fields in order,
    wider where more is read (a list for a tuple). At run time this one serves all.
    """

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
