"""Statistics of ordinal and numeric variables given covariates, and their covariance matrix.

As in ``ordinal_moments``, but every variable is first regressed on the covariates (ordered probit
or linear), and the correlations are those of what the covariates leave. A row's likelihood depends
on its covariates, so pairs are fitted and scored casewise, in batches of pairs.

Order of the statistics: thresholds and minus intercepts; slopes, of all variables on the first
covariate, then on the second, ...; residual variances of numeric variables; residual correlations
(covariances where a numeric variable takes part).

References
----------
Muthen, B. (1984). A general structural equation model with dichotomous, ordered categorical, and
    continuous latent variable indicators. Psychometrika, 49, 115-132.

Functions: ``conditional_moments, conditional_covariance``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.kernels.numerics.bivariate_normal import density, density_slope, distribution
from cte_metrics.kernels.numerics.bracketed_newton import (
    Maxima,
    bracketed_newton,
    judged_by_height,
)
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, mixed_pairs
from cte_metrics.kernels.ordinal.ordinal_sandwich import StatisticLayout, rescaled, sandwich
from cte_metrics.kernels.ordinal.polychoric import PROBABILITY_FLOOR, RHO_LIMIT
from cte_metrics.kernels.ordinal.polyserial import (
    fit_numeric,
    fit_polyserial,
    numeric_scores,
    polyserial_scores,
    start_polyserial,
)
from cte_metrics.kernels.ordinal.probit_regression import (
    FAR,
    LinearFit,
    ProbitFit,
    linear_regression,
    ordered_probit,
)
from cte_metrics.kernels.summaries.contingency import item_pairs

_CELLS_PER_BATCH = 300_000
_DENSITY_LIMIT = 0.9999
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class ConditionalMoments:
    """Statistics of k variables given q covariates.

    Attributes
    ----------
    n : int
    n_categories : (k,) int64
        0 for a numeric variable.
    x : (n, q) float64
        The covariates.
    fits : tuple of k regressions
    cuts : (k, K - 1) float64
        Residual thresholds, padded with ``+inf``.
    slopes : (k, q) float64
    mean, variance : (k,) float64
        Intercepts and residual variances; 0 and 1 for ordinal variables.
    correlation : (k, k) float64
        Residual correlations.
    upper, lower : (k, n) float64
        Thresholds around each row's category minus the prediction (ordinal variables).
    z : (k, n) float64
        Standardised residuals (numeric variables); nan where missing.
    at_limit, converged : (p,) bool
    """

    n: int
    n_categories: Integers
    x: Array
    fits: tuple[ProbitFit | LinearFit, ...]
    cuts: Array
    slopes: Array
    mean: Array
    variance: Array
    correlation: Array
    upper: Array
    lower: Array
    z: Array
    at_limit: Flags
    converged: Flags

    @property
    def covariance(self) -> Array:
        """Residual correlations scaled by the residual standard deviations (k, k)."""
        sd = np.sqrt(self.variance)
        return np.asarray(self.correlation * np.outer(sd, sd))

    @property
    def vector(self) -> Array:
        """All statistics in the module's order (m,)."""
        numeric = self.n_categories == 0
        locations = [
            self.cuts[i, : c - 1] if c else -self.mean[i : i + 1]
            for i, c in enumerate(self.n_categories)
        ]
        a, b = item_pairs(len(numeric))
        slopes = self.slopes.T.ravel()
        return np.concatenate([*locations, slopes, self.variance[numeric], self.covariance[a, b]])


