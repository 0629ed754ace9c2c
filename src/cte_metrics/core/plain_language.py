"""Turn pydantic's reports into sentences that a person who writes a survey file understands.

Function: ``plain``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cte_metrics.errors import close_names

_SHOWN = 5
_KINDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a list of names and values",
    "model_type": "a list of names and values",
}


def plain(faults: Sequence[Mapping[str, Any]], allowed: Iterable[str]) -> str:
    """Say in sentences what pydantic found.

    Parameters
    ----------
    faults : sequence of mapping
        ``ValidationError.errors()``.
    allowed : iterable of str
        Names that the record knows, for suggestions.

    Examples
    --------
    >>> plain([{"type": "missing", "loc": ("minimum",), "input": {}, "msg": ""}], ["minimum"])
    "'minimum' is missing."
    """
    known = list(allowed)
    said = list(dict.fromkeys(_sentence(fault, known) for fault in faults))
    more = [] if len(said) <= _SHOWN else [f"There are {len(said) - _SHOWN} more faults."]
    return " ".join(said[:_SHOWN] + more)


def _sentence(fault: Mapping[str, Any], known: list[str]) -> str:
    kind, where = str(fault["type"]), _place(fault["loc"])
    if kind == "missing":
        return f"{where} is missing."
    if kind == "extra_forbidden":
        name = str(fault["loc"][-1])
        return f"{where} is not a known entry.{close_names(name, known)}"
    if kind == "value_error":
        text = str(fault["ctx"]["error"]) if "ctx" in fault else str(fault["msg"])
        return text if len(fault["loc"]) == 0 else f"{where}: {text}"
    if kind == "literal_error":
        return f"{where} is {fault['input']!r}; it must be {fault['ctx']['expected']}."
    wanted = _KINDS.get(kind)
    if wanted is not None:
        return f"{where} must be {wanted}, not {fault['input']!r}."
    return f"{where}: {str(fault['msg'])[:1].lower()}{str(fault['msg'])[1:]}."


def _place(location: Sequence[Any]) -> str:
    """Return e.g. ``'maximum' in item 3`` for ("items", 2, "maximum")."""
    words: list[str] = []
    for position, step in enumerate(location):
        if isinstance(step, int) and words:
            words[-1] = f"entry {step + 1} of {words[-1]}"
        elif not (position and str(step) in {"int", "float", "str", "[key]"}):
            words.append(f"'{step}'")
    return " in ".join(reversed(words)) or "The entry"
