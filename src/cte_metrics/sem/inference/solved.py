"""A model at its minimum, and what follows from it by algebra.

With ``D`` the Jacobian of the moments, ``H`` the weight of a group and ``K`` a basis of the
directions that the constraints leave free::

    information = sum_g D_g' H_g D_g           bread = K (K' information K)^-1 K'
    meat = sum_g D_g' H_g Gamma_g H_g D_g      vcov = bread / n   or   bread meat bread / n

References: White, H. (1980). Econometrica, 48, 817-838. Satorra, A. & Bentler, P. M. (1994).
Corrections to test statistics and standard errors in covariance structure analysis.

Classes: ``Solved``. Functions: ``solved_baseline``, ``constrained_inverse``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.locking import lock, locked_property
from cte_metrics.kernels.numerics.positive_definite import symmetric
from cte_metrics.sem.estimators.base import CaseForms, Estimator, Evaluation, Weight
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.design import ModelDesign
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.search.minimise import Minimum, Problem, information, minimise


@dataclass(frozen=True, eq=False, kw_only=True)
class Solved:
    """A model at its minimum: a fitted one, its baseline, a neighbour in a comparison.

    Created by: ``cte_metrics.sem.solving.solve``,
    ``cte_metrics.sem.inference.baseline.fit_baseline``.
    Consumed by: ``cte_metrics.sem.inference.tests.all_tests``,
    ``cte_metrics.sem.inference.solution.Solution``.

    Attributes
    ----------
    design, estimator, options
        What was minimised.
    theta : ndarray (n_free,)
    basis : ndarray (n_free, k) or None
        Directions left free by the constraints active at the solution; ``None`` is all of them.
    states : tuple of BlockState
    evaluation : Evaluation
    n_moments : int
        Moments that the model is to explain (those of fixed covariates not counted).
    """

    design: ModelDesign
    estimator: Estimator
    options: FitOptions
    theta: Array
    basis: Array | None
    states: tuple[BlockState, ...]
    evaluation: Evaluation
    n_moments: int
    n_parameters: int

    def __post_init__(self) -> None:
        lock(self.theta, self.basis, [(state.cov, state.mean) for state in self.states])

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return self.n_moments - self.n_parameters

    @locked_property
    def chisq_by_group(self) -> tuple[float, ...]:
        """Contribution of each group to the test statistic, never negative."""
        base = self.estimator.saturated().by_group
        triples = zip(self.estimator.n_by_group, self.evaluation.by_group, base, strict=True)
        return tuple(max(0.0, 2.0 * n * (f - f0)) for n, f, f0 in triples)

    @property
    def chisq(self) -> float:
        """The unscaled test statistic."""
        return float(sum(self.chisq_by_group))

    def unit_information(self, kind: InformationKind) -> Array:
        """Information of one observation, without constraints (n_free, n_free)."""
        found = Minimum(self.theta, self.states, self.evaluation, True, 0, 0.0)
        return information(found, self.estimator, kind)

    @locked_property
    def information(self) -> Array:
        """Unit information of the kind asked for."""
        kind: InformationKind = "observed" if self.options.information == "observed" else "expected"
        return self.unit_information(kind)

    @locked_property
    def bread(self) -> Array | None:
        """``K (K' information K)^-1 K'``; ``None`` when it cannot be inverted."""
        return constrained_inverse(self.information, self.basis)

    @locked_property
    def test_bread(self) -> Array | None:
        """The inverse that scaled tests take (see ``FitOptions.test_keeps_curvature``)."""
        if self.options.information == "expected" or self.options.test_keeps_curvature:
            return self.bread
        return constrained_inverse(self.project(self.evaluation.weight("observed")), self.basis)

    @locked_property
    def weights(self) -> tuple[Weight, ...]:
        """Expected weight of each group at the solution, shares included."""
        return tuple(self.evaluation.weight("expected"))

    @locked_property
    def dense_weights(self) -> tuple[Array, ...]:
        """The same as matrices, shares taken out."""
        return tuple(
            w.dense() / share for w, share in zip(self.weights, self.estimator.shares, strict=True)
        )

    @locked_property
    def kind_weights(self) -> tuple[Array, ...]:
        """Weights of the kind of information asked for, as matrices, shares taken out."""
        if self.options.information == "expected":
            return self.dense_weights
        observed = self.evaluation.weight("observed")
        pairs = zip(observed, self.estimator.shares, strict=True)
        return tuple(w.dense() / share for w, share in pairs)

    @locked_property
    def score_meat(self) -> Array:
        """From casewise scores at the solution."""
        return self.project(self.estimator.meat([s.moments for s in self.states]))

    @locked_property
    def gamma_meat(self) -> Array:
        """``sum share_g D' H Gamma H D`` with expected weights."""
        forms = self.estimator.case_forms
        if forms is not None:
            return self.project(forms.scores([s.moments for s in self.states], centred=True))
        return self._gamma_meat(self.dense_weights)

    @locked_property
    def kind_meat(self) -> Array:
        """The same with weights of the kind of information asked for."""
        if self.options.information == "expected":
            return self.gamma_meat
        return self._gamma_meat(self.kind_weights)

    @property
    def case_forms(self) -> CaseForms | None:
        """Case forms of the estimator, where the information is the expected one."""
        return self.estimator.case_forms if self.options.information == "expected" else None

    def _gamma_meat(self, weights: Sequence[Array]) -> Array:
        triples = zip(weights, self.estimator.gamma(), self.estimator.shares, strict=True)
        return self.project([DenseWeight(s * (h @ g @ h)) for h, g, s in triples])

    def project(self, weights: Sequence[Weight]) -> Array:
        """Carry one weight a group to the parameters and add them up."""
        out = np.zeros((self.design.n_free, self.design.n_free))
        for blocks, weight in zip(self.estimator.groups, weights, strict=True):
            out += weight.project([self.states[b] for b in blocks])
        return out

    @locked_property
    def vcov(self) -> Array | None:
        """Covariance matrix of the estimates (n_free, n_free); ``None`` where undefined."""
        if self.options.se == "none" or self.bread is None:
            return None
        n = self.estimator.n
        if self.options.se == "standard":
            return self.bread / n
        if self.options.se == "first.order":
            inverse = constrained_inverse(self.score_meat, self.basis)
            return None if inverse is None else inverse / n
        meat = self.score_meat if self.options.se == "robust.huber.white" else self.kind_meat
        return self.bread @ meat @ self.bread / n

    @locked_property
    def log_likelihood(self) -> float | None:
        """Log-likelihood at the solution."""
        return self.estimator.log_likelihood(self.evaluation.by_group)

    @locked_property
    def unrestricted_log_likelihood(self) -> float | None:
        """Log-likelihood of the saturated model."""
        return self.estimator.log_likelihood(self.estimator.saturated().by_group)


def solved_baseline(
    model: Solved, design: ModelDesign, start: Array, n_parameters: int
) -> Solved | None:
    """Fit another design to the data of a solved model; ``None`` when it has no solution."""
    found = minimise(Problem(design, model.estimator), start)
    if found is None or not found.converged:
        return None
    return Solved(
        design=design,
        estimator=model.estimator,
        options=model.options,
        theta=found.theta,
        basis=None,
        states=evaluate(design, found.theta),
        evaluation=found.evaluation,
        n_moments=model.n_moments,
        n_parameters=n_parameters,
    )


def constrained_inverse(matrix: Array, basis: Array | None) -> Array | None:
    """``K (K' M K)^-1 K'`` for positive definite ``K' M K``; ``None`` otherwise."""
    inner = matrix if basis is None else basis.T @ matrix @ basis
    diagonal = inner.diagonal()
    if not (diagonal > 0.0).all():
        return None
    scale = 1.0 / np.sqrt(diagonal)
    outer = scale[:, None] * scale
    factor, info = lapack.dpotrf(inner * outer, lower=1)
    if info != 0 or (factor.size and factor.diagonal().min() < 1e-7):
        return None
    inverse, _ = lapack.dpotri(factor, lower=1)
    inverse = symmetric(inverse) * outer
    return inverse if basis is None else basis @ inverse @ basis.T
