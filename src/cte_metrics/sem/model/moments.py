"""Moments of a block, and gradients by them: what a model implies and an estimator compares.

Classes: ``Moments``, ``MomentGradient``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cte_metrics.arrays import Array

InformationKind = Literal["expected", "observed"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments that a model implies for one block, or that a sample shows.

    ``cov`` is (p, p); ``mean`` is (p,), or ``None`` where the model has no means; ``vector`` is the
    moment vector of an ordinal block, otherwise ``None``.

    Created by: ``cte_metrics.sem.model.block.BlockState``,
    ``cte_metrics.sem.estimators.base.Estimator``.
    Consumed by: ``cte_metrics.sem.estimators.base.Estimator``.
    """

    cov: Array
    mean: Array | None = None
    vector: Array | None = None


@dataclass(frozen=True, slots=True)
class MomentGradient:
    """Derivative of the discrepancy with respect to the moments of one block.

    ``dF = mean' dmu + trace(cov dSigma)`` with ``cov`` (p, p) symmetric; or, for a block that is
    described by its moment vector, ``dF = vector' dsigma`` (then the other two are ``None``).

    Created by: ``cte_metrics.sem.estimators.base.Evaluation``.
    Consumed by: ``cte_metrics.sem.model.implied.gradient``.
    """

    cov: Array | None = None
    mean: Array | None = None
    vector: Array | None = None
