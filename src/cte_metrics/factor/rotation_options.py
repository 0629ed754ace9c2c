"""Check what a user asks of a rotation before the kernel sees it.

Functions: ``checked_options, kaiser_normalised, rotation_text``; type ``RotationOptions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from cte_metrics.core.naming import meant, places
from cte_metrics.core.randomness import Seed
from cte_metrics.errors import InputError, close_names
from cte_metrics.kernels.factor.rotation import OPTIONS, SEARCH_OPTIONS

_KAISER_BY_DEFAULT = frozenset({"varimax", "promax"})


class RotationOptions(TypedDict, total=False):
    """What some rotation may be told; `checked_options` refuses what this one may not."""

    gamma: float
    delta: float
    kappa: float
    power: float
    n_zeros: int
    target: Any
    weights: Any
    n_starts: int
    rng: Seed
    tolerance: float
    max_iterations: int


def kaiser_normalised(rotation: str, kaiser: bool | None) -> bool:
    """Return whether rows are rotated at equal length: as asked, else as is usual.

    Varimax and promax are Kaiser-normalised by default (psych, SPSS), others only when asked.
    """
    return rotation in _KAISER_BY_DEFAULT if kaiser is None else bool(kaiser)


def rotation_text(rotation: str, kaiser: bool) -> str:
    """Name a rotation with what was done to the rows, as results state it."""
    if rotation == "none":
        return "no rotation"
    return f"rotation {rotation} {'with' if kaiser else 'without'} Kaiser normalisation"


def checked_options(
    rotation: str, options: Mapping[str, Any] | None, items: Sequence[str], *, n_factors: int
) -> dict[str, Any]:
    """Return the options as the kernel takes them.

    Raises
    ------
    InputError
        If the rotation has no such option, a number is out of range, or a target has the wrong
        shape.
    """
    given = dict(options or {})
    allowed = (*OPTIONS.get(rotation, ()), *SEARCH_OPTIONS)
    for name in given:
        if name not in allowed:
            raise InputError(
                f"rotation={rotation!r} has no option {name!r}.{close_names(name, allowed)}",
                hint=f"Its options are {', '.join(allowed)}.",
            )
    if rotation.startswith("target"):
        _check_target(given, items, n_factors)
    _check_number(given, "gamma")
    _check_number(given, "kappa")
    _check_number(given, "delta", above=0.0)
    _check_number(given, "power", above=1.0)
    _check_number(given, "n_zeros")
    _check_n_zeros(given, len(items) * n_factors)
    return given


def _check_number(given: dict[str, Any], name: str, *, above: float = -np.inf) -> None:
    if name not in given:
        return
    try:
        value = float(given[name])
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"rotation option {name}={given[name]!r} is not a number.")
    if not value > above:
        raise InputError(f"rotation option {name}={given[name]!r} must be above {above:g}.")


def _check_n_zeros(given: dict[str, Any], most: int) -> None:
    if "n_zeros" in given and not 1 <= int(given["n_zeros"]) <= most:
        raise InputError(
            f"rotation option n_zeros={given['n_zeros']!r} is not between 1 and {most}."
        )


def _check_target(given: dict[str, Any], items: Sequence[str], n_factors: int) -> None:
    if "target" not in given:
        raise InputError(
            "A target rotation needs a target.",
            hint="Pass rotation_options={'target': matrix}, nan where a loading is free.",
        )
    for name in ("target", "weights"):
        if given.get(name) is None:
            given.pop(name, None)
            continue
        values = _in_item_order(given[name], items, name)
        if values.shape != (len(items), n_factors):
            raise InputError(
                f"The {name} has shape {values.shape}; {len(items)} items and {n_factors} factors "
                f"need ({len(items)}, {n_factors})."
            )
        if name == "weights" and (values < 0.0).any():
            raise InputError("The weights of a target rotation are 0 or more; one is negative.")
        given[name] = values


def _in_item_order(table: Any, items: Sequence[str], name: str) -> Any:
    if _is_named_by(table, items):
        table = table.iloc[meant(items, table.index.tolist())]
    try:
        return np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"The {name} is not a table of numbers, one row an item and one column a factor.",
            hint="Write nan where a loading is free.",
        ) from None


def _is_named_by(table: Any, items: Sequence[str]) -> bool:
    """Whether a frame's rows are labelled by the items, in any order."""
    if not hasattr(table, "iloc") or len(table.index) != len(items):
        return False
    return set(items) <= set(places(table.index.tolist()))
