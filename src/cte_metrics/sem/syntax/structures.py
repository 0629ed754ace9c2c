"""Model texts for the usual structures of an instrument.

Functions: ``structure_model``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from cte_metrics.errors import InputError, one_of

Structure = Literal["correlated", "one_factor", "second_order", "bifactor"]
STRUCTURES: tuple[Structure, ...] = get_args(Structure)
_PLAIN = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*")
_RESERVED = frozenset(("NA", "TRUE", "FALSE", "NULL", "Inf", "NaN", "efa"))


def structure_model(
    subscales: Mapping[str, Sequence[str]],
    structure: Structure = "correlated",
    *,
    items: Sequence[str] = (),
) -> str:
    """Write the model text of an instrument.

    Parameters
    ----------
    subscales : mapping of str to sequence of str
        Items of each subscale. A subscale that contains another one whole (a total) is left out.
    structure : {"correlated", "one_factor", "second_order", "bifactor"}
        Correlated subscale factors; one factor; correlated factors explained by a second-order
        factor (with two subscales, both second-order loadings are 1); a general factor and
        uncorrelated subscale factors.
    items : sequence of str
        All items, for ``one_factor``; those of the subscales by default.

    Returns
    -------
    str
        Model text. The general factor is called ``g``.

    Raises
    ------
    InputError
        For an unknown structure, no items, or fewer than two subscales where two are needed.

    Examples
    --------
    >>> print(structure_model({"A": ["a1", "a2"], "B": ["b1", "b2"]}, "second_order"))
    A =~ a1 + a2
    B =~ b1 + b2
    g =~ 1*A + 1*B
    """
    one_of(structure, Structure, "structure")
    scales = _distinct(subscales)
    everything = list(dict.fromkeys(items)) or list(
        dict.fromkeys(i for members in scales.values() for i in members)
    )
    if not everything:
        raise InputError("There are no items to build a model of.")
    factors = _factor_names(scales, everything)
    general = _free_name("g", {*everything, *factors.values()})
    if structure == "one_factor" or (structure == "correlated" and not scales):
        return _measured(general, everything)
    lines = [_measured(factors[s], members) for s, members in scales.items()]
    if structure == "correlated":
        return "\n".join(lines)
    if len(scales) < 2:
        raise InputError(
            f"A {structure.replace('_', '-')} model needs at least two subscales; "
            f"there {'is one' if scales else 'are none'}."
        )
    if structure == "second_order":
        loading = "1*" if len(scales) == 2 else ""
        terms = " + ".join(loading + quoted(f) for f in factors.values())
        return "\n".join([*lines, f"{quoted(general)} =~ {terms}"])
    return _bifactor(general, scales, factors, lines)


def _bifactor(
    general: str,
    scales: Mapping[str, Sequence[str]],
    factors: Mapping[str, str],
    lines: Sequence[str],
) -> str:
    members = list(dict.fromkeys(i for own in scales.values() for i in own))
    names = [general, *factors.values()]
    apart = [
        f"{quoted(a)} ~~ " + " + ".join(f"0*{quoted(b)}" for b in names[i + 1 :])
        for i, a in enumerate(names[:-1])
    ]
    return "\n".join([_measured(general, members), *lines, *apart])


def _distinct(subscales: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    sets = {name: frozenset(members) for name, members in subscales.items() if members}
    return {
        name: tuple(dict.fromkeys(subscales[name]))
        for name, own in sets.items()
        if not any(other < own for other in sets.values())
    }


def _factor_names(scales: Mapping[str, Sequence[str]], items: Sequence[str]) -> dict[str, str]:
    """Subscale ids, with ``_f`` behind those that are also items."""
    taken = set(items)
    found: dict[str, str] = {}
    for name in scales:
        found[name] = _free_name(name, taken)
        taken.add(found[name])
    return found


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_f"
    return name


def _measured(factor: str, items: Sequence[str]) -> str:
    return f"{quoted(factor)} =~ " + " + ".join(quoted(i) for i in items)


def quoted(name: str) -> str:
    """Put a name in backquotes where the model syntax needs them.

    Examples
    --------
    >>> quoted("x1"), quoted("item 1")
    ('x1', '`item 1`')
    """
    return name if _PLAIN.fullmatch(name) and name not in _RESERVED else f"`{name}`"
