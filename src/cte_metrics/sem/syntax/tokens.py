"""Tokens of model text, and errors that point at one of them.

Functions: ``tokenize``, ``syntax_error``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cte_metrics.errors import ModelSyntaxError


class Token(NamedTuple):
    """One word, number or sign of a model text.

    ``kind`` is ``number``, ``name``, ``string``, ``op``, ``newline`` or ``end``; ``start`` is the
    position in the text.
    """

    kind: str
    text: str
    start: int


_PATTERN = re.compile(
    r"""(?P<space>[ \t\r\f\v\u00a0]+)
    |(?P<comment>[#!][^\n]*)
    |(?P<newline>[\n;])
    |(?P<string>"[^"\n]*"|'[^'\n]*')
    |(?P<quoted>`[^`\n]+`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>(?:[^\W\d]|\.(?!\d))[\w.]*)
    |(?P<op>~\*~|=~|<~|~~|:=|==|<=|>=|[~<>:|%+\-*/^(),?=])""",
    re.VERBOSE,
)
_LOOKALIKES = str.maketrans({"\u02dc": "~", "\u223c": "~", "\u2212": "-", "\u2013": "-"})
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})


def tokenize(text: str) -> list[Token]:
    """Cut a model text into tokens; blanks and comments vanish.

    Examples
    --------
    >>> [t.text for t in tokenize("f =~ x1 + 0.5*x2  # loadings")]
    ['f', '=~', 'x1', '+', '0.5', '*', 'x2', '']
    """
    clean = text.translate(_LOOKALIKES).translate(_QUOTES)
    tokens: list[Token] = []
    position = 0
    while position < len(clean):
        match = _PATTERN.match(clean, position)
        if match is None:
            raise syntax_error(
                text,
                position,
                f"the character {text[position]!r} has no meaning in a model",
                hint="Names hold letters, digits, '.' and '_'; put any other name in backquotes.",
            )
        _append(tokens, match, text)
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _append(tokens: list[Token], match: re.Match[str], text: str) -> None:
    kind, value, start = str(match.lastgroup), match.group(), match.start()
    if kind in ("space", "comment"):
        return
    last = tokens[-1] if tokens else None
    if kind == "name" and last and last.kind == "number" and last.start + len(last.text) == start:
        raise syntax_error(
            text,
            last.start,
            f"the name {last.text + value!r} begins with a digit",
            hint=f"Write it in backquotes: `{last.text + value}`.",
        )
    if kind == "quoted":
        kind, value = "name", value[1:-1]
    elif kind == "string":
        value = value[1:-1]
    tokens.append(Token(kind, value, start))


def syntax_error(
    text: str, position: int, problem: str, *, hint: str | None = None
) -> ModelSyntaxError:
    """Build the error that shows the line and marks the position with a caret."""
    begin = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[begin : len(text) if end < 0 else end].expandtabs(1)
    number = text.count("\n", 0, position) + 1
    marked = f"    {line}\n    {' ' * (position - begin)}^"
    return ModelSyntaxError(f"Model line {number}: {problem}\n{marked}", hint=hint)
