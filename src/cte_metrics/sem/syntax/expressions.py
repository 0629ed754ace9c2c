"""Arithmetic over parameter labels: values, exact gradients, linear form.

An expression is a tree of ``Constant``, ``Name``, ``Call`` (operators included), read by a small
parser of its own: nothing is ever handed to Python's evaluator. Gradients are forward-mode exact
derivatives. ``min``, ``max`` and ``ifelse(a > b, a, b)`` have the derivative of what they choose.

Functions: ``parse_expression``, ``names_of``, ``evaluate``, ``value_and_gradient``,
``linear_form``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import ModelSyntaxError, close_names
from cte_metrics.sem.syntax.tokens import Token, syntax_error, tokenize


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter's label."""

    label: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function applied to its arguments."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Constant | Name | Call

_UNARY: dict[str, tuple[Callable[[float], float], Callable[[float, float], float]]] = {
    "neg": (lambda x: -x, lambda x, v: -1.0),
    "exp": (math.exp, lambda x, v: v),
    "log": (math.log, lambda x, v: 1.0 / x),
    "log2": (math.log2, lambda x, v: 1.0 / (x * math.log(2.0))),
    "log10": (math.log10, lambda x, v: 1.0 / (x * math.log(10.0))),
    "log1p": (math.log1p, lambda x, v: 1.0 / (1.0 + x)),
    "expm1": (math.expm1, lambda x, v: v + 1.0),
    "sqrt": (math.sqrt, lambda x, v: 0.5 / v),
    "abs": (abs, lambda x, v: math.copysign(1.0, x)),
    "sin": (math.sin, lambda x, v: math.cos(x)),
    "cos": (math.cos, lambda x, v: -math.sin(x)),
    "tan": (math.tan, lambda x, v: 1.0 + v * v),
    "asin": (math.asin, lambda x, v: 1.0 / math.sqrt(1.0 - x * x)),
    "acos": (math.acos, lambda x, v: -1.0 / math.sqrt(1.0 - x * x)),
    "atan": (math.atan, lambda x, v: 1.0 / (1.0 + x * x)),
    "sinh": (math.sinh, lambda x, v: math.cosh(x)),
    "cosh": (math.cosh, lambda x, v: math.sinh(x)),
    "tanh": (math.tanh, lambda x, v: 1.0 - v * v),
    "atanh": (math.atanh, lambda x, v: 1.0 / (1.0 - x * x)),
    "pnorm": (
        lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0)),
        lambda x, v: math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi),
    ),
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda x, y: x < y,
    ">": lambda x, y: x > y,
    "<=": lambda x, y: x <= y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
}
_CHOOSING = ("ifelse", "max", "min")
FUNCTIONS = tuple(sorted((set(_UNARY) - {"neg"}).union(_CHOOSING)))
_PRIORITY = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}


class _Parser:
    """Precedence climbing; ``^`` binds to the right, the unary minus less than ``^``."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def fail(self, problem: str, hint: str | None = None) -> ModelSyntaxError:
        return syntax_error(self.text, self.token.start, problem, hint=hint)

    def expect(self, sign: str) -> None:
        if self.token.text != sign:
            raise self.fail(f"expected {sign!r}")
        self.at += 1

    def expression(self, floor: int = 1) -> Expression:
        left = self.operand()
        while self.token.kind == "op" and _PRIORITY.get(self.token.text, 0) >= floor:
            sign = self.take().text
            right = self.expression(_PRIORITY[sign] + (sign != "^"))
            left = Call(sign, (left, right))
        return left

    def operand(self) -> Expression:
        token = self.token
        if token.kind == "number":
            return Constant(float(self.take().text))
        if token.kind == "name":
            return self.name_or_call()
        if token.text in ("-", "+") and token.kind == "op":
            self.at += 1
            inner = self.expression(3)
            return Call("neg", (inner,)) if token.text == "-" else inner
        if token.text == "(" and token.kind == "op":
            self.at += 1
            inner = self.expression()
            self.expect(")")
            return inner
        shown = repr(token.text) if token.kind != "end" else "the end of the text"
        raise self.fail(f"expected a number, a label or '(' here, found {shown}")

    def name_or_call(self) -> Expression:
        token = self.take()
        if self.token.text != "(" or self.token.kind != "op":
            return Constant(math.pi) if token.text == "pi" else Name(token.text, token.start)
        if token.text not in FUNCTIONS:
            problem = f"{token.text!r} is not a function that constraints know"
            hint = f"Functions: {', '.join(FUNCTIONS)}.{close_names(token.text, FUNCTIONS)}"
            raise syntax_error(self.text, token.start, problem, hint=hint)
        return Call(token.text, self.arguments(token))

    def arguments(self, function: Token) -> tuple[Expression, ...]:
        """What stands between the brackets: as many as the function takes."""
        self.at += 1
        found = [self.comparison() if function.text == "ifelse" else self.expression()]
        while self.token.text == "," and self.token.kind == "op":
            self.at += 1
            found.append(self.expression())
        self.expect(")")
        n, name = len(found), function.text
        if name == "ifelse" and n != 3:
            problem = f"ifelse() takes a comparison and two values; here are {n} entries"
            raise syntax_error(self.text, function.start, problem, hint="ifelse(a > b, a, b)")
        if name not in _CHOOSING and n != 1:
            raise syntax_error(self.text, function.start, f"{name}() takes one value, not {n}")
        return tuple(found)

    def comparison(self) -> Expression:
        left = self.expression()
        sign = self.token
        if sign.kind != "op" or sign.text not in _COMPARISONS:
            raise self.fail("expected a comparison such as 'a > b' here")
        self.at += 1
        return Call(sign.text, (left, self.expression()))


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Read an arithmetic expression over labels.

    Examples
    --------
    >>> evaluate(parse_expression("-a^2 + 2*(b - 1)"), {"a": 3.0, "b": 4.0})
    -3.0
    """
    parser = _Parser(text, [t for t in tokenize(text) if t.kind != "newline"])
    tree = parser.expression()
    if parser.token.kind != "end":
        raise parser.fail(f"did not expect {parser.token.text!r} here")
    return tree


