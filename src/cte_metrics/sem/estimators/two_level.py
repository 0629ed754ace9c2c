"""Maximum likelihood of two-level models from summaries by cluster size.

The discrepancy of group g is minus its log-likelihood per case, a function of the moments of two
blocks, within and between. Scores are those of the clusters, which are the independent units.

References: McDonald & Goldstein (1989); Rosseel, Y. (2021). Evaluating the observed
log-likelihood function in two-level structural equation modeling with missing data. Psych, 3,
197-232.

Classes: ``TwoLevel``. Functions: ``two_level_estimator``,
``lifted``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.errors import InputError
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.kernels.two_level.normal import LevelGradient, LevelMoments
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.sample.clustered import (
    ClusteredSample,
    IncompleteClusteredSample,
    clustered_sample,
    has_cluster,
)
from cte_metrics.sem.sample.coverage import check_answers
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable

LOG_2PI = float(np.log(2.0 * np.pi))


def two_level_estimator(data: ModelData, table: ParameterTable, options: FitOptions) -> TwoLevel:
    """Make the estimator from the rows of a two-level model, group by group.

    Raises
    ------
    InputError
        If no cluster variable was given, there are more than two levels, weights were given, the
        clusters cannot carry two levels, or a variable has no answers or does not vary.
    """
    _check(data, table, options)
    samples: list[ClusteredSample] = []
    notes: list[str] = []
    for g, part in enumerate(data.groups):
        within, between = table.blocks[2 * g], table.blocks[2 * g + 1]
        fixed = table.options.fixed_x
        fixed_within, fixed_between = (b.ov_x if fixed else () for b in (within, between))
        needed = [data.names.index(v) for v in {*fixed_within, *fixed_between}]
        items = [data.names.index(v) for v in within.ov_names]
        keep = ~np.isnan(part.values[:, needed]).any(axis=1)
        keep &= ~np.isnan(part.values[:, items]).all(axis=1)
        clusters = np.asarray(part.clusters)
        keep &= has_cluster(clusters)
        if not keep.all():
            notes.append(_left_out(part.label, int((~keep).sum())))
        notes.extend(check_answers(part.label, data.names, part.values[keep]))
        sample, remarks = clustered_sample(
            part.label,
            {v: part.values[keep, k] for k, v in enumerate(data.names)},
            clusters[keep],
            within=within.ov_names,
            between=between.ov_names,
            fixed_within=fixed_within,
            fixed_between=fixed_between,
            rows=np.asarray(part.rows[keep], dtype=np.intp),
        )
        samples.append(sample)
        notes.extend(remarks)
    return TwoLevel(tuple(samples), remarks=tuple(notes))


def _left_out(label: str, count: int) -> str:
    where = f" of group {label!r}" if label else ""
    return (
        f"{count} rows{where} without a cluster, a value of a fixed covariate, or any variable of "
        "level 1 were left out."
    )


def _check(data: ModelData, table: ParameterTable, options: FitOptions) -> None:
    if table.n_levels > 2:
        raise InputError(
            f"The model has {table.n_levels} levels; two are supported.",
            hint="Write one 'level: 1' and one 'level: 2' block.",
        )
    if any(part.clusters is None for part in data.groups):
        raise InputError(
            "The model has two levels, but no cluster variable was given.",
            hint="Pass cluster= with the column that says which school a teacher belongs to.",
        )
    if any(part.weights is not None for part in data.groups):
        raise InputError("Case weights are not supported in two-level models.")
    if options.missing == "fiml" and options.information == "expected":
        raise InputError(
            "Expected information is not available for two-level models with missing='fiml'.",
            hint="Leave information at its default, 'observed'.",
        )


@dataclass(frozen=True, slots=True)
class LevelWeight:
    """A weight over the moments of both levels, some of which are not free in the saturated model.

    ``times`` returns the matrix (``None``) or its product with directions (n_moments, k);
    ``blank`` (n_moments,) marks the moments of fixed covariates and the level-1 means of split
    variables (only the sum of the two means is identified, and it is kept at level 2). They count
    when a model is fitted, and are blanked in ``dense``.
    """

    times: Callable[[Array | None], Array]
    blank: Flags

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` over the free parameters."""
        delta = np.vstack([s.jacobian for s in states])
        product = delta.T @ self.times(delta)
        return 0.5 * (product + product.T)

    def dense(self) -> Array:
        """Return the matrix of the free moments, zero elsewhere."""
        matrix = self.times(None).copy()
        matrix[self.blank] = 0.0
        matrix[:, self.blank] = 0.0
        return 0.5 * (matrix + matrix.T)


