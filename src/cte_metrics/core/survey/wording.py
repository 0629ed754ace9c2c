"""What the texts of answers mean while a survey is read.

Class: ``Wording``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cte_metrics.core.instrument.response_scale import ResponseScale, fold
from cte_metrics.errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True)
class Wording:
    """The codes of a response scale and every text that stands for one.

    Created by: ``cte_metrics.core.survey.wording.Wording.of``.
    Consumed by: ``cte_metrics.core.survey.answers.read_answers``,
    ``cte_metrics.core.survey.value_labels.recode_by_labels``.

    Attributes
    ----------
    minimum, maximum : int
        Lowest and highest answer.
    codes : dict of str to int
        Code of each folded text.
    labels : tuple of str
        The texts as they were written.
    """

    minimum: int
    maximum: int
    codes: Mapping[str, int]
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, scale: ResponseScale, labels: Any = None) -> Wording:
        """Join a scale's labels with those that the caller gave.

        Parameters
        ----------
        scale : ResponseScale
            Codes and their labels.
        labels : sequence of str, or mapping, optional
            The texts from the lowest to the highest answer; or text to code; or code to text.

        Raises
        ------
        InputError
            If a list has not one text for each answer, a code lies outside the scale, or a text
            would stand for two answers.

        Examples
        --------
        >>> Wording.of(ResponseScale(0, 2), ["never", "at times", "often"]).code_of("Often")
        2
        """
        codes: dict[str, int] = {}
        texts = [*((text, code) for code, text in scale.labels.items()), *_given(labels, scale)]
        for text, code in texts:
            if not scale.minimum <= code <= scale.maximum:
                raise InputError(
                    f"labels gives {text!r} the code {code}, which is outside {scale.minimum} to "
                    f"{scale.maximum}."
                )
            known = codes.setdefault(fold(text), code)
            if known != code:
                raise InputError(
                    f"The text {text!r} would stand for two answers, {known} and {code}.",
                    hint="labels= adds to the labels of the instrument's response scale; the two "
                    "must not contradict each other.",
                )
        return cls(scale.minimum, scale.maximum, codes, tuple(text for text, _ in texts))

    def code_of(self, text: str) -> int | None:
        """Return the code of an answer text (case and spacing ignored), ``None`` if unknown."""
        return self.codes.get(fold(text))

    def texts_of(self, code: int) -> set[str]:
        """Return the folded texts of a code."""
        return {text for text, known in self.codes.items() if known == code}


def _given(labels: Any, scale: ResponseScale) -> Iterator[tuple[str, int]]:
    if labels is None:
        return
    if isinstance(labels, Mapping):
        for key, value in labels.items():
            yield _pair(key, value)
        return
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InputTypeError(
            "labels is a list of texts from the lowest to the highest answer, or a mapping of text "
            f"to code; got {type(labels).__name__}."
        )
    if len(labels) != scale.n_categories:
        raise InputError(
            f"labels lists {len(labels)} texts; the answers go from {scale.minimum} to "
            f"{scale.maximum}, which are {scale.n_categories}.",
            hint="Give a mapping of text to code where some answers have no text.",
        )
    for code, text in enumerate(labels, scale.minimum):
        yield _text(text), code


def _pair(key: Any, value: Any) -> tuple[str, int]:
    """Return (text, code) from text to code or code to text."""
    if _code(value) is not None and not (isinstance(value, str) and _code(key) is not None):
        return _text(key), int(_code(value) or 0)
    if _code(key) is not None:
        return _text(value), int(_code(key) or 0)
    raise InputError(f"labels: neither {key!r} nor {value!r} is a code, a whole number.")


def _code(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) or int(value) != float(value) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"labels holds {value!r} where the text of an answer is needed.")
    return value
