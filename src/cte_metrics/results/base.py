"""The base of every result: frozen fields, and one source for text, HTML, frame and JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from cte_metrics.results.estimate import Interval
from cte_metrics.results.frozen import Frozen, NotKept
from cte_metrics.results.layout import layout
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.render.html import to_html
from cte_metrics.results.render.json import jsonable
from cte_metrics.results.render.text import to_text
from cte_metrics.results.status import Status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Result(Frozen):
    """What an analysis answers with.

    Frames and arrays that a result hands out are copies or read-only, so that nothing done to them
    changes the result. Results are equal when their records (``to_dict()``) are.

    Attributes
    ----------
    provenance : Provenance
        Method, respondents used and dropped, settings, reference, instrument, seed, version.
    status : Status
        How the estimation ended.
    notes : tuple of str
        Plain sentences on what the reader must know.
    """

    _title: ClassVar[str] = ""
    _schema_version: ClassVar[int] = 1

    provenance: Provenance
    status: Status = Status.OK
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a tidy data frame: its table, or one row of its figures."""
        import pandas as pd

        table = getattr(self, "table", None)
        return table if isinstance(table, pd.DataFrame) else pd.DataFrame([dict(self._figures())])

    def to_dict(self) -> dict[str, Any]:
        """Return the record of the result, in a form that ``json.dumps`` takes.

        Every field by its name; nan is ``None``, an infinite figure ``"Infinity"`` or
        ``"-Infinity"``. ``schema`` and ``schema_version`` say which fields there are, ``layout``
        how the frames are laid out (index, types); :func:`cte_metrics.from_dict` reads it back.
        """
        return _record(type(self), {name: getattr(self, name) for name in self._published()})

    @classmethod
    def _published(cls) -> dict[str, Any]:
        """Return what the record holds: names with their types (as written)."""
        return {f.name: f.type for f in _public_fields(cls)}

    @classmethod
    def _restored(cls, values: dict[str, Any]) -> Self:
        """Make a result of what its record holds."""
        known = {f.name: values.get(f.name, NotKept()) for f in fields(cls) if f.init}
        return cls(**known)

    def __eq__(self, other: object) -> bool:
        """Return whether two results publish the same (a missing figure equals a missing one)."""
        if self is other:
            return True
        if not isinstance(other, Result) or type(self) is not type(other):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash the kind, the rows and the single figures: equal results have equal hashes."""
        figures = ((name, jsonable(value)) for name, value in self._figures())
        kept = frozenset(f for f in figures if isinstance(f[1], str | bool | int | float | None))
        return hash((type(self).__name__, self.provenance.n_used, self.status.name, kept))

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling and copying: a result is made again of its fields."""
        values = {f.name: object.__getattribute__(self, f.name) for f in fields(self)}
        return _again, (type(self), values)

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
        n = self.provenance.n_used
        used = f"{self.provenance.method}; n = {n}" if n else f"{self.provenance.method}; n unknown"
        if self.provenance.n_dropped:
            used += f", {self.provenance.n_dropped} dropped"
        if self.provenance.instrument is not None:
            used += f"; {self.provenance.instrument}"
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


def _again(kind: type[Result], values: dict[str, Any]) -> Result:
    return kind(**values)


def _record(kind: type[Result], values: dict[str, Any]) -> dict[str, Any]:
    return {
        "result": kind.__name__,
        "schema": f"cte_metrics/{kind.__name__}",
        "schema_version": kind._schema_version,
        **{name: jsonable(value) for name, value in values.items()},
        "layout": layout(values) or {},
    }


def _public_fields(result: Result | type[Result]) -> list[Any]:
    ordered = [f for f in fields(result) if not f.name.startswith("_")]
    base = {"provenance", "status", "notes"}
    return [f for f in ordered if f.name not in base] + [f for f in ordered if f.name in base]
