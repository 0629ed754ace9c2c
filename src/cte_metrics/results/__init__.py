"""What comes back: results, intervals, provenance, status, and their rendering."""

from cte_metrics.results.base import Result
from cte_metrics.results.estimate import Interval, Provenance, read_only
from cte_metrics.results.moments import Moments
from cte_metrics.results.render import Block
from cte_metrics.results.status import Status

__all__ = ["Block", "Interval", "Moments", "Provenance", "Result", "Status", "read_only"]
