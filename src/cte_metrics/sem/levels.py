"""Fit of a two-level model level by level.

For the test of one level the other level is saturated, so that misfit at level 2,
which has few units, is not buried under level 1. The baseline of a level has independent
variables at that level, again with the other one saturated. RMSEA of level 1 is on the N - J
contrasts within clusters, that of level 2 on the J clusters.

References: Ryu, E. & West, S. G. (2009). Level-specific evaluation of model fit in multilevel
structural equation modeling. Structural Equation Modeling, 16, 583-601. Asparouhov, T. & Muthen,
B. (2018). SRMR in Mplus.

Functions: ``fit_by_level``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from cte_metrics.errors import InputError
from cte_metrics.kernels.factor import fit_indices as index
from cte_metrics.sem.estimators.two_level import TwoLevel
from cte_metrics.sem.estimators.two_level_ordinal import TwoLevelOrdinal
from cte_metrics.sem.fit.srmr import two_level_ordinal_srmr, two_level_srmr
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.solving import solve_again
from cte_metrics.sem.table.table import ParameterTable

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("within", "between")


def fit_by_level(solution: Solution) -> pd.DataFrame:
    """Test each level with the other one saturated.

    Returns
    -------
    DataFrame
        Index ``within, between``; columns ``chisq, df, pvalue, cfi, tli, rmsea, srmr``, scaled
        figures where the fit has a scaled test. Constraints across the levels are dropped.

    Raises
    ------
    InputError
        For a model of one level, or of several groups.
    """
    import pandas as pd

    table = solution.table
    if table.n_levels < 2:
        raise InputError("Fit by level is for two-level models; this one has one level.")
    if table.n_groups > 1:
        raise InputError(
            "Fit by level is not available with several groups.",
            hint="Fit the groups one by one.",
        )
    rows = []
    ordinal = solution.options.ordinal
    srmr = two_level_ordinal_srmr(solution) if ordinal else two_level_srmr(solution)
    for level, name in enumerate(LEVELS):
        own = block_text(table, level)
        cut = [solution.options.ordinal and k == 0 for k in (level, 1 - level)]
        other = saturated_text(table.blocks[1 - level].ov_names, cut=cut[1])
        null = independent_text(table.blocks[level].ov_names, table.blocks[level].ov_x, cut=cut[0])
        model, base = (_fit(solution, level, text, other) for text in (own, null))
        rows.append(_measures(solution, level, model, base) | {"srmr": srmr[f"srmr_{name}"]})
    return pd.DataFrame(rows, index=pd.Index(LEVELS, name="level"))


def _fit(solution: Solution, level: int, own: str, other: str) -> Solution:
    """Fit one level as written beside a saturated other level, on the same data."""
    first, second = (own, other) if level == 0 else (other, own)
    request = replace(
        solution.request,
        text=f"level: 1\n{first}\nlevel: 2\n{second}\n",
        model_type="sem",
        orthogonal=False,
        meanstructure=True,
        bounds="none",
        start=None,
    )
    return solve_again(solution, request)


def _measures(solution: Solution, level: int, model: Solution, base: Solution) -> dict[str, float]:
    estimator = solution.estimator
    assert isinstance(estimator, TwoLevel | TwoLevelOrdinal)  # the model has two levels
    clusters = sum(s.n_clusters for s in estimator.samples)
    n = clusters if level else estimator.n - clusters
    name = solution.options.test if solution.options.scaled else "standard"
    test, null = model.tests[name], base.tests[name]
    if not model.converged or not base.converged:
        return dict.fromkeys(("chisq", "df", "pvalue", "cfi", "tli", "rmsea"), math.nan)
    pair = (test.statistic, test.df, null.statistic, null.df)
    return {
        "chisq": test.statistic,
        "df": test.df,
        "pvalue": test.pvalue,
        "cfi": index.cfi(*pair),
        "tli": index.tli(*pair),
        "rmsea": index.rmsea(test.statistic, test.df, n),
    }


def saturated_text(names: Sequence[str], *, cut: bool = False) -> str:
    """Write all variances (1 for items that are cut into categories) and covariances."""
    pairs = [] if cut else [(v, v) for v in names]
    pairs += list(combinations(names, 2))
    if cut and len(names) == 1:
        return f"{names[0]} ~~ 1*{names[0]}"
    return "\n".join(f"{a} ~~ {b}" for a, b in pairs)


def independent_text(names: Sequence[str], covariates: Sequence[str], *, cut: bool = False) -> str:
    """Write variances (1 for items that are cut); covariates may covary among themselves."""
    if cut:
        return "\n".join(f"{v} ~~ 1*{v}" for v in names)
    pairs = [(v, v) for v in names] + list(combinations(covariates, 2))
    return "\n".join(f"{a} ~~ {b}" for a, b in pairs)


def block_text(table: ParameterTable, block: int) -> str:
    """Write every parameter of one block, fixed values and labels included."""
    lines: list[str] = []
    labels: set[str] = set()
    for r in np.flatnonzero(np.asarray(table.block) == block + 1):
        if table.op[r] not in ("=~", "~~", "~", "~1", "|") or table.exo[r]:
            continue
        op, rhs = ("~", "1") if table.op[r] == "~1" else (table.op[r], table.rhs[r])
        term = f"NA*{rhs}" if table.free[r] else f"{table.ustart[r]:.17g}*{rhs}"
        if table.free[r] and table.label[r]:
            labels.add(table.label[r])
            term += f" + {table.label[r]}*{rhs}"
        lines.append(f"{table.lhs[r]} {op} {term}")
    for c in table.constraints:
        if c.op == "==" and {c.lhs, c.rhs} <= labels:
            lines.append(f"{c.lhs} == {c.rhs}")
    return "\n".join(lines)
