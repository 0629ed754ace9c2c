"""Modifiers of a term of the model syntax: ``0.5*x``, ``NA*x``, ``c(a, b)*x``, ``start(.8)*x``.

Functions: ``read_modifier``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cte_metrics.errors import ModelSyntaxError, close_names
from cte_metrics.sem.syntax.expressions import FUNCTIONS, evaluate, names_of, parse_expression
from cte_metrics.sem.syntax.tokens import Token, syntax_error

Element = float | str | None
_CALLS = ("c", "start", "lower", "upper", "equal", "label", "efa", "rv", "prior")


@dataclass(frozen=True, slots=True)
class Modifier:
    """What a term's modifiers say, one value for all groups or one a group.

    ``fixed`` holds values (nan: to be estimated), ``start`` starting values, ``lower`` and
    ``upper`` bounds, ``label`` labels ("": none), ``equal`` the parameter or label that ``equal()``
    ties to, ``efa`` the exploratory block.
    """

    fixed: tuple[float, ...] | None = None
    start: tuple[float, ...] | None = None
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None
    label: tuple[str, ...] | None = None
    equal: tuple[str, ...] | None = None
    efa: tuple[str, ...] | None = None


def read_modifier(text: str, tokens: Sequence[Token], *, as_start: bool = False) -> Modifier:
    """Read the tokens before a ``*`` (or ``?``, which gives a starting value)."""
    first = tokens[0]
    if first.kind == "name" and len(tokens) > 1 and tokens[1].text == "(":
        if first.text in _CALLS:
            return _call(text, tokens)
        known = _known_call(text, tokens)
        if known is not None:
            return known
    value = _element(text, tokens)
    if as_start:
        if not isinstance(value, float):
            raise syntax_error(text, first.start, "a starting value before '?' is a number")
        return Modifier(start=(value,))
    if value is None:
        return Modifier(fixed=(math.nan,))
    return Modifier(label=(value,)) if isinstance(value, str) else Modifier(fixed=(value,))


def _known_call(text: str, tokens: Sequence[Token]) -> Modifier | None:
    """A numeric function such as ``sqrt(.5)``; anything else is refused with a suggestion."""
    if tokens[0].text in FUNCTIONS:
        return None
    raise syntax_error(
        text,
        tokens[0].start,
        f"{tokens[0].text!r} is not a modifier.{close_names(tokens[0].text, _CALLS)}",
        hint=f"Modifiers are a number, NA, a label, or {', '.join(f'{c}()' for c in _CALLS[:7])}.",
    )


def _call(text: str, tokens: Sequence[Token]) -> Modifier:
    name, values = tokens[0].text, _arguments(text, tokens)
    if name == "c":
        return _vector(text, tokens, values)
    if name in ("equal", "label", "efa"):
        if not all(isinstance(v, str) or v is None for v in values):
            raise syntax_error(text, tokens[0].start, f"{name}() takes labels, not numbers")
        labels = tuple(v if isinstance(v, str) else "" for v in values)
        if name == "equal":
            return Modifier(equal=labels)
        return Modifier(efa=labels) if name == "efa" else Modifier(label=labels)
    if name in ("rv", "prior"):
        raise syntax_error(text, tokens[0].start, f"{name}() is not available")
    if any(isinstance(v, str) for v in values):
        raise syntax_error(text, tokens[0].start, f"{name}() takes numbers")
    numbers = tuple(v if isinstance(v, float) else math.nan for v in values)
    if name == "start":
        return Modifier(start=numbers)
    return Modifier(lower=numbers) if name == "lower" else Modifier(upper=numbers)


def _vector(text: str, tokens: Sequence[Token], values: tuple[Element, ...]) -> Modifier:
    """``c()``: numbers fix, ``NA`` frees, names label; one element a group."""
    fixed = tuple(v if isinstance(v, float) else math.nan for v in values)
    labels = tuple(v if isinstance(v, str) else "" for v in values)
    has_number = any(isinstance(v, float) for v in values)
    has_label = any(labels)
    return Modifier(
        fixed=fixed if has_number or not has_label else None,
        label=labels if has_label else None,
    )


def _arguments(text: str, tokens: Sequence[Token]) -> tuple[Element, ...]:
    """The values between the brackets of a call; a ``c()`` inside is spread out."""
    if tokens[-1].text != ")":
        raise syntax_error(text, tokens[-1].start, "expected ')' before '*'")
    values: list[Element] = []
    part: list[Token] = []
    depth = 0
    for token in [*tokens[2:-1], Token("op", ",", tokens[-1].start)]:
        if token.kind == "op":
            depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and token.kind == "op" and depth == 0:
            if not part:
                raise syntax_error(text, token.start, "a value is missing here")
            if part[0].text == "c" and len(part) > 1:
                values.extend(_arguments(text, part))
            else:
                values.append(_element(text, part))
            part = []
        else:
            part.append(token)
    return tuple(values)


def _element(text: str, tokens: Sequence[Token]) -> Element:
    """A number (float), a label (str) or ``NA`` (None)."""
    first = tokens[0]
    if len(tokens) == 1 and first.kind == "name":
        return None if first.text == "NA" else first.text
    if len(tokens) == 1 and first.kind == "string":
        return first.text
    if len(tokens) == 1 and first.kind == "number":
        return float(first.text)
    try:
        tree = parse_expression("".join(t.text for t in tokens))
    except ModelSyntaxError:
        tree = None
    if tree is None or next(names_of(tree), None) is not None:
        shown = "".join(t.text for t in tokens)
        raise syntax_error(
            text,
            first.start,
            f"{shown!r} is not a modifier",
            hint="A modifier is a number, NA, one label, or start(), equal(), c(), efa().",
        )
    return evaluate(tree, {})