def conditional_moments(data: MixedData, x: Array) -> ConditionalMoments:
    """Regress every variable on the covariates and correlate what is left.

    Parameters
    ----------
    data : MixedData
        n rows of k variables; missing answers are skipped pair by pair.
    x : (n, q) float64
        Complete covariates.
    """
    n, k = data.codes.shape
    fits = tuple(_regress(data, i, x) for i in range(k))
    top = int(data.n_categories.max(initial=2))
    cuts, slopes = np.full((k, top - 1), np.inf), np.zeros((k, x.shape[1]))
    mean, variance = np.zeros(k), np.ones(k)
    upper, lower, z = np.full((k, n), FAR), np.full((k, n), -FAR), np.full((k, n), np.nan)
    for i, fit in enumerate(fits):
        slopes[i] = fit.slopes
        if isinstance(fit, ProbitFit):
            cuts[i, : len(fit.cuts)] = fit.cuts
            upper[i], lower[i] = fit.upper, fit.lower
        else:
            mean[i], variance[i] = fit.intercept, fit.variance
            z[i] = fit.residuals / np.sqrt(fit.variance)
    a, b = item_pairs(k)
    rho, at_limit = np.zeros(len(a)), np.zeros(len(a), dtype=bool)
    converged = np.ones(len(a), dtype=bool)
    rows = _Rows(data, cuts, upper, lower, z)
    for which, found in _fit_pairs(rows, a, b):
        rho[which], at_limit[which], converged[which] = found.at, found.at_limit, found.converged
    correlation = np.eye(k)
    correlation[a, b] = correlation[b, a] = rho
    return ConditionalMoments(
        n, data.n_categories, x, fits, cuts, slopes, mean, variance, correlation,
        upper, lower, z, at_limit, converged,
    )  # fmt: skip


def _regress(data: MixedData, i: int, x: Array) -> ProbitFit | LinearFit:
    if data.n_categories[i]:
        return ordered_probit(data.codes[:, i], int(data.n_categories[i]), x, data.weights)
    return linear_regression(data.values[:, i], x, data.weights)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the fits of pairs read, variable by variable (k, n)."""

    data: MixedData
    cuts: Array
    upper: Array
    lower: Array
    z: Array

    def seen(self, a: Integers, b: Integers) -> Flags:
        """Rows that answer both ordinal variables (p, n)."""
        codes = self.data.codes.T
        return np.asarray((codes[a] >= 0) & (codes[b] >= 0))

    def residual(self, x: Integers, y: Integers) -> Array:
        """Standardised residuals of numeric x, nan where ordinal y is missing (p, n)."""
        return np.where(self.data.codes.T[y] >= 0, self.z[x], np.nan)


def _fit_pairs(rows: _Rows, a: Integers, b: Integers) -> Iterator[tuple[Integers, Maxima]]:
    k, weights = rows.data.n_categories, rows.data.weights
    for which in _batches(np.flatnonzero((k[a] > 0) & (k[b] > 0)), rows.z.shape[1]):
        yield which, _fit_ordinal(rows, a[which], b[which])
    for mixed, x, y in mixed_pairs(k, a, b):
        if k[y[0]]:
            own = rows.residual(x, y)
            start = start_polyserial(own, rows.data.codes.T[y], rows.cuts[y])
            yield mixed, fit_polyserial(own, (rows.upper[y], rows.lower[y]), start, weights)
        else:
            yield mixed, fit_numeric(rows.z[x], rows.z[y], weights)


def _batches(which: Integers, n: int) -> list[Integers]:
    if not len(which):
        return []
    return np.array_split(which, max(1, len(which) * n // _CELLS_PER_BATCH))


@dataclass(frozen=True, slots=True)
class _Rectangles:
    """The rectangles of p pairs' rows; corners (p, n)."""

    h: tuple[Array, Array]
    k: tuple[Array, Array]

    def probability(self, rho: Array) -> Array:
        r = rho[:, None]
        (h1, h0), (k1, k0) = self.h, self.k
        upper = distribution(h1, k1, r) - distribution(h0, k1, r)
        return upper - distribution(h1, k0, r) + distribution(h0, k0, r)

    def slopes(self, rho: Array) -> tuple[Array, Array]:
        """First and second derivative of the probability in rho."""
        r = rho[:, None]
        first, second = np.zeros(self.h[0].shape), np.zeros(self.h[0].shape)
        for i, h in enumerate(self.h):
            for j, k in enumerate(self.k):
                value = density(h, k, r) * (1.0 if i == j else -1.0)
                first += value
                second += value * density_slope(h, k, r)
        return first, second

    def of(self, which: Integers) -> _Rectangles:
        h, k = self.h, self.k
        return _Rectangles((h[0][which], h[1][which]), (k[0][which], k[1][which]))