@dataclass(frozen=True, slots=True)
class TwoLevelPoint:
    """The discrepancy at given moments, with what its derivatives need."""

    value: float
    by_group: tuple[float, ...]
    gradients: tuple[LevelGradient, ...]
    implied: tuple[LevelMoments, ...]
    estimator: TwoLevel

    def gradient(self) -> tuple[MomentGradient, ...]:
        """Minus the score per case, within and between for each group."""
        n = self.estimator.n
        out: list[MomentGradient] = []
        for g in self.gradients:
            out.append(MomentGradient(-g.cov_within / n, -g.mean_within / n))
            out.append(MomentGradient(-g.cov_between / n, -g.mean_between / n))
        return tuple(out)

    def weight(self, kind: InformationKind = "expected") -> tuple[LevelWeight, ...]:
        """Expected or observed information by the moments of both levels."""
        n = self.estimator.n

        def times(g: int, directions: Array | None) -> Array:
            sample, moments = self.estimator.samples[g], self.implied[g]
            return sample.information(moments, kind, directions) / n

        return tuple(
            LevelWeight(partial(times, g), _blank(sample))
            for g, sample in enumerate(self.estimator.samples)
        )


@dataclass(eq=False)
class TwoLevel(Estimator):
    """Two-level maximum likelihood (see the module).

    Parameters
    ----------
    samples : tuple of ClusteredSample
        One per group; blocks are (within, between) of each group in turn.
    """

    samples: tuple[ClusteredSample, ...]
    name: str = "ML"
    remarks: tuple[str, ...] = ()
    has_means: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self._set_head([s.n for s in self.samples], n_levels=2)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the answers and clusters."""
        return self.remarks

    @property
    def constant(self) -> float:
        """Part of the discrepancy that no parameter changes: log(2 pi) / 2 per value."""
        values = sum(int(np.isfinite(a).sum()) for s in self.samples for a in (s.y, s.z))
        return 0.5 * LOG_2PI * values / self.n

    @property
    def exact_curvature_is_cheap(self) -> bool:
        """Whether Newton steps with the observed information pay in the iterations."""
        return not any(isinstance(s, IncompleteClusteredSample) for s in self.samples)

    def levels(self, implied: Sequence[Moments]) -> tuple[LevelMoments, ...]:
        """Pair the blocks by group."""
        return tuple(
            sample.level_moments(implied[w], implied[b])
            for sample, (w, b) in zip(self.samples, self.groups, strict=True)
        )

    def at(self, implied: Sequence[Moments]) -> TwoLevelPoint:
        """Evaluate the discrepancy."""
        gradients: list[LevelGradient] = []
        levels = self.levels(implied)
        for sample, moments in zip(self.samples, levels, strict=True):
            result = sample.evaluate(moments)
            if result is None:
                return TwoLevelPoint(np.inf, (np.inf,) * len(levels), (), levels, self)
            gradients.append(result)
        by_group = tuple(-g.loglik / n for g, n in zip(gradients, self.n_by_group, strict=True))
        value = sum(s * f for s, f in zip(self.shares, by_group, strict=True))
        return TwoLevelPoint(value, by_group, tuple(gradients), levels, self)

    def saturated(self) -> Saturated:
        """The unrestricted moments of both levels."""
        by_group = tuple(-s.unrestricted.loglik / s.n for s in self.samples)
        blocks: list[Moments] = []
        for sample in self.samples:
            m = sample.unrestricted.moments
            blocks.append(Moments(m.cov_within, m.mean_within))
            blocks.append(Moments(m.cov_between, m.mean_between))
        return Saturated(by_group, tuple(blocks))

    def start_moments(self) -> tuple[Moments, ...]:
        """Unrestricted moments; fixed covariates at their sample moments."""
        return tuple(m for sample in self.samples for m in sample.starts)

    def baseline_moments(self) -> tuple[Moments, ...]:
        """Unrestricted moments as lavaan's baseline model takes them for starts and covariates.

        The variances come after eigenvalues below a thousandth of the largest have been lifted to
        it. This changes nothing for free parameters; the variance of a fixed covariate on a much
        smaller scale than the outcomes is overstated, and so is the baseline's chi-square.
        """
        blocks = []
        for m in self.saturated().moments:
            cov = m.cov.copy()
            np.fill_diagonal(cov, np.diag(lifted(m.cov, 1e-3)))
            blocks.append(Moments(cov, m.mean))
        return tuple(blocks)

    def log_likelihood(self, by_group: Sequence[float]) -> float:
        """Log-likelihood, conditional on the fixed covariates of either level."""
        total = -sum(n * f for n, f in zip(self.n_by_group, by_group, strict=True))
        return float(total - sum(_covariate_loglik(s) for s in self.samples))

    def gamma(self) -> tuple[Array, ...]:
        """Sandwich covariance of the unrestricted moments, sqrt(n_g) scale."""
        saturated = self.saturated().moments
        point = TwoLevelPoint(0.0, (), (), self.levels(saturated), self)
        breads, meats = point.weight("observed"), self.meat((), structured=False)
        out = []
        for bread, meat, share in zip(breads, meats, self.shares, strict=True):
            matrix = bread.dense()
            kept = np.flatnonzero(~bread.blank)
            cells = np.ix_(kept, kept)
            inverse = np.linalg.inv(matrix[cells])
            gamma = np.zeros_like(matrix)
            gamma[cells] = share * (inverse @ meat.dense()[cells] @ inverse)
            out.append(gamma)
        return tuple(out)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[LevelWeight]:
        """Outer products of the clusters' scores at the implied (or the unrestricted) moments."""
        levels = self.levels(implied if structured else self.saturated().moments)
        out = []
        for sample, moments in zip(self.samples, levels, strict=True):
            scores = sample.scores(moments)
            matrix = scores.T @ scores / self.n
            out.append(LevelWeight(partial(_times, matrix), _blank(sample)))
        return out


