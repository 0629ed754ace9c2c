"""Maximum likelihood of two-level models from summaries by cluster size.

The discrepancy of group g is minus its log-likelihood per case, a function of the moments of two
blocks, within and between. Scores are those of the clusters, which are the independent units.

References: McDonald & Goldstein (1989); Rosseel, Y. (2021). Evaluating the observed
log-likelihood function in two-level structural equation modeling with missing data. Psych, 3,
197-232.

Classes: ``TwoLevel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cte_metrics.kernels.two_level import (
    LevelGradient,
    LevelMoments,
    two_level_evaluate,
    two_level_information,
    two_level_scores,
)
from cte_metrics.kernels.vech import vech_index
from cte_metrics.sem.clustered import ClusteredSample
from cte_metrics.sem.estimators.base import (
    Array,
    InformationKind,
    MomentGradient,
    Moments,
    Saturated,
)

if TYPE_CHECKING:
    from cte_metrics.sem.implied import BlockState

LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class MaskedWeight:
    """A weight over the moments of both levels, some of which are not free in the saturated model.

    ``matrix`` (n_moments, n_moments); ``blank`` (n_moments,) marks the moments of fixed
    covariates and the level-1 means of split variables (only the sum of the two means is
    identified, and it is kept at level 2). They count when a model is fitted, and are blanked in
    ``dense``.
    """

    matrix: Array
    blank: NDArray[np.bool_]

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` over the free parameters."""
        delta = np.vstack([s.jacobian for s in states])
        return delta.T @ self.matrix @ delta

    def dense(self, states: Sequence[BlockState]) -> Array:
        """Return the matrix of the free moments, zero elsewhere."""
        matrix = self.matrix.copy()
        matrix[self.blank] = 0.0
        matrix[:, self.blank] = 0.0
        return matrix


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

    def weight(self, kind: InformationKind = "expected") -> tuple[MaskedWeight, ...]:
        """Expected or observed information by the moments of both levels."""
        pairs = zip(self.estimator.samples, self.implied, strict=True)
        return tuple(
            self.estimator.unit_weight(
                sample, two_level_information(sample.summaries, moments, kind)
            )
            for sample, moments in pairs
        )


@dataclass(eq=False)
class TwoLevel:
    """Two-level maximum likelihood (see the module).

    Parameters
    ----------
    samples : tuple of ClusteredSample
        One per group; blocks are (within, between) of each group in turn.
    """

    samples: tuple[ClusteredSample, ...]
    name: str = "ML"
    has_means: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self.groups = tuple((2 * g, 2 * g + 1) for g in range(len(self.samples)))
        self.n_by_group = tuple(s.n for s in self.samples)
        self.n = float(sum(self.n_by_group))
        self.shares = tuple(n / self.n for n in self.n_by_group)

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
            result = two_level_evaluate(sample.summaries, moments)
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
            kept = np.flatnonzero(~bread.blank)
            cells = np.ix_(kept, kept)
            inverse = np.linalg.inv(bread.matrix[cells])
            gamma = np.zeros_like(bread.matrix)
            gamma[cells] = share * (inverse @ meat.matrix[cells] @ inverse)
            out.append(gamma)
        return tuple(out)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[MaskedWeight]:
        """Outer products of the clusters' scores at the implied (or the unrestricted) moments."""
        levels = self.levels(implied if structured else self.saturated().moments)
        out = []
        for sample, moments in zip(self.samples, levels, strict=True):
            scores = two_level_scores(sample.summaries, sample.products, moments)
            out.append(self.unit_weight(sample, scores.T @ scores))
        return out

    def unit_weight(self, sample: ClusteredSample, matrix: Array) -> MaskedWeight:
        """Scale to one case."""
        blank = np.concatenate(
            [
                _blank(sample.both, len(sample.within_names), sample.fixed_within),
                _blank(None, len(sample.between_names), sample.fixed_between),
            ]
        )
        return MaskedWeight(matrix / self.n, blank)


def _blank(means_too: NDArray[np.bool_] | None, p: int, fixed: Sequence[int]) -> NDArray[np.bool_]:
    """Return which entries of [mean, vech] of one block have no information of their own."""
    rows, cols = vech_index(p)
    flag = np.zeros(p, dtype=bool)
    flag[list(fixed)] = True
    means = flag if means_too is None else flag | means_too
    return np.concatenate([means, flag[rows] & flag[cols]])


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
