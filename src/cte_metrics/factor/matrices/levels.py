"""Correlations of answers given in schools: of which level, and what the schools change.

Functions: ``at_level``, ``nesting_note``, ``refuse_level``. Types: ``Level``, ``AtLevel``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.errors import InputError
from cte_metrics.kernels.groups.nesting import Nesting, nesting
from cte_metrics.kernels.summaries.correlations import correlation_from_covariance

Level = Literal["total", "within", "between"]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class AtLevel:
    """Correlations (k, k) of one level with the number of independent pieces behind them.

    Created by: ``cte_metrics.factor.matrices.levels.at_level``.
    Consumed by: ``cte_metrics.factor.matrices.correlation_input.correlation_matrix``.
    """

    matrix: Array
    n_obs: float
    note: str


def at_level(values: Array, codes: Integers, level: Level, items: tuple[str, ...]) -> AtLevel:
    """Return the correlations within or between schools of complete rows.

    Raises
    ------
    InputError
        If an item does not vary at the level.
    """
    found = nesting(values, codes)
    covariance = found.within if level == "within" else found.between
    varies = np.diagonal(covariance) > _ROUNDING * values.var(axis=0)
    flat = [name for name, moves in zip(items, varies, strict=True) if not moves]
    if flat:
        raise InputError(
            f"{', '.join(flat)} {'does' if len(flat) == 1 else 'do'} not vary "
            f"{'within' if level == 'within' else 'between'} schools (the estimated variance is "
            "not positive), so there are no correlations of that level.",
            hint="Leave out these items, or use level='total'.",
        )
    n, j = found.n_respondents, found.n_groups
    matrix = correlation_from_covariance(covariance)
    if level == "within":
        note = (
            f"Pooled-within correlations of {n} respondents in {j} schools; n - schools + 1 = "
            f"{n - j + 1} stands for n."
        )
        return AtLevel(matrix, float(n - j + 1), f"{note} {_difference(values, found)}")
    note = (
        f"Between-school correlations of {j} schools (variance components, Muthen 1994): schools "
        "are the units, and tests that take them for observed correlations are rough."
    )
    return AtLevel(matrix, float(j), f"{note} {_difference(values, found)}")


def nesting_note(values: Array, codes: Integers) -> str:
    """Say that schools were passed over, and by how much that matters."""
    found = nesting(values, codes)
    return (
        f"Respondents come from {found.n_groups} schools (intraclass correlations of items "
        f"{found.icc.min():.2f} to {found.icc.max():.2f}, mean design effect "
        f"{found.design_effect.mean():.2f}); total correlations were used. "
        f"{_difference(values, found)} Tests and standard errors take respondents for "
        "independent; level='within' and level='between' take one level, a bootstrap draws schools."
    )


def _difference(values: Array, found: Nesting) -> str:
    total = correlation_from_covariance(np.cov(values, rowvar=False))
    within = correlation_from_covariance(found.within)
    size = np.nan_to_num(np.abs(within - total))
    return (
        f"Pooled-within correlations differ from total ones by {size.max():.2f} at most and "
        f"{size[np.triu_indices(len(size), 1)].mean():.2f} on average."
    )


def refuse_level(level: str, why: str) -> None:
    """Refuse a level where answers with their schools are not at hand."""
    if level != "total":
        raise InputError(
            f"level={level!r} needs answers and their schools; {why}.",
            hint="Pass the answers with group= (a column or one label a row), or a survey with "
            "schools; a matrix of one level may be given as such, with its n_obs.",
        )
