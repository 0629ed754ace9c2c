"""Summaries of the sample that the moment estimators need, one per group.

``S = Y_c' Y_c / n`` (divisor n), the mean, and when asked for the distribution-free covariance
matrix of the sample moments::

    z_i = [y_i - m; vech((y_i - m)(y_i - m)') - vech(S)],      Gamma = sum z_i z_i' / n

With fixed covariates x the part of z that x predicts is taken out: ``y`` enters as
``y y' - yhat yhat'`` where ``yhat`` is the regression of y on x, so rows of x are zero.

Reference: Browne, M. W. (1984). Asymptotically distribution-free methods for the analysis of
covariance structures. British Journal of Mathematical and Statistical Psychology, 37, 62-83.

Classes: ``GroupSample``, ``SampleStats``. Functions: ``effective_sizes``,
``summarise``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import blas

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError
from cte_metrics.kernels.numerics.vech import n_half, vech_index

BLOCK_ROWS = 2048


@dataclass(eq=False)
class GroupSample:
    """Moments of one group; ``values`` (n, p) are complete rows, or ``None`` for summary input.

    ``cov`` has divisor ``n``; ``weights`` sum to ``n``.
    """

    label: str
    names: tuple[str, ...]
    n: float
    mean: Array
    cov: Array
    values: Array | None = None
    weights: Array | None = None
    _gamma: dict[tuple[int, ...], Array] = field(default_factory=dict)

    @property
    def unbiased(self) -> Array:
        """Covariance matrix with divisor n - 1."""
        return self.cov * (self.n / (self.n - 1.0))

    @property
    def knows_gamma(self) -> bool:
        """Whether ``gamma`` can be had: the answers are known, or it was given."""
        return self.values is not None or bool(self._gamma)

    def gamma(self, x_index: tuple[int, ...] = ()) -> Array:
        """Distribution-free covariance of ``[mean, vech(S)]`` (p + p(p+1)/2, ...); kept.

        Parameters
        ----------
        x_index : tuple of int
            Fixed covariates.
        """
        if x_index not in self._gamma:
            if self.values is None:
                raise InputError(
                    "Robust standard errors and tests need the raw answers; a covariance matrix "
                    "was given.",
                    hint="Pass the data, or use estimator='ML' or 'GLS' with se='standard'.",
                )
            self._gamma[x_index] = _gamma(self.values, self.mean, self.weights, x_index)
        return self._gamma[x_index]


@dataclass(eq=False)
class SampleStats:
    """All groups of a sample, in the order of their first appearance.

    Created by: ``cte_metrics.sem.estimators.choice.sample_of``,
    ``cte_metrics.sem.sample.matrices_given.read_summaries``.
    Consumed by: ``cte_metrics.sem.estimators.maximum_likelihood.MaximumLikelihood``,
    ``cte_metrics.sem.estimators.least_squares.LeastSquares``.
    """

    groups: tuple[GroupSample, ...]
    names: tuple[str, ...]
    n_dropped: int = 0
    notes: tuple[str, ...] = ()

    @property
    def n_total(self) -> float:
        """Number of observations."""
        return float(sum(g.n for g in self.groups))

    @property
    def has_values(self) -> bool:
        """Whether every group has its raw answers."""
        return all(g.values is not None for g in self.groups)

    def take(self, names: Sequence[str]) -> SampleStats:
        """Return the same sample with its variables in another order, or fewer of them."""
        if tuple(names) == self.names:
            return self
        ix = np.array([self.names.index(v) for v in names], dtype=np.intp)
        groups = tuple(
            GroupSample(
                g.label,
                tuple(names),
                g.n,
                g.mean[ix],
                g.cov[np.ix_(ix, ix)],
                None if g.values is None else g.values[:, ix],
                g.weights,
            )
            for g in self.groups
        )
        return SampleStats(groups, tuple(names), self.n_dropped, self.notes)


def effective_sizes(weights: Sequence[Array | None], sizes: Sequence[int]) -> list[float]:
    """Observations of every group: rows, or its share in the weights times the rows of all.

    Examples
    --------
    >>> effective_sizes([np.array([1.0, 2.0]), np.array([3.0])], [2, 1])
    [1.5, 1.5]
    """
    sums = [0.0 if w is None else float(w.sum()) for w in weights]
    if len(sizes) == 1 or any(w is None for w in weights):
        return [float(size) for size in sizes]
    return [s * (sum(sizes) / sum(sums)) for s in sums]


def summarise(
    label: str,
    names: Sequence[str],
    values: Array,
    weights: Array | None = None,
    n: float | None = None,
) -> GroupSample:
    """Mean and covariance (divisor n) of complete rows (rows, p).

    Weights are scaled to sum to ``n``, by default the number of rows.
    """
    n = len(values) if n is None else n
    if weights is None:
        mean = values.sum(axis=0) / n
        centred = values - mean
        cov = centred.T @ centred / n
    else:
        weights = weights * (n / weights.sum())
        mean = weights @ values / n
        centred = values - mean
        cov = (centred * weights[:, None]).T @ centred / n
    return GroupSample(label, tuple(names), float(n), mean, cov, values, weights)


def _products(centred: Array, out: Array, first: int) -> None:
    """Write ``vech(y y')`` of every column of ``centred`` (p, n) into rows of ``out``."""
    at = first
    for j in range(len(centred)):
        np.multiply(centred[j:], centred[j], out=out[at : at + len(centred) - j])
        at += len(centred) - j


def _gamma(values: Array, mean: Array, weights: Array | None, x_index: tuple[int, ...]) -> Array:
    """``sum w_i^2 z_i z_i' / n - (weighted mean)``, block by block of rows."""
    rows, p = values.shape
    n = float(rows) if weights is None else float(weights.sum())
    size = p + n_half(p)
    fitted = _fitted(values, mean, x_index) if x_index else None
    total = np.zeros((size, size), order="F")
    sums, double = np.zeros(size), np.zeros(size)
    z = np.empty((size, BLOCK_ROWS))
    predicted = np.empty_like(z) if fitted is not None else None
    shift = np.zeros(size)
    shift[p:] = _mean_products(values, mean, fitted, weights)
    for start in range(0, rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, rows)
        part = z[:, : stop - start]
        np.subtract(values[start:stop].T, mean[:, None], out=part[:p])
        _products(part[:p], part, p)
        if fitted is not None and predicted is not None:
            other = predicted[:, : stop - start]
            other[:p] = fitted[start:stop].T
            _products(other[:p], other, p)
            part -= other
        part -= shift[:, None]
        if weights is not None:
            w = weights[start:stop]
            part *= w
            double += part @ w
        sums += part.sum(axis=1)
        total = blas.dsyrk(1.0, part.T, beta=1.0, c=total, trans=1, overwrite_c=1)
    gamma = np.triu(total) + np.triu(total, 1).T
    gamma /= n
    if fitted is not None:
        zero = np.flatnonzero(np.diagonal(gamma) < 1e-12 * np.diagonal(gamma).max())
        gamma[zero] = 0.0
        gamma[:, zero] = 0.0
    return gamma


def _mean_products(
    values: Array, mean: Array, fitted: Array | None, weights: Array | None
) -> Array:
    """Mean of the products that ``_gamma`` centres, (p(p+1)/2,)."""
    i, j = vech_index(values.shape[1])
    centred = values - mean
    w = centred if weights is None else centred * weights[:, None]
    cross = w.T @ centred
    if fitted is not None:
        w = fitted if weights is None else fitted * weights[:, None]
        cross = cross - w.T @ fitted
    return cross[i, j] / (len(values) if weights is None else weights.sum())


def _fitted(values: Array, mean: Array, x_index: tuple[int, ...]) -> Array:
    """Deviations predicted from the covariates (n, p); the covariates predict themselves."""
    centred = values - mean
    x = centred[:, list(x_index)]
    slopes, *_ = np.linalg.lstsq(x, centred, rcond=None)
    fitted = x @ slopes
    fitted[:, list(x_index)] = x
    return fitted
