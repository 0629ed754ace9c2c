"""Names of columns: any label a table may have, read as text.

Tables name their columns by texts, numbers (0, 1.0) or tuples (several header rows). Results and
model texts know texts only, so a column is known by the text of its label, and may be asked for
by the label or by its text; a whole float by its whole number too. Two labels of one text cannot
be told apart and are refused.

Functions: ``name_text, places, meant, named_column, name_list, in_order, short``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names

_LISTED = 40
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]*)?\s*")


def name_text(label: Any) -> str:
    """Return the text by which a label is known.

    Examples
    --------
    >>> [name_text(v) for v in ("a", 0, 1.0, np.int64(2), ("A", np.int64(1)))]
    ['a', '0', '1.0', '2', "('A', 1)"]
    """
    if isinstance(label, tuple):
        return str(tuple(_plain(part) for part in label))
    return str(_plain(label))


def _plain(part: Any) -> Any:
    return part.item() if isinstance(part, np.generic) else part


def places(labels: Sequence[Any]) -> dict[str, int]:
    """Return the position of each label by every text that means it.

    Raises
    ------
    InputError
        If two labels are equal or have the same text.

    Examples
    --------
    >>> places(["a", 2.0])
    {'a': 0, '2.0': 1, '2': 1}
    """
    if len(set(labels)) != len(labels):
        twice = next(c for c in labels if list(labels).count(c) > 1)
        raise InputError(f"The data have two columns named {twice!r}.", hint="Rename one of them.")
    found: dict[str, int] = {}
    for position, label in enumerate(labels):
        for text in _texts(label):
            other = found.setdefault(text, position)
            if other != position:
                raise InputError(
                    f"The columns {labels[other]!r} and {label!r} cannot be told apart: both are "
                    f"written {text!r}.",
                    hint="Rename one of them.",
                )
    return found


def _texts(label: Any) -> tuple[str, ...]:
    own = name_text(label)
    whole = isinstance(label, float) and label.is_integer()
    return (own, str(int(label))) if whole else (own,)


def meant(
    names: Iterable[Any], labels: Sequence[Any], opening: str = "There is no column"
) -> list[int]:
    """Return the positions of the labels that ``names`` mean.

    Raises
    ------
    UnknownNameError
        If a name means none of them.
    InputError
        If two names mean one.

    Examples
    --------
    >>> meant(["1", 0], [0, 1])
    [1, 0]
    """
    known = places(labels)
    out: list[int] = []
    for name in names:
        position = next((known[text] for text in _texts(name) if text in known), None)
        if position is None:
            raise UnknownNameError(
                f"{opening} {name!r} in the data.{close_names(name, labels)}",
                hint=f"The columns are: {', '.join(str(c) for c in list(labels)[:_LISTED])}.",
            )
        if position in out:
            raise InputError(f"{name_text(name)!r} is asked for twice.", hint="Name it once.")
        out.append(position)
    return out


def named_column(data: Any, given: Any) -> tuple[Any, ...]:
    """Return ``(given,)`` where it names a column, ``()`` where it holds one entry a row.

    Texts and numbers are names; a tuple is one where the table has such a label.

    Examples
    --------
    >>> named_column(None, "school"), named_column(None, ["a", "b"])
    (('school',), ())
    """
    if isinstance(given, tuple):
        return (given,) if _is_label(data, given) else ()
    return (given,) if isinstance(given, str | int | float | np.generic) else ()


def name_list(names: Any, what: str) -> tuple[str, ...]:
    """Return one name, or several, as texts.

    Raises
    ------
    InputTypeError
        If it is anything else.

    Examples
    --------
    >>> name_list("x", "slopes"), name_list([0, "a"], "columns")
    (('x',), ('0', 'a'))
    """
    alone = isinstance(names, str | bytes) or not isinstance(names, Iterable)
    listed = (names,) if alone else tuple(names)
    if not all(isinstance(name, str | int | float | tuple | np.generic) for name in listed):
        raise InputTypeError(
            f"{what} takes names of columns; got {type(names).__name__} {short(names)}.",
            hint=f"Write {what}=['x'].",
        )
    return tuple(map(name_text, listed))


def in_order(labels: Iterable[Any], declared: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Return labels in their declared order, else ascending: numbers in texts count as numbers.

    Examples
    --------
    >>> in_order(["T10", "T2", "T1"]), in_order(["10", "2", "1.5"])
    (('T1', 'T2', 'T10'), ('1.5', '2', '10'))
    >>> in_order(["spring", "autumn"], ["spring", "autumn"])
    ('spring', 'autumn')
    """
    found = list(labels)
    if declared and set(found) <= set(declared):
        return tuple(sorted(found, key=list(declared).index))
    if not any(isinstance(label, str) for label in found):
        return tuple(sorted(found))
    texts = {label: name_text(label) for label in found}
    if all(_NUMBER.fullmatch(text) for text in texts.values()):
        return tuple(sorted(found, key=lambda label: float(texts[label])))
    return tuple(sorted(found, key=lambda label: _pieces(texts[label])))


def _pieces(text: str) -> list[Any]:
    """Text and whole numbers in turn, so that two texts compare piece by piece."""
    return [int(p) if i % 2 else p for i, p in enumerate(re.split("([0-9]+)", text))]


def short(value: Any) -> str:
    """Return what a message shows of a value."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _is_label(data: Any, given: tuple[Any, ...]) -> bool:
    labels: Any = getattr(data, "columns", ())
    several_rows = getattr(labels, "nlevels", 1) > 1
    return several_rows and name_text(given) in map(name_text, list(labels))
