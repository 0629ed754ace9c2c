"""Small faults: one operator, constant, comparison, function or statement of a file changed.

Functions: ``mutants_of``, ``mutated``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
FUNCTIONS = {
    a: b
    for one, other in [
        ("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("sum", "mean"),
        ("floor", "ceil"), ("any", "all"), ("triu", "tril"), ("zeros", "ones"), ("sin", "cos"),
        ("fmin", "fmax"), ("nansum", "nanmean"), ("isfinite", "isnan"), ("first", "last"),
    ]
    for a, b in [(one, other), (other, one)]
}  # fmt: skip
# Arguments that change speed, memory or the type of an answer, not its value.
SILENT = {"check_finite", "overwrite_a", "overwrite_b", "dtype", "copy", "optimize", "stacklevel"}


@dataclass(frozen=True, order=True)
class Mutant:
    """A fault: its file and line, the node's place in the walk of the tree, and which change.

    ``statement`` are the first and last line of the statement; ``function`` is the outermost one.
    """

    file: str
    line: int
    place: int
    variant: int
    change: str
    function: str | None
    statement: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.change}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every fault of a file; docstrings, messages, types and decorators are left alone."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped, functions, statements = _skipped(tree), _functions(tree), _statements(tree)
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in skipped or not hasattr(node, "lineno"):
            continue
        for variant, new in enumerate(_changes(node)):
            change = f"{_text(node)} -> {_text(new)}"
            function, lines = functions.get(id(node)), statements[node.lineno]
            yield Mutant(str(path), node.lineno, place, variant, change, function, lines)


def mutated(mutant: Mutant) -> ast.Module:
    """Return the tree of the mutant's file with the fault in it."""
    tree = ast.parse(Path(mutant.file).read_text("utf-8"))
    for place, node in enumerate(ast.walk(tree)):
        if place == mutant.place:
            return _Exchange(node, list(_changes(node))[mutant.variant]).visit(tree)
    raise LookupError(str(mutant))


class _Exchange(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, ast.fix_missing_locations(ast.copy_location(new, old))

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _skipped(tree: ast.Module) -> set[int]:
    """Nodes within types, decorators, messages of errors, docstrings and joined texts."""
    out: set[int] = set()
    for node in ast.walk(tree):
        silent: list[ast.AST | None] = []
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            silent.append(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            silent.append(node)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {
            "__all__",
            "__slots__",
        }:
            silent.append(node)
        silent += getattr(node, "decorator_list", [])
        silent += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        out |= {id(inner) for part in silent if part for inner in ast.walk(part)}
    return out


def _functions(tree: ast.Module) -> dict[int, str]:
    """Outermost function of every node of a body, as ``name`` or ``Class.name``."""
    out: dict[int, str] = {}
    for node in tree.body:
        holds = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in holds:
            if isinstance(function, ast.FunctionDef):
                for line in function.body:
                    out |= {id(n): f"{prefix}{function.name}" for n in ast.walk(line)}
    return out


def _statements(tree: ast.Module) -> dict[int, tuple[int, int]]:
    """First and last line of the innermost statement of every line; of ``if`` the head only."""
    out: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):  # outer ones come first
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
            out |= dict.fromkeys(range(node.lineno, last + 1), (node.lineno, last))
    return out


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    for kind, change in _CHANGES.items():
        if isinstance(node, kind):
            yield from change(node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _arithmetic(node: ast.BinOp | ast.AugAssign) -> Iterator[ast.AST]:
    if isinstance(getattr(node, "left", None), ast.Constant | ast.JoinedStr):
        left = getattr(node.left, "value", "")
        if isinstance(left, str):
            return
    if type(node.op) in OPERATORS:
        yield _with(node, op=OPERATORS[type(node.op)]())


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for i, op in enumerate(node.ops):
        yield _with(node, ops=[*node.ops[:i], COMPARISONS[type(op)](), *node.ops[i + 1 :]])


def _logic(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())


def _sign(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield ast.Constant(node.value * 1.5 if node.value else 1.0)


def _branch(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _call(node: ast.Call) -> Iterator[ast.AST]:
    for i, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in SILENT:
            yield _with(node, keywords=[*node.keywords[:i], *node.keywords[i + 1 :]])


def _name(node: ast.Attribute) -> Iterator[ast.AST]:
    if node.attr in FUNCTIONS:
        yield _with(node, attr=FUNCTIONS[node.attr])


def _statement(node: ast.Expr) -> Iterator[ast.AST]:
    yield ast.Pass()


_CHANGES = {
    ast.BinOp | ast.AugAssign: _arithmetic,
    ast.Compare: _comparison,
    ast.BoolOp: _logic,
    ast.UnaryOp: _sign,
    ast.Constant: _constant,
    ast.If | ast.While | ast.IfExp: _branch,
    ast.Call: _call,
    ast.Attribute: _name,
    ast.Expr: _statement,
}
