"""Robust CFI, TLI and RMSEA where the plain scaling factor does not give them.

With missing answers the statistic is that of the model's estimates against the unrestricted (EM)
moments, as if these had been observed; its scaling factor compares the weight of complete data
with that of the answers given (Zhang & Savalei, 2023: FIML-C, V3 with robust tests, V6 without).

Reference: Zhang, X. & Savalei, V. (2023). New computations for RMSEA and CFI following FIML and
TS estimation with missing data. Psychological Methods, 28, 263-283.

Functions: ``corrected_robust``.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.sem.fit.robust import Robust
from cte_metrics.sem.fit.robust_ordinal import categorical_robust
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import Solved, constrained_inverse
from cte_metrics.sem.model.implied import saturated_state


def corrected_robust(solution: Solution) -> Robust | None:
    """Statistics and scaling factors behind the robust indices; ``None`` where undefined."""
    if solution.options.ordinal:
        return categorical_robust(solution)

    base = solution.baseline
    if base is None or solution.df < 0:
        return None
    parts = _Weights(solution)
    t, c = parts.statistic(solution), parts.scaling(solution)
    t0, c0 = parts.statistic(base), parts.scaling(base)
    df = solution.df
    return Robust(
        t=t,
        c=c,
        t_scaled=t / c if df > 0 else t,
        t0=t0,
        c0=c0,
        df=df,
        df0=base.df,
        c_interval=c,
    )


class _Weights:
    """Unrestricted weights of the answers given and of complete data, over all groups."""

    def __init__(self, solution: Solution) -> None:
        estimator = solution.estimator
        self.estimator = estimator
        self.moments = estimator.saturated().moments
        self.robust = solution.options.scaled
        evaluation = estimator.at(self.moments)
        given = [w.dense() for w in evaluation.weight("observed")]
        kind = solution.options.information
        self.used = evaluation.weight("observed" if kind == "observed" else "expected")
        self.keep = [np.flatnonzero(w.diagonal() > 0) for w in given]
        self.given = [_cut(w, k) for w, k in zip(given, self.keep, strict=True)]
        self.inverse = [np.linalg.inv(w) for w in self.given]
        self.complete = [
            share * _cut(_complete_weight(m.cov), k)
            for m, share, k in zip(self.moments, estimator.shares, self.keep, strict=True)
        ]
        self.meat: list[Array] = []
        if self.robust:
            meat = estimator.meat(self.moments, structured=False)
            self.meat = [_cut(b.dense(), k) for b, k in zip(meat, self.keep, strict=True)]

    def statistic(self, solved: Solved) -> float:
        """Likelihood-ratio statistic against the unrestricted moments as if observed."""
        total = 0.0
        triples = zip(self.moments, solved.states, self.estimator.n_by_group, strict=True)
        for sample, state, n in triples:
            own = inverse_and_logdet(state.cov)
            base = inverse_and_logdet(sample.cov)
            if own is None or base is None or sample.mean is None or state.mean is None:
                return float("nan")
            d = sample.mean - state.mean
            total += n * (
                own[1] - base[1] + float(np.vdot(own[0], sample.cov + d[:, None] * d)) - len(d)
            )
        return total

    def scaling(self, solved: Solved) -> float:
        """Mean of the statistic under the model, over its degrees of freedom."""
        if solved.df <= 0:
            return float("nan")
        bread = constrained_inverse(solved.project(self.used), solved.basis)
        if bread is None:
            return float("nan")
        deltas = [
            np.vstack([solved.states[b].jacobian for b in blocks])[k]
            for blocks, k in zip(self.estimator.groups, self.keep, strict=True)
        ]
        delta = np.vstack(deltas)
        given, inverse = linalg.block_diag(*self.given), linalg.block_diag(*self.inverse)
        complete = linalg.block_diag(*self.complete)
        pulled = given @ delta
        u = given - pulled @ bread @ pulled.T
        if not self.robust:
            return float(np.vdot(complete, (inverse @ u @ inverse).T)) / solved.df
        gamma = inverse @ linalg.block_diag(*self.meat) @ inverse
        return float(np.trace(u @ inverse @ complete @ inverse @ u @ gamma)) / solved.df


def _cut(matrix: Array, keep: np.ndarray) -> Array:
    return matrix[np.ix_(keep, keep)]


def _complete_weight(cov: Array) -> Array:
    pair = inverse_and_logdet(cov)
    assert pair is not None  # EM keeps the unrestricted covariance matrix positive definite
    return saturated_state(len(cov), True).normal_information(pair[0])
