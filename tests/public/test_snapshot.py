"""A snapshot of every public name and signature: a change of the surface is seen, and meant.

To accept a change: ``python -m tests.public.test_snapshot`` writes ``surface.txt`` anew.
"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import cte_metrics as cte

SNAPSHOT = Path(__file__).parent / "surface.txt"
PACKAGES = ("aggregation", "factor", "planning", "quality", "reliability", "scoring", "sem")


def surface() -> str:
    """Return one line a public name, with arguments or fields."""
    lines = [_line(name, getattr(cte, name)) for name in sorted(dir(cte)) if name not in PACKAGES]
    for package in PACKAGES:
        room = getattr(cte, package)
        lines += [_line(f"{package}.{name}", getattr(room, name)) for name in sorted(dir(room))]
    return "\n".join(lines) + "\n"


def _line(name: str, value: Any) -> str:
    if inspect.isclass(value):
        return f"{name}: {_members(value)}"
    return f"{name}{_arguments(value)}" if callable(value) else name


def _arguments(function: Any) -> str:
    parameters = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(parameters))


def _members(kind: type) -> str:
    if issubclass(kind, Exception):
        return ", ".join(b.__name__ for b in kind.__mro__[1:-1])
    fields = list(getattr(kind, "model_fields", {}))
    if dataclasses.is_dataclass(kind):
        fields = [f.name for f in dataclasses.fields(kind)]
    own = [n for n in vars(kind) if not n.startswith(("_", "model_")) and n not in fields]
    return ", ".join([*sorted(f for f in fields if not f.startswith("_")), *sorted(own)])


def test_the_surface_is_as_recorded() -> None:
    recorded, found = SNAPSHOT.read_text().splitlines(), surface().splitlines()
    gone = [line for line in recorded if line not in found]
    new = [line for line in found if line not in recorded]
    assert (gone, new) == ([], [])


if __name__ == "__main__":
    SNAPSHOT.write_text(surface())
