"""lavaan's model syntax, read into rows.

A model text is statements ``lhs operator rhs`` with the operators ``=~`` (measured by), ``~``
(regressed on), ``~~`` (covaries with), ``~1`` (intercept), ``|`` (thresholds), ``~*~`` (scaling
factor), ``<~`` (formed by), the constraints ``== < > :=`` and the blocks ``group:`` and
``level:``. A term may carry modifiers: ``0.5*x``, ``NA*x``, ``start(.8)*x``, ``label*x``,
``equal("f=~x1")*x``, ``c(a, b)*x`` (one value a group), ``efa("block")*f``. ``x1:x2`` is the
product of two observed variables, as they stand.

Functions: ``parse_model``.

References
----------
Rosseel, Y. (2012). lavaan: An R package for structural equation modeling. Journal of Statistical
Software, 48(2), 1-36.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import lru_cache

from cte_metrics.errors import ModelSyntaxError, close_names
from cte_metrics.sem.syntax.expressions import parse_expression
from cte_metrics.sem.syntax.modifiers import Modifier, read_modifier
from cte_metrics.sem.syntax.parsed import Block, Constraint, ParsedModel, Row
from cte_metrics.sem.syntax.statements import (
    BLOCKS,
    CONSTRAINTS,
    OPERATORS,
    operator_at,
    statements,
)
from cte_metrics.sem.syntax.tokens import Token, syntax_error, tokenize
from cte_metrics.sem.syntax.variables import variable_names

__all__ = ["Block", "Constraint", "ParsedModel", "Row", "parse_model"]

_THRESHOLD = re.compile("t[1-9][0-9]*")
_RESERVED = frozenset(("NA", "TRUE", "FALSE", "NULL", "Inf", "NaN"))


@lru_cache(maxsize=512)
def parse_model(text: str) -> ParsedModel:
    """Read a model text.

    Parameters
    ----------
    text : str
        The model. Statements end at a line break or ``;``; a line without an operator continues
        the one before; ``#`` and ``!`` begin a comment; names with other characters than letters,
        digits, ``.`` and ``_`` stand in backquotes.

    Returns
    -------
    ParsedModel

    Raises
    ------
    ModelSyntaxError
        With the line and a caret under the token that cannot be read.

    Examples
    --------
    >>> model = parse_model("f =~ x1 + 0.5*x2; f ~~ 1*f")
    >>> [(r.lhs, r.op, r.rhs) for r in model.rows]
    [('f', '=~', 'x1'), ('f', '=~', 'x2'), ('f', '~~', 'f')]
    >>> model.rows[1].modifier.fixed
    (0.5,)
    """
    if not isinstance(text, str) or not text.strip():
        raise ModelSyntaxError("The model text is empty.", hint='For example "f =~ x1 + x2 + x3".')
    reader = _Reader(text)
    for statement in statements(text, tokenize(text)):
        reader.read(statement)
    if not reader.rows:
        raise ModelSyntaxError(
            "The model text holds no relation between variables.",
            hint='For example "f =~ x1 + x2 + x3".',
        )
    return reader.finish()


class _Reader:
    """Collects rows, constraints and blocks statement by statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rows: list[Row] = []
        self.constraints: list[Constraint] = []
        self.blocks: list[Block] = [Block()]
        self.in_block = False
        self.seen: set[tuple[str, str, str, int]] = set()
        self.products: dict[str, Token] = {}

    def fail(self, token: Token, problem: str, hint: str | None = None) -> ModelSyntaxError:
        return syntax_error(self.text, token.start, problem, hint=hint)

    def read(self, tokens: list[Token]) -> None:
        at = operator_at(tokens) or 0
        sign = tokens[at]
        lhs, rhs = tokens[:at], tokens[at + 1 :]
        if sign.text == "=":
            raise self.fail(sign, "'=' is not an operator", "Write '==', '=~' or ':='.")
        if not lhs:
            raise self.fail(sign, f"nothing stands before {sign.text!r}")
        if not rhs:
            raise self.fail(sign, f"nothing stands after {sign.text!r}")
        if sign.text == ":":
            self.block(lhs, rhs)
        elif sign.text in CONSTRAINTS:
            self.constraint(lhs, sign, rhs)
        else:
            self.formula(lhs, sign, rhs)

    def block(self, lhs: list[Token], rhs: list[Token]) -> None:
        kind = lhs[0].text.lower()
        if kind not in BLOCKS:
            raise self.fail(
                lhs[0],
                f"{lhs[0].text!r} is not a block; blocks are 'group:' and 'level:'."
                f"{close_names(kind, BLOCKS)}",
            )
        if kind in ("block", "class"):
            raise self.fail(lhs[0], f"'{kind}:' blocks are not available; use 'group:' or 'level:'")
        value, last = self._identifier(rhs), self.blocks[-1]
        if kind == "group" and last.level is not None and last.group is None:
            raise self.fail(lhs[0], "levels belong inside groups, not groups inside levels")
        new = Block(group=value) if kind == "group" else Block(group=last.group, level=value)
        if not self.in_block and not any(r.block == 0 for r in self.rows):
            self.blocks = [new]
        else:
            self.blocks.append(new)
        self.in_block = True

    def _identifier(self, tokens: list[Token]) -> str:
        """The group or level named after the colon: the rest of the line as it stands."""
        if len(tokens) == 1:
            return tokens[0].text
        return self.text[tokens[0].start : _end(tokens)].strip("\"'` ")

    def constraint(self, lhs: list[Token], sign: Token, rhs: list[Token]) -> None:
        for side in (lhs, rhs):
            again = operator_at(side)
            if again is not None:
                raise self.fail(
                    side[again], f"a second operator {side[again].text!r} in one statement"
                )
            self._check_expression(side)
        if sign.text == ":=" and (len(lhs) != 1 or lhs[0].kind != "name"):
            raise self.fail(lhs[0], "':=' defines one new label", "For example: total := a + b")
        op = sign.text[0] if sign.text in ("<=", ">=") else sign.text
        self.constraints.append(Constraint(_joined(lhs), op, _joined(rhs)))

    def _check_expression(self, side: list[Token]) -> None:
        part = self.text[side[0].start : _end(side)]
        try:
            parse_expression(_joined(side))
        except ModelSyntaxError as error:
            reason = str(error.problem).split("\n")[0].split(": ", 1)[-1]
            raise self.fail(side[0], f"in the expression {part.strip()!r}: {reason}") from None

    def formula(self, lhs: list[Token], sign: Token, rhs: list[Token]) -> None:
        left = self.terms(lhs, sign.text, left=True)
        right = self.terms(rhs, sign.text, left=False)
        for name, efa, _ in left:
            for other, modifier, place in right:
                self.row(name, sign.text, other, _merged(efa, modifier), place)

    def terms(
        self, tokens: list[Token], op: str, *, left: bool
    ) -> list[tuple[str, Modifier | None, Token]]:
        """Variables of one side with their modifiers; repeated variables are merged."""
        found: dict[str, tuple[str, Modifier | None, Token]] = {}
        for term in self._split_terms(tokens):
            name, modifier = self.term(term, op, left=left)
            before = found.get(name)
            if before is not None:
                modifier = _merged(before[1], modifier)
            found[name] = (name, modifier, term[-1])
        return list(found.values())

    def _split_terms(self, tokens: list[Token]) -> list[list[Token]]:
        terms: list[list[Token]] = [[]]
        depth = 0
        for token in tokens[1:] if tokens[0].text == "+" and len(tokens) > 1 else tokens:
            if token.kind == "op":
                depth += (token.text == "(") - (token.text == ")")
                if depth < 0:
                    raise self.fail(token, "this ')' closes nothing")
                if token.text == "+" and depth == 0:
                    if not terms[-1]:
                        raise self.fail(token, "a variable is missing before this '+'")
                    terms.append([])
                    continue
                if depth == 0 and token.text in OPERATORS:
                    raise self.fail(
                        token,
                        f"a second operator {token.text!r} in one statement",
                        "Each statement stands on a line of its own.",
                    )
            terms[-1].append(token)
        if not terms[-1]:
            plus = next(t for t in reversed(tokens) if t.text == "+")
            raise self.fail(plus, "a variable is missing after this '+'")
        if depth:
            opened = next(t for t in reversed(tokens) if t.text == "(")
            raise self.fail(opened, "this '(' is never closed")
        return terms

    def term(self, tokens: list[Token], op: str, *, left: bool) -> tuple[str, Modifier | None]:
        """One term: ``modifier*...*variable``."""
        parts, variable = _split_modifiers(tokens)
        if not variable:
            raise self.fail(tokens[-1], f"a variable is missing after {tokens[-1].text!r}")
        modifier: Modifier | None = None
        for part, is_start in parts:
            if not part:
                raise self.fail(tokens[0], "a modifier is missing before '*'")
            modifier = _merged(modifier, read_modifier(self.text, part, as_start=is_start))
        name, fixed = self.variable(variable, op, left=left)
        if fixed is not None:
            modifier = _merged(modifier, Modifier(fixed=(fixed,)))
        if left and modifier is not None and modifier.efa is None:
            raise self.fail(tokens[0], "modifiers stand on the right-hand side")
        return name, modifier

    def variable(self, tokens: list[Token], op: str, *, left: bool) -> tuple[str, float | None]:
        first = tokens[0]
        if len(tokens) > 1 and tokens[1].text == ":":
            return self.product(tokens), None
        if len(tokens) > 1:
            problem = f"did not expect {tokens[1].text!r} here"
            hint = "Terms are joined by '+', modifiers by '*'."
            raise self.fail(tokens[1], problem, hint)
        if first.kind == "number" and not left:
            return self.constant(first, op)
        if first.kind != "name":
            raise self.fail(first, f"expected the name of a variable, found {first.text!r}")
        if first.text in _RESERVED:
            raise self.fail(first, f"{first.text!r} is not the name of a variable")
        return first.text, None

    def product(self, tokens: list[Token]) -> str:
        """``x1:x2``, the product of observed variables."""
        names, signs = tokens[::2], tokens[1::2]
        odd = next((t for t in names if t.kind != "name" or t.text in _RESERVED), None)
        odd = odd or next((t for t in signs if t.text != ":"), None)
        if odd is not None or len(names) == len(signs):
            raise self.fail(odd or tokens[-1], "a product is written x1:x2, of variables")
        name = ":".join(t.text for t in names)
        self.products.setdefault(name, tokens[1])
        return name

    def refuse_latent_products(self) -> None:
        latent = {r.lhs for r in self.rows if r.op in ("=~", "<~")}
        for name, token in self.products.items():
            inside = [v for v in name.split(":") if v in latent]
            if inside:
                raise self.fail(
                    token,
                    f"the product {name!r} has the latent variable {inside[0]!r}",
                    "Products are of observed variables; interactions of latent variables are "
                    "not available.",
                )

    def constant(self, token: Token, op: str) -> tuple[str, float | None]:
        """``y ~ 1`` is an intercept, ``y ~ 0`` one fixed at 0, ``f =~ 0`` no indicator."""
        value = float(token.text)
        if op == "~" and value in (0.0, 1.0):
            return "", 0.0 if value == 0.0 else None
        if op == "=~" and value == 0.0:
            return "", 0.0
        raise self.fail(
            token,
            f"the number {token.text} is not a variable",
            f"Fixed values are written {token.text}*x; an intercept is 'y ~ 1'.",
        )

    def row(self, lhs: str, op: str, rhs: str, modifier: Modifier | None, token: Token) -> None:
        if op == "~" and rhs == "":
            op = "~1"
        if op == "=~" and rhs == "":
            rhs = lhs
        elif op == "=~" and lhs == rhs:
            raise self.fail(token, f"the factor {lhs!r} cannot be measured by itself")
        if op == "|" and not _THRESHOLD.fullmatch(rhs):
            problem = f"{rhs!r} is not a threshold"
            raise self.fail(token, problem, f"Thresholds are t1, t2, ...: '{lhs} | t1 + t2'.")
        if op == "~*~" and lhs != rhs:
            raise self.fail(token, f"the scaling factor of {lhs!r} is written {lhs} ~*~ {lhs}")
        block = len(self.blocks) - 1
        key = (lhs, op, rhs, block)
        if key in self.seen or (op == "~~" and (rhs, op, lhs, block) in self.seen):
            raise self.fail(token, f"{lhs} {op} {rhs} stands twice in the model".replace(" ~1", ""))
        self.seen.add(key)
        self.rows.append(Row(lhs, op, rhs, block, modifier))

    def finish(self) -> ParsedModel:
        self.refuse_latent_products()
        rows = _merge_blocks(self.rows, self.blocks)
        blocks = tuple(dict.fromkeys(self.blocks[r.block] for r in self.rows))
        if not self.in_block:
            blocks = (Block(),)
        return ParsedModel(_ordered(rows), tuple(self.constraints), blocks, self.text)


