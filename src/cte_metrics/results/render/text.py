"""Blocks as plain text.

Functions: ``to_text``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cte_metrics.results.render.blocks import Block, grid


def to_text(title: str, status: str, blocks: Sequence[Block], notes: Sequence[str]) -> str:
    """Lay blocks out as plain text.

    Examples
    --------
    >>> print(to_text("Alpha", "", [Block("", [("alpha", 0.8)])], ["3 rows dropped"]))
    Alpha
    =====
    alpha  0.800
    <BLANKLINE>
    Note: 3 rows dropped
    """
    parts = [title, "=" * len(title)]
    if status:
        parts += [status, ""]
    for block in blocks:
        if block.title:
            parts += [block.title, "-" * len(block.title)]
        parts += [*_text_rows(block.rows), ""]
    parts += [f"Note: {n}" for n in notes]
    return "\n".join(parts).rstrip()


def _text_rows(rows: Any) -> list[str]:
    header, body, hidden = grid(rows)
    lines = [header, *body] if header else body
    if not lines:
        return ["(empty)"]
    widths = [max(len(line[j]) for line in lines) for j in range(len(lines[0]))]
    out = [_text_row(line, widths) for line in lines]
    return [*out, f"... and {hidden} more rows"] if hidden else out


def _text_row(line: list[str], widths: list[int]) -> str:
    first = line[0].ljust(widths[0])
    return "  ".join([first, *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
