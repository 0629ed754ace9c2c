"""Structure of items: polychorics, number of factors, exploratory and confirmatory, invariance."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.factor.confirmatory import cfa as cfa
    from cte_metrics.factor.efa_result import EFA as EFA
    from cte_metrics.factor.exploratory import efa as efa
    from cte_metrics.factor.factor_congruence import congruence as congruence
    from cte_metrics.factor.hierarchical import schmid_leiman as schmid_leiman
    from cte_metrics.factor.invariance_result import Invariance as Invariance
    from cte_metrics.factor.item_correlations import Correlations as Correlations
    from cte_metrics.factor.item_correlations import correlations as correlations
    from cte_metrics.factor.loading_errors import LoadingErrors as LoadingErrors
    from cte_metrics.factor.measurement_invariance import invariance as invariance
    from cte_metrics.factor.polychorics import Polychoric as Polychoric
    from cte_metrics.factor.polychorics import polychoric as polychoric
    from cte_metrics.factor.retention import n_factors as n_factors
    from cte_metrics.factor.retention_result import Retention as Retention
    from cte_metrics.factor.rotations import Rotated as Rotated
    from cte_metrics.factor.rotations import rotate as rotate
    from cte_metrics.factor.sampling_adequacy import Adequacy as Adequacy
    from cte_metrics.factor.sampling_adequacy import adequacy as adequacy

attach(
    __name__,
    {
        "sampling_adequacy": ["Adequacy", "adequacy"],
        "factor_congruence": ["congruence"],
        "confirmatory": ["cfa"],
        "exploratory": ["efa"],
        "invariance_result": ["Invariance"],
        "measurement_invariance": ["invariance"],
        "efa_result": ["EFA"],
        "loading_errors": ["LoadingErrors"],
        "retention": ["n_factors"],
        "polychorics": ["Polychoric", "polychoric"],
        "retention_result": ["Retention"],
        "rotations": ["Rotated", "rotate"],
        "item_correlations": ["Correlations", "correlations"],
        "hierarchical": ["schmid_leiman"],
    },
)
