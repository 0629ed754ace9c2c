"""The grammar of model formulas; what it does not know is refused before anything is computed.

    formula  = terms '~' terms
    terms    = ['+' | '-'] product {('+' | '-') product}
    product  = inter {('*' | '/') inter}
    inter    = power {':' power}
    power    = factor [('**' | '^') whole number]
    factor   = column | 0 | 1 | '(' terms ')' | call | '{' sum '}'
    call     = function '(' argument {',' argument} ')'
    sum      = arithmetic of columns, numbers and calls by + - * / ** ^ and parentheses

A column is a name, with dots if it has any, or any text between backquotes. ``^`` is a power
wherever it stands.

Functions: ``read_text``; classes ``Formula, Factor, Name, Number, Call, Operation``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Literal

from cte_metrics.errors import ModelSyntaxError, close_names

# elementwise functions of one argument, as numpy names them
ELEMENTWISE = (
    "log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "square", "abs",
    "absolute", "sign", "floor", "ceil", "rint", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
)  # fmt: skip
PAIRED = ("power", "minimum", "maximum")
OVER_ROWS = ("center", "scale", "standardize")
CODED = ("C", "poly", "bs", "cs", "cr", "cc")
CONTRASTS = ("contr.treatment", "contr.sum", "contr.helmert", "contr.diff", "contr.poly",
             "Treatment", "Sum", "Helmert", "Diff", "Poly")  # fmt: skip

DEEPEST = 50
MOST_TERMS = 1000
MOST_SIGNS = 300

TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>`[^`]*`)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*(?:\.\w+)*)
    | (?P<text>"[^"\\]*"|'[^'\\]*')
    | (?P<sign>\*\*|[-+*/:^~(){},=|])
    | (?P<other>\S)
    )""",
    re.VERBOSE,
)

