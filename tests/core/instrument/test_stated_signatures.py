"""What type checkers are told about a record is what its fields are, in order, with defaults."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from cte_metrics.core.instrument import instrument, parts, response_scale

RECORDS = (
    response_scale.ResponseScale,
    parts.Item,
    parts.Subscale,
    parts.Norm,
    parts.Fact,
    instrument.Instrument,
)
WIDER = (
    (r"^Annotated\[tuple\[Item, \.\.\.\], .*\]$", "Sequence[Item | str]"),
    (r"^tuple\[(\w+), \.\.\.\]$", r"Sequence[\1]"),
    (r"^dict\[", "Mapping["),
    (r"^Name$", "str"),
)


def told(field: str) -> str:
    """Return the type that a caller is told for a field's: wider where more is read."""
    for pattern, wider in WIDER:
        field = re.sub(pattern, wider, field)
    return field


def fields_of(kind: type) -> dict[str, str]:
    node = class_of(inspect.getmodule(kind), kind.__name__)
    return {
        n.target.id: told(ast.unparse(n.annotation))
        for n in node.body
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }


def class_of(module: Any, name: str) -> ast.ClassDef:
    tree = ast.parse(inspect.getsource(module))
    return next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name)


def stated(kind: type) -> list[ast.FunctionDef]:
    """Return the signatures of a record, without the implementation of overloads."""
    node = class_of(inspect.getmodule(kind), kind.__name__)
    found = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    return [n for n in found if n.decorator_list] or found


def parameters(signature: ast.FunctionDef, module: Any) -> dict[str, str]:
    listed = [*signature.args.args[1:], *signature.args.kwonlyargs]
    out = {p.arg: ast.unparse(p.annotation) for p in listed if p.annotation is not None}
    if signature.args.kwarg is not None:
        further = class_of(module, "_Further")
        out |= {
            n.target.id: ast.unparse(n.annotation)
            for n in further.body
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
        }
    return out


def defaults(signature: ast.FunctionDef) -> dict[str, Any]:
    listed = signature.args.args[1:]
    given = dict(
        zip([p.arg for p in listed][::-1], signature.args.defaults[::-1], strict=False)
    ) | {
        p.arg: d
        for p, d in zip(signature.args.kwonlyargs, signature.args.kw_defaults, strict=True)
        if d is not None
    }
    return {name: ast.literal_eval(node) for name, node in given.items()}


@pytest.mark.parametrize("kind", RECORDS, ids=lambda k: k.__name__)
def test_the_signature_states_the_fields(kind: Any) -> None:
    for signature in stated(kind):
        assert list(parameters(signature, inspect.getmodule(kind)).items()) == list(
            fields_of(kind).items()
        )


@pytest.mark.parametrize("kind", RECORDS, ids=lambda k: k.__name__)
def test_its_defaults_are_those_of_the_fields(kind: Any) -> None:
    known = {n: f.default for n, f in kind.model_fields.items()}
    required = {n for n, default in known.items() if default is PydanticUndefined}
    signatures = stated(kind)
    assert signatures
    for signature in signatures:
        shown = defaults(signature)
        assert shown == {n: known[n] for n in shown}
        assert required.isdisjoint(shown)
    named = {n for s in signatures for n in defaults(s)}
    further = {n for s in signatures if s.args.kwarg for n in further_names(kind)}
    assert required | named | further == set(known)


def further_names(kind: type) -> list[str]:
    return [n for n in fields_of(kind) if n not in {a.arg for s in stated(kind) for a in every(s)}]


def every(signature: ast.FunctionDef) -> list[ast.arg]:
    return [*signature.args.args, *signature.args.kwonlyargs]


def test_a_record_is_frozen_for_type_checkers_too() -> None:
    for kind in RECORDS:
        node = class_of(inspect.getmodule(kind), kind.__name__)
        assert [ast.unparse(k) for k in node.keywords] == ["frozen=True"]
