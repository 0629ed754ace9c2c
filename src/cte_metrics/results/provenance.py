"""Where a result came from.

Classes: ``Provenance``, ``InstrumentIdentity``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from cte_metrics.results.frozen import plain, thawed
from cte_metrics.results.version import version


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentIdentity:
    """Which instrument the answers belong to.

    Parameters
    ----------
    id, version, form : str
        As in the :class:`~cte_metrics.Instrument`; ``form`` says which order of items.
    """

    id: str
    version: str
    form: str = ""

    def __str__(self) -> str:
        """Return e.g. ``tts-12, version 1, form B``."""
        return f"{self.id}, version {self.version}" + (f", form {self.form}" if self.form else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result came from.

    Parameters
    ----------
    method : str
        The procedure in words.
    n_used, n_dropped : int
        Respondents (or rows) behind the figures, and those left out.
    settings : mapping
        The call's options, defaults included; options that were settled by the data or by another
        option as they were settled. Columns of values are described, not kept.
    reference : str
        The publication that defines the method.
    instrument : InstrumentIdentity or None
        What was asked, where the data are ``Responses``.
    seed : int, str or None
        The seed of the random numbers; ``"none"`` if they were drawn without a seed (other figures
        next time), ``"generator"`` if they came from the caller's generator, ``None`` if nothing
        was drawn.
    version : str
        Version of the library.
    """

    method: str
    n_used: int
    n_dropped: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    instrument: InstrumentIdentity | None = None
    seed: int | str | None = None
    version: str = field(default_factory=version)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", plain(self.settings))

    def __hash__(self) -> int:
        """Hash method and rows: settings may hold what has no hash."""
        return hash((self.method, self.n_used, self.n_dropped, self.reference))

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling and copying, which a mapping proxy alone would refuse."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _restore, (values | {"settings": thawed(self.settings)},)


def _restore(values: dict[str, Any]) -> Provenance:
    return Provenance(**values)
