"""Scoring: respondents' scores, norms, and how each item behaves."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.scoring.items import ItemAnalysis as ItemAnalysis
    from cte_metrics.scoring.items import item_analysis as item_analysis
    from cte_metrics.scoring.scores import Scores as Scores
    from cte_metrics.scoring.scores import score as score
    from cte_metrics.scoring.scores import standard_score as standard_score

attach(
    __name__,
    {
        "items": ["ItemAnalysis", "item_analysis"],
        "scores": ["Scores", "score", "standard_score"],
    },
)
