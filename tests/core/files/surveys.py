"""Small surveys in the forms in which people have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl

import cte_metrics as cte

WORDS = ("Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree")
ITEMS = ("q1", "q2", "q3")
GLOSSES = {"q1": "Sets goals", "q2": "Gives up", "q3": "Asks for help"}


def asked(
    items: tuple[str, ...] = ITEMS,
    labels: Mapping[int, str] | None = None,
    ends: tuple[int, int] = (1, 5),
) -> cte.Instrument:
    """An instrument of a few items; by default none of its answers has a text."""
    return cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(*ends, labels or {}),
        items=[cte.Item(i, GLOSSES.get(i, "")) for i in items],
    )


def labelled(**given: Any) -> cte.Instrument:
    return asked(labels=dict(enumerate(WORDS, 1)), **given)


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def workbook(path: Path, rows: list[list[Any]], *merged: str) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(path)
    return path


def answers(read: cte.Responses) -> list[list[float]]:
    return read.items.to_numpy().tolist()
