"""Reliability of scores: internal consistency, split halves, raters and occasions.

Each coefficient comes with an interval, the n behind it, and notes on what the reader must know.
"""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.reliability.alpha import Alpha as Alpha
    from cte_metrics.reliability.alpha import cronbach_alpha as cronbach_alpha
    from cte_metrics.reliability.composite import composite_reliability as composite_reliability
    from cte_metrics.reliability.composite_intervals import (
        composite_intervals as composite_intervals,
    )
    from cte_metrics.reliability.formulas import spearman_brown as spearman_brown
    from cte_metrics.reliability.formulas import (
        standard_error_of_measurement as standard_error_of_measurement,
    )
    from cte_metrics.reliability.guttman import GreatestLowerBound as GreatestLowerBound
    from cte_metrics.reliability.guttman import GuttmanLambdas as GuttmanLambdas
    from cte_metrics.reliability.guttman import greatest_lower_bound as greatest_lower_bound
    from cte_metrics.reliability.guttman import guttman_lambdas as guttman_lambdas
    from cte_metrics.reliability.heterotrait import htmt as htmt
    from cte_metrics.reliability.heterotrait import htmt_intervals as htmt_intervals
    from cte_metrics.reliability.hierarchical import HierarchicalOmega as HierarchicalOmega
    from cte_metrics.reliability.hierarchical import hierarchical_omega as hierarchical_omega
    from cte_metrics.reliability.multilevel import (
        MultilevelReliability as MultilevelReliability,
    )
    from cte_metrics.reliability.multilevel import (
        multilevel_reliability as multilevel_reliability,
    )
    from cte_metrics.reliability.omega import Omega as Omega
    from cte_metrics.reliability.omega import mcdonald_omega as mcdonald_omega
    from cte_metrics.reliability.raters import icc as icc
    from cte_metrics.reliability.retest import TestRetest as TestRetest
    from cte_metrics.reliability.retest import test_retest as test_retest
    from cte_metrics.reliability.split_halves import SplitHalf as SplitHalf
    from cte_metrics.reliability.split_halves import split_half as split_half
    from cte_metrics.reliability.stratified import StratifiedAlpha as StratifiedAlpha
    from cte_metrics.reliability.stratified import stratified_alpha as stratified_alpha
    from cte_metrics.reliability.table import reliability_table as reliability_table

attach(
    __name__,
    {
        "alpha": ["Alpha", "cronbach_alpha"],
        "composite": ["composite_reliability"],
        "composite_intervals": ["composite_intervals"],
        "formulas": ["spearman_brown", "standard_error_of_measurement"],
        "guttman": [
            "GreatestLowerBound",
            "GuttmanLambdas",
            "greatest_lower_bound",
            "guttman_lambdas",
        ],
        "heterotrait": ["htmt", "htmt_intervals"],
        "hierarchical": ["HierarchicalOmega", "hierarchical_omega"],
        "multilevel": ["MultilevelReliability", "multilevel_reliability"],
        "omega": ["Omega", "mcdonald_omega"],
        "raters": ["icc"],
        "retest": ["TestRetest", "test_retest"],
        "split_halves": ["SplitHalf", "split_half"],
        "stratified": ["StratifiedAlpha", "stratified_alpha"],
        "table": ["reliability_table"],
    },
)
