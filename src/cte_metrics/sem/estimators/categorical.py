"""Least squares on the moments of ordinal (and mixed) items: DWLS, WLS and ULS.

With thresholds, minus means, numeric variances and correlations s of each group (Muthen's first
two stages, ``kernels.ordinal.ordinal_moments``), their asymptotic covariance Gamma and the implied
sigma::

    F_g = 1/2 (s - sigma)' W_g (s - sigma),          chisq = sum (n_g - 1) 2 F_g

with ``W = diag(Gamma)^-1`` (DWLS), ``Gamma^-1`` (WLS) or ``I`` (ULS). WLSMV, WLSM, WLSMVS and
ULSMV have the estimates of DWLS and ULS, standard errors ``bread meat bread`` and scaled tests,
all of which follow from W and Gamma alone.

References: Muthen, B. (1984). A general structural equation model with dichotomous, ordered
categorical, and continuous latent variable indicators. Psychometrika, 49, 115-132. Muthen, B., du
Toit, S. H. C., & Spisic, D. (1997). Robust inference using weighted least squares and quadratic
estimating equations in latent variable modeling with categorical and continuous outcomes.

Functions: ``categorical_estimator``. Classes: ``DiagonalWeight``, ``CategoricalLeastSquares``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import EstimationError
from cte_metrics.kernels.numerics.locking import lock
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.sample.ordinal import OrdinalSample, category_levels, ordinal_sample
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable


@dataclass(frozen=True, slots=True)
class DiagonalWeight:
    """A weight that is a diagonal matrix, held as its diagonal (n_moments,)."""

    diagonal: Array

    def __post_init__(self) -> None:
        lock(self.diagonal)

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` over the free parameters of the model."""
        (state,) = states
        delta = state.jacobian
        return (delta.T * self.diagonal) @ delta

    def dense(self) -> Array:
        """Return the matrix."""
        return np.diag(self.diagonal)

    def times(self, difference: Array) -> Array:
        """Return ``H d``."""
        return self.diagonal * difference

    def scaled(self, share: float) -> DiagonalWeight:
        """Return ``share H``."""
        return DiagonalWeight(share * self.diagonal)


@dataclass(frozen=True, slots=True)
class FullWeight(DenseWeight):
    """A full weight matrix (n_moments, n_moments)."""

    def times(self, difference: Array) -> Array:
        """Return ``H d``."""
        return self.matrix @ difference

    def scaled(self, share: float) -> FullWeight:
        """Return ``share H``."""
        return FullWeight(share * self.matrix)


@dataclass(frozen=True, slots=True)
class CategoricalPoint:
    """The discrepancy at given moments; ``pulled`` is ``W (sigma - s)`` of each group."""

    value: float
    by_group: tuple[float, ...]
    pulled: tuple[Array, ...]
    objective_shares: tuple[float, ...]
    weights: tuple[DiagonalWeight | FullWeight, ...]

    def gradient(self) -> tuple[MomentGradient, ...]:
        """Derivative by the moment vector of each group."""
        pairs = zip(self.objective_shares, self.pulled, strict=True)
        return tuple(MomentGradient(vector=share * g) for share, g in pairs)

    def weight(self, kind: InformationKind = "expected") -> tuple[DiagonalWeight | FullWeight, ...]:
        """W, the same whether expected or observed."""
        return self.weights


