"""A solved model: the point in moment space and everything that follows from it by algebra.

``Solved`` is any model at its minimum (the fitted one, its baseline); ``Solution`` adds what a
fit knows beside it: table, constraints, options, data.

With ``D`` the Jacobian of the moments, ``H`` the weight of a group and ``K`` a basis of the
directions that the constraints leave free::

    information = sum_g D_g' H_g D_g           bread = K (K' information K)^-1 K'
    meat = sum_g D_g' H_g Gamma_g H_g D_g      vcov = bread / n   or   bread meat bread / n

References: White, H. (1980). Econometrica, 48, 817-838. Satorra, A. & Bentler, P. M. (1994).
Corrections to test statistics and standard errors in covariance structure analysis.

Classes: ``Solved``, ``Solution``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cte_metrics.sem.inference.baseline import fit_baseline
from cte_metrics.sem.inference.derived_rows import fill_covariate_rows, fill_derived_rows
from cte_metrics.sem.inference.solved import Solved
from cte_metrics.sem.inference.tests import ScaledTest, all_tests
from cte_metrics.sem.model.constraints import CompiledConstraints
from cte_metrics.sem.model.moments import Array
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable


@dataclass(eq=False, kw_only=True)
class Solution(Solved):
    """A fitted model and its surroundings.

    Attributes
    ----------
    table : ParameterTable
    constraints : CompiledConstraints
    data : ModelData
        Rows of each group, their positions in the input, labels.
    converged : bool
    n_iterations : int
    """

    table: ParameterTable
    constraints: CompiledConstraints
    data: ModelData
    converged: bool
    n_iterations: int

    @cached_property
    def flat(self) -> Array:
        """All model matrices of all blocks (see ``sem.matrices``)."""
        flat = self.design.flat.copy()
        flat[self.design.target] = self.theta[self.design.source]
        return flat

    @cached_property
    def values(self) -> Array:
        """Estimate of every row of the table (n_rows,)."""
        values = self.flat[self.design.position]
        if self.options.ordinal:
            fill_derived_rows(self.table, self.states, values)
            samples = self.estimator.start_moments()
            fill_covariate_rows(self.table, self.states, samples, values)
        return values

    @cached_property
    def tests(self) -> dict[str, ScaledTest]:
        """Test statistics by name: ``standard`` and the scaled one."""
        return all_tests(self)

    @cached_property
    def baseline(self) -> Solved | None:
        """The independence model on the same data."""
        return fit_baseline(self, self.table)

    @property
    def n_observations(self) -> float:
        """Observations in all groups."""
        if self.options.casewise and not self.options.ordinal:
            return float(sum(self.estimator.n_by_group))
        return self.data.n_used
