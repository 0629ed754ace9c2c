"""Rows of the table that no parameter carries: they follow from the others, or from the sample.

Functions: ``fill_derived_rows``, ``fill_covariate_rows``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.model.ordinal import scales
from cte_metrics.sem.table.table import ParameterTable


def fill_derived_rows(table: ParameterTable, states: Sequence[BlockState], values: Array) -> None:
    """Write what the parameterization derives: residual variances (delta) or scales (theta).

    They carry no standard error (0, as fixed rows), as in lavaan.
    """
    for r in range(len(table)):
        if table.free[r] or table.op[r] not in ("~~", "~*~") or table.lhs[r] != table.rhs[r]:
            continue
        state = states[int(table.block[r]) - 1]
        if table.lhs[r] not in state.design.observed:
            continue
        i = state.design.observed.index(table.lhs[r])
        if not state.design.ordinal[i]:
            continue
        theta = state.design.parameterization == "theta"
        if table.op[r] == "~~" and not theta:
            values[r] = _derived_variance(state, i)
        elif table.op[r] == "~*~" and theta:
            values[r] = float(scales(state)[i])


def _derived_variance(state: BlockState, i: int) -> float:
    """Residual variance of ordinal item i in the delta parameterization."""
    design = state.design
    if i in design.derived:
        k = design.latent.index(design.observed[i])
        return float(state.matrices.psi[k, k])
    common = float(state.cov[i, i] - state.matrices.theta[i, i])
    return 1.0 / float(state.matrices.delta[i]) ** 2 - common


def fill_covariate_rows(
    table: ParameterTable,
    states: Sequence[BlockState],
    samples: Sequence[Moments],
    values: Array,
) -> None:
    """Write the sample moments of the covariates that the model is conditioned on."""
    for r in np.flatnonzero((table.exo > 0) & (table.free == 0)).tolist():
        block = int(table.block[r]) - 1
        design = states[block].design
        if not design.covariates or table.op[r] not in ("~~", "~1"):
            continue
        i = design.observed.index(table.lhs[r])
        sample = samples[block]
        if table.op[r] == "~~":
            values[r] = sample.cov[i, design.observed.index(table.rhs[r])]
        elif sample.mean is not None:
            values[r] = sample.mean[i]