def _inverse(probability: Array, seen: Flags) -> Array:
    """``1 / pi``, 0 where missing or at the floor."""
    free = seen & (probability > PROBABILITY_FLOOR)
    return np.where(free, 1.0 / np.where(free, probability, 1.0), 0.0)


def _rectangles(rows: _Rows | ConditionalMoments, a: Integers, b: Integers) -> _Rectangles:
    return _Rectangles((rows.upper[a], rows.lower[a]), (rows.upper[b], rows.lower[b]))


def _fit_ordinal(rows: _Rows, a: Integers, b: Integers) -> Maxima:
    boxes, seen = _rectangles(rows, a, b), rows.seen(a, b)
    w = np.where(seen, 1.0 if rows.data.weights is None else rows.data.weights, 0.0)

    def score(which: Integers, rho: Array) -> tuple[Array, Array]:
        own = boxes.of(which)
        inverse = _inverse(own.probability(rho), seen[which])
        first, second = own.slopes(rho)
        rate = first * inverse
        bend = second * inverse - rate * rate
        return (w[which] * rate).sum(axis=1), (w[which] * bend).sum(axis=1)

    def height(which: Integers, rho: Array) -> Array:
        probability = np.maximum(boxes.of(which).probability(rho), PROBABILITY_FLOOR)
        return np.asarray((w[which] * np.log(probability)).sum(axis=1))

    x, y = rows.data.codes.T[a].astype(np.float64), rows.data.codes.T[b].astype(np.float64)
    found = bracketed_newton(score, _code_correlation(x, y, w), RHO_LIMIT)
    return judged_by_height(found, score, height, RHO_LIMIT)


def _code_correlation(x: Array, y: Array, w: Array) -> Array:
    total = w.sum(axis=1, keepdims=True)
    total = np.where(total > 0.0, total, 1.0)
    x = x - (w * x).sum(axis=1, keepdims=True) / total
    y = y - (w * y).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((w * x * x).sum(axis=1) * (w * y * y).sum(axis=1))
    r = (w * x * y).sum(axis=1) / np.where(spread > 0.0, spread, 1.0)
    return np.where(np.abs(r) >= RHO_LIMIT, 0.0, r)


def conditional_covariance(data: MixedData, fitted: ConditionalMoments) -> Array:
    """Return Gamma (m, m): n times the covariance matrix of ``ConditionalMoments.vector``."""
    layout = StatisticLayout.of(data.n_categories, fitted.x.shape[1])
    scores = np.zeros((layout.size, fitted.n))
    cross = np.zeros((len(layout.first), layout.n_first))
    for i, fit in enumerate(fitted.fits):
        n_locations = len(fit.cuts) if isinstance(fit, ProbitFit) else 1
        scores[layout.starts[i] + np.arange(n_locations)] = fit.scores[:n_locations]
        scores[layout.slope_at[i]] = fit.scores[n_locations : n_locations + fitted.x.shape[1]]
        if isinstance(fit, LinearFit):
            scores[layout.variance_at[i]] = fit.scores[-1]
    second = _SecondStage(data, fitted, layout, scores, cross)
    second.fill()
    weighted = scores if data.weights is None else scores * data.weights
    inner = weighted @ weighted.T
    outer = inner if data.weights is None else weighted @ scores.T
    gamma = sandwich(inner, outer, cross, layout, n=fitted.n)
    return rescaled(gamma, fitted.correlation, fitted.variance, layout, "covariance")


