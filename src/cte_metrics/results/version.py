"""The version of the library, as its distribution says.

Functions: ``version``.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """Return the installed version; ``"unknown"`` where the sources are used uninstalled."""
    try:
        return metadata.version("cte_metrics")
    except metadata.PackageNotFoundError:
        return "unknown"
