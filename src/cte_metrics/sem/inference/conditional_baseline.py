"""The baseline of a model with ordinal items and covariates.

Items are independent given the covariates; thresholds, variances and the slopes of every item on
every covariate are free (lavaan's baseline under ``conditional.x``).

Functions: ``fit_conditional_baseline``.
"""

from __future__ import annotations

from dataclasses import replace

from cte_metrics.sem.inference.solved import Solved, solved_baseline
from cte_metrics.sem.model.design import build_design
from cte_metrics.sem.search.start import starting_values
from cte_metrics.sem.table.table import ParameterTable, build_table


def fit_conditional_baseline(solved: Solved, table: ParameterTable) -> Solved | None:
    """Fit independence given the covariates; ``None`` when there is no solution."""
    block = table.blocks[0]
    given = " + ".join(block.ov_x)
    items = [v for v in block.ov_names if v not in set(block.ov_x)]
    options = replace(
        table.options,
        group_equal=(),
        group_partial=(),
        auto_cov_y=False,
        n_groups=table.n_groups,
    )
    free = build_table("\n".join(f"{v} ~ {given}" for v in items), options)
    if free.blocks[0].ov_names != block.ov_names:
        return None
    design = build_design(free)
    estimator = solved.estimator
    start = starting_values(free, design, estimator.start_moments())
    return solved_baseline(solved, design, start, design.n_free)
