"""What comes back: results, intervals, provenance, status, and their rendering."""

from cte_metrics.results.base import Result
from cte_metrics.results.estimate import Interval, Provenance, read_only
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.status import Status

__all__ = ["Block", "Interval", "Provenance", "Result", "Status", "read_only"]