@dataclass(frozen=True, slots=True)
class _SecondStage:
    """Writes the scores of all pairs, and A21."""

    data: MixedData
    fitted: ConditionalMoments
    layout: StatisticLayout
    scores: Array
    cross: Array

    def fill(self) -> None:
        a, b, k = self.layout.first, self.layout.second, self.data.n_categories
        ordinal = np.flatnonzero((k[a] > 0) & (k[b] > 0))
        for which in _batches(ordinal, self.fitted.n):
            self._ordinal(which, a[which], b[which])
        for mixed, x, y in mixed_pairs(k, a, b):
            (self._polyserial if k[y[0]] else self._numeric)(mixed, x, y)

    def _put(self, which: Integers, by_rho: Array) -> Array:
        self.scores[self.layout.n_first + which] = by_rho
        return by_rho if self.data.weights is None else by_rho * self.data.weights

    def _by_edges(
        self, which: Integers, y: Integers, by: Array, above: Array, below: Array
    ) -> None:
        """A21 for an ordinal variable: derivatives by the thresholds around the category."""
        codes = self.data.codes.T[y]
        for t in range(self.fitted.cuts.shape[1]):
            exists = t < self.data.n_categories[y] - 1
            slope = np.where(codes == t, above, 0.0) + np.where(codes == t + 1, below, 0.0)
            at = self.layout.starts[y[exists]] + t
            self.cross[which[exists], at] += (by * slope).sum(axis=1)[exists]
        moved = -(by * (above + below)) @ self.fitted.x
        self.cross[which[:, None], self.layout.slope_at[y]] += moved

    def _ordinal(self, which: Integers, a: Integers, b: Integers) -> None:
        fit = self.fitted
        rho = fit.correlation[a, b]
        boxes = _rectangles(fit, a, b)
        seen = (self.data.codes.T[a] >= 0) & (self.data.codes.T[b] >= 0)
        inverse = _inverse(boxes.probability(rho), seen)
        first, _ = boxes.slopes(np.clip(rho, -_DENSITY_LIMIT, _DENSITY_LIMIT))
        by = self._put(which, first * inverse)
        for item, own, other in ((a, boxes.h, boxes.k), (b, boxes.k, boxes.h)):
            above = _edge(own[0], other, rho) * inverse
            below = -_edge(own[1], other, rho) * inverse
            self._by_edges(which, item, by, above, below)

    def _polyserial(self, which: Integers, x: Integers, y: Integers) -> None:
        fit, lay = self.fitted, self.layout
        own = np.where(self.data.codes.T[y] >= 0, fit.z[x], np.nan)
        sd = np.sqrt(fit.variance[x])
        part = polyserial_scores(own, sd, (fit.upper[y], fit.lower[y]), fit.correlation[x, y])
        by = self._put(which, part.by_rho)
        self.cross[which, lay.starts[x]] += (by * part.by_mean).sum(axis=1)
        self.cross[which[:, None], lay.slope_at[x]] += (by * part.by_mean) @ fit.x
        self.cross[which, lay.variance_at[x]] += (by * part.by_variance).sum(axis=1)
        self._by_edges(which, y, by, part.upper, part.lower)

    def _numeric(self, which: Integers, x: Integers, y: Integers) -> None:
        fit, lay = self.fitted, self.layout
        sd = np.sqrt(fit.variance[x]), np.sqrt(fit.variance[y])
        part = numeric_scores(fit.z[x], fit.z[y], sd, fit.correlation[x, y])
        by = self._put(which, part["rho"])
        for item, number in ((x, 1), (y, 2)):
            by_mean = by * part[f"mean_{number}"]
            self.cross[which, lay.starts[item]] += by_mean.sum(axis=1)
            self.cross[which[:, None], lay.slope_at[item]] += by_mean @ fit.x
            by_variance = by * part[f"variance_{number}"]
            self.cross[which, lay.variance_at[item]] += by_variance.sum(axis=1)


def _edge(h: Array, other: tuple[Array, Array], rho: Array) -> Array:
    """Derivative of the rectangle's probability by the edge ``h`` (p, n)."""
    r = rho[:, None]
    s = np.sqrt(np.maximum((1.0 - r) * (1.0 + r), 1e-300))
    inside = special.ndtr((other[0] - r * h) / s) - special.ndtr((other[1] - r * h) / s)
    return np.asarray(np.exp(-0.5 * h * h) / _ROOT_2PI * inside)
