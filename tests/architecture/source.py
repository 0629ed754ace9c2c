"""The library's modules as syntax trees: what the tests of the house read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cte_metrics

PACKAGE = "cte_metrics"
ROOT = Path(cte_metrics.__file__).parent


@dataclass(frozen=True)
class Import:
    """An own module that another one imports.

    ``inside`` names the function where it does; ``typing`` says that only type checkers see it.
    """

    target: str
    inside: str | None
    typing: bool


@dataclass(frozen=True)
class Module:
    """A module: its dotted name, its file below the package, its tree."""

    name: str
    file: str
    tree: ast.Module

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Own modules imported anywhere, those for type checkers included."""
        return tuple(
            Import(target, inside, typing)
            for node, inside, typing in _with_place(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for target in self._targets(node)
        )

    def _targets(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [f"{self._origin(node)}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == PACKAGE:
                yield name if name in NAMES else name.rpartition(".")[0]

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        up = self.name.split(".") if self.is_face else self.name.split(".")[:-1]
        return ".".join([*up[: len(up) - node.level + 1], *filter(None, [node.module])])

    @property
    def is_face(self) -> bool:
        """Whether the module is a package's ``__init__``."""
        return self.file.endswith("__init__.py")

    @property
    def classes(self) -> Iterator[ast.ClassDef]:
        """Classes of the module's top level."""
        return (node for node in self.tree.body if isinstance(node, ast.ClassDef))


Place = tuple[ast.AST, str | None, bool]


def _with_place(tree: ast.AST, inside: str | None = None, typing: bool = False) -> Iterator[Place]:
    for node in ast.iter_child_nodes(tree):
        yield node, inside, typing
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        function = node.name if is_function and not inside else inside
        guarded = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        yield from _with_place(node, function, typing or guarded)


def _dotted(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(ROOT.rglob("*.py"))
NAMES = {_dotted(path) for path in FILES}
MODULES = tuple(
    Module(_dotted(path), path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8")))
    for path in FILES
)
