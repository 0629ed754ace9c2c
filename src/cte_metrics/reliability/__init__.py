"""Reliability of scores: internal consistency, split halves, raters and occasions.

Each coefficient comes with an interval, the n behind it, and notes on what the reader must know.
"""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.reliability.alpha import Alpha, cronbach_alpha

__getattr__, __dir__, __all__ = attach(__name__, {"alpha": ["Alpha", "cronbach_alpha"]})
