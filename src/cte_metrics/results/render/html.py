"""Blocks as an HTML fragment; every text is escaped.

Functions: ``to_html``, ``html_table``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from cte_metrics.results.render.blocks import MAX_ROWS, Block, grid

STYLE = (
    "<style>.cte-result td,.cte-result th{padding:.15em .6em;text-align:right}"
    ".cte-result tbody th,.cte-result th:first-child{text-align:left}</style>"
)


def to_html(title: str, status: str, blocks: Sequence[Block], notes: Sequence[str]) -> str:
    """Lay blocks out as an HTML fragment; every text is escaped."""
    parts = ['<div class="cte-result">', STYLE, f"<h4>{html.escape(title)}</h4>"]
    if status:
        parts.append(f"<p><strong>{html.escape(status)}</strong></p>")
    for block in blocks:
        if block.title:
            parts.append(f"<h5>{html.escape(block.title)}</h5>")
        parts.append(html_table(block.rows))
    if notes:
        parts.append("<ul>" + "".join(f"<li>{html.escape(n)}</li>" for n in notes) + "</ul>")
    return "".join([*parts, "</div>"])


def html_table(rows: Any, most: int | None = MAX_ROWS) -> str:
    """Lay a frame or label-value pairs out as an HTML table; every text is escaped."""
    header, body, hidden = grid(rows, most)
    head = ""
    if header:
        head = "<thead><tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in header)
        head += "</tr></thead>"
    lines = "".join(_html_row(line) for line in body)
    more = f"<caption>{hidden} more rows not shown</caption>" if hidden else ""
    return f"<table>{more}{head}<tbody>{lines}</tbody></table>"


def _html_row(line: list[str]) -> str:
    first = f"<th scope='row'>{html.escape(line[0])}</th>"
    return "<tr>" + first + "".join(f"<td>{html.escape(c)}</td>" for c in line[1:]) + "</tr>"
