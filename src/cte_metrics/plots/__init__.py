"""Pictures of results; the only room, beside the report, that draws."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cte_metrics.errors import InputTypeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWERS: dict[str, tuple[str, str]] = {
    "Agreement": ("agreement", "histogram"),
    "EFA": ("loadings", "heatmap"),
    "GroupScores": ("intervals", "group_scores"),
    "Retention": ("retention", "eigenvalues"),
    "SEMFit": ("path_diagram", "path_diagram"),
}
"""Result class name to (module of this package, function that draws it)."""


def draw(result: Any, **options: Any) -> Figure:
    """Draw a result and return the matplotlib figure.

    Raises
    ------
    InputTypeError
        If nothing is drawn for this kind of result.
    """
    name = type(result).__name__
    if name not in DRAWERS:
        drawn = ", ".join(sorted(DRAWERS)) or "none yet"
        raise InputTypeError(
            f"There is no picture of a {name}.",
            hint=f"Use .to_frame() and draw it yourself. Results with pictures: {drawn}.",
        )
    module, function = DRAWERS[name]
    drawer: Callable[..., Figure] = getattr(
        importlib.import_module(f"cte_metrics.plots.{module}"), function
    )
    return drawer(result, **options)
