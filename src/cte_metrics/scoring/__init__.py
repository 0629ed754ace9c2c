"""Scoring: respondents' scores, norms, and how each item behaves."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.scoring.items import ItemAnalysis as ItemAnalysis
    from cte_metrics.scoring.items import item_analysis as item_analysis
    from cte_metrics.scoring.norms import Norms as Norms
    from cte_metrics.scoring.norms import local_norms as local_norms
    from cte_metrics.scoring.published import PublishedComparison as PublishedComparison
    from cte_metrics.scoring.published import against_published as against_published
    from cte_metrics.scoring.scores import Scores as Scores
    from cte_metrics.scoring.scores import score as score
    from cte_metrics.scoring.scores import standard_score as standard_score

attach(
    __name__,
    {
        "items": ["ItemAnalysis", "item_analysis"],
        "norms": ["Norms", "local_norms"],
        "published": ["PublishedComparison", "against_published"],
        "scores": ["Scores", "score", "standard_score"],
    },
)
