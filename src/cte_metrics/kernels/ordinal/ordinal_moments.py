"""First- and second-order statistics of ordinal and mixed variables, and their covariance matrix.

Stage one takes each variable alone (thresholds; or mean and variance), stage two each pair
(polychoric, polyserial or product-moment correlation). Stage three stacks the casewise scores
``s = (s_1, s_2)`` of both stages; with

    A = [[A11, 0], [A21, A22]],   A11 = blocks of sum s_1 s_1' of one variable,
    A22 = diag(sum s_2 s_2'),     A21 = sum s_2 (d log-likelihood of the pair / d first stage)'

the asymptotic covariance matrix of the statistics is ``Gamma = n A^-1 (sum s s') A^-T`` (Muthen
1984), the matrix that lavaan calls NACOV. Numeric variables enter as minus the mean, with their
variances and covariances.

Order of the statistics: thresholds and minus means, variable by variable; variances of numeric
variables; correlations (covariances where a numeric variable takes part) below the diagonal, column
by column.

References
----------
Muthen, B. (1984). A general structural equation model with dichotomous, ordered categorical, and
    continuous latent variable indicators. Psychometrika, 49, 115-132.

Functions: ``ordinal_moments, asymptotic_covariance``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Codes, Flags, Integers
from cte_metrics.kernels.ordinal.ordinal_sandwich import location_sizes
from cte_metrics.kernels.ordinal.polychoric import fit_pairs, item_thresholds
from cte_metrics.kernels.ordinal.polyserial import (
    edges,
    fit_numeric,
    fit_polyserial,
    start_polyserial,
)
from cte_metrics.kernels.summaries.contingency import CategoryCounts, category_counts, item_pairs


@dataclass(frozen=True, slots=True)
class MixedData:
    """Rows of k variables, some ordinal and some numeric.

    Attributes
    ----------
    codes : (n, k) integer
        Categories from 0 of the ordinal variables, -1 where missing and for numeric variables.
    values : (n, k) float64
        Values of the numeric variables (columns of ordinal ones are not read); nan where missing.
    n_categories : (k,) int64
        0 for a numeric variable.
    weights : (n,) float64 or None
        Sampling weights.
    """

    codes: Codes
    values: Array
    n_categories: Integers
    weights: Array | None = None

    @property
    def ordinal(self) -> Integers:
        """Positions of the ordinal variables."""
        return np.flatnonzero(self.n_categories > 0)

    @property
    def numeric(self) -> Integers:
        """Positions of the numeric variables."""
        return np.flatnonzero(self.n_categories == 0)


@dataclass(frozen=True, slots=True)
class OrdinalMoments:
    """Statistics of k ordinal or numeric variables.

    Attributes
    ----------
    n : int
        Rows.
    n_categories : (k,) int64
        0 for a numeric variable.
    cuts : (k, K - 1) float64
        Thresholds, padded with ``+inf``; a numeric variable's row is all ``+inf``.
    mean, variance : (k,) float64
        0 and 1 for an ordinal variable; the variance has divisor n.
    correlation : (k, k) float64
    counts : CategoryCounts
        Of the ordinal variables, in their order.
    empty, perfect, at_limit, converged : (p,) bool
        Of each pair, in the order of ``item_pairs``; see ``PairFit``.
    """

    n: int
    n_categories: Integers
    cuts: Array
    mean: Array
    variance: Array
    correlation: Array
    counts: CategoryCounts
    empty: Flags
    perfect: Flags
    at_limit: Flags
    converged: Flags

    @property
    def covariance(self) -> Array:
        """Correlations scaled by the standard deviations of the numeric variables (k, k)."""
        sd = np.sqrt(self.variance)
        return np.asarray(self.correlation * np.outer(sd, sd))

    @property
    def location_items(self) -> Integers:
        """Variable that each threshold or mean belongs to (q,)."""
        return np.repeat(np.arange(len(self.n_categories)), location_sizes(self.n_categories))

    @property
    def locations(self) -> Array:
        """Thresholds, and means of numeric variables (not negated), variable by variable (q,)."""
        return np.concatenate(
            [
                self.cuts[i, : c - 1] if c else self.mean[i : i + 1]
                for i, c in enumerate(self.n_categories)
            ]
        )

    @property
    def vector(self) -> Array:
        """All statistics in the module's order (m,)."""
        numeric = self.n_categories == 0
        a, b = item_pairs(len(numeric))
        where = self.location_items
        signed = np.where(numeric[where], -self.locations, self.locations)
        return np.concatenate([signed, self.variance[numeric], self.covariance[a, b]])


