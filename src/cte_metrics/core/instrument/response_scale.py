"""The answers that items allow, and how answer texts are compared.

Class: ``ResponseScale``; function ``fold``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from cte_metrics.core.arguments import checked
from cte_metrics.core.record import Record


def fold(text: str) -> str:
    """Return text as answers are compared: no case, one space between words, plain quotes.

    Examples
    --------
    >>> fold("  Strongly\u00a0 AGREE ")
    'strongly agree'
    """
    straight = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u2013", "-")
    return " ".join(straight.casefold().split())


class ResponseScale(Record, frozen=True):
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

    if TYPE_CHECKING:

        def __init__(self, minimum: int, maximum: int, labels: Mapping[int, str] = {}) -> None: ...

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

    @checked
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
