"""Variance components of ratings: targets crossed with raters, balanced or not.

x_ij = mu + t_i + r_j + e_ij. With every rating present the mean squares give both the analysis of
variance estimates and, since the restricted likelihood of balanced data is a function of the mean
squares, the REML ones: mean squares smaller than the error's are pooled with it, smallest first.
With missing ratings the restricted likelihood is maximised over g1 = var(t) / var(e) and g2 =
var(r) / var(e). Targets are eliminated in closed form, raters by a matrix of their order:

    -2 l = sum log(1 + g1 n_i) + log|I + g2 A| + log(1'V^-1 1) + (N - 1) log(y'Py)

with A = Z'Vt^-1 Z. The function is analytic, so that complex steps give exact gradients.

References
----------
Searle, S. R., Casella, G. & McCulloch, C. E. (1992). Variance Components. Wiley.

Functions: ``mean_squares, balanced_reml, unbalanced_reml, without_error``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags

_STEP = 1e-30
_ITERATIONS = 200


@dataclass(frozen=True, slots=True)
class CrossedVariances:
    """Variance of targets, of raters and of the error, and whether the search ended well."""

    target: float
    rater: float
    error: float
    converged: bool = True


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Between targets, between raters, error, and within targets (raters and error pooled)."""

    target: float
    rater: float
    error: float
    within: float


def mean_squares(ratings: Array) -> MeanSquares:
    """Two-way mean squares of complete ratings (n, k).

    Examples
    --------
    >>> found = mean_squares(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> found.target, found.rater, found.error
    (4.0, 1.0, 0.0)
    """
    n, k = ratings.shape
    grand = ratings.mean()
    rows, columns = ratings.mean(1), ratings.mean(0)
    between, among = k * np.square(rows - grand).sum(), n * np.square(columns - grand).sum()
    error = np.square(ratings - rows[:, None] - columns + grand).sum()
    return MeanSquares(
        float(between / (n - 1)),
        float(among / (k - 1)),
        float(error / ((n - 1) * (k - 1))),
        float((among + error) / (n * (k - 1))),
    )


def balanced_reml(found: MeanSquares, n: int, k: int) -> CrossedVariances:
    """REML variances of complete ratings, from their mean squares."""
    squares, df = found.error * (n - 1) * (k - 1), float((n - 1) * (k - 1))
    classes = sorted(((found.target, n - 1.0), (found.rater, k - 1.0)))
    for square, own in classes:
        if square < squares / df:
            squares, df = squares + square * own, df + own
    error = squares / df
    return CrossedVariances(
        max(found.target - error, 0.0) / k, max(found.rater - error, 0.0) / n, error
    )


def without_error(ratings: Array) -> Array | None:
    """Ratings (n, k) with their gaps filled, if targets and raters alone explain those given.

    Then the error variance is 0, where the restricted likelihood has no maximum, and a missing
    rating can only be the sum of its target's and its rater's effect. ``None`` if there is error,
    or if the gaps cut the ratings into parts without a common rater.

    Examples
    --------
    >>> without_error(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]])).tolist()
    [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    """
    known = ~np.isnan(ratings)
    given = known.astype(np.float64)
    filled = np.where(known, ratings, 0.0)
    share = given / given.sum(1, keepdims=True)
    laplacian = np.diag(given.sum(0)) - given.T @ share
    if np.linalg.matrix_rank(laplacian) < ratings.shape[1] - 1:
        return None
    effect = np.linalg.pinv(laplacian) @ (filled - share * filled.sum(1, keepdims=True)).sum(0)
    level = (share * (filled - effect)).sum(1)
    fitted = level[:, None] + effect
    residual = np.abs(np.where(known, ratings - fitted, 0.0)).max()
    if residual > 1e-9 * np.ptp(ratings[known]):
        return None
    return np.where(known, ratings, fitted)


