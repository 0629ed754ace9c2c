"""Normal likelihood of answers with gaps (full-information maximum likelihood).

For pattern r with observed variables o, n_r cases, mean m_r and cross-products C_r (divided by
n_r):

    -2 l(mu, Sigma) = sum_r n_r {p_r log 2 pi + log|Sigma_oo| + tr Sigma_oo^-1 (C_r + e_r e_r')},
    e_r = m_r - mu_o.

With P = Sigma^-1 the missing entries m of a pattern have conditional covariance K_r = P_mm^-1 and
conditional deviation -K_r P_mo d_o, so log|Sigma_oo| = log|Sigma| - log|K_r|, the quadratic form
is d*' P d* with d* the completed deviation, and the padded inverse of Sigma_oo is P - P_.m K_r
P_m. . Only matrices as large as the gap are inverted. With T = sum d* d*' + sum n_r K_r,

    dl/dmu = P sum d*,     dl/dSigma = (P T P - N P) / 2,

and one EM step is mu + mean d*, T/N minus the outer product of that mean.

References
----------
Arbuckle (1996), in Marcoulides & Schumacker.
Little & Rubin (2019), ch. 11.
Savalei (2010), Psych. Methods 15, 352-367 (information and sandwich).
Varadhan & Roland (2008), Scand. J. Statist. 35 (SQUAREM).

Functions: ``fiml_loglik, fiml_evaluate, fiml_expected_information, fiml_observed_information,
fiml_scores, fiml_first_order_information, fiml_saturated``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.kernels.numerics.vech import symmetric_product, vech, vech_gradient, vech_weights
from cte_metrics.kernels.summaries.missing_patterns import (
    MissingPatterns,
    PatternStack,
    gap_blocks,
    padded_inverses,
)

__all__ = [
    "MomentGradient",
    "SaturatedMoments",
    "fiml_evaluate",
    "fiml_expected_information",
    "fiml_first_order_information",
    "fiml_loglik",
    "fiml_observed_information",
    "fiml_saturated",
    "fiml_scores",
    "pattern_inverses",
]

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class MomentGradient:
    """Log-likelihood and its derivatives; mean: (p,); cov: (p, p), entries ij and ji apart."""

    loglik: float
    mean: Array
    cov: Array

    @property
    def vector(self) -> Array:
        """Derivatives with respect to [mean, vech(cov)]."""
        return np.concatenate([self.mean, vech_gradient(self.cov)])


@dataclass(frozen=True, slots=True)
class SaturatedMoments:
    """Unrestricted solution; mean: (p,); cov: (p, p)."""

    mean: Array
    cov: Array
    loglik: float
    n_iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class _Completed:
    """Deviations with gaps filled (R, p), sum of n_r K_r (p, p), sum of n_r log|Sigma_oo|, P."""

    deviations: Array
    uncertainty: Array
    logdet: float
    precision: Array


def _fill(stack: PatternStack, precision: Array, rows: Array) -> Array:
    """Write expected deviations into the gaps of `rows` (in place); return K (m, k, k)."""
    where = stack.missing[stack.pattern_of_row]
    np.put_along_axis(rows, where, 0.0, axis=1)
    conditional, across = gap_blocks(stack, precision)
    slopes = (conditional @ across)[stack.pattern_of_row]
    np.put_along_axis(rows, where, -np.einsum("rkp,rp->rk", slopes, rows), axis=1)
    return conditional


def _complete(data: MissingPatterns, mean: Array, cov: Array) -> _Completed | None:
    """Fill the gaps by their conditional expectation."""
    inverse = inverse_and_logdet(cov)
    if inverse is None:
        return None
    precision, logdet_all = inverse
    deviations = data.values - data.unit[:, None] * mean
    uncertainty = np.zeros_like(cov)
    logdet = data.total * logdet_all
    for stack in data.stacks:
        if stack.missing.shape[1] == 0:
            continue
        conditional = _fill(stack, precision, deviations[stack.rows])
        logdet -= float(stack.n @ np.linalg.slogdet(conditional)[1])
        cells = stack.missing[:, :, None], stack.missing[:, None, :]
        np.add.at(uncertainty, cells, stack.n[:, None, None] * conditional)
    return _Completed(deviations, uncertainty, logdet, precision)


def fiml_evaluate(data: MissingPatterns, mean: Array, cov: Array) -> MomentGradient | None:
    """Return log-likelihood and gradient; None where cov is not positive definite."""
    done = _complete(data, mean, cov)
    if done is None:
        return None
    precision = done.precision
    cross = done.deviations.T @ done.deviations
    scaled = precision @ cross
    minus_two = done.logdet + float(np.trace(scaled)) + _constant(data)
    scaled += precision @ done.uncertainty
    return MomentGradient(
        loglik=-0.5 * minus_two,
        mean=precision @ (data.unit @ done.deviations),
        cov=0.5 * (scaled @ precision - data.total * precision),
    )


def fiml_loglik(data: MissingPatterns, mean: Array, cov: Array) -> float:
    """Return the log-likelihood, minus infinity where cov is not positive definite."""
    result = fiml_evaluate(data, mean, cov)
    return -np.inf if result is None else result.loglik


def _constant(data: MissingPatterns) -> float:
    return float(data.n @ data.observed.sum(axis=1)) * _LOG_2PI


def pattern_inverses(data: MissingPatterns, precision: Array) -> Array:
    """Return the inverse of Sigma_oo padded with zeros, per pattern, shape (P, p, p)."""
    return padded_inverses(data, precision)[0]


def fiml_expected_information(data: MissingPatterns, cov: Array) -> Array:
    """Return the expected information of [mean, vech(cov)], summed over the cases."""
    precision = _precision(cov)
    inverses = pattern_inverses(data, precision)
    return _joined(
        np.tensordot(data.n, inverses, 1),
        0.5 * _kron_sum(inverses, inverses * data.n[:, None, None]),
        None,
    )


def fiml_observed_information(data: MissingPatterns, mean: Array, cov: Array) -> Array:
    """Return minus the second derivatives of the log-likelihood in [mean, vech(cov)]."""
    done = _complete(data, mean, cov)
    if done is None:
        raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
    inverses = pattern_inverses(data, done.precision)
    scores = done.deviations @ done.precision
    first = np.add.reduceat(data.unit[:, None] * scores, data.starts)
    second = np.add.reduceat(scores[:, :, None] * scores[:, None, :], data.starts)
    inner = second - 0.5 * data.n[:, None, None] * inverses
    p = len(mean)
    cross = np.tensordot(inverses, first, axes=(0, 0))
    return _joined(
        np.tensordot(data.n, inverses, 1), _kron_sum(inverses, inner), _mean_by_cov(cross, p)
    )


def _mean_by_cov(cross: Array, p: int) -> Array:
    """Return (p, p*): sum A_ia u_b + A_ib u_a from sum A_ia u_b, once per half-vector entry."""
    return vech(cross + np.swapaxes(cross, 1, 2)) * (0.5 * vech_weights(p))


def _kron_sum(left: Array, right: Array) -> Array:
    flat = left.reshape(len(left), -1)
    return symmetric_product(flat.T @ right.reshape(len(right), -1), left.shape[1])


def _joined(of_mean: Array, of_cov: Array, between: Array | None) -> Array:
    p, size = len(of_mean), len(of_mean) + len(of_cov)
    joined = np.zeros((size, size))
    joined[:p, :p] = of_mean
    joined[p:, p:] = of_cov
    if between is not None:
        joined[:p, p:] = between
        joined[p:, :p] = between.T
    return joined


def _precision(cov: Array) -> Array:
    inverse = inverse_and_logdet(cov)
    if inverse is None:
        raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
    return inverse[0]


def fiml_scores(x: Array, data: MissingPatterns, mean: Array, cov: Array) -> Array:
    """Return each case's derivatives of its log-likelihood in [mean, vech(cov)], (N, p + p*).

    `x` is the (N, p) array that `data` was condensed from; rows without any value give zeros.
    """
    inverses = pattern_inverses(data, _precision(cov))
    cases = np.flatnonzero(data.case_pattern >= 0)
    order = cases[np.argsort(data.case_pattern[cases], kind="stable")]
    deviation = np.where(np.isnan(x), 0.0, x - mean)
    slopes = np.zeros_like(x)
    bounds = np.searchsorted(data.case_pattern[order], np.arange(len(data.n) + 1))
    for inverse, start, end in zip(inverses, bounds, bounds[1:], strict=False):
        slopes[order[start:end]] = deviation[order[start:end]] @ inverse
    halves = vech(inverses)[data.case_pattern]
    halves[data.case_pattern < 0] = 0.0
    products = vech(slopes[:, :, None] * slopes[:, None, :])
    return np.hstack([slopes, 0.5 * (products - halves) * vech_weights(x.shape[1])])


def fiml_first_order_information(
    x: Array,
    data: MissingPatterns,
    mean: Array,
    cov: Array,
    *,
    weights: Array | None = None,
    clusters: Index | None = None,
) -> Array:
    """Return the sum of outer products of the cases' (or the clusters') scores.

    `clusters` numbers each case's cluster from 0; scores are then added up within clusters first.
    """
    scores = fiml_scores(x, data, mean, cov)
    if weights is not None:
        scores *= weights[:, None]
    if clusters is not None:
        order = np.argsort(clusters, kind="stable")
        starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        scores = np.add.reduceat(scores[order], starts)
    return scores.T @ scores


def fiml_saturated(
    data: MissingPatterns, *, tolerance: float = 1e-9, max_iterations: int = 5000
) -> SaturatedMoments:
    """Return the unrestricted moments by EM with squared extrapolation.

    `tolerance` bounds the last change of an EM step, relative to the standard deviations.
    """
    mean, cov = _starting_moments(data)
    for iteration in range(1, max_iterations + 1):
        first = _em_step(data, mean, cov)
        second = _em_step(data, *first)
        change = _largest_change(first, second)
        if change < tolerance:
            return _saturated(data, second, iteration, converged=True)
        mean, cov = _extrapolated(data, (mean, cov), first, second)
    return _saturated(data, (mean, cov), max_iterations, converged=False)


def _saturated(
    data: MissingPatterns, moments: tuple[Array, Array], n_iterations: int, *, converged: bool
) -> SaturatedMoments:
    mean, cov = moments
    return SaturatedMoments(mean, cov, fiml_loglik(data, mean, cov), n_iterations, converged)


def _starting_moments(data: MissingPatterns) -> tuple[Array, Array]:
    n = data.observed.T.astype(float) @ data.n
    mean = data.unit @ data.values / n
    stretched = np.repeat(data.observed, np.diff(data.starts, append=len(data.unit)), axis=0)
    deviations = np.where(stretched, data.values - data.unit[:, None] * mean, 0.0)
    variance = (deviations**2).sum(axis=0) / n
    return mean, np.diag(np.where(variance > 0, variance, 1.0))


def _em_step(data: MissingPatterns, mean: Array, cov: Array) -> tuple[Array, Array]:
    done = _complete(data, mean, cov)
    if done is None:
        ridge = 1e-8 * float(np.max(np.diag(cov)))
        done = _complete(data, mean, cov + ridge * np.eye(len(mean)))
    if done is None:
        raise np.linalg.LinAlgError("the covariance matrix became indefinite in the EM steps")
    shift = data.unit @ done.deviations / data.total
    second = (done.deviations.T @ done.deviations + done.uncertainty) / data.total
    return mean + shift, second - np.outer(shift, shift)


def _largest_change(before: tuple[Array, Array], after: tuple[Array, Array]) -> float:
    scale = np.sqrt(np.maximum(np.diag(after[1]), np.finfo(float).tiny))
    means = np.abs(after[0] - before[0]) / scale
    covs = np.abs(after[1] - before[1]) / np.outer(scale, scale)
    return float(max(means.max(), covs.max()))


def _extrapolated(
    data: MissingPatterns,
    start: tuple[Array, Array],
    first: tuple[Array, Array],
    second: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return one SQUAREM step (steplength S3), or the EM point where the step leaves the cone."""
    steps = [b - a for a, b in zip(start, first, strict=True)]
    bends = [c - b - r for b, c, r in zip(first, second, steps, strict=True)]
    length = np.sqrt(sum(float((r**2).sum()) for r in steps))
    curvature = np.sqrt(sum(float((v**2).sum()) for v in bends))
    if curvature == 0.0 or length <= curvature:
        return second
    alpha = -length / curvature
    mean, cov = (
        a - 2 * alpha * r + alpha**2 * v for a, r, v in zip(start, steps, bends, strict=True)
    )
    if inverse_and_logdet(cov) is None:
        return second
    better = fiml_loglik(data, mean, cov) >= fiml_loglik(data, *second)
    return (mean, cov) if better else second
