"""Put a mutant in the place of the running code.

A fault within a function replaces its code; one outside (a constant, a default) runs the module
anew and puts its functions and values where the old ones stand.
"""

from __future__ import annotations

import ast
import gc
import sys
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import Mutant, mutated

_CACHED = type(lru_cache(lambda: None))


@dataclass(frozen=True)
class Alive:
    """Functions of the files under test, by file, qualified name and first line; their caches."""

    functions: dict[tuple[str, str, int], list[FunctionType]]
    caches: dict[str, list[Any]]


def alive_in(files: set[str]) -> Alive:
    """Find every function and cache that the files define."""
    functions: dict[tuple[str, str, int], list[FunctionType]] = {}
    caches: dict[str, list[Any]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in files:
            functions.setdefault(_key(thing.__code__), []).append(thing)
        elif isinstance(thing, _CACHED) and isinstance(thing.__wrapped__, FunctionType):
            caches.setdefault(thing.__wrapped__.__code__.co_filename, []).append(thing)
    return Alive(functions, caches)


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def exchange(mutant: Mutant, alive: Alive) -> None:
    """Make the running library behave as the mutant says."""
    tree = mutated(mutant)
    for cache in alive.caches.get(mutant.file, []):
        cache.cache_clear()
    if mutant.function is None:
        _run_anew(mutant.file, tree)
        return
    for code in _codes(compile(tree, mutant.file, "exec")):
        for function in alive.functions.get(_key(code), []):
            if code.co_freevars == function.__code__.co_freevars:
                function.__code__ = code


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
