"""An option is listed once: the ``Literal`` that the signature shows is what is checked."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_origin

import pytest

import cte_metrics as cte
from cte_metrics.sem.request.model import CHOICES
from tests.public.test_snapshot import PACKAGES

SOURCE = Path(cte.__file__).parent


@cache
def checks() -> list[tuple[str, str, str]]:
    """Return each check of an option: module, what is allowed as written, name of the option."""
    found = []
    for file in SOURCE.rglob("*.py"):
        if file.parent.name == "plots":  # pictures name columns and scales of a result, no options
            continue
        module = ".".join(["cte_metrics", *file.relative_to(SOURCE).with_suffix("").parts])
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found += [(module, *check) for check in _check(node)]
    return found + [("cte_metrics.sem.request.model", f"CHOICES[{o!r}][0]", o) for o in CHOICES]


def _check(call: ast.Call) -> list[tuple[str, str]]:
    """Return what a call of ``one_of`` allows, or one that hands ``allowed=`` on to it."""
    if getattr(call.func, "id", "") == "one_of":
        _, allowed, name = call.args
        handed_on = getattr(allowed, "id", "") == "allowed" or isinstance(name, ast.Name)
        return [] if handed_on else [(ast.unparse(allowed), ast.literal_eval(name))]
    return [(ast.unparse(k.value), "interval") for k in call.keywords if k.arg == "allowed"]


def public() -> Iterator[tuple[str, Any]]:
    """Yield every public function, and every public method of a public class."""
    names = [(n, getattr(cte, n)) for n in dir(cte) if n not in PACKAGES]
    for package in PACKAGES:
        room = getattr(cte, package)
        names += [(f"{package}.{n}", getattr(room, n)) for n in dir(room)]
    for name, value in names:
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for method, function in vars(value).items():
                told = method == "__init__" or not method.startswith("_")
                if inspect.isfunction(function) and told:
                    yield f"{name}.{method}", function


def test_checks_are_found() -> None:
    assert len(checks()) > 45


@pytest.mark.parametrize(("module", "allowed", "option"), checks())
def test_what_is_checked_is_a_literal(module: str, allowed: str, option: str) -> None:
    value = eval(allowed, vars(importlib.import_module(module)))
    assert get_origin(value) is Literal, f"{module}: {option} is checked against {allowed}"


def test_no_public_option_is_any_text() -> None:
    """A parameter whose name is that of an option shows no ``str``."""
    options = {name for _, _, name in checks()}
    loose = [
        (name, p.name, p.annotation)
        for name, function in public()
        for p in inspect.signature(function).parameters.values()
        if p.name in options and re.search(r"\bstr\b", str(p.annotation))
    ]
    assert loose == []
