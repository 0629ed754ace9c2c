"""The school as the unit: agreement, reliability of means, school scores, mixed models."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.aggregation.agreement import Agreement as Agreement
    from cte_metrics.aggregation.agreement import agreement as agreement
    from cte_metrics.aggregation.centering import center as center
    from cte_metrics.aggregation.centering import contextual_effect as contextual_effect
    from cte_metrics.aggregation.correlations import SplitCorrelations as SplitCorrelations
    from cte_metrics.aggregation.correlations import split_correlations as split_correlations
    from cte_metrics.aggregation.disclosure import Protected as Protected
    from cte_metrics.aggregation.disclosure import protect as protect
    from cte_metrics.aggregation.isomorphism import Isomorphism as Isomorphism
    from cte_metrics.aggregation.isomorphism import isomorphism as isomorphism
    from cte_metrics.aggregation.mixed_model import MixedModel as MixedModel
    from cte_metrics.aggregation.mixed_model import mixed_model as mixed_model
    from cte_metrics.aggregation.model_comparison import compare_models as compare_models
    from cte_metrics.aggregation.school_scores import GroupScores as GroupScores
    from cte_metrics.aggregation.school_scores import aggregate as aggregate
    from cte_metrics.aggregation.variance_components import (
        VarianceComponents as VarianceComponents,
    )
    from cte_metrics.aggregation.variance_components import (
        item_variance_components as item_variance_components,
    )
    from cte_metrics.aggregation.variance_components import (
        variance_components as variance_components,
    )

attach(
    __name__,
    {
        "agreement": ["Agreement", "agreement"],
        "centering": ["center", "contextual_effect"],
        "correlations": ["SplitCorrelations", "split_correlations"],
        "disclosure": ["Protected", "protect"],
        "isomorphism": ["Isomorphism", "isomorphism"],
        "mixed_model": ["MixedModel", "mixed_model"],
        "model_comparison": ["compare_models"],
        "school_scores": ["GroupScores", "aggregate"],
        "variance_components": [
            "VarianceComponents",
            "item_variance_components",
            "variance_components",
        ],
    },
)
