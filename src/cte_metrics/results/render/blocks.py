"""Text and HTML from one source: a list of blocks of rows.

Functions: ``to_text``, ``to_html``, ``cell``, ``jsonable``.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    Rows = pd.DataFrame | Sequence[tuple[str, Any]]

MAX_ROWS = 60
STYLE = (
    "<style>.cte-result td,.cte-result th{padding:.15em .6em;text-align:right}"
    ".cte-result tbody th,.cte-result th:first-child{text-align:left}</style>"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A titled part of a summary: a data frame, or pairs of label and value."""

    title: str
    rows: Any


def cell(value: Any) -> str:
    """Format one value for people: three decimals, whole numbers whole, nan as a dash.

    Examples
    --------
    >>> cell(0.12345), cell(3), cell(float("nan")), cell(0.00001), cell(None)
    ('0.123', '3', '-', '1.00e-05', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value)}"
    if isinstance(value, float | np.floating):
        return _number(float(value))
    if isinstance(value, tuple | list):
        return ", ".join(cell(v) for v in value)
    text = str(value)
    return "-" if text in ("nan", "<NA>", "NaT") else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value != 0 and (abs(value) < 0.0005 or abs(value) >= 1e6):
        return f"{value:.2e}"
    return f"{value:.3f}"


def _frame(rows: Any, most: int | None) -> tuple[list[str], list[list[str]], int]:
    """Return header, body and the number of rows that were left out."""
    shown = rows.iloc[:most]
    index = shown.index.to_frame(index=False)
    unnamed = shown.index.nlevels == 1 and shown.index.name is None
    plain = unnamed and shown.index.dtype.kind in "iu"
    names = [] if plain else ["" if n is None or n == 0 else str(n) for n in shown.index.names]
    header = [*names, *(_column(c) for c in shown.columns)]
    # column by column: DataFrame.itertuples would turn whole numbers into floats
    left = [] if plain else [index.iloc[:, j].tolist() for j in range(index.shape[1])]
    columns = [*left, *(shown.iloc[:, j].tolist() for j in range(shown.shape[1]))]
    body = [[cell(v) for v in row] for row in zip(*columns, strict=True)]
    return header, body, len(rows) - len(shown)


def _column(name: Any) -> str:
    return " ".join(str(n) for n in name) if isinstance(name, tuple) else str(name)


def _grid(rows: Any, most: int | None = MAX_ROWS) -> tuple[list[str], list[list[str]], int]:
    if hasattr(rows, "itertuples"):
        return _frame(rows, most)
    if hasattr(rows, "to_frame"):
        return _frame(rows.to_frame(), most)
    return [], [[str(label), cell(value)] for label, value in rows], 0


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
    header, body, hidden = _grid(rows)
    lines = [header, *body] if header else body
    if not lines:
        return ["(empty)"]
    widths = [max(len(line[j]) for line in lines) for j in range(len(lines[0]))]
    out = [_text_row(line, widths) for line in lines]
    return [*out, f"... and {hidden} more rows"] if hidden else out


def _text_row(line: list[str], widths: list[int]) -> str:
    first = line[0].ljust(widths[0])
    return "  ".join([first, *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])


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
    header, body, hidden = _grid(rows, most)
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


def jsonable(value: Any) -> Any:
    """Turn a result's parts into what ``json.dumps`` takes; nan and infinity become ``None``.

    Examples
    --------
    >>> jsonable({"a": np.array([1.0, np.nan]), 2: (np.int64(3), True)})
    {'a': [1.0, None], '2': [3, True]}
    """
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(k): jsonable(v) for k, v in value.items()}
    return _jsonable_object(value)


def _key(key: Any) -> str:
    return " | ".join(str(k) for k in key) if isinstance(key, tuple) else str(key)


def _jsonable_object(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "provenance"):
        return value.to_dict()
    if hasattr(value, "itertuples"):
        named = any(n is not None for n in value.index.names)
        frame = value.reset_index() if named or value.index.dtype.kind not in "iu" else value
        return {_key(c): jsonable(frame.iloc[:, j].tolist()) for j, c in enumerate(frame.columns)}
    if hasattr(value, "to_frame") and hasattr(value, "index"):
        return {_key(k): jsonable(v) for k, v in zip(value.index, value.tolist(), strict=True)}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, set | frozenset):
        return [jsonable(v) for v in sorted(value, key=str)]
    if isinstance(value, tuple | list | range):
        return [jsonable(v) for v in value]
    return None if str(value) in ("<NA>", "NaT") else str(value)
