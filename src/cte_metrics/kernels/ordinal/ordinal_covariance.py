"""Asymptotic covariance matrix of thresholds, means, variances and correlations (Muthen 1984).

The definition stands in ``ordinal_moments``. Casewise scores are looked up in one small table per
item and per pair (a score depends on the row through its categories only) and their cross-products
are summed block by block, so no matrix of all rows by all statistics is ever held.

Function: ``asymptotic_covariance``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cte_metrics.arrays import Array, Index, Integers
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, OrdinalMoments, mixed_pairs
from cte_metrics.kernels.ordinal.ordinal_sandwich import Scale, StatisticLayout, rescaled, sandwich
from cte_metrics.kernels.ordinal.polychoric import score_tables, threshold_products
from cte_metrics.kernels.ordinal.polyserial import edges, numeric_scores, polyserial_scores

_CELLS_PER_BLOCK = 1_500_000


def asymptotic_covariance(
    data: MixedData,
    fitted: OrdinalMoments,
    *,
    scale: Scale = "covariance",
) -> Array:
    """Return Gamma (m, m): n times the covariance matrix of ``OrdinalMoments.vector``.

    Scores of missing answers are zero, so that pairwise statistics get lavaan's matrix. On the
    correlation scale the entries of pairs with a numeric variable belong to correlations instead of
    covariances. With sampling weights w the scores enter ``A`` times w and the middle matrix times
    w squared.
    """
    layout = StatisticLayout.of(data.n_categories)
    first_stage = _FirstStage.of(data, fitted, layout)
    second_stage = _SecondStage.of(data, fitted, layout)
    inner = np.zeros((layout.size, layout.size))
    own = inner if data.weights is None else np.zeros_like(inner)
    step = max(1, _CELLS_PER_BLOCK // layout.size)
    for begin in range(0, len(data.codes), step):
        rows = slice(begin, begin + step)
        scores = np.empty((layout.size, len(data.codes[rows])))
        top = int(data.n_categories.max(initial=0))
        codes = np.where(data.codes[rows] < 0, top, data.codes[rows]).T.astype(np.intp)
        z = first_stage.standardised(data.values[rows]) if len(data.numeric) else np.empty((0, 0))
        first_stage.write(scores, codes, z)
        w = None if data.weights is None else data.weights[rows]
        second_stage.write(scores, codes, z, data.codes[rows], w)
        if w is not None:
            own += (scores * w) @ scores.T
            scores *= w
        inner += scores @ scores.T
    gamma = sandwich(inner, own, second_stage.cross, layout, n=fitted.n)
    return rescaled(gamma, fitted.correlation, fitted.variance, layout, scale)


@dataclass(frozen=True, slots=True)
class _FirstStage:
    """Scores of thresholds as tables by category, and of means and variances."""

    layout: StatisticLayout
    thresholds: Integers
    table: Array
    numeric: Integers
    mean: Array
    sd: Array

    @classmethod
    def of(cls, data: MixedData, fitted: OrdinalMoments, layout: StatisticLayout) -> _FirstStage:
        ordinal_rows = np.flatnonzero(data.n_categories[layout.location_items] > 0)
        table = _threshold_scores(data, fitted, layout, ordinal_rows)
        numeric = data.numeric
        sd = np.sqrt(fitted.variance)
        return cls(layout, ordinal_rows, table, numeric, fitted.mean, sd)

    def standardised(self, values: Array) -> Array:
        """Rows of all variables, standardised where numeric (k, rows)."""
        return np.ascontiguousarray(((values - self.mean) / self.sd).T)

    def write(self, scores: Array, codes: Index, z: Array) -> None:
        width = self.table.shape[1]
        offset = np.arange(len(self.thresholds))[:, None] * width
        place = codes[self.layout.location_items[self.thresholds]] + offset
        scores[self.thresholds] = self.table.ravel()[place]
        if len(self.numeric):
            own, sd = z[self.numeric], self.sd[self.numeric, None]
            seen = ~np.isnan(own)
            at = self.layout.starts[self.numeric]
            scores[at] = np.where(seen, own, 0.0) / sd
            spread = np.where(seen, own * own - 1.0, 0.0) / (2.0 * sd * sd)
            scores[self.layout.variance_at[self.numeric]] = spread


def _threshold_scores(
    data: MixedData, fitted: OrdinalMoments, layout: StatisticLayout, which: Integers
) -> Array:
    """Score of threshold t for a row in category c (thresholds, K + 1); last column: missing."""
    top = int(data.n_categories.max(initial=0))
    items, order = layout.location_items[which], layout.location_order[which]
    place = np.cumsum(data.n_categories > 0) - 1
    marginals = fitted.counts.marginals
    share = marginals / marginals.sum(axis=1, keepdims=True)
    tau = fitted.cuts[items, order]
    phi = np.exp(-0.5 * tau * tau) / np.sqrt(2.0 * np.pi)
    out = np.zeros((len(which), top + 1))
    rows = np.arange(len(which))
    out[rows, order] = phi / share[place[items], order]
    out[rows, order + 1] = -phi / share[place[items], order + 1]
    return out


@dataclass(frozen=True, slots=True)
class _SecondStage:
    """Scores of correlations, and the sums A21 of their products with first-stage derivatives."""

    layout: StatisticLayout
    cross: Array
    ordinal: Integers
    table: Array
    mixed: tuple[tuple[Integers, Integers, Integers], ...]
    fitted: OrdinalMoments

    @classmethod
    def of(cls, data: MixedData, fitted: OrdinalMoments, layout: StatisticLayout) -> _SecondStage:
        k, a, b = data.n_categories, layout.first, layout.second
        which = np.flatnonzero((k[a] > 0) & (k[b] > 0))
        cross = np.zeros((len(a), layout.n_first))
        table = _ordinal_pairs(data, fitted, layout, which, cross)
        mixed = tuple(mixed_pairs(k, a, b))
        return cls(layout, cross, which, table, mixed, fitted)

    def write(
        self,
        scores: Array,
        codes: Index,
        z: Array,
        raw: NDArray[np.integer],
        weights: Array | None,
    ) -> None:
        lay, base = self.layout, self.layout.n_first
        if len(self.ordinal):
            width = self.table.shape[2]
            place = codes[lay.first[self.ordinal]] * width
            place += codes[lay.second[self.ordinal]]
            place += np.arange(len(self.ordinal))[:, None] * (width * width)
            whole = len(self.ordinal) == len(lay.first)
            scores[slice(base, None) if whole else base + self.ordinal] = self.table.ravel()[place]
        for which, x, y in self.mixed:
            if self.fitted.n_categories[y[0]]:
                by = self._polyserial(which, x, y, z, raw.T, weights)
            else:
                by = self._numeric(which, x, y, z, weights)
            scores[base + which] = by

    def _polyserial(
        self,
        which: Integers,
        x: Integers,
        y: Integers,
        z: Array,
        codes: NDArray[np.integer],
        weights: Array | None,
    ) -> Array:
        lay, fit = self.layout, self.fitted
        rho = fit.correlation[x, y]
        cuts = fit.cuts[y]
        own = np.where(codes[y] >= 0, z[x], np.nan)
        part = polyserial_scores(own, np.sqrt(fit.variance[x]), edges(cuts, codes[y]), rho)
        by = part.by_rho if weights is None else part.by_rho * weights
        self.cross[which, lay.starts[x]] += (by * part.by_mean).sum(axis=1)
        self.cross[which, lay.variance_at[x]] += (by * part.by_variance).sum(axis=1)
        for t in range(cuts.shape[1]):
            exists = t < fit.n_categories[y] - 1
            slope = np.where(codes[y] == t, part.upper, 0.0)
            slope += np.where(codes[y] == t + 1, part.lower, 0.0)
            self.cross[which[exists], lay.starts[y[exists]] + t] += (by * slope).sum(axis=1)[exists]
        return part.by_rho

    def _numeric(
        self, which: Integers, x: Integers, y: Integers, z: Array, weights: Array | None
    ) -> Array:
        lay, sd = self.layout, np.sqrt(self.fitted.variance)
        part = numeric_scores(z[x], z[y], (sd[x], sd[y]), self.fitted.correlation[x, y])
        by = part["rho"] if weights is None else part["rho"] * weights
        for column, name in (
            (lay.starts[x], "mean_1"),
            (lay.starts[y], "mean_2"),
            (lay.variance_at[x], "variance_1"),
            (lay.variance_at[y], "variance_2"),
        ):
            self.cross[which, column] += (by * part[name]).sum(axis=1)
        return part["rho"]


def _ordinal_pairs(
    data: MixedData, fitted: OrdinalMoments, layout: StatisticLayout, which: Integers, cross: Array
) -> Array:
    """Score tables of the ordinal pairs (p, K + 1, K + 1), and their part of A21 into ``cross``."""
    k = data.n_categories
    a, b = layout.first[which], layout.second[which]
    rho, cuts_a, cuts_b = fitted.correlation[a, b], fitted.cuts[a], fitted.cuts[b]
    place = np.cumsum(k > 0) - 1
    tables = fitted.counts.tables(place[a], place[b])
    scores = score_tables(cuts_a, cuts_b, rho)
    products = threshold_products(tables, scores, cuts_a, cuts_b, rho)
    for item, product in zip((a, b), products, strict=True):
        pair, order = np.nonzero(np.arange(product.shape[1]) < k[item][:, None] - 1)
        cross[which[pair], layout.starts[item[pair]] + order] = product[pair, order]
    out = np.zeros((len(which), scores[0].shape[1] + 1, scores[0].shape[2] + 1))
    out[:, :-1, :-1] = scores[0]
    return out
