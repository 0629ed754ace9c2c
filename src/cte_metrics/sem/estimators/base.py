"""What an estimator of a structural equation model must provide.

The model maps free parameters ``theta`` to the moments of each block (a group, or a level of a
group) and knows the Jacobian. The estimator sees moments only: it returns the discrepancy, its
gradient and its curvature with respect to them. Everything else is algebra:

* gradient of the discrepancy: ``Delta' g``;
* information of one observation: ``Delta' H Delta`` (``H`` is a ``Weight``);
* meat of a sandwich: ``Delta' B Delta`` (``B`` is a ``Weight`` too).

Scale: the discrepancy ``F`` is that of one observation and half a chi-square, so that
``chisq = 2 n (F(theta) - F(saturated))`` with ``n = Estimator.n``; for maximum likelihood it is
minus the log-likelihood of one observation, up to a constant.

Moment vector of a continuous block: ``[mean]`` (where the model has means) and ``vech(Sigma)``,
the lower triangle column by column; a group of two levels stacks within, then between. An ordinal
block: thresholds (and minus the means of numeric items) item by item, the variances of numeric
items, then the correlations below the diagonal, column by column.

Names: ``Moments``, ``MomentGradient``, ``Weight``, ``NormalWeight``, ``DenseWeight``,
``quadratic``, ``blanked``, ``Evaluation``, ``Saturated``, ``Estimator``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cte_metrics.kernels.numerics.vech import unvech

if TYPE_CHECKING:
    from cte_metrics.sem.model.implied import BlockState

Array = NDArray[np.float64]
InformationKind = Literal["expected", "observed"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments that a model implies for one block, or that a sample shows.

    ``cov`` is (p, p); ``mean`` is (p,), or ``None`` where the model has no means; ``vector`` is the
    moment vector of an ordinal block, otherwise ``None``.
    """

    cov: Array
    mean: Array | None = None
    vector: Array | None = None


@dataclass(frozen=True, slots=True)
class MomentGradient:
    """Derivative of the discrepancy with respect to the moments of one block.

    ``dF = mean' dmu + trace(cov dSigma)`` with ``cov`` (p, p) symmetric; or, for a block that is
    described by its moment vector, ``dF = vector' dsigma`` (then the other two are ``None``).
    """

    cov: Array | None = None
    mean: Array | None = None
    vector: Array | None = None


