"""Full-information maximum likelihood: every answer that was given, and nothing imputed.

The discrepancy of group g is minus the mean log-likelihood of its cases at (mu, Sigma), each case
entering with the variables it answered::

    F_g = -l_g(mu, Sigma) / n_g

With complete data it equals maximum likelihood. Given cluster numbers, scores are summed within
clusters before the first-order information is formed, with the factor J / (J - 1) for J clusters.

Reference: Arbuckle, J. L. (1996). Full information estimation in the presence of incomplete data.
In Marcoulides & Schumacker (Eds.), Advanced structural equation modeling. Erlbaum.

Classes: ``FullInformation``. Functions: ``full_information``, ``incomplete_sample``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.likelihood.fiml import MomentGradient as KernelGradient
from cte_metrics.kernels.likelihood.fiml import (
    SaturatedMoments,
    fiml_evaluate,
    fiml_expected_information,
    fiml_first_order_information,
    fiml_observed_information,
    fiml_saturated,
)
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.kernels.summaries.missing_patterns import MissingPatterns, missing_patterns
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.sample.clustered import cluster_codes, has_cluster
from cte_metrics.sem.sample.coverage import check_answers
from cte_metrics.sem.sample.moments import GroupSample, SampleStats, effective_sizes
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable

LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(eq=False)
class IncompleteSample(GroupSample):
    """A group with gaps: ``values`` (n, p) may hold nan; ``mean``, ``cov`` solve the EM steps."""

    patterns: MissingPatterns | None = None
    saturated: SaturatedMoments | None = None


def incomplete_sample(
    label: str,
    names: Sequence[str],
    values: Array,
    weights: Array | None = None,
    n: float | None = None,
) -> IncompleteSample:
    """Condense a group's answers and estimate its unrestricted moments.

    Parameters
    ----------
    label : str
        Name of the group.
    names : sequence of str
        Variables in the order of the columns.
    values : array (n, p)
        Answers, nan where missing; every row has at least one answer.
    weights : array (n,), optional
        Case weights; they are scaled to sum to ``n``.
    n : float, optional
        Number of observations, by default of rows.
    """
    n = float(len(values)) if n is None else n
    if weights is not None:
        weights = weights * (n / weights.sum())
    patterns = missing_patterns(values, weights)
    saturated = fiml_saturated(patterns)
    return IncompleteSample(
        label,
        tuple(names),
        n,
        saturated.mean,
        saturated.cov,
        values,
        weights,
        patterns=patterns,
        saturated=saturated,
    )


def full_information(
    data: ModelData, table: ParameterTable, x_index: tuple[int, ...]
) -> FullInformation:
    """Make the estimator from the rows of a model, group by group.

    Cases with a gap in a fixed covariate say nothing about the model given the covariates and
    are left out (a note tells how many).
    """
    rows: list[tuple[Array, Array | None]] = []
    clusters: list[Index] = []
    notes: list[str] = []
    for part, block in zip(data.groups, table.blocks, strict=True):
        columns = [data.names.index(v) for v in block.ov_names]
        values = part.values[:, columns]
        keep = ~np.isnan(values[:, list(x_index)]).any(axis=1) & ~np.isnan(values).all(axis=1)
        if not keep.all():
            notes.append(_covariate_note(part.label, int((~keep).sum())))
        known = keep if part.clusters is None else keep & has_cluster(np.asarray(part.clusters))
        if known.sum() < keep.sum():
            notes.append(f"{int(keep.sum() - known.sum())} cases without a cluster were left out.")
        keep = known
        notes += check_answers(part.label, block.ov_names, values[keep])
        rows.append((values[keep], None if part.weights is None else part.weights[keep]))
        if part.clusters is not None:
            clusters.append(cluster_codes(np.asarray(part.clusters)[keep])[0])
    sizes = effective_sizes([w for _, w in rows], [len(v) for v, _ in rows])
    groups = [
        incomplete_sample(part.label, block.ov_names, *own, n)
        for part, block, own, n in zip(data.groups, table.blocks, rows, sizes, strict=True)
    ]
    sample = SampleStats(tuple(groups), table.blocks[0].ov_names, data.n_dropped, data.notes)
    found = tuple(clusters) if clusters else None
    return FullInformation(sample, x_index, found, remarks=tuple(notes))


def _covariate_note(label: str, count: int) -> str:
    where = f" of group {label!r}" if label else ""
    return f"{count} cases{where} without a value of a fixed covariate were left out."


@dataclass(frozen=True, slots=True)
class FullInformationPoint:
    """The discrepancy at given moments, with what its derivatives need."""

    value: float
    by_group: tuple[float, ...]
    gradients: tuple[KernelGradient, ...]
    implied: tuple[Moments, ...]
    estimator: FullInformation

    def gradient(self) -> tuple[MomentGradient, ...]:
        """Minus the score, per observation of the whole sample."""
        n = self.estimator.n
        return tuple(MomentGradient(-g.cov / n, -g.mean / n) for g in self.gradients)

    def weight(self, kind: InformationKind = "expected") -> tuple[DenseWeight, ...]:
        """Expected or observed information by the moments."""
        weights = []
        for data, moments in zip(self.estimator.patterns, self.implied, strict=True):
            if kind == "expected":
                matrix = fiml_expected_information(data, moments.cov)
            else:
                matrix = fiml_observed_information(data, _mean(moments), moments.cov)
            weights.append(self.estimator.unit_weight(matrix))
        return tuple(weights)


def _mean(moments: Moments) -> Array:
    if moments.mean is None:
        raise ValueError("full-information maximum likelihood needs the implied means")
    return moments.mean


@dataclass(eq=False)
class FullInformation(Estimator):
    """Maximum likelihood from all answers given (see the module).

    Parameters
    ----------
    sample : SampleStats
        Groups made by ``incomplete_sample``, variables in the order of the model.
    x_index : tuple of int
        Fixed covariates (complete), whose own likelihood is left out of the log-likelihood.
    clusters : sequence of arrays, optional
        Per group, the cluster number of each case from 0, for cluster-robust inference.
    """

    sample: SampleStats
    x_index: tuple[int, ...] = ()
    clusters: tuple[Index, ...] | None = None
    name: str = "ML"
    remarks: tuple[str, ...] = ()
    has_means: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self._set_head([g.n for g in self.sample.groups])

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the answers."""
        return self.remarks

    @cached_property
    def values(self) -> tuple[Array, ...]:
        """Answers of each group."""
        found = tuple(g.values for g in self.sample.groups if g.values is not None)
        if len(found) < len(self.sample.groups):
            raise ValueError("full-information maximum likelihood needs the answers themselves")
        return found

    @cached_property
    def patterns(self) -> tuple[MissingPatterns, ...]:
        """Condensed answers of each group."""
        return tuple(
            g.patterns
            if isinstance(g, IncompleteSample) and g.patterns is not None
            else missing_patterns(values, g.weights)
            for g, values in zip(self.sample.groups, self.values, strict=True)
        )

    @cached_property
    def unrestricted(self) -> tuple[SaturatedMoments, ...]:
        """EM solution of each group."""
        return tuple(
            g.saturated
            if isinstance(g, IncompleteSample) and g.saturated is not None
            else fiml_saturated(data)
            for g, data in zip(self.sample.groups, self.patterns, strict=True)
        )

    def at(self, implied: Sequence[Moments]) -> FullInformationPoint:
        """Evaluate the discrepancy."""
        gradients: list[KernelGradient] = []
        for data, moments in zip(self.patterns, implied, strict=True):
            result = fiml_evaluate(data, _mean(moments), moments.cov)
            if result is None:
                nowhere = (np.inf,) * len(self.groups)
                return FullInformationPoint(np.inf, nowhere, (), tuple(implied), self)
            gradients.append(result)
        by_group = tuple(-g.loglik / n for g, n in zip(gradients, self.n_by_group, strict=True))
        value = sum(s * f for s, f in zip(self.shares, by_group, strict=True))
        return FullInformationPoint(value, by_group, tuple(gradients), tuple(implied), self)

    def saturated(self) -> Saturated:
        """The EM solution."""
        by_group = tuple(
            -s.loglik / n for s, n in zip(self.unrestricted, self.n_by_group, strict=True)
        )
        return Saturated(by_group, self.start_moments())

    def start_moments(self) -> tuple[Moments, ...]:
        """The EM solution."""
        return tuple(Moments(s.cov, s.mean) for s in self.unrestricted)

    def available_moments(self) -> tuple[Moments, ...]:
        """Means of the answers given and covariances of the pairs answered by both."""
        return self._available

    @cached_property
    def _available(self) -> tuple[Moments, ...]:
        return tuple(
            _available(values, g.n)
            for values, g in zip(self.values, self.sample.groups, strict=True)
        )

    def log_likelihood(self, by_group: Sequence[float]) -> float:
        """Log-likelihood, conditional on the fixed covariates."""
        total = -sum(n * f for n, f in zip(self.n_by_group, by_group, strict=True))
        x = list(self.x_index)
        for moments, n in zip(self.unrestricted, self.n_by_group, strict=True):
            if x:
                logdet = np.linalg.slogdet(moments.cov[np.ix_(x, x)])[1]
                total += 0.5 * n * (len(x) * (LOG_2PI + 1.0) + float(logdet))
        return float(total)

    def gamma(self) -> tuple[Array, ...]:
        """Sandwich covariance of the unrestricted moments, ``A^-1 B A^-1``, sqrt(n_g) scale."""
        out = []
        information = FullInformationPoint(0.0, (), (), self.start_moments(), self)
        breads, meats = information.weight("observed"), self.meat((), structured=False)
        for bread, meat, share in zip(breads, meats, self.shares, strict=True):
            kept = np.flatnonzero(np.diag(bread.matrix))
            inverse = np.linalg.inv(bread.matrix[np.ix_(kept, kept)])
            gamma = np.zeros_like(bread.matrix)
            middle = meat.matrix[np.ix_(kept, kept)]
            gamma[np.ix_(kept, kept)] = share * (inverse @ middle @ inverse)
            out.append(gamma)
        return tuple(out)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[DenseWeight]:
        """Outer products of the scores at the implied (or the unrestricted) moments."""
        points = implied if structured else self.start_moments()
        weights = []
        for g, (data, moments) in enumerate(zip(self.patterns, points, strict=True)):
            codes = None if self.clusters is None else self.clusters[g]
            matrix = fiml_first_order_information(
                self.values[g],
                data,
                _mean(moments),
                moments.cov,
                weights=self.sample.groups[g].weights,
                clusters=codes,
            )
            if codes is not None:
                n_clusters = len(np.unique(codes))
                matrix = matrix * (n_clusters / (n_clusters - 1.0))
            weights.append(self.unit_weight(matrix))
        return weights

    def unit_weight(self, matrix: Array) -> DenseWeight:
        """Scale a sum over one group's cases to one observation; blank the fixed covariates."""
        matrix = matrix / self.n
        if self.x_index:
            p = len(self.sample.names)
            rows, cols = vech_index(p)
            fixed = np.zeros(p, dtype=bool)
            fixed[list(self.x_index)] = True
            blank = np.concatenate([fixed, fixed[rows] & fixed[cols]])
            matrix[blank] = 0.0
            matrix[:, blank] = 0.0
        return DenseWeight(matrix)


def _available(values: Array, n: float) -> Moments:
    """Moments pair by pair, each with the answers to both variables; divisor n as for complete
    data.
    """
    seen = ~np.isnan(values)
    given = seen.astype(np.float64)
    filled = np.where(seen, values, 0.0)
    mean = filled.sum(axis=0) / given.sum(axis=0)
    filled = np.where(seen, values - mean, 0.0)
    count = given.T @ given
    sums = filled.T @ given
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = (filled.T @ filled - sums * sums.T / count) / (count - 1.0)
    return Moments(cov * ((n - 1.0) / n), mean)