def ordinal_moments(
    data: MixedData, *, correction: tuple[float, float] = (0.5, 0.0)
) -> OrdinalMoments:
    """Estimate thresholds, means, variances and all pairwise correlations.

    Missing answers are skipped variable by variable and pair by pair; drop incomplete rows first
    for listwise deletion. ``correction`` is explained in ``polychoric.corrected_tables``.
    """
    n_rows, n_items = data.codes.shape
    ordinal, numeric = data.ordinal, data.numeric
    counts = category_counts(
        data.codes[:, ordinal], data.n_categories[ordinal], weights=data.weights
    )
    n_top = int(data.n_categories.max(initial=2))
    cuts = np.full((n_items, n_top - 1), np.inf)
    if len(ordinal):
        cuts[ordinal] = item_thresholds(counts.marginals)
    mean, variance = np.zeros(n_items), np.ones(n_items)
    if len(numeric):
        mean[numeric], variance[numeric] = _means_and_variances(
            data.values[:, numeric], data.weights
        )
    pairs = _Pairs.of(n_items)
    pairs.fit_ordinal(data, counts, cuts, correction)
    if len(numeric):
        z = ((data.values - mean) / np.sqrt(variance)).T
        pairs.fit_mixed(data, z, cuts)
    return OrdinalMoments(
        n_rows, data.n_categories, cuts, mean, variance, pairs.matrix(n_items), counts,
        pairs.empty, pairs.perfect, pairs.at_limit, pairs.converged,
    )  # fmt: skip


def _means_and_variances(x: Array, weights: Array | None) -> tuple[Array, Array]:
    present = ~np.isnan(x)
    w = present * (1.0 if weights is None else weights[:, None])
    n = w.sum(axis=0)
    n = np.where(n > 0.0, n, 1.0)
    mean = (w * np.where(present, x, 0.0)).sum(axis=0) / n
    return mean, (w * np.where(present, x - mean, 0.0) ** 2).sum(axis=0) / n


@dataclass(slots=True)
class _Pairs:
    """Results of all pairs while they are being filled in."""

    first: Integers
    second: Integers
    rho: Array
    empty: Flags
    perfect: Flags
    at_limit: Flags
    converged: Flags

    @classmethod
    def of(cls, n_items: int) -> _Pairs:
        a, b = item_pairs(n_items)
        no = [np.zeros(len(a), dtype=bool) for _ in range(4)]
        return cls(a, b, np.zeros(len(a)), *no)

    def matrix(self, n_items: int) -> Array:
        out = np.eye(n_items)
        out[self.first, self.second] = out[self.second, self.first] = self.rho
        return out

    def fit_ordinal(
        self, data: MixedData, counts: CategoryCounts, cuts: Array, correction: tuple[float, float]
    ) -> None:
        k = data.n_categories
        which = np.flatnonzero((k[self.first] > 0) & (k[self.second] > 0))
        if not len(which):
            return
        a, b = self.first[which], self.second[which]
        place = np.cumsum(k > 0) - 1
        tables = counts.tables(place[a], place[b])
        fit = fit_pairs(tables, cuts[a], cuts[b], k[a], k[b], correction=correction)
        self.rho[which], self.empty[which], self.perfect[which] = fit.rho, fit.empty, fit.perfect
        self.at_limit[which], self.converged[which] = fit.at_limit, fit.converged

    def fit_mixed(self, data: MixedData, z: Array, cuts: Array) -> None:
        k = data.n_categories
        for which, x, y in mixed_pairs(k, self.first, self.second):
            if k[y[0]]:
                codes = data.codes.T[y]
                own = np.where(codes >= 0, z[x], np.nan)
                start = start_polyserial(own, codes, cuts[y])
                found = fit_polyserial(own, edges(cuts[y], codes), start, data.weights)
            else:
                found = fit_numeric(z[x], z[y], data.weights)
            self.rho[which], self.at_limit[which] = found.at, found.at_limit
            self.converged[which] = found.converged


def mixed_pairs(
    n_categories: Integers, first: Integers, second: Integers
) -> list[tuple[Integers, Integers, Integers]]:
    """Numeric-ordinal pairs (pair, numeric, ordinal), then numeric pairs (pair, first, second)."""
    a, b = n_categories[first] > 0, n_categories[second] > 0
    mixed, both = np.flatnonzero(a != b), np.flatnonzero(~a & ~b)
    x = np.where(a[mixed], second[mixed], first[mixed])
    y = np.where(a[mixed], first[mixed], second[mixed])
    return [p for p in ((mixed, x, y), (both, first[both], second[both])) if len(p[0])]
