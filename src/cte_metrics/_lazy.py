"""Lazy attribute loading, so that importing the package costs almost nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def attach(
    package: str, names: Mapping[str, Sequence[str]], submodules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Build ``__getattr__``, ``__dir__`` and ``__all__`` for a package.

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
    >>> getattr_, dir_, all_ = attach("cte_metrics", {"errors": ["CTEError"]})
    >>> all_
    ['CTEError']
    >>> getattr_("CTEError").__name__
    'CTEError'
    """
    origin = {name: module for module, defined in names.items() for name in defined}
    public = sorted({*origin, *submodules})

    def __getattr__(name: str) -> Any:
        if name in origin:
            return getattr(importlib.import_module(f"{package}.{origin[name]}"), name)
        if name in submodules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__, lambda: public, public
