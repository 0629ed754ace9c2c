"""Arguments are of the kind that the signature says, checked in one place before anything runs.

Functions: ``checked, check_arguments, is_list``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache, wraps
from numbers import Integral, Real
from os import PathLike
from typing import Any, ParamSpec, TypeGuard, TypeVar

import numpy as np

from cte_metrics.errors import InputTypeError

P = ParamSpec("P")
R = TypeVar("R")

Fits = Callable[[Any], bool]
Kind = tuple[str, Fits]

LARGEST = 2**63 - 1
OWN_CHECK = {"confidence", "max_invalid"}  # their own refusals say more


def _is_number(value: Any) -> bool:
    whole = isinstance(value, Integral) and abs(int(value)) <= LARGEST
    return whole or (isinstance(value, Real) and not isinstance(value, Integral))


def _is_whole(value: Any) -> bool:
    if not _is_number(value) or isinstance(value, bool | np.bool_):
        return False
    return bool(abs(value) <= LARGEST and value == value // 1)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1))


def is_list(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether a value can be gone through: a text can, bytes and arrays without an axis cannot.

    Examples
    --------
    >>> is_list([1]), is_list("ab"), is_list(3), is_list(np.array(3))
    (True, True, False, False)
    """
    single = isinstance(value, bytes) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return isinstance(value, Iterable) and not single


def _are_names(value: Any) -> bool:
    if not is_list(value):
        return False
    if not hasattr(value, "__len__"):  # looking would use it up
        return True
    if np.ndim(value) != 1 if isinstance(value, np.ndarray) else hasattr(value, "columns"):
        return False
    return all(isinstance(v, Hashable) for v in value)  # a column may bear a number or a tuple


def _are_numbers(value: Any) -> bool:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):  # rows of unequal length
        return False
    return array.dtype.kind in "biuf"


def _is_called(*names: str) -> Fits:
    """Whether a value's class, or one that it stems from, has one of the names."""
    return lambda value: any(c.__name__ in names for c in type(value).__mro__)


KINDS: dict[str, Kind] = {
    "None": ("None", lambda v: v is None),
    "bool": ("True or False", _is_flag),
    "int": ("a whole number", _is_whole),
    "float": ("a number", _is_number),
    "str": ("a text", lambda v: isinstance(v, str)),
    "PathLike[str]": ("a path", lambda v: isinstance(v, PathLike)),
    "Sequence[str]": ("names", _are_names),
    "Iterable[str]": ("names", _are_names),
    "tuple[str, ...]": ("names", _are_names),
    "Sequence[Hashable]": ("labels of columns", _are_names),
    "ArrayLike": ("numbers", _are_numbers),
    "Array": ("an array of numbers", lambda v: _are_numbers(v) and np.ndim(v) > 0),
    "Hashable": ("a label", lambda v: isinstance(v, Hashable)),
    "pd.DataFrame": ("a data frame", _is_called("DataFrame")),
    "pd.Series": ("a series", _is_called("Series")),
    "MixedModel": ("a model of mixed_model", _is_called("MixedModel")),
    "Progress": ("a function", callable),
}
OPENINGS: dict[str, Kind] = {
    "Mapping[str, Sequence[": (
        "a mapping to lists",
        lambda v: isinstance(v, Mapping) and all(map(is_list, v.values())),
    ),
    "Mapping[": ("a mapping", lambda v: isinstance(v, Mapping)),
    "Sequence[": ("a sequence", is_list),
    "Literal[": ("an option", lambda v: isinstance(v, str | int | float)),
}


def _kind(word: str) -> Kind | None:
    opening = next((k for o, k in OPENINGS.items() if word.startswith(o)), None)
    return KINDS.get(word, opening)


def _kinds(annotation: Any) -> list[Kind]:
    """What an annotation allows; nothing where it holds a word that is not listed here."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "Any")
    found = [_kind(word.strip()) for word in text.split(" | ")]
    return [k for k in found if k is not None] if None not in found else []


@cache
def _rules(function: Callable[..., Any]) -> dict[str, list[Kind]]:
    parameters = inspect.signature(function).parameters.values()
    known = {p.name: _kinds(p.annotation) for p in parameters if p.name not in OWN_CHECK}
    return {name: kinds for name, kinds in known.items() if kinds}


def check_arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse an argument that is not of the kind that the function's signature says.

    Raises
    ------
    InputTypeError
        Naming the argument, what it takes and what was given.
    """
    for name, kinds in _rules(function).items():
        if name in given and not any(fits(given[name]) for _, fits in kinds):
            shown = repr(given[name])
            shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
            allowed = " or ".join(text for text, _ in kinds)
            raise InputTypeError(
                f"{name} takes {allowed}; got {type(given[name]).__name__} {shown}."
            )


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Let a public function refuse arguments of another kind than its signature says.

    Examples
    --------
    >>> @checked
    ... def half(x: float) -> float:
    ...     return x / 2
    >>> half("a")
    Traceback (most recent call last):
    cte_metrics.errors.InputTypeError: x takes a number; got str 'a'.
    """
    names = list(inspect.signature(function).parameters)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        check_arguments(function, dict(zip(names, args, strict=False)) | kwargs)
        return function(*args, **kwargs)

    return call