def lifted(cov: Array, share: float) -> Array:
    """Raise eigenvalues to at least a share of the largest, (p, p)."""
    if len(cov) == 1:
        return np.maximum(cov, share)
    values, vectors = np.linalg.eigh(cov)
    floor = share * abs(float(values[-1]))
    return np.asarray((vectors * np.maximum(values, floor)) @ vectors.T)


def _times(matrix: Array, directions: Array | None) -> Array:
    return matrix if directions is None else matrix @ directions


def _blank(sample: ClusteredSample) -> Flags:
    """Return which moments of both levels have no information of their own, (n_moments,)."""
    p, q = len(sample.within_names), len(sample.between_names)
    fixed_within, fixed_between = np.zeros(p, dtype=bool), np.zeros(q, dtype=bool)
    fixed_within[list(sample.fixed_within)] = True
    fixed_between[list(sample.fixed_between)] = True
    i, j = vech_index(p)
    k, m = vech_index(q)
    return np.concatenate(
        [
            fixed_within | sample.both,
            fixed_within[i] & fixed_within[j],
            fixed_between,
            fixed_between[k] & fixed_between[m],
        ]
    )


def _covariate_loglik(sample: ClusteredSample) -> float:
    """Normal log-likelihood of covariates that exist at one level only."""
    p = len(sample.within_names)
    within = [i for i in sample.fixed_within if not sample.both[i]]
    between = [sample.place[i] - p for i in sample.fixed_between if sample.place[i] >= p]
    return _normal_loglik(sample.y[:, within]) + _normal_loglik(sample.z[:, between])


def _normal_loglik(x: Array) -> float:
    n, k = x.shape
    if k == 0:
        return 0.0
    cov = np.atleast_2d(np.cov(x.T, bias=True))
    return -0.5 * n * (k * (LOG_2PI + 1.0) + float(np.linalg.slogdet(cov)[1]))
