"""What comes back: results, intervals, provenance, status, and their rendering."""

from cte_metrics.results.base import Result
from cte_metrics.results.estimate import Interval
from cte_metrics.results.frozen import Frozen, read_only
from cte_metrics.results.provenance import InstrumentIdentity, Provenance
from cte_metrics.results.recording import recorded
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.status import Status

__all__ = [
    "Block",
    "Frozen",
    "InstrumentIdentity",
    "Interval",
    "Provenance",
    "Result",
    "Status",
    "read_only",
    "recorded",
]