def names_of(tree: Expression) -> Iterator[Name]:
    """Yield every label of an expression, in order of appearance."""
    if isinstance(tree, Name):
        yield tree
    elif isinstance(tree, Call):
        for argument in tree.arguments:
            yield from names_of(argument)


def evaluate(tree: Expression, values: Mapping[str, float]) -> float:
    """Value of an expression at the labels' values; nan where it is not defined."""
    empty = np.zeros(0)
    return value_and_gradient(tree, values, dict.fromkeys(values, empty), 0)[0]


def value_and_gradient(
    tree: Expression, values: Mapping[str, float], gradients: Mapping[str, Array], n: int
) -> tuple[float, Array]:
    """Value and gradient (length ``n``) of an expression.

    ``gradients`` holds the gradient of each label with respect to the free parameters; labels
    without an entry are constants.
    """
    if isinstance(tree, Constant):
        return tree.value, np.zeros(n)
    if isinstance(tree, Name):
        gradient = gradients.get(tree.label)
        return values[tree.label], np.zeros(n) if gradient is None else gradient
    parts = [value_and_gradient(a, values, gradients, n) for a in tree.arguments]
    try:
        return _apply(tree.function, parts)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan, np.full(n, math.nan)


def _apply(function: str, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
    (x, dx), (y, dy) = parts[0], parts[-1]
    if function in _COMPARISONS:
        return float(_COMPARISONS[function](x, y)), np.zeros_like(dx)
    if function in _CHOOSING:
        return _chosen(function, parts)
    if function in _UNARY:
        value = _UNARY[function][0](x)
        return value, _UNARY[function][1](x, value) * dx
    if function == "+":
        return x + y, dx + dy
    if function == "-":
        return x - y, dx - dy
    if function == "*":
        return x * y, y * dx + x * dy
    if function == "/":
        return x / y, dx / y - (x / (y * y)) * dy
    value = float(x**y) if x >= 0 or y == int(y) else math.nan
    gradient = (y * x ** (y - 1.0)) * dx if y != 0 else np.zeros_like(dx)
    return value, gradient + (value * math.log(x)) * dy if np.any(dy) else gradient


def _chosen(function: str, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
    """Value and gradient of the entry that is chosen; where several tie, their mean gradient."""
    if any(math.isnan(value) for value, _ in parts):
        return math.nan, np.full(len(parts[0][1]), math.nan)
    if function == "ifelse":
        return parts[1] if parts[0][0] else parts[2]
    best = (min if function == "min" else max)(value for value, _ in parts)
    return best, np.mean([slope for value, slope in parts if value == best], axis=0)


def linear_form(tree: Expression) -> tuple[float, dict[str, float]] | None:
    """Constant and coefficients of an expression that is linear in its labels, else ``None``.

    Examples
    --------
    >>> linear_form(parse_expression("2*(a - b)/4 + 1"))
    (1.0, {'a': 0.5, 'b': -0.5})
    >>> linear_form(parse_expression("a*b")) is None
    True
    """
    if isinstance(tree, Constant):
        return tree.value, {}
    if isinstance(tree, Name):
        return 0.0, {tree.label: 1.0}
    parts = [linear_form(a) for a in tree.arguments]
    if any(p is None for p in parts):
        return None
    known = [p for p in parts if p is not None]
    if not any(coefficients for _, coefficients in known):
        empty = np.zeros(0)
        return _apply_constant(tree.function, [(c, empty) for c, _ in known]), {}
    if tree.function in ("+", "-"):
        return _combine(known[0], known[1], 1.0 if tree.function == "+" else -1.0)
    if tree.function == "neg":
        return _combine((0.0, {}), known[0], -1.0)
    return _scaled(tree.function, known)


def _apply_constant(function: str, parts: list[tuple[float, Array]]) -> float:
    try:
        return _apply(function, parts)[0]
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan


def _combine(
    a: tuple[float, dict[str, float]], b: tuple[float, dict[str, float]], sign: float
) -> tuple[float, dict[str, float]]:
    coefficients = dict(a[1])
    for name, value in b[1].items():
        coefficients[name] = coefficients.get(name, 0.0) + sign * value
    return a[0] + sign * b[0], coefficients


def _scaled(
    function: str, parts: list[tuple[float, dict[str, float]]]
) -> tuple[float, dict[str, float]] | None:
    """Product or quotient with a constant; ``None`` for anything else."""
    if function == "*" and not parts[0][1]:
        return _combine((0.0, {}), parts[1], parts[0][0])
    if function == "*" and not parts[1][1]:
        return _combine((0.0, {}), parts[0], parts[1][0])
    if function == "/" and not parts[1][1] and parts[1][0] != 0:
        return _combine((0.0, {}), parts[0], 1.0 / parts[1][0])
    if function == "^" and not parts[1][1] and parts[1][0] == 1.0:
        return parts[0]
    return None
