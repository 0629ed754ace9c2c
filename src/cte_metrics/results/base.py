"""The base of every result: frozen fields, and one source for text, HTML, frame and JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.results.estimate import Interval, Provenance
from cte_metrics.results.render.blocks import Block, jsonable, to_html, to_text
from cte_metrics.results.status import Status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result:
    """What an analysis answers with.

    Attributes
    ----------
    provenance : Provenance
        Method, respondents used and dropped, settings, reference.
    status : Status
        How the estimation ended.
    notes : tuple of str
        Plain sentences on what the reader must know.
    """

    _title: ClassVar[str] = ""

    provenance: Provenance
    status: Status = Status.OK
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a tidy data frame: its table, or one row of its figures."""
        import pandas as pd

        table = getattr(self, "table", None)
        if isinstance(table, pd.DataFrame):
            return table.copy()
        return pd.DataFrame([dict(self._figures())])

    def to_dict(self) -> dict[str, Any]:
        """Return every field in a form that ``json.dumps`` takes."""
        body = {f.name: jsonable(getattr(self, f.name)) for f in _public_fields(self)}
        return {"result": type(self).__name__, **body}

    def summary(self) -> str:
        """Return the result as text for people."""
        return to_text(self._heading(), self._shout(), self._blocks(), self._all_notes())

    def plot(self, **options: Any) -> Figure:
        """Draw the result with matplotlib and return the figure.

        Raises
        ------
        InputTypeError
            If nothing is drawn for this kind of result.
        """
        from cte_metrics.plots import draw

        return draw(self, **options)

    def to_svg(self, **options: Any) -> str:
        """Draw the result and return the picture as SVG text, which notebooks show.

        Raises
        ------
        InputTypeError
            If nothing is drawn for this kind of result.
        """
        from cte_metrics.plots.svg import to_svg

        return to_svg(self.plot(**options))

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Return the summary: what a terminal shows of a result is what it says."""
        return self.summary()

    def _repr_html_(self) -> str:
        return to_html(self._heading(), self._shout(), self._blocks(), self._all_notes())

    def _heading(self) -> str:
        return self._title or type(self).__name__

    def _shout(self) -> str:
        return "" if self.status.usable else str(self.status)

    def _all_notes(self) -> list[str]:
        used = f"{self.provenance.method}; n = {self.provenance.n_used}"
        if self.provenance.n_dropped:
            used += f", {self.provenance.n_dropped} dropped"
        source = [self.provenance.reference] if self.provenance.reference else []
        return [*self.notes, used + ".", *source]

    def _figures(self) -> list[tuple[str, Any]]:
        """Return the scalar fields, with intervals as two figures."""
        out: list[tuple[str, Any]] = []
        for f in _public_fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Interval):
                out += [(f"{f.name}_low", value.low), (f"{f.name}_high", value.high)]
            elif isinstance(value, str | bool | int | float | np.generic) and f.name != "status":
                out.append((f.name, value))
        return out

    def _blocks(self) -> list[Block]:
        """Return what summary and HTML show: the figures, then each data frame."""
        import pandas as pd

        blocks = [Block("", self._figures())] if self._figures() else []
        for f in _public_fields(self):
            value = getattr(self, f.name)
            if isinstance(value, pd.DataFrame | pd.Series) and len(value):
                blocks.append(Block(f.name.replace("_", " "), value))
        return blocks


def _public_fields(result: Result) -> list[Any]:
    ordered = [f for f in fields(result) if not f.name.startswith("_")]
    base = {"provenance", "status", "notes"}
    return [f for f in ordered if f.name not in base] + [f for f in ordered if f.name in base]
