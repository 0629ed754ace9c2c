"""A fitted model: a solved one with its table, constraints, data, and what was asked.

Classes: ``Solution``, ``Resamples``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.locking import lock, locked_property
from cte_metrics.sem.inference.baseline import fit_baseline
from cte_metrics.sem.inference.derived_rows import fill_covariate_rows, fill_derived_rows
from cte_metrics.sem.inference.solved import Solved
from cte_metrics.sem.inference.tests import ScaledTest, all_tests, resampled_test
from cte_metrics.sem.model.constraints import CompiledConstraints
from cte_metrics.sem.request.model import ModelRequest
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resamples:
    """What a model gives for resampled rows.

    Created by: ``cte_metrics.sem.resampling.resampled``.
    Consumed by: ``cte_metrics.sem.inference.solution.Solution``,
    ``cte_metrics.sem.inference.frames.parameter_frame``.

    Attributes
    ----------
    estimates : ndarray (b, n_free) or None
        Free parameters of the resamples that have a solution.
    chisq : ndarray (b,)
        Statistics of rows that were made to fit the model first (Bollen & Stine).
    notes : tuple of str
        Resamples without a solution.
    """

    estimates: Array | None = None
    chisq: Array = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lock(self.estimates, self.chisq)


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution(Solved):
    """A fitted model and its surroundings.

    Created by: ``cte_metrics.sem.solving.solve``.
    Consumed by: ``cte_metrics.sem.semfit.SEMFit``, ``cte_metrics.sem.verdict.judge``,
    ``cte_metrics.sem.fit.measures.fit_measures``,
    ``cte_metrics.sem.inference.frames.parameter_frame``.

    Attributes
    ----------
    table : ParameterTable
    constraints : CompiledConstraints
    request : ModelRequest
        What was asked for.
    data : ModelData
        Rows of each group, their positions in the input, labels.
    converged : bool
    n_iterations : int
    given_baseline : Solved or None
        The baseline of an earlier fit to the same data, where it serves here.
    resamples : Resamples or None
        Estimates of resampled rows, where the request asks for them.
    """

    table: ParameterTable
    constraints: CompiledConstraints
    request: ModelRequest
    data: ModelData
    converged: bool
    n_iterations: int
    given_baseline: Solved | None = None
    resamples: Resamples | None = None

    @locked_property
    def flat(self) -> Array:
        """All model matrices of all blocks (see ``sem.model.design``)."""
        flat = self.design.flat.copy()
        flat[self.design.target] = self.theta[self.design.source]
        return flat

    @locked_property
    def values(self) -> Array:
        """Estimate of every row of the table (n_rows,)."""
        values = self.flat[self.design.position]
        if self.options.ordinal:
            fill_derived_rows(self.table, self.states, values)
            samples = self.estimator.start_moments()
            fill_covariate_rows(self.table, self.states, samples, values)
        return values

    @locked_property
    def vcov(self) -> Array | None:
        """Covariance matrix of the estimates; that of the resampled ones under the bootstrap."""
        if self.options.se != "bootstrap":
            return super().vcov
        estimates = None if self.resamples is None else self.resamples.estimates
        if estimates is None or len(estimates) < 2:
            return None
        return np.cov(estimates.T, ddof=1).reshape(len(self.theta), -1)

    @property
    def tests(self) -> dict[str, ScaledTest]:
        """Test statistics by name: ``standard`` and the scaled one."""
        return dict(self._tests)

    @locked_property
    def _tests(self) -> dict[str, ScaledTest]:
        found = all_tests(self)
        if self.options.test == "bollen.stine" and self.resamples is not None:
            found["bollen.stine"] = resampled_test(self, self.resamples.chisq)
        return found

    @locked_property
    def baseline(self) -> Solved | None:
        """The independence model on the same data."""
        return self.given_baseline or fit_baseline(self, self.table)

    @property
    def n_observations(self) -> float:
        """Observations in all groups."""
        if self.options.casewise and not self.options.ordinal:
            return float(sum(self.estimator.n_by_group))
        return self.data.n_used
