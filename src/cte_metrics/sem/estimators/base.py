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

Classes: ``Weight``, ``Evaluation``, ``Saturated``, ``CaseForms``, ``Estimator``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cte_metrics.arrays import Array
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments


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
    """The unrestricted model: discrepancy of each group, and moments of each block.

    Created by: ``cte_metrics.sem.estimators.base.Estimator``.
    Consumed by: ``cte_metrics.sem.inference.solved.Solved``.
    """

    by_group: tuple[float, ...]
    moments: tuple[Moments, ...]


class CaseForms(Protocol):
    """Sandwiches with expected weights formed case by case, without moment by moment matrices."""

    def scores(self, implied: Sequence[Moments], *, centred: bool) -> Sequence[Weight]:
        """Outer products of casewise scores, about the implied moments or the sample's."""
        ...

    def gamma_trace(self, implied: Sequence[Moments]) -> float:
        """``sum tr(V_g Gamma_g)`` with weights at the implied moments."""
        ...

    def saturated_trace(self) -> tuple[float, int]:
        """``sum tr(A_g^-1 B_g)`` of the unrestricted model, and the number of its moments."""
        ...


class Estimator(ABC):
    """A discrepancy function of moments together with the data it was made from.

    Every member that the other floors read stands here. A family calls ``_set_head`` when it is
    made, and overrides the defaults that are different for it.

    Created by: ``cte_metrics.sem.estimators.choice.make_estimator``.
    Consumed by: ``cte_metrics.sem.solving.solve``, ``cte_metrics.sem.search.minimise.Problem``,
    ``cte_metrics.sem.inference.solved.Solved``.

    Attributes
    ----------
    name : str
        ``ML``, ``GLS``, ...
    has_means : bool
        Whether means are among the moments.
    groups : tuple of tuple of int
        The blocks of each group.
    n : float
        Scales the information: ``vcov = information^-1 / n``.
    n_by_group : tuple of float
        Scale the test: ``chisq = sum 2 n_g (F_g - F_g,saturated)``.
    shares : tuple of float
        Weight of each group's observation in the information, ``n_g / N``.
    objective_shares : tuple of float
        Weight of each group in the objective.
    notes : tuple of str
        What the reader must know of the data behind the discrepancy.
    """

    name: str
    has_means: bool
    groups: tuple[tuple[int, ...], ...]
    n: float
    n_by_group: tuple[float, ...]
    shares: tuple[float, ...]
    objective_shares: tuple[float, ...]

    def _set_head(self, sizes: Sequence[float], *, lost: float = 0.0, n_levels: int = 1) -> None:
        """Set groups and sizes.

        Parameters
        ----------
        sizes : sequence of float
            Observations of each group.
        lost : float
            Degrees of freedom that the test takes from each group.
        n_levels : int
            Blocks of each group.
        """
        total = float(sum(sizes))
        starts = range(0, n_levels * len(sizes), n_levels)
        self.groups = tuple(tuple(range(s, s + n_levels)) for s in starts)
        self.n_by_group = tuple(n - lost for n in sizes)
        self.n = float(sum(self.n_by_group))
        self.shares = self.objective_shares = tuple(n / total for n in sizes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the data behind the discrepancy."""
        return ()

    @property
    def exact_curvature_is_cheap(self) -> bool:
        """Trait: whether Newton steps with the observed information pay in the iterations."""
        return True

    @property
    def constant(self) -> float:
        """Part of the objective that no parameter changes."""
        return 0.0

    @property
    def case_forms(self) -> CaseForms | None:
        """Sandwiches formed case by case; ``None`` where the family or the data have none."""
        return None

    @abstractmethod
    def at(self, implied: Sequence[Moments]) -> Evaluation:
        """Evaluate the discrepancy at the moments of all blocks."""

    @abstractmethod
    def saturated(self) -> Saturated:
        """Return the unrestricted solution."""

    @abstractmethod
    def start_moments(self) -> tuple[Moments, ...]:
        """Cheap estimates of the moments of every block; covariates keep these values."""

    def baseline_moments(self) -> tuple[Moments, ...]:
        """Moments that the baseline model starts from, and whose covariates it keeps."""
        return self.start_moments()

    def available_moments(self) -> tuple[Moments, ...]:
        """Moments of the answers given, pair by pair where some are missing."""
        return self.saturated().moments

    def log_likelihood(self, by_group: Sequence[float]) -> float | None:
        """Log-likelihood of the sample at discrepancies; ``None`` without a likelihood."""
        return None

    @abstractmethod
    def gamma(self) -> Sequence[Array]:
        """Asymptotic covariance of each group's sample moments, sqrt(n_g) scale (n_moments, ...).

        Distribution-free; rows of fixed covariates are zero.
        """

    @abstractmethod
    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> Sequence[Weight]:
        """First-order information of one observation (outer product of casewise scores).

        One entry a group, shares included, at the implied moments (``structured``) or at the
        unrestricted ones.
        """
