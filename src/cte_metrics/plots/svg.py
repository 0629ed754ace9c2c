"""Figures as SVG text that can be searched, read aloud, and shown by a notebook.

Functions: ``to_svg``, ``save``. Class: ``Svg``.
"""

from __future__ import annotations

import io
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cte_metrics.core.writing import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Svg(str):
    """An SVG picture as text; a notebook shows the picture.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        What was drawn, for changes and other file formats (``.figure.savefig("a.pdf")``).
    """

    figure: Figure

    def _repr_svg_(self) -> str:
        return str(self)

    def savefig(self, path: Any, **options: Any) -> None:
        """Write the figure to a file, in the format of its ending.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        save(self.figure, path, **options)


def save(figure: Figure, path: Any, **options: Any) -> None:
    """Write a figure whole or not at all, in the format of the file's ending.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if not isinstance(path, str | PathLike):
        figure.savefig(path, **options)  # an open file
        return
    buffer = io.BytesIO()
    ending = Path(path).suffix.removeprefix(".").lower()
    figure.savefig(buffer, **{"format": ending or None, **options})
    write_file(path, buffer.getvalue())


def to_svg(figure: Figure) -> Svg:
    """Return a matplotlib figure as an SVG element whose text stays text.

    The same figure gives the same text: no date, fixed identifiers.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cte_metrics"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    element = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    drawn = Svg(element)
    drawn.figure = figure
    return drawn