def _merge_blocks(rows: list[Row], blocks: list[Block]) -> list[Row]:
    """Number the blocks that hold rows, giving the same number to a block opened twice."""
    order = list(dict.fromkeys(blocks[r.block] for r in rows))
    return [replace(r, block=order.index(blocks[r.block])) for r in rows]


def _ordered(rows: list[Row]) -> tuple[Row, ...]:
    """Put latent before observed, and earlier before later, in every covariance."""
    if not any(r.op == "~~" and r.lhs != r.rhs for r in rows):
        return tuple(rows)
    latent: dict[str, None] = {}
    observed: dict[str, None] = {}
    for block in range(rows[-1].block + 1):
        part = [r for r in rows if r.block == block]
        names = variable_names(
            [r.lhs for r in part], [r.op for r in part], [r.rhs for r in part], [1] * len(part)
        )
        latent.update(dict.fromkeys(names.lv))
        observed.update(dict.fromkeys(names.ov))
    place = {name: i for i, name in enumerate(dict.fromkeys((*latent, *observed)))}
    return tuple(
        replace(r, lhs=r.rhs, rhs=r.lhs) if r.op == "~~" and place[r.lhs] > place[r.rhs] else r
        for r in rows
    )


def _split_modifiers(tokens: list[Token]) -> tuple[list[tuple[list[Token], bool]], list[Token]]:
    """Modifiers (their tokens, and whether they end in ``?``) and the variable of a term."""
    parts: list[tuple[list[Token], bool]] = []
    current: list[Token] = []
    depth = 0
    for token in tokens:
        if token.kind == "op":
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and token.text in ("*", "?"):
                parts.append((current, token.text == "?"))
                current = []
                continue
        current.append(token)
    return parts, current


def _merged(first: Modifier | None, second: Modifier | None) -> Modifier | None:
    """Both modifiers of one variable; the first wins where both speak."""
    if first is None or second is None:
        return first or second
    values = {
        f.name: getattr(first, f.name)
        if getattr(first, f.name) is not None
        else getattr(second, f.name)
        for f in fields(Modifier)
    }
    return Modifier(**values)


def _joined(tokens: list[Token]) -> str:
    return "".join(t.text for t in tokens)


def _end(tokens: list[Token]) -> int:
    return tokens[-1].start + len(tokens[-1].text)