def unbalanced_reml(ratings: Array) -> CrossedVariances:
    """REML variances of ratings (n, k) with nan where missing."""
    design = _Design.of(ratings)
    g = np.array([1.0, 0.1])
    for _ in range(_ITERATIONS):
        gradient = design.gradient(g)
        free = (g > 0) | (gradient < 0)
        if not free.any() or np.abs(gradient[free] * np.maximum(g[free], 1e-3)).max() < 1e-10:
            return design.components(g, converged=True)
        g = _search(design, g, _newton(design, g, gradient, free), gradient)
    return design.components(g, converged=False)


def _newton(design: _Design, g: Array, gradient: Array, free: Flags) -> Array:
    step = np.zeros(2)
    hessian = design.hessian(g)[np.ix_(free, free)]
    values, vectors = np.linalg.eigh(hessian)
    curved = np.maximum(np.abs(values), 1e-8)
    step[free] = -vectors @ ((vectors.T @ gradient[free]) / curved)
    return step


def _search(design: _Design, g: Array, step: Array, gradient: Array) -> Array:
    now, scale = design.deviance(g).real, 1.0
    for _ in range(60):
        trial = np.maximum(g + scale * step, 0.0)
        if design.deviance(trial).real <= now + 1e-4 * float(gradient @ (trial - g)) + 1e-13:
            return trial
        scale /= 2
    return g


@dataclass(frozen=True, slots=True)
class _Design:
    """Ratings with zeros for missing ones, their pattern, and counts a target and a rater."""

    y: Array
    present: Array
    per_target: Array
    per_rater: Array

    @classmethod
    def of(cls, ratings: Array) -> _Design:
        known = ~np.isnan(ratings)
        used = known.any(1)
        present = known[used].astype(np.float64)
        centre = np.nanmean(ratings)
        y = np.where(known, ratings - centre, 0.0)[used]
        return cls(y, present, present.sum(1), present.sum(0))

    def _parts(self, g: Array) -> tuple[Array, Array, Array]:
        """log|V|, (1, y)'V^-1 (1, y) and nothing of the size of V."""
        g1, g2 = g
        shrink = g1 / (1 + g1 * self.per_target)
        a = np.diag(self.per_rater) - self.present.T @ (shrink[:, None] * self.present)
        totals = self.y.sum(1)
        to_raters = np.stack(
            (
                self.per_rater - self.present.T @ (shrink * self.per_target),
                self.y.sum(0) - self.present.T @ (shrink * totals),
            )
        )
        own = np.array(
            [
                [self.per_target.sum(), totals.sum()],
                [totals.sum(), np.square(self.y).sum()],
            ]
        ) - np.stack((self.per_target, totals)) @ (
            shrink[:, None] * np.stack((self.per_target, totals), axis=1)
        )
        middle = np.eye(len(a)) + g2 * a
        forms = own - g2 * to_raters @ np.linalg.solve(middle, to_raters.T)
        sign, logdet = np.linalg.slogdet(middle)
        log_v = np.log(1 + g1 * self.per_target).sum() + logdet + np.log(sign)
        return log_v, forms, self.per_target.sum()

    def deviance(self, g: Array) -> Array:
        """Minus twice the restricted log-likelihood, without constants."""
        log_v, forms, n = self._parts(g)
        residual = forms[1, 1] - forms[0, 1] ** 2 / forms[0, 0]
        return np.asarray(log_v + np.log(forms[0, 0]) + (n - 1) * np.log(residual))

    def gradient(self, g: Array) -> Array:
        moves = 1j * _STEP * np.eye(2)
        return np.array([self.deviance(g + m).imag / _STEP for m in moves])

    def hessian(self, g: Array) -> Array:
        size = 1e-5 * np.maximum(g, 1e-3)
        rows = []
        for i in range(2):
            move = np.zeros(2)
            move[i] = size[i]
            rows.append((self.gradient(g + move) - self.gradient(g - move)) / (2 * size[i]))
        return np.asarray((np.array(rows) + np.array(rows).T) / 2)

    def components(self, g: Array, *, converged: bool) -> CrossedVariances:
        _, forms, n = self._parts(g)
        error = float((forms[1, 1] - forms[0, 1] ** 2 / forms[0, 0]) / (n - 1))
        return CrossedVariances(float(g[0] * error), float(g[1] * error), error, converged)
