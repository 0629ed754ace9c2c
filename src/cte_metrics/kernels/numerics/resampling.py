"""Bootstrap resamples as counts: how often each respondent, or each school, was drawn.

A statistic that is a sum over respondents needs no copy of the data for a resample: the sums of a
block of resamples are one matrix product of counts (b, n) with the respondents' terms (n, m).

References
----------
Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.

Davison, A. C. & Hinkley, D. V. (1997). Bootstrap Methods and their Application, ch. 5. Cambridge
University Press.

Functions: ``bootstrap_counts, bootstrap_indices, bootstrap_covariances, percentile_interval,
bootstrap_limits, order_quantiles``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.numerics.distributions import normal_cdf, normal_quantile

CELLS_PER_BLOCK = 1_000_000
LimitMethod = Literal["percentile", "basic", "bias_corrected"]


def bootstrap_indices(
    n: int, n_resamples: int, rng: np.random.Generator, *, cells: int = CELLS_PER_BLOCK
) -> Iterator[Integers]:
    """Yield blocks (b, n) of row numbers drawn with replacement; ``n_resamples`` rows in all."""
    step = max(1, cells // max(n, 1))
    for start in range(0, n_resamples, step):
        size = (min(step, n_resamples - start), n)
        yield rng.integers(0, n, size=size, dtype=np.int32).astype(np.int64)


def bootstrap_counts(
    n: int, n_resamples: int, rng: np.random.Generator, *, cells: int = CELLS_PER_BLOCK
) -> Iterator[Array]:
    """Yield blocks (b, n) of how often each row was drawn; every row of a block sums to n.

    Examples
    --------
    >>> blocks = list(bootstrap_counts(4, 3, np.random.default_rng(1)))
    >>> np.vstack(blocks).sum(1).tolist()
    [4.0, 4.0, 4.0]
    """
    for rows in bootstrap_indices(n, n_resamples, rng, cells=cells):
        rows += np.arange(len(rows))[:, None] * n
        counts = np.bincount(rows.ravel(), minlength=rows.size)
        yield counts.reshape(rows.shape).astype(np.float64)


def bootstrap_covariances(
    values: Array,
    n_resamples: int,
    rng: np.random.Generator,
    *,
    clusters: Integers | None = None,
) -> Iterator[Array]:
    """Yield stacks (b, k, k) of covariance matrices, divisor n, of resampled complete rows.

    With ``clusters`` (n,), numbers 0 ... J-1, whole clusters are drawn: J of them for a resample,
    each with all its rows, so that n varies with the sizes drawn.
    """
    n, k = values.shape
    centred = values - values.mean(0)
    i, j = np.triu_indices(k)
    terms = np.hstack((np.ones((n, 1)), centred, centred[:, i] * centred[:, j]))
    if clusters is not None:
        sums = np.zeros((int(clusters.max()) + 1, terms.shape[1]))
        np.add.at(sums, clusters, terms)
        terms = sums
    for weights in bootstrap_counts(len(terms), n_resamples, rng):
        totals = weights @ terms
        means = totals[:, 1:] / totals[:, :1]
        out = np.empty((len(means), k, k))
        out[:, i, j] = out[:, j, i] = means[:, k:] - means[:, i] * means[:, j]
        yield out


def percentile_interval(replicates: Array, confidence: float) -> tuple[float, float]:
    """Percentile limits of the finite replicates (linear interpolation, as R's type 7).

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    finite = replicates[np.isfinite(replicates)]
    if not len(finite):
        return np.nan, np.nan
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return float(low), float(high)


def bootstrap_limits(
    replicates: Array, estimates: Array, method: LimitMethod, confidence: float
) -> tuple[Array, Array]:
    """Bootstrap limits of m estimates from their replicates (b, m).

    ``percentile`` takes quantiles of the replicates at a/2 and 1 - a/2; ``basic`` reflects them at
    the estimate, ``2 t - q``; ``bias_corrected`` takes them at ``Phi(2 z0 + z)`` with ``z0`` the
    normal quantile of the share of replicates below the estimate (Efron's BC, without
    acceleration). Quantiles are interpolated on the normal scale, as in R's package boot.

    Returns
    -------
    low, high : ndarray (m,)
        Missing where a replicate is missing.
    """
    tails = np.array([(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    at = np.tile(tails[:, None], len(estimates))
    if method == "bias_corrected":
        shift = normal_quantile((replicates < estimates).mean(axis=0))
        at = normal_cdf(2.0 * shift + normal_quantile(tails)[:, None])
    low, high = order_quantiles(replicates, at)
    if method == "basic":
        return 2.0 * estimates - high, 2.0 * estimates - low
    return low, high


def order_quantiles(replicates: Array, probabilities: Array) -> Array:
    """Quantiles (q, m) of replicates (b, m) at probabilities (q, m).

    The k-th smallest is the quantile at ``k / (b + 1)``; between two, values are interpolated by
    the normal quantiles of these; beyond the ends the extremes are taken.

    Examples
    --------
    >>> order_quantiles(np.arange(1.0, 100.0)[:, None], np.array([[0.05], [0.95]])).ravel().tolist()
    [5.0, 95.0]
    """
    n = len(replicates)
    ordered = np.sort(replicates, axis=0)
    position = (n + 1) * probabilities
    whole = np.floor(position + 1e-10)
    below = np.clip(whole, 1, n).astype(np.intp) - 1
    above = np.clip(whole + 1, 1, n).astype(np.intp) - 1
    inside = (whole >= 1) & (whole < n)
    left, right = (normal_quantile(np.clip(whole + k, 1, n) / (n + 1)) for k in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (normal_quantile(probabilities) - left) / (right - left)
    share = np.where(inside & (position - whole > 1e-10), share, 0.0)
    low, high = np.take_along_axis(ordered, below, 0), np.take_along_axis(ordered, above, 0)
    return np.asarray(low + share * (high - low))
