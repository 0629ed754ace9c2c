"""The look shared by every picture: one palette, quiet axes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1b2430"
SOFT = "#7a8694"
BLUE = "#2f5d9b"
ORANGE = "#c8701a"
GREEN = "#1f7a4d"
RED = "#b3261e"
CYCLE = (BLUE, ORANGE, GREEN, "#7b4ea3", RED, "#3a8f96")

RC: dict[Any, Any] = {
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "font.size": 9.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.constrained_layout.use": True,
}


@contextmanager
def figure(width: float = 7.0, height: float = 3.4, **options: Any) -> Iterator[tuple[Figure, Any]]:
    """Yield a new figure and its axes in the common style, without a window."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(RC):
        drawn = Figure(figsize=(width, height))
        FigureCanvasAgg(drawn)
        yield drawn, drawn.subplots(**options)
