"""Normal-theory maximum likelihood on complete data.

For group g with mean m, covariance S, n_g observations and implied mu, Sigma::

    F_g = 1/2 [ log|Sigma| + tr(S Sigma^-1) + (m - mu)' Sigma^-1 (m - mu) ]

``likelihood="normal"`` takes S with divisor n_g and tests n_g F_g; ``"wishart"`` the unbiased S
and tests (n_g - 1) F_g.

Reference: Joreskog, K. G. (1967). Some contributions to maximum likelihood factor analysis.
Psychometrika, 32, 443-482.

Classes: ``MaximumLikelihood``, ``CaseScores``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.sem.estimators.base import Saturated
from cte_metrics.sem.estimators.weights import DenseWeight, NormalWeight, blanked
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.implied import saturated_state
from cte_metrics.sem.model.moments import Array, InformationKind, MomentGradient, Moments
from cte_metrics.sem.model.symmetric import inverse_and_logdet
from cte_metrics.sem.sample.moments import GroupSample, SampleStats

LOG_2PI = float(np.log(2.0 * np.pi))
CASE_BLOCK = 4096


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
class MaximumLikelihood:
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
        total = self.sample.n_total
        self.groups = tuple((b,) for b in range(len(groups)))
        self.n_by_group = tuple(g.n if normal else g.n - 1.0 for g in groups)
        self.n = float(sum(self.n_by_group))
        self.shares = tuple(g.n / total for g in groups)

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
        if structured:
            return self.case_scores(implied, centred=False)
        return self._unrestricted_meat(implied)

    def case_scores(self, implied: Sequence[Moments], *, centred: bool) -> list[CaseScores]:
        """Scores case by case, about the implied moments, or about the sample's (``centred``)."""
        out = []
        for group, moments, share in zip(self.sample.groups, implied, self.shares, strict=True):
            pair = inverse_and_logdet(moments.cov)
            if pair is None:
                raise np.linalg.LinAlgError("implied covariance matrix is not positive definite")
            about = group.mean
            if not centred and self.has_means and moments.mean is not None:
                about = moments.mean
            target = group.cov if centred else moments.cov
            out.append(CaseScores(group, share, pair[0], about, target, self.has_means))
        return out

    @property
    def has_case_forms(self) -> bool:
        """Whether sandwiches may be formed case by case (no fixed covariates, raw answers)."""
        return not self.x_index and self.sample.has_values

    def gamma_trace(self, implied: Sequence[Moments]) -> float:
        """``sum tr(V_g Gamma_g)`` with normal-theory weights at the implied moments."""
        total = 0.0
        for group, moments in zip(self.sample.groups, implied, strict=True):
            pair = inverse_and_logdet(moments.cov)
            assert pair is not None  # a solution has positive definite moments
            total += _gamma_trace(group, pair[0], self.has_means)
        return total

    def saturated_trace(self) -> tuple[float, int]:
        """``sum tr(A_g^-1 B_g)`` of the unrestricted model, and the number of its moments."""
        total, count = 0.0, 0
        for group, s in zip(self.sample.groups, self.covs, strict=True):
            pair = inverse_and_logdet(s)
            assert pair is not None  # checked when the data were read
            total += _gamma_trace(group, pair[0], self.has_means)
            p = len(s)
            count += p * (p + 1) // 2 + (p if self.has_means else 0)
        return total, count

    def _unrestricted_meat(self, implied: Sequence[Moments]) -> list[DenseWeight]:
        structured = False
        out = []
        for group, s, moments, share in zip(
            self.sample.groups, self.covs, implied, self.shares, strict=True
        ):
            cov = moments.cov if structured else s
            mean = moments.mean if structured and self.has_means else None
            d = group.mean - mean if mean is not None else np.zeros_like(group.mean)
            gamma = _about(group.gamma(() if structured else self.x_index), d, s, cov)
            pair = inverse_and_logdet(cov)
            state = saturated_state(len(cov), self.has_means)
            if pair is None:
                raise np.linalg.LinAlgError("implied covariance matrix is not positive definite")
            h = state.normal_information(pair[0])
            if not structured:
                h = blanked(h, len(cov), self.has_means, self.x_index)
            if not self.has_means:
                gamma = gamma[len(cov) :, len(cov) :]
            out.append(DenseWeight(share * (h @ gamma @ h)))
        return out


def _gamma_trace(group: GroupSample, inverse: Array, has_means: bool) -> float:
    """``tr(V Gamma)``: means ``tr(V S)``, covariances ``1/2 [E (c'Vc)^2 - tr(V S V S)]``."""
    assert group.values is not None  # asked for only where there are answers
    centred = group.values - group.mean
    pulled = centred @ inverse
    distance = np.einsum("ij,ij->i", pulled, centred)
    half = inverse @ group.cov
    n = group.n
    if group.weights is None:
        total = 0.5 * (float(distance @ distance) / n - float(np.vdot(half.T, half)))
        return total + (float(np.trace(half)) if has_means else 0.0)
    w = group.weights**2
    cross = np.einsum("ij,jk,ik->i", pulled, group.cov, pulled)
    total = 0.5 * float(w @ (distance**2 - 2.0 * cross + float(np.vdot(half.T, half)))) / n
    return total + (float(w @ distance) / n if has_means else 0.0)


@dataclass(frozen=True, slots=True)
class CaseScores:
    """Outer products of casewise scores of one group, formed in the parameters at once.

    The score of case i by parameter r is ``f_r u_r'V c + s_r [(u_r'V c)(v_r'V c) - u_r'V T V v_r]``
    with ``c = y_i - about`` and ``T`` the moments that are subtracted.
    """

    group: GroupSample
    share: float
    inverse: Array
    about: Array
    target: Array
    has_means: bool

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return the mean outer product over all parameters (n_free, n_free), times the share."""
        (state,) = states
        if self.group.values is None:
            self.group.gamma()  # says that the answers are needed
        assert self.group.values is not None
        centred = self.group.values - self.about
        own = len(state.design.free)
        total = np.zeros((own, own))
        pull_u, pull_v = self.inverse @ state.u.T, self.inverse @ state.v.T
        shift = np.einsum("ij,ji->i", pull_u.T @ self.target, pull_v)
        factor = state.factor if self.has_means else np.zeros(own)
        for start in range(0, len(centred), CASE_BLOCK):
            rows = centred[start : start + CASE_BLOCK]
            u = rows @ pull_u
            scores = state.design.scale * (u * (rows @ pull_v) - shift)
            if self.has_means:
                scores += factor * u
            if self.group.weights is not None:
                scores *= self.group.weights[start : start + CASE_BLOCK, None]
            total += scores.T @ scores
        return state.spread(self.share / self.group.n * total)

    def dense(self) -> Array:
        """Return the matrix over the moments (n_moments, n_moments)."""
        unit = saturated_state(len(self.inverse), self.has_means)
        return self.project([unit])


def _about(gamma: Array, d: Array, s: Array, cov: Array) -> Array:
    """Second moment of ``[y - mu; vech((y - mu)(y - mu)') - vech(Sigma)]`` from Gamma about m."""
    p = len(d)
    i, j = vech_index(p)
    constant = np.concatenate((d, (s + d[:, None] * d - cov)[i, j]))
    if d.any():
        shift = np.eye(len(gamma))
        rows = np.arange(len(i)) + p
        np.add.at(shift, (rows, i), d[j])
        np.add.at(shift, (rows, j), d[i])
        gamma = shift @ gamma @ shift.T
    return gamma + constant[:, None] * constant
