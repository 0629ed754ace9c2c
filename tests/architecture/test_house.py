"""The house: no circles, imports in sight, no heaps, contracts instead of probing, thin facades."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from textwrap import indent

import pytest

from cte_metrics.results.base import Result
from tests.architecture.source import MODULES, Module

MOST_MODULES = 24
LAZY_ROOMS = ("cli/", "report/")
LAZY_METHODS = {("results/base.py", "plot"), ("results/base.py", "to_svg")}
# Things that users hand in, of types that are not ours; anything else has a contract to rely on.
FOREIGN = {"data", "cov", "mean", "tree"}
STATEMENTS = 2  # a value and the answer
GATHERINGS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
COMPUTING = (
    ast.BinOp, ast.AugAssign, ast.NamedExpr, ast.For, ast.While, ast.With, ast.Try, ast.Lambda,
    ast.FunctionDef, ast.Expr,
)  # fmt: skip
FORMULAS = {"np", "numpy", "math", "scipy"}
HOOKS = set(vars(Result))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_circle_among_modules() -> None:
    """Imports for type checkers count, but for the names that a lazy face tells them."""
    graph = {
        m.name: {i.target for i in m.imports if not (i.inside or (m.is_face and i.typing))}
        for m in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_own_modules_are_imported_at_the_top() -> None:
    """``cli`` and ``report`` start fast, results draw on request, faces are lazy."""
    found = {
        f"{m.file}:{i.inside}"
        for m in MODULES
        for i in m.imports
        if i.inside and not m.is_face and not m.file.startswith(LAZY_ROOMS)
    }
    allowed = {f"{file}:{method}" for file, method in LAZY_METHODS}
    assert found - allowed == set()


def test_no_folder_is_a_heap() -> None:
    sizes = Counter(m.file.rpartition("/")[0] for m in MODULES if not m.is_face)
    heaps = {f"{folder}: {n}" for folder, n in sizes.items() if n > MOST_MODULES}
    assert heaps == set()


def test_only_sem_reads_the_inside_of_a_fit() -> None:
    found = {
        f"{m.file}: {ast.unparse(node)}"
        for m in MODULES
        if not m.file.startswith("sem/")
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"_solution", "_request"}
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    assert found == set()


def test_the_engine_relies_on_its_contracts() -> None:
    """``getattr`` with a default and ``hasattr`` ask only what users hand in."""
    found = {
        f"{m.file}: {ast.unparse(node)}"
        for m in MODULES
        if m.file.startswith("sem/")
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (node.func.id == "hasattr" or (node.func.id == "getattr" and len(node.args) == 3))
        and ast.unparse(node.args[0]) not in FOREIGN
    }
    assert found == set()


def test_a_public_method_checks_hands_over_and_returns() -> None:
    """In results: checks, at most one value, the answer, and one owner who computes it."""
    found = {
        f"{module.file}:{kind.name}.{method}"
        for module, kind in results(MODULES)
        for method in thick_methods(module, kind)
    }
    assert found == set()


RESULT = """
import numpy as np
from cte_metrics.errors import check_confidence, one_of
from cte_metrics.room import frames, table_of
def own(values): ...
class Result:
    def _blocks(self): ...
class Mixed:
{method}
class Kind(Mixed, Result):
    def _blocks(self): return [own(table_of(x + 1)) for x in self.rows]