@dataclass(eq=False)
class CategoricalLeastSquares(Estimator):
    """Least squares on thresholds and correlations.

    Parameters
    ----------
    sample : OrdinalSample
        Statistics of each group, items in the order of the model's.
    name : {"DWLS", "WLS", "ULS"}
    """

    sample: OrdinalSample
    name: str = "DWLS"
    has_means: bool = True

    def __post_init__(self) -> None:
        sizes = [g.n for g in self.sample.groups]
        self._set_head(sizes, lost=1.0)
        self.objective_shares = tuple(n / sum(sizes) for n in self.n_by_group)
        self.targets = tuple(g.vector for g in self.sample.groups)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the answers."""
        return self.sample.notes

    @cached_property
    def matrices(self) -> tuple[DiagonalWeight | FullWeight, ...]:
        """W of each group."""
        return tuple(self._weight(g) for g in range(len(self.groups)))

    @cached_property
    def shared(self) -> tuple[DiagonalWeight | FullWeight, ...]:
        """W times the share of each group."""
        return tuple(w.scaled(s) for s, w in zip(self.shares, self.matrices, strict=True))

    def _weight(self, g: int) -> DiagonalWeight | FullWeight:
        if self.name == "ULS":
            return DiagonalWeight(np.ones(len(self.targets[g])))
        gamma = self.gamma()[g]
        if self.name == "WLS":
            return FullWeight(_inverse(gamma, self.sample.groups[g].label, len(self.groups)))
        diagonal = gamma.diagonal()
        return DiagonalWeight(
            np.divide(1.0, diagonal, out=np.zeros(len(gamma)), where=diagonal > 0.0)
        )

    def at(self, implied: Sequence[Moments]) -> CategoricalPoint:
        """Evaluate the discrepancy."""
        pulled, by_group = [], []
        for target, w, moments in zip(self.targets, self.matrices, implied, strict=True):
            assert moments.vector is not None  # a block with ordinal items has its moment vector
            difference = moments.vector - target
            pull = w.times(difference)
            pulled.append(pull)
            by_group.append(0.5 * float(difference @ pull))
        value = sum(s * f for s, f in zip(self.objective_shares, by_group, strict=True))
        return CategoricalPoint(
            value, tuple(by_group), tuple(pulled), self.objective_shares, self.shared
        )

    def saturated(self) -> Saturated:
        """The sample statistics, at discrepancy zero."""
        return Saturated((0.0,) * len(self.groups), self.start_moments())

    def start_moments(self) -> tuple[Moments, ...]:
        """The sample statistics; means of ordinal items are 0, their variances 1."""
        return tuple(Moments(g.covariance, g.mean, g.vector) for g in self.sample.groups)

    def gamma(self) -> tuple[Array, ...]:
        """Asymptotic covariance of the sample statistics of each group."""
        return tuple(g.gamma for g in self.sample.groups)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[DenseWeight]:
        """``W Gamma W``."""
        return [
            DenseWeight(share * (w @ gamma @ w))
            for share, w, gamma in zip(
                self.shares, (m.dense() for m in self.matrices), self.gamma(), strict=True
            )
        ]


def categorical_estimator(
    data: ModelData, table: ParameterTable, discrepancy: str
) -> CategoricalLeastSquares:
    """Code the rows of every group; ``discrepancy`` is ``DWLS``, ``WLS`` or ``ULS``."""
    names = table.blocks[0].ov_names
    ordered = [v for v in data.names if v in set(table.blocks[0].ov_ordinal)]
    levels = category_levels(np.concatenate([g.values for g in data.groups]), data.names, ordered)
    columns = [data.names.index(v) for v in names]
    sample = ordinal_sample(
        [(g.label, g.values[:, columns]) for g in data.groups],
        names,
        levels,
        weights=[g.weights for g in data.groups],
        covariates=table.blocks[0].ov_x if table.options.conditional_x else (),
    )
    return CategoricalLeastSquares(sample, discrepancy)


def _inverse(gamma: Array, label: str, n_groups: int) -> Array:
    pair = inverse_and_logdet(gamma)
    if pair is None:
        where = f" of group {label!r}" if n_groups > 1 else ""
        raise EstimationError(
            f"WLS inverts the asymptotic covariance matrix{where} of {len(gamma)} thresholds and "
            "correlations, which is singular.",
            hint="Use estimator='WLSMV', which needs its diagonal only, or more respondents.",
        )
    return pair[0]
