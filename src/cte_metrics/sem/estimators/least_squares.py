"""Least squares on the moments of complete data: ULS, GLS, WLS (ADF) and DWLS.

With sample moments s (unbiased covariance), implied moments sigma and a fixed weight W::

    F_g = 1/2 (s - sigma)' W_g (s - sigma),          chisq = sum (n_g - 1) 2 F_g

====== =================================================================
ULS    W = I over ``[mean, vech(S)]``
GLS    W = normal-theory weight at S (``V = S^-1``)
WLS    W = Gamma^-1 (asymptotically distribution-free)
DWLS   W = diag(Gamma)^-1
====== =================================================================

Reference: Browne, M. W. (1984). Asymptotically distribution-free methods for the analysis of
covariance structures. British Journal of Mathematical and Statistical Psychology, 37, 62-83.

Classes: ``LeastSquares``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import EstimationError
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.kernels.numerics.vech import vech
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.estimators.weights import DenseWeight, blanked
from cte_metrics.sem.model.implied import saturated_state
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.sample.moments import SampleStats


@dataclass(frozen=True, slots=True)
class LeastSquaresPoint:
    """The discrepancy at given moments; ``pulled`` is ``W (sigma - s)`` of each group."""

    value: float
    by_group: tuple[float, ...]
    pulled: tuple[Array, ...]
    objective_shares: tuple[float, ...]
    weights: tuple[DenseWeight, ...]

    def gradient(self) -> tuple[MomentGradient, ...]:
        """Derivative by the moment vector of each block."""
        return tuple(
            MomentGradient(vector=share * g)
            for share, g in zip(self.objective_shares, self.pulled, strict=True)
        )

    def weight(self, kind: InformationKind = "expected") -> tuple[DenseWeight, ...]:
        """W, the same whether expected or observed."""
        return self.weights


@dataclass(eq=False)
class LeastSquares(Estimator):
    """Least squares with a fixed weight; parameters as in ``MaximumLikelihood``."""

    sample: SampleStats
    has_means: bool
    x_index: tuple[int, ...] = ()
    name: str = "ULS"

    def __post_init__(self) -> None:
        self._set_head([g.n for g in self.sample.groups], lost=1.0)
        self.objective_shares = tuple(n / self.sample.n_total for n in self.n_by_group)

    @cached_property
    def targets(self) -> tuple[Array, ...]:
        """Sample moment vectors."""
        return tuple(self._vector(m) for m in self.start_moments())

    @cached_property
    def matrices(self) -> tuple[Array, ...]:
        """W of each group."""
        return tuple(self._weight(g) for g in range(len(self.sample.groups)))

    def _weight(self, g: int) -> Array:
        group = self.sample.groups[g]
        if self.name == "ULS":
            return np.eye(len(self.targets[g]))
        if self.name == "GLS":
            pair = inverse_and_logdet(group.unbiased)
            if pair is None:
                raise EstimationError(
                    "GLS inverts the sample covariance matrix, which is not positive definite."
                )
            p = len(group.mean)
            full = saturated_state(p, self.has_means).normal_information(pair[0])
            return blanked(full, p, self.has_means, self.x_index)
        gamma = self.gamma()[g]
        if self.name == "DWLS":
            diagonal = gamma.diagonal()
            return np.diag(np.divide(1.0, diagonal, out=np.zeros(len(gamma)), where=diagonal > 0))
        return _inverse_of_gamma(gamma, group.n)

    def _vector(self, moments: Moments) -> Array:
        half = vech(moments.cov)
        if self.has_means and moments.mean is not None:
            return np.concatenate((moments.mean, half))
        return half

    def at(self, implied: Sequence[Moments]) -> LeastSquaresPoint:
        """Evaluate the discrepancy."""
        pulled, by_group = [], []
        for target, w, moments in zip(self.targets, self.matrices, implied, strict=True):
            difference = self._vector(moments) - target
            pull = w @ difference
            pulled.append(pull)
            by_group.append(0.5 * float(difference @ pull))
        value = sum(s * f for s, f in zip(self.objective_shares, by_group, strict=True))
        weights = tuple(DenseWeight(s * w) for s, w in zip(self.shares, self.matrices, strict=True))
        return LeastSquaresPoint(
            value, tuple(by_group), tuple(pulled), self.objective_shares, weights
        )

    def saturated(self) -> Saturated:
        """The sample moments, at discrepancy zero."""
        return Saturated((0.0,) * len(self.sample.groups), self.start_moments())

    def start_moments(self) -> tuple[Moments, ...]:
        """The sample moments."""
        return tuple(Moments(g.unbiased, g.mean) for g in self.sample.groups)

    def gamma(self) -> tuple[Array, ...]:
        """Distribution-free covariance of the sample moments."""
        out = []
        for group in self.sample.groups:
            gamma = group.gamma(self.x_index)
            out.append(gamma if self.has_means else gamma[len(group.mean) :, len(group.mean) :])
        return tuple(out)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[DenseWeight]:
        """``W Gamma W``."""
        return [
            DenseWeight(share * (w @ gamma @ w))
            for share, w, gamma in zip(self.shares, self.matrices, self.gamma(), strict=True)
        ]


def _inverse_of_gamma(gamma: Array, n: float) -> Array:
    """Invert Gamma over the moments that vary (fixed covariates do not)."""
    keep = np.flatnonzero(gamma.diagonal() > 0)
    pair = inverse_and_logdet(gamma[np.ix_(keep, keep)])
    if pair is None:
        raise EstimationError(
            f"WLS inverts a matrix of {len(keep)} x {len(keep)} moments of moments, which is "
            f"singular with {n:.0f} observations.",
            hint="WLS on continuous items needs far more respondents; use ML, MLM or MLR.",
        )
    out = np.zeros_like(gamma)
    out[np.ix_(keep, keep)] = pair[0]
    return out
