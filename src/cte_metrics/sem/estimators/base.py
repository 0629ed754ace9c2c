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
from typing import Protocol

from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import Array, InformationKind, MomentGradient, Moments


class Weight(Protocol):
    """A quadratic form in the moments of one group, to be carried to the parameters."""

    def project(self, states: Sequence[BlockState]) -> Array:
        """Return ``Delta' H Delta`` (n_free, n_free) for the blocks of this group."""
        ...

    def dense(self) -> Array:
        """Return ``H`` itself (n_moments, n_moments) over the blocks of this group."""
        ...


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
