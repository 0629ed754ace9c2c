"""The house: no circles, imports in sight, no heaps, contracts instead of probing, thin facades."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source import MODULES, Module

MOST_MODULES = 24
LAZY_ROOMS = ("cli/", "report/")
LAZY_METHODS = {("results/base.py", "plot"), ("results/base.py", "to_svg")}
# Things that users hand in, of types that are not ours; anything else has a contract to rely on.
FOREIGN = {"data", "cov", "mean", "tree"}
STATEMENTS = 2  # a value and the answer


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
        f"{module.file}:{kind.name}.{method.name}"
        for module, kind in results()
        for method in public_methods(kind)
        if computes_itself(method) or len(owners(method, module)) > 1
    }
    assert found == set()


def results() -> Iterator[tuple[Module, ast.ClassDef]]:
    """Classes that inherit from ``Result``, directly or not."""
    every = [(module, kind) for module in MODULES for kind in module.classes]
    names = {"Result"}
    for _ in every:
        more = {k.name for _, k in every if names & {base_name(b) for b in k.bases}}
        if more <= names:
            break
        names |= more
    return ((m, k) for m, k in every if k.name in names - {"Result"})


def base_name(base: ast.expr) -> str:
    return ast.unparse(base).partition("[")[0].rpartition(".")[2]


def public_methods(kind: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    methods = (node for node in kind.body if isinstance(node, ast.FunctionDef))
    return (m for m in methods if not m.name.startswith("_"))


def work(method: ast.FunctionDef) -> list[ast.stmt]:
    """The statements that are neither docstring, nor check, nor import of another library."""
    return [node for node in method.body if not is_check(node)]


def is_check(node: ast.stmt) -> bool:
    """A bare call or a docstring, ``if ...: raise``, or an import."""
    raises = isinstance(node, ast.If) and all(isinstance(line, ast.Raise) for line in node.body)
    return (raises and not node.orelse) or isinstance(node, ast.Expr | ast.Import)


def computes_itself(method: ast.FunctionDef) -> bool:
    return len(work(method)) > STATEMENTS


def owners(method: ast.FunctionDef, module: Module) -> set[str]:
    """Own functions called for the answer."""
    return {
        node.func.id
        for line in work(method)
        for node in ast.walk(line)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in own_functions(module)
    }


def own_functions(module: Module) -> set[str]:
    defined = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)}
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cte_metrics")
        for alias in node.names
        if alias.name[0].islower()
    }
    return defined | imported
