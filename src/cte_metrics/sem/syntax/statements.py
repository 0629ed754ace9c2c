"""Model text cut into statements, one operator each.

Functions: ``statements``, ``operator_at``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cte_metrics.errors import ModelSyntaxError
from cte_metrics.sem.syntax.tokens import Token, syntax_error

FORMULAS = ("=~", "<~", "~*~", "~~", "~", "|", "%")
CONSTRAINTS = ("==", "<", ">", ":=", "<=", ">=")
BLOCKS = ("group", "level", "block", "class")
OPERATORS = frozenset((*FORMULAS, *CONSTRAINTS, "="))


def statements(text: str, tokens: list[Token]) -> list[list[Token]]:
    """Join the lines that belong to one statement."""
    statements: list[list[Token]] = []
    prefix: list[Token] = []
    for line in _lines(tokens):
        at = operator_at(line)
        if at is not None and line[at].text == ":" and _awaits_term(statements) and not prefix:
            statements[-1].extend(line)
        elif at is not None:
            statements.append(prefix + line)
            prefix = []
        elif any(t.text == "efa" for t in line):
            prefix = prefix + line
        elif statements and not prefix:
            statements[-1].extend(line)
        else:
            raise _no_operator(text, line)
    if prefix:
        raise _no_operator(text, prefix)
    return statements


def _awaits_term(statements: Sequence[Sequence[Token]]) -> bool:
    """Whether the last line ended in ``+`` or ``*``, so that ``x1:x2`` continues it."""
    return bool(statements) and statements[-1][-1].text in ("+", "*")


def _no_operator(text: str, line: list[Token]) -> ModelSyntaxError:
    return syntax_error(
        text,
        line[0].start,
        "no operator in this statement",
        hint="Operators are =~ (measured by), ~ (regressed on), ~~ (covaries with), | and ~1.",
    )


def _lines(tokens: list[Token]) -> list[list[Token]]:
    """Cut at line breaks outside brackets."""
    lines: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "op":
            depth += (token.text == "(") - (token.text == ")")
        if token.kind == "newline" and depth <= 0:
            lines.append([])
            depth = 0
        elif token.kind not in ("newline", "end"):
            lines[-1].append(token)
    return [line for line in lines if line]


def operator_at(line: Sequence[Token]) -> int | None:
    """Index of the first operator outside brackets; ``:`` counts after the first word only."""
    depth = 0
    for i, token in enumerate(line):
        if token.kind != "op":
            continue
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and (
            token.text in OPERATORS
            or token.text in ("|", "%")
            or (token.text == ":" and i == 1 and _opens_block(line))
        ):
            return i
    return None


def _opens_block(line: Sequence[Token]) -> bool:
    """Whether ``word : ...`` is a block, or resembles one, rather than a product ``x:z``."""
    return line[0].text.lower() in BLOCKS or len(line) <= 3
