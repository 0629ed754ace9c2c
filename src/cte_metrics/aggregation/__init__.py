"""The school as the unit: agreement, reliability of means, school scores, mixed models."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.aggregation.agreement import Agreement as Agreement
    from cte_metrics.aggregation.agreement import agreement as agreement
    from cte_metrics.aggregation.variance_components import (
        VarianceComponents as VarianceComponents,
    )
    from cte_metrics.aggregation.variance_components import (
        item_variance_components as item_variance_components,
    )
    from cte_metrics.aggregation.variance_components import (
        variance_components as variance_components,
    )

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "agreement": ["Agreement", "agreement"],
        "variance_components": [
            "VarianceComponents",
            "item_variance_components",
            "variance_components",
        ],
    },
)