"""


@pytest.mark.parametrize(
    "method",
    [
        "def m(self): return own(self.table)",
        "def m(self): check_confidence(0.9); return frames.m(self.a, self.b)",
        "def m(self): import pandas as pd; a = own(self.a); return pd.Series(a, name='m')",
        "def m(self): return {n: t.copy() for s in self.sections for n, t in s.tables.items()}",
        "def m(self, n):\n  if n < 1: raise ValueError(f'{n}')\n  return own(n)",
        "@cached_property\ndef m(self): return own(self.a) if self.a else self.b",
    ],
)
def test_thin_methods_are_let_through(method: str) -> None:
    assert thick_in(method) == []


@pytest.mark.parametrize(
    "method",
    [
        "def m(self): return own(table_of(self.a))",
        "def m(self): return frames.a(frames.b(self.a))",
        "def m(self): return list(map(own, table_of(self.a)))",
        "def m(self): a = self.a; b = self.b; return own(a, b)",
        "def m(self): self.a.sort(); return self.a",
        "def m(self):\n  if self.a: return own(self.a); self.b\n  return self.c",
        "def m(self): return 2 * self.a",
        "def m(self): return np.sqrt(self.a)",
        "def m(self): return [a for a in [b for b in self.b if b] if a]",
        "def m(self): return own(a := self.a, a.b)",
        "def m(self):\n  if (a := own(self.a)) < 1: raise ValueError\n  return a",
        "def m(self): return sorted(self.a, key=lambda a: own(a))",
        "@cached_property\ndef m(self): return own(table_of(self.a))",
        "async def m(self): return own(table_of(self.a))",
        "def _m(self): return own(self.a)",
    ],
)
def test_thick_methods_are_found(method: str) -> None:
    assert thick_in(method) != []


def thick_in(method: str) -> list[str]:
    module = Module(
        "cte_metrics.kind", "kind.py", ast.parse(RESULT.format(method=indent(method, "    ")))
    )
    return [m for _, kind in results((module,)) for m in thick_methods(module, kind)]


def results(modules: Sequence[Module]) -> Iterator[tuple[Module, ast.ClassDef]]:
    """``Result``, the classes that inherit from it, directly or not, and what they inherit."""
    every = [(module, kind) for module in modules for kind in module.classes]
    bases = {kind.name: {base_name(b) for b in kind.bases} for _, kind in every}
    heirs, names = {"Result"}, set[str]()
    while heirs != names:
        names, heirs = heirs, heirs | {name for name, above in bases.items() if above & heirs}
    inherited = {base for name in names for base in bases[name]}
    return ((m, k) for m, k in every if k.name in names | inherited)


def base_name(base: ast.expr) -> str:
    return ast.unparse(base).partition("[")[0].rpartition(".")[2]


def thick_methods(module: Module, kind: ast.ClassDef) -> Iterator[str]:
    """Public methods that do more, and private ones in which they could hide it."""
    for node in kind.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden = node.name.startswith("_")
            thick = node.name not in HOOKS if hidden else is_thick(node, own_functions(module))
            if thick and not node.name.startswith("__"):
                yield node.name


def is_thick(method: Function, own: set[str]) -> bool:
    work = [node for node in method.body if not is_check(node, own)]
    inside = [node for line in work for node in ast.walk(line)]
    return (
        sum(isinstance(node, ast.stmt) for node in inside) > STATEMENTS
        or sum(isinstance(node, GATHERINGS) for node in inside) > 1
        or any(isinstance(node, COMPUTING) for node in inside)
        or any(isinstance(node, ast.Name) and node.id in FORMULAS for node in inside)
        or len(owners(inside, own - parameters(method))) > 1
    )


def is_check(node: ast.stmt, own: set[str]) -> bool:
    """A docstring, a bare call of an own function, ``if ...: raise``, or a library's import."""
    if isinstance(node, ast.Expr):
        call = node.value
        return isinstance(call, ast.Constant) or (
            isinstance(call, ast.Call) and bool(owners(ast.walk(call.func), own))
        )
    raises = isinstance(node, ast.If) and all(isinstance(line, ast.Raise) for line in node.body)
    keeps = any(isinstance(part, ast.NamedExpr) for part in ast.walk(node))
    return isinstance(node, ast.Import) or (raises and not keeps and not node.orelse)


def owners(nodes: Iterable[ast.AST], own: set[str]) -> set[str]:
    """Own functions named, called or not; in an own module each by its name."""
    seen = list(nodes)
    whole = {id(node.value): ast.unparse(node) for node in seen if isinstance(node, ast.Attribute)}
    return {
        whole.get(id(node), node.id)
        for node in seen
        if isinstance(node, ast.Name) and node.id in own
    }


def parameters(method: Function) -> set[str]:
    return {node.arg for node in ast.walk(method.args) if isinstance(node, ast.arg)}


def own_functions(module: Module) -> set[str]:
    """Functions of the module, and functions and modules of the library that it imports."""
    defined = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)}
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cte_metrics")
        for alias in node.names
        if alias.name.lstrip("_")[0].islower()
    }
    return defined | imported
