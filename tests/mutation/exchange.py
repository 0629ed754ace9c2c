"""Put a mutant in the place of the running code.

A fault within a function replaces its code; one outside (a constant, a default) runs the module
anew and puts its functions and values where the old ones stand.
"""

from __future__ import annotations

import ast
import gc
import sys
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import Mutant, mutated

_CACHED = type(lru_cache(lambda: None))


def functions_of(files: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Every function alive that a file defines, by file, qualified name and first line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in files:
            found.setdefault(_key(thing.__code__), []).append(thing)
    return found


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def exchange(mutant: Mutant, alive: dict[tuple[str, str, int], list[FunctionType]]) -> None:
    """Make the running library behave as the mutant says."""
    tree = mutated(mutant)
    _forget(mutant.file)
    if mutant.function is None:
        _run_anew(mutant.file, tree)
        return
    for code in _codes(compile(tree, mutant.file, "exec")):
        for function in alive.get(_key(code), []):
            if code.co_freevars == function.__code__.co_freevars:
                function.__code__ = code


def _forget(file: str) -> None:
    """Empty the caches of a file's functions."""
    for thing in gc.get_objects():
        if isinstance(thing, _CACHED):
            code = getattr(thing.__wrapped__, "__code__", None)
            if code is not None and code.co_filename == file:
                thing.cache_clear()


def _codes(code: CodeType) -> list[CodeType]:
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return [*inner, *(deeper for c in inner for deeper in _codes(c))]


def _run_anew(file: str, tree: ast.Module) -> None:
    module = next(m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == file)
    fresh = ModuleType(module.__name__)
    fresh.__file__ = file
    exec(compile(tree, file, "exec"), fresh.__dict__)
    before = dict(vars(module))
    for name, new in vars(fresh).items():
        if not name.startswith("__"):
            _replace(name, before.get(name), new, module)


def _replace(name: str, old: Any, new: Any, module: ModuleType) -> None:
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        if old.__module__ == module.__name__:
            old.__code__, old.__defaults__ = new.__code__, new.__defaults__
            old.__kwdefaults__ = new.__kwdefaults__
    elif isinstance(old, type) and isinstance(new, type):
        for inner, value in vars(new).items():
            if not inner.startswith("__") and inner in vars(old):
                _replace(inner, vars(old)[inner], value, module)
                if not isinstance(value, FunctionType | type) and not hasattr(value, "__get__"):
                    setattr(old, inner, value)
    else:
        for other in list(sys.modules.values()):
            if getattr(other, "__dict__", {}).get(name, sys) is old:
                setattr(other, name, new)
