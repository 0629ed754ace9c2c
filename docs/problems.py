"""Problems that users of other tools reported, as the tests name them: one page shows them all.

A test decorated by ``@pytest.mark.problem(where, said, here)`` holds the right answer to a problem:
``where`` it was reported, what was ``said``, what happens ``here``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """A line of the table and the test that holds it."""

    room: str
    said: str
    here: str
    where: str
    test: str


def problems(tests: Path) -> list[Problem]:
    """Return the problems of every test file below ``tests``, by room."""
    files = sorted(tests.rglob("test_*.py"))
    return sorted(problem for file in files for problem in _of_file(file, tests))


def _of_file(file: Path, tests: Path) -> Iterator[Problem]:
    text = file.read_text("utf-8")
    if "mark.problem(" not in text:
        return
    place = file.relative_to(tests)
    for node in ast.walk(ast.parse(text)):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.problem":
                where, said, here = (ast.literal_eval(argument) for argument in mark.args)
                room = place.parts[0] if len(place.parts) > 1 else "whole library"
                yield Problem(room, said, here, where, f"{place}::{node.name}")


def page(tests: Path) -> str:
    """Return one table a room, as Markdown."""
    parts = []
    for room, lines in groupby(problems(tests), key=lambda problem: problem.room):
        rows = [f"| {_cell(p.said)} | {_cell(p.here)} | {_cell(p.where)} |" for p in lines]
        head = ["| reported | here | by users of |", "|---|---|---|"]
        parts.append("\n".join([f"## {room.capitalize()}", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
