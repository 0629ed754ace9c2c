"""Results from their records.

Functions: ``from_dict``, ``result_class``, ``result_classes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cte_metrics import aggregation, factor, planning, quality, reliability, scoring, sem
from cte_metrics.errors import InputError, close_names
from cte_metrics.results.base import Result
from cte_metrics.results.record import restored

ROOMS = (aggregation, factor, planning, quality, reliability, scoring, sem)


def from_dict(record: Mapping[str, Any]) -> Result:
    """Return the result that a record describes.

    Parameters
    ----------
    record : mapping
        What a result's ``to_dict()`` returned, also after a trip through JSON.

    Returns
    -------
    Result
        Of the class that wrote the record, and equal to it: a missing figure (nan) is ``None`` in a
        record and nan again here. A record holds figures but no answers and no fit, so what needs
        those (``scores``, ``again``, ``residuals``, ...) raises an error that says so.

    Raises
    ------
    InputError
        If ``record`` was not written by this library, or is incomplete.

    Examples
    --------
    >>> import json
    >>> import cte_metrics as cte
    >>> alpha = cte.reliability.cronbach_alpha(cte.load_example())
    >>> again = cte.from_dict(json.loads(json.dumps(alpha.to_dict())))
    >>> again == alpha, again.alpha == alpha.alpha
    (True, True)
    """
    return restored(record, result_class)


def result_class(name: str) -> type[Result]:
    """Return the public class of results of a name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name == "Validation":
        from cte_metrics.report.validation import Validation

        return Validation
    for room in ROOMS:
        if name in dir(room):
            found = getattr(room, name)
            if isinstance(found, type) and issubclass(found, Result):
                return found
    names = sorted(result_classes())
    raise InputError(
        f"There is no result called {name!r}.{close_names(name, names)}",
        hint=f"The results are: {', '.join(names)}.",
    )


def result_classes() -> dict[str, type[Result]]:
    """Return every public class of results by its name."""
    public = {n: getattr(room, n) for room in ROOMS for n in dir(room)}
    found = {n: v for n, v in public.items() if isinstance(v, type) and issubclass(v, Result)}
    return found | {"Validation": result_class("Validation")}
