"""Structure of items: polychoric correlations, adequacy, number of factors, exploratory factors."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.factor.polychorics import Polychoric as Polychoric
    from cte_metrics.factor.polychorics import polychoric as polychoric

__getattr__, __dir__, __all__ = attach(__name__, {"polychorics": ["Polychoric", "polychoric"]})
