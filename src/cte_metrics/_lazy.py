"""Lazy attribute loading, so that importing the package costs almost nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """A package whose public names win over submodules of the same name.

    Importing ``package.agreement`` would otherwise replace the function ``package.agreement``.
    """

    _lazy_names: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in self._lazy_names and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a function that names the package travel to another process: it imports it there."""
        return importlib.import_module, (self.__name__,)


def attach(
    package: str, names: Mapping[str, Sequence[str]], submodules: Sequence[str] = ()
) -> None:
    """Give a package ``__getattr__``, ``__dir__`` and ``__all__``.

    They are set from here, unseen by type checkers, which otherwise would take any name for
    one of the package's.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    names : mapping
        Module (relative to the package) to the public names that it defines.
    submodules : sequence of str
        Submodules that are public themselves.

    Examples
    --------
    >>> import cte_metrics
    >>> cte_metrics.__getattr__("CTEError").__name__
    'CTEError'
    """
    origin = {name: module for module, defined in names.items() for name in defined}
    public = sorted({*origin, *submodules})
    module_object = sys.modules[package]
    module_object.__class__ = _Package

    def __getattr__(name: str) -> Any:
        if name in origin:
            value = getattr(importlib.import_module(f"{package}.{origin[name]}"), name)
            setattr(module_object, name, value)
            return value
        if name in submodules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    vars(module_object).update(
        _lazy_names=frozenset(origin),
        __getattr__=__getattr__,
        __dir__=lambda: public,
        __all__=public,
    )
