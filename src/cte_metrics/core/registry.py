"""Published instruments by name.

Functions: ``load_instrument, list_instruments``.
"""

from __future__ import annotations

from os import PathLike

from cte_metrics.core.instrument import Instrument


def load_instrument(id_or_path: str | PathLike[str]) -> Instrument:
    """Return an instrument from a file."""
    return Instrument.from_file(id_or_path)
