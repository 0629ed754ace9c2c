"""Normal-theory maximum likelihood on complete data.

For group g with mean m, covariance S, n_g observations and implied mu, Sigma::

    F_g = 1/2 [ log|Sigma| + tr(S Sigma^-1) + (m - mu)' Sigma^-1 (m - mu) ]

``likelihood="normal"`` takes S with divisor n_g and tests n_g F_g; ``"wishart"`` the unbiased S
and tests (n_g - 1) F_g.

Reference: Joreskog, K. G. (1967). Some contributions to maximum likelihood factor analysis.
Psychometrika, 32, 443-482.

Classes: ``MaximumLikelihood``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.estimators.case_forms import CaseScores, NormalCaseForms
from cte_metrics.sem.estimators.weights import DenseWeight, NormalWeight, blanked
from cte_metrics.sem.model.implied import saturated_state
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.sample.moments import SampleStats

LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class _GroupPoint:
    """Pieces of the discrepancy of one group; ``d = m - mu`` or ``None``."""

    value: float
    inverse: Array
    implied: Array
    target: Array
    d: Array | None


@dataclass(frozen=True, slots=True)
class LikelihoodPoint:
    """The normal discrepancy at given moments."""

    value: float
    by_group: tuple[float, ...]
    points: tuple[_GroupPoint, ...]
    shares: tuple[float, ...]
    x_index: tuple[int, ...] = ()

    def gradient(self) -> tuple[MomentGradient, ...]:
        """``1/2 V (Sigma - T) V`` and ``-V d``, times the group's share."""
        out = []
        for point, share in zip(self.points, self.shares, strict=True):
            v = point.inverse
            cov = (0.5 * share) * (v @ (point.implied - point.target) @ v)
            out.append(MomentGradient(cov, None if point.d is None else -share * (v @ point.d)))
        return tuple(out)

    def weight(self, kind: InformationKind = "expected") -> tuple[NormalWeight, ...]:
        """Expected or observed second derivative by the moments."""
        if kind == "expected":
            return tuple(
                NormalWeight(s, p.inverse, p.d is not None, blank=self.x_index)
                for p, s in zip(self.points, self.shares, strict=True)
            )
        return tuple(
            NormalWeight(
                s,
                p.inverse,
                p.d is not None,
                p.inverse @ p.target @ p.inverse,
                None if p.d is None else p.inverse @ p.d,
                self.x_index,
            )
            for p, s in zip(self.points, self.shares, strict=True)
        )


@dataclass(eq=False)
class MaximumLikelihood(Estimator):
    """Maximum likelihood from means and covariances (see the module).

    Parameters
    ----------
    sample : SampleStats
        Variables in the order of the model.
    has_means : bool
        Whether means are modelled; otherwise they are saturated.
    x_index : tuple of int
        Fixed covariates, whose own likelihood is left out of the log-likelihood.
    likelihood : {"normal", "wishart"}
    """

    sample: SampleStats
    has_means: bool
    x_index: tuple[int, ...] = ()
    likelihood: Literal["normal", "wishart"] = "normal"
    name: str = "ML"
    covs: tuple[Array, ...] = field(init=False)

    def __post_init__(self) -> None:
        groups = self.sample.groups
        normal = self.likelihood == "normal"
        self.covs = tuple(g.cov if normal else g.unbiased for g in groups)
        self._set_head([g.n for g in groups], lost=0.0 if normal else 1.0)

    def at(self, implied: Sequence[Moments]) -> LikelihoodPoint:
        """Evaluate the discrepancy."""
        points: list[_GroupPoint] = []
        for group, s, moments in zip(self.sample.groups, self.covs, implied, strict=True):
            pair = inverse_and_logdet(moments.cov)
            if pair is None:
                return LikelihoodPoint(np.inf, (np.inf,) * len(self.covs), (), self.shares)
            v, logdet = pair
            d = group.mean - moments.mean if self.has_means and moments.mean is not None else None
            target = s if d is None else s + d[:, None] * d
            value = 0.5 * (logdet + float(np.vdot(v, target)))
            points.append(_GroupPoint(value, v, moments.cov, target, d))
        by_group = tuple(p.value for p in points)
        value = sum(s * f for s, f in zip(self.shares, by_group, strict=True))
        return LikelihoodPoint(value, by_group, tuple(points), self.shares, self.x_index)

    def saturated(self) -> Saturated:
        """The sample moments themselves."""
        return self._saturated

    @cached_property
    def _saturated(self) -> Saturated:
        values = []
        for s in self.covs:
            pair = inverse_and_logdet(s)
            values.append(-np.inf if pair is None else 0.5 * (pair[1] + len(s)))
        return Saturated(tuple(values), self.start_moments())

    def start_moments(self) -> tuple[Moments, ...]:
        """The sample moments."""
        return tuple(Moments(s, g.mean) for s, g in zip(self.covs, self.sample.groups, strict=True))

    def log_likelihood(self, by_group: Sequence[float]) -> float:
        """Normal log-likelihood, conditional on the fixed covariates."""
        total = 0.0
        x = list(self.x_index)
        for group, s, value in zip(self.sample.groups, self.covs, by_group, strict=True):
            p = len(s)
            total -= group.n * (value + 0.5 * p * LOG_2PI)
            if x:
                logdet = np.linalg.slogdet(s[np.ix_(x, x)])[1]
                total += 0.5 * group.n * (len(x) * LOG_2PI + logdet + len(x))
        return float(total)

    def gamma(self) -> tuple[Array, ...]:
        """Distribution-free covariance of the sample moments."""
        out = []
        for group in self.sample.groups:
            gamma = group.gamma(self.x_index)
            out.append(gamma if self.has_means else gamma[len(group.mean) :, len(group.mean) :])
        return tuple(out)

    def meat(
        self, implied: Sequence[Moments], *, structured: bool = True
    ) -> Sequence[DenseWeight | CaseScores]:
        """``H E[t t'] H`` with ``t`` the casewise moments about the implied (or sample) ones.

        At the sample moments, what fixed covariates predict is taken out of ``t``.
        """
        return (
            self._cases.scores(implied, centred=False) if structured else self._unrestricted_meat()
        )

    @cached_property
    def _cases(self) -> NormalCaseForms:
        return NormalCaseForms(self.sample.groups, self.covs, self.shares, self.has_means)

    @property
    def case_forms(self) -> NormalCaseForms | None:
        """Case by case where covariates are not fixed and the answers themselves are known."""
        return None if self.x_index or not self.sample.has_values else self._cases

    def _unrestricted_meat(self) -> list[DenseWeight]:
        out = []
        for group, s, share in zip(self.sample.groups, self.covs, self.shares, strict=True):
            gamma = group.gamma(self.x_index)
            pair = inverse_and_logdet(s)
            if pair is None:
                raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
            p = len(s)
            full = saturated_state(p, self.has_means).normal_information(pair[0])
            h = blanked(full, p, self.has_means, self.x_index)
            if not self.has_means:
                gamma = gamma[p:, p:]
            out.append(DenseWeight(share * (h @ gamma @ h)))
        return out