Kind = Literal["quoted", "number", "name", "text", "sign", "other", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a formula."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    column: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Call:
    """A function of :data:`ELEMENTWISE`, :data:`PAIRED` or :data:`OVER_ROWS`, or ``I``."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """``+ - * / **`` of two values, or ``-`` of one."""

    sign: str
    parts: tuple[Expression, ...]


Expression = Name | Number | Call | Operation


@dataclass(frozen=True, slots=True)
class Factor:
    """What becomes columns of the design.

    name: what the reader calls it; value: the expression to compute; coding: one of :data:`CODED`
    to be applied to it (written ``argument``) with literal options, or empty.
    """

    name: str
    value: Expression
    coding: str = ""
    argument: str = ""
    options: tuple[str, ...] = ()

    def written(self, column: str) -> str:
        """The factor with a column's name for what it computes."""
        return f"{self.coding}({', '.join((column, *self.options))})" if self.coding else column


@dataclass(frozen=True, slots=True)
class Formula:
    """parts: signs, numbers and factors in the order of the text."""

    parts: tuple[str | Factor, ...]

    @property
    def factors(self) -> list[Factor]:
        """Each factor once."""
        return list(dict.fromkeys(p for p in self.parts if isinstance(p, Factor)))

    def columns(self) -> list[str]:
        """Columns of the data that are named, in order."""
        return list(dict.fromkeys(c for f in self.factors for c in _columns(f.value)))


def _columns(value: Expression) -> Iterator[str]:
    if isinstance(value, Name):
        yield value.column
    for part in getattr(value, "parts", getattr(value, "arguments", ())):
        yield from _columns(part)


def read_text(formula: object) -> Formula:
    """Read a formula, or refuse it by naming the piece that is not understood.

    Raises
    ------
    ModelSyntaxError
        If it does not follow the grammar.
    """
    if not isinstance(formula, str) or "~" not in formula:
        raise ModelSyntaxError(
            f"{formula!r} is no formula.", hint="Write one as 'outcome ~ predictor + predictor'."
        )
    return _Reader(formula).formula()


def _tokens(formula: str) -> list[Token]:
    found = [Token(m.lastgroup, m[m.lastgroup]) for m in TOKEN.finditer(formula) if m.lastgroup]  # type: ignore[arg-type]
    return [*found, Token("end", "")]


class _Reader:
    """One pass over the tokens; what formulaic is to see is gathered in ``out``."""

    def __init__(self, formula: str) -> None:
        self.source = formula
        self.tokens = _tokens(formula)
        self.position = 0
        self.depth = 0
        self.arithmetic = 0
        self.out: list[str | Factor] = []

    # what stands here

    @property
    def now(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.now
        self.position += 1
        return token

    def at(self, *signs: str) -> bool:
        return self.now.kind == "sign" and self.now.text in signs

    def expect(self, sign: str) -> None:
        if not self.at(sign):
            raise self.refusal(f"{sign!r} is expected before {self.here()}")
        self.take()

    def here(self) -> str:
        return repr(self.now.text) if self.now.text else "its end"

    def refusal(self, reason: str, hint: str | None = None) -> ModelSyntaxError:
        stop = "" if reason.endswith("?") else "."
        return ModelSyntaxError(f"{_short(self.source)} cannot be read: {reason}{stop}", hint=hint)

    def written(self, start: int) -> str:
        """Text of the tokens since ``start``, evenly spaced."""
        return _spaced(self.tokens[start : self.position])

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refusal(f"its parentheses are more than {DEEPEST} deep")

    # terms

    def formula(self) -> Formula:
        self.terms()
        self.out.append(" ~ ")
        self.expect("~")
        if self.terms() > MOST_TERMS:
            raise self.refusal(f"it asks for more than {MOST_TERMS} terms")
        if self.now.kind != "end":
            raise self.unexpected()
        return Formula(tuple(self.out))

    def unexpected(self) -> ModelSyntaxError:
        if self.at("|"):
            return ModelSyntaxError(
                f"{_short(self.source)} holds a random part.",
                hint="Write the fixed part only; name the grouping variable in group= and random "
                "slopes in slopes=.",
            )
        if self.now.kind == "end":
            return self.refusal("a term is missing at its end")
        return self.refusal(
            f"{self.here()} has no meaning there",
            "A formula has columns, numbers, + - * / : ** ^, parentheses, C(), I() and functions "
            "such as log(); a column of another name stands between backquotes.",
        )

    def terms(self) -> int:
        if self.at("+", "-"):
            self.out.append(self.take().text)
        count = self.product()
        while self.at("+", "-"):
            self.out.append(f" {self.take().text} ")
            count += self.product()
        return count

    def product(self) -> int:
        count = self.inter()
        while self.at("*", "/"):
            sign = self.take().text
            self.out.append(sign)
            other = self.inter()
            count += other + (count * other if sign == "*" else other)
            self.not_too_many(count)
        return count

    def inter(self) -> int:
        count = self.power()
        while self.at(":"):
            self.out.append(self.take().text)
            count *= self.power()
            self.not_too_many(count)
        return count

    def not_too_many(self, count: int) -> None:
        if count > MOST_TERMS:
            raise self.refusal(f"it asks for more than {MOST_TERMS} terms")

    def power(self) -> int:
        count = self.factor()
        if not self.at("**", "^"):
            return count
        self.take()
        token = self.take()
        if token.kind != "number" or not token.text.isdigit() or not 1 <= int(token.text) <= 20:
            raise self.refusal(
                f"{token.text!r} is no power of terms; a whole number from 1 to 20 is",
                "The power of a variable is I(x ** 2).",
            )
        self.out.append(f"**{int(token.text)}")
        count = sum(comb(count, k) for k in range(1, int(token.text) + 1))
        self.not_too_many(count)
        return count

    def factor(self) -> int:
        if self.at("("):
            self.deeper()
            self.out.append(self.take().text)
            count = self.terms()
            self.closed(")")
            self.out.append(")")
            return count
        if self.now.kind == "number":
            return self.constant()
        start = self.position
        if self.at("{"):
            self.out.append(self.braced(start))
        elif self.called():
            self.out.append(self.coded(start) if self.now.text in CODED else self.computed(start))
        elif self.now.kind in ("name", "quoted"):
            column = _unquoted(self.take().text)
            self.out.append(Factor(column, Name(column)))
        else:
            raise self.unexpected()
        return 1

    def constant(self) -> int:
        token = self.take()
        if token.text not in ("0", "1"):
            raise self.refusal(
                f"the number {token.text} is no term",
                "1 and 0 are the intercept with and without; multiply inside I(): I(2 * x).",
            )
        self.out.append(token.text)
        return 1

    def closed(self, sign: str) -> None:
        if not self.at(sign):
            raise (
                self.unexpected()
                if self.now.kind != "end"
                else self.refusal(f"{sign!r} is missing at its end")
            )
        self.take()
        self.depth -= 1

    def called(self) -> bool:
        following = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        return self.now.kind == "name" and following == Token("sign", "(")

    # factors that are computed

    def braced(self, start: int) -> Factor:
        self.deeper()
        self.take()
        value = self.sum()
        self.closed("}")
        return Factor(self.written(start + 1)[:-1], value)

    def computed(self, start: int) -> Factor:
        value = self.call()
        return Factor(self.written(start), value)

    def coded(self, start: int) -> Factor:
        """``C(x)``, ``C(x, contrast)``, ``poly(x, 2)`` and splines: a column, then literals."""
        function = self.take().text
        self.deeper()
        self.take()
        first = self.position
        value = self.column() if function == "C" else self.sum()
        argument = self.written(first)
        options = []
        while self.at(","):
            self.take()
            options.append(self.option(function))
        self.closed(")")
        return Factor(self.written(start), value, function, argument, tuple(options))

    def column(self) -> Name:
        if self.now.kind not in ("name", "quoted") or self.called():
            raise self.refusal(f"C() takes a column, not {self.here()}")
        return Name(_unquoted(self.take().text))

    def option(self, function: str) -> str:
        """A literal, ``name=literal``, or a contrast such as ``Treatment("a")``."""
        start = self.position
        if self.now.kind == "name" and self.tokens[self.position + 1] == Token("sign", "="):
            self.position += 2
        if function == "C" and self.now.text in CONTRASTS:
            self.take()
            if self.at("("):
                self.take()
                if not self.at(")"):
                    self.option("")
                self.expect(")")
        elif self.now.kind in ("number", "text"):
            self.take()
        else:
            raise self.refusal(f"{self.here()} is no option of {function or 'a contrast'}")
        return self.written(start)

    # arithmetic

    def sum(self) -> Expression:
        value = self.times()
        while self.at("+", "-") and self.signs():
            value = Operation(self.take().text, (value, self.times()))
        return value

    def times(self) -> Expression:
        value = self.signed()
        while self.at("*", "/") and self.signs():
            value = Operation(self.take().text, (value, self.signed()))
        return value

    def signed(self) -> Expression:
        if not self.at("+", "-"):
            return self.raised()
        self.deeper()
        sign = self.take().text
        value = self.signed()
        self.depth -= 1
        return Operation("-", (value,)) if sign == "-" else value

    def raised(self) -> Expression:
        value = self.atom()
        if not self.at("**", "^"):
            return value
        self.deeper()
        self.signs()
        self.take()
        value = Operation("**", (value, self.signed()))
        self.depth -= 1
        return value

    def signs(self) -> bool:
        """Count the arithmetic, which is evaluated as deep as it is long."""
        self.arithmetic += 1
        if self.arithmetic > MOST_SIGNS:
            raise self.refusal(f"it computes with more than {MOST_SIGNS} signs")
        return True

    def atom(self) -> Expression:
        if self.at("("):
            self.deeper()
            self.take()
            value = self.sum()
            self.closed(")")
            return value
        if self.now.kind == "number":
            return Number(float(self.take().text))
        if self.called():
            return self.call()
        if self.now.kind in ("name", "quoted"):
            return Name(_unquoted(self.take().text))
        raise self.unexpected()

    def call(self) -> Call:
        """A known function of values, or a refusal that names it."""
        name = self.take().text
        known = name.removeprefix("np.")
        allowed = {"I": 1} | dict.fromkeys(OVER_ROWS, 1) if known == name else {}
        allowed |= dict.fromkeys(ELEMENTWISE, 1) | dict.fromkeys(PAIRED, 2)
        if known not in allowed:
            like = close_names(name, allowed)
            raise self.refusal(
                f"{name}() is no function of a formula{'.' * bool(like)}{like}",
                f"Known are I, C, {', '.join((*OVER_ROWS, *CODED[1:]))}, "
                f"{', '.join((*ELEMENTWISE, *PAIRED))}; compute anything else as a column first.",
            )
        self.deeper()
        self.take()
        arguments = [self.sum()]
        while self.at(","):
            self.take()
            arguments.append(self.sum())
        self.closed(")")
        if len(arguments) != allowed[known]:
            raise self.refusal(f"{name}() takes {allowed[known]} argument(s), not {len(arguments)}")
        return Call(known, tuple(arguments))


def _unquoted(text: str) -> str:
    return text.strip("`")


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]}...")


def _spaced(tokens: list[Token]) -> str:
    """Write tokens with one space around signs between two values, and after a comma."""
    out = ""
    for k, token in enumerate(tokens):
        before = tokens[k - 1] if k else None
        value_before = before is not None and (before.kind != "sign" or before.text in ")}")
        if token.text in ("+", "-", "*", "/", "**", "^") and value_before:
            out += f" {token.text} "
        else:
            text = repr(token.text[1:-1]) if token.kind == "text" else _unquoted(token.text)
            out += ", " if text == "," else text
    return out