class Weight(Protocol):
    """A quadratic form in the moments of one group, to be carried to the parameters."""

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` (n_free, n_free) for the blocks of this group."""
        ...

    def dense(self) -> Array:
        """Return ``H`` itself (n_moments, n_moments) over the blocks of this group."""
        ...


@dataclass(frozen=True, slots=True)
class DenseWeight:
    """A weight held as a matrix (n_moments, n_moments) over all blocks of the group."""

    matrix: Array

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` over the free parameters of the model."""
        delta = np.vstack([s.jacobian for s in states]) if len(states) > 1 else states[0].jacobian
        return delta.T @ self.matrix @ delta

    def dense(self) -> Array:
        """Return the matrix."""
        return self.matrix


@dataclass(frozen=True, slots=True)
class NormalWeight:
    """Normal-theory weight of one block, ``share`` times ``Sigma^-1`` and its Kronecker square.

    ``H = share * blockdiag(V, 1/2 D'(V kron V)D)`` with ``V = inverse`` (p, p). Given ``second``
    (``V T V`` with ``T = S + d d'``) and ``residual`` (``V d``, ``d = m - mu``), the weight is the
    exact second derivative of the normal discrepancy at the sample instead of its expectation.
    Moments among the ``blank`` variables (fixed covariates) have rows of zeros in the matrix.
    """

    share: float
    inverse: Array
    has_means: bool
    second: Array | None = None
    residual: Array | None = None
    blank: tuple[int, ...] = ()

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` without ever forming ``H``."""
        (state,) = states
        return self.share * state.normal_information(self.inverse, self.second, self.residual)

    def dense(self) -> Array:
        """Return ``H`` as a matrix."""
        from cte_metrics.sem.model.implied import saturated_state

        unit = saturated_state(len(self.inverse), self.has_means)
        full: Array = unit.normal_information(self.inverse, self.second, self.residual)
        return self.share * blanked(full, len(self.inverse), self.has_means, self.blank)


def quadratic(weight: Weight, vector: Array) -> float:
    """``vector' H vector`` of an expected weight; ``d'V d + 1/2 tr(V D V D)`` for a normal one."""
    if not isinstance(weight, NormalWeight):
        return float(vector @ weight.dense() @ vector)
    p = len(weight.inverse)
    half = p * (p + 1) // 2
    square = unvech(vector[-half:], p)
    mean = vector[:-half] if weight.has_means else np.zeros(p)
    if weight.blank:
        x = list(weight.blank)
        square[np.ix_(x, x)] = 0.0
        mean = mean.copy()
        mean[x] = 0.0
    inner = weight.inverse @ square
    own = 0.5 * float(np.vdot(inner.T, inner)) + float(mean @ weight.inverse @ mean)
    return weight.share * own


def blanked(matrix: Array, p: int, has_means: bool, variables: tuple[int, ...]) -> Array:
    """Set rows and columns of the moments among some variables to zero."""
    if not variables:
        return matrix
    inside = np.isin(np.arange(p), variables)
    columns, rows = np.triu_indices(p)
    zero = inside[rows] & inside[columns]
    if has_means:
        zero = np.concatenate((inside, zero))
    out = matrix.copy()
    out[zero] = 0.0
    out[:, zero] = 0.0
    return out


class Evaluation(Protocol):
    """The discrepancy at one point of the moment space."""

    @property
    def value(self) -> float:
        """The objective ``F``; ``inf`` where the moments are outside the estimator's domain."""
        ...

    @property
    def by_group(self) -> tuple[float, ...]:
        """Discrepancy of one observation of each group, ``F = sum share_g F_g``."""
        ...

    def gradient(self) -> Sequence[MomentGradient]:
        """Derivative of the objective with respect to the moments, one entry a block."""
        ...

    def weight(self, kind: InformationKind = "expected") -> Sequence[Weight]:
        """Second derivative with respect to the moments, one entry a group, shares included."""
        ...


@dataclass(frozen=True, slots=True)
class Saturated:
    """The unrestricted model: discrepancy of each group, and moments of each block."""

    by_group: tuple[float, ...]
    moments: tuple[Moments, ...]


class Estimator(Protocol):
    """A discrepancy function of moments together with the data it was made from.

    Attributes
    ----------
    name : str
        ``ML``, ``GLS``, ...
    n : float
        Scales the information: ``vcov = information^-1 / n``.
    n_by_group : tuple of float
        Scale the test: ``chisq = sum 2 n_g (F_g - F_g,saturated)``.
    shares : tuple of float
        Weight of each group's observation in the information, ``n_g / N``.
    has_means : bool
        Whether means are among the moments.
    """

    name: str
    n: float
    n_by_group: tuple[float, ...]
    shares: tuple[float, ...]
    has_means: bool

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The blocks of each group."""
        ...

    def at(self, implied: Sequence[Moments]) -> Evaluation:
        """Evaluate the discrepancy at the moments of all blocks."""
        ...

    def saturated(self) -> Saturated:
        """Return the unrestricted solution."""
        ...

    def start_moments(self) -> tuple[Moments, ...]:
        """Cheap estimates of the moments of every block; covariates keep these values."""
        ...

    def log_likelihood(self, by_group: Sequence[float]) -> float | None:
        """Log-likelihood of the sample at discrepancies; ``None`` without a likelihood."""
        ...

    def gamma(self) -> Sequence[Array]:
        """Asymptotic covariance of each group's sample moments, sqrt(n_g) scale (n_moments, ...).

        Distribution-free; rows of fixed covariates are zero.
        """
        ...

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> Sequence[Weight]:
        """First-order information of one observation (outer product of casewise scores).

        One entry a group, shares included, at the implied moments (``structured``) or at the
        unrestricted ones.
        """
        ...
