"""Normal-theory sandwiches formed case by case, in the parameters at once.

With casewise moments ``t_i`` and weights H the meat ``Delta' H E[t t'] H Delta`` is the mean outer
product of the casewise scores ``Delta' H t_i``, so that no matrix of moments by moments is formed.

Classes: ``NormalCaseForms``, ``CaseScores``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.implied import saturated_state
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.sample.moments import GroupSample

CASE_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class NormalCaseForms:
    """Casewise forms of complete continuous answers.

    ``groups`` with their covariance matrices ``covs`` and ``shares``, as the estimator has them.
    """

    groups: tuple[GroupSample, ...]
    covs: tuple[Array, ...]
    shares: tuple[float, ...]
    has_means: bool

    def scores(self, implied: Sequence[Moments], *, centred: bool) -> list[CaseScores]:
        """Scores case by case, about the implied moments, or about the sample's (``centred``)."""
        out = []
        for group, moments, share in zip(self.groups, implied, self.shares, strict=True):
            pair = inverse_and_logdet(moments.cov)
            if pair is None:
                raise np.linalg.LinAlgError("implied covariance matrix is not positive definite")
            about = group.mean
            if not centred and self.has_means and moments.mean is not None:
                about = moments.mean
            target = group.cov if centred else moments.cov
            out.append(CaseScores(group, share, pair[0], about, target, self.has_means))
        return out

    def gamma_trace(self, implied: Sequence[Moments]) -> float:
        """``sum tr(V_g Gamma_g)`` with normal-theory weights at the implied moments."""
        total = 0.0
        for group, moments in zip(self.groups, implied, strict=True):
            pair = inverse_and_logdet(moments.cov)
            assert pair is not None  # a solution has positive definite moments
            total += _gamma_trace(group, pair[0], self.has_means)
        return total

    def saturated_trace(self) -> tuple[float, int]:
        """``sum tr(A_g^-1 B_g)`` of the unrestricted model, and the number of its moments."""
        total, count = 0.0, 0
        for group, s in zip(self.groups, self.covs, strict=True):
            pair = inverse_and_logdet(s)
            assert pair is not None  # checked when the data were read
            total += _gamma_trace(group, pair[0], self.has_means)
            p = len(s)
            count += p * (p + 1) // 2 + (p if self.has_means else 0)
        return total, count


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
