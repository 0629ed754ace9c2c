"""Mergeable summaries: the waist between rows and statistics."""

from cte_metrics.summaries.moments import Moments

__all__ = ["Moments"]
