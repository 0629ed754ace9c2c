"""Clustered data of a two-level model, group by group.

A variable named at level 1 has values by case (and a random part between clusters if level 2
names it too); a variable named at level 2 only has one value per cluster. Fixed covariates keep
their unrestricted moments: those of the cases at level 1, of the clusters at level 2, and the EM
estimates for a covariate that is split into both.

Classes: ``ClusteredSample``, ``IncompleteClusteredSample``. Functions: ``clustered_sample``,
``cluster_codes``, ``has_cluster``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.errors import EstimationError, InputError
from cte_metrics.kernels.likelihood.fiml import fiml_saturated
from cte_metrics.kernels.numerics.vech import n_half
from cte_metrics.kernels.summaries.cluster_summaries import (
    ClusterSummaries,
    summarise_clusters,
    within_products,
)
from cte_metrics.kernels.summaries.missing_patterns import missing_patterns
from cte_metrics.kernels.two_level.gaps import (
    ClusteredPatterns,
    clustered_patterns,
    two_level_fiml_evaluate,
    two_level_fiml_scores,
)
from cte_metrics.kernels.two_level.gaps_iteration import (
    two_level_fiml_curvature,
    two_level_fiml_saturated,
    two_level_fiml_scoring,
)
from cte_metrics.kernels.two_level.normal import (
    LevelGradient,
    LevelMoments,
    two_level_evaluate,
    two_level_information,
    two_level_scores,
)
from cte_metrics.kernels.two_level.saturated import TwoLevelSaturated, two_level_saturated
from cte_metrics.sem.model.moments import InformationKind, Moments

SMALLEST_VARIANCE = 1e-3
FLOOR = 1e-4  # lavaan's, of the eigenvalues of unrestricted covariances from answers with gaps


@dataclass(eq=False)
class ClusteredSample:
    """One group of a two-level sample.

    y (N, p): variables of level 1; z (J, q): variables of level 2 only, one row a cluster; codes
    (N,): cluster of each case, 0..J-1; place (p_b,): where each variable of level 2 sits in [y,
    z]; labels (J,): the clusters' names; fixed_within, fixed_between: positions of fixed
    covariates.

    Created by: ``cte_metrics.sem.sample.clustered.clustered_sample``.
    Consumed by: ``cte_metrics.sem.estimators.two_level.TwoLevel``.
    """

    label: str
    within_names: tuple[str, ...]
    between_names: tuple[str, ...]
    y: Array
    z: Array
    codes: Index
    place: Index
    labels: tuple[object, ...] = ()
    fixed_within: tuple[int, ...] = ()
    fixed_between: tuple[int, ...] = ()
    rows: Index | None = None

    @property
    def n(self) -> float:
        """Number of cases."""
        return float(len(self.y))

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.z)

    @property
    def both(self) -> Flags:
        """Which variables of level 1 are split into both levels, shape (p,)."""
        split = np.zeros(len(self.within_names), dtype=bool)
        split[self.place[self.place < len(split)]] = True
        return split

    @cached_property
    def summaries(self) -> ClusterSummaries:
        """Summaries by cluster size."""
        return summarise_clusters(self.y, self.z, self.codes)

    @cached_property
    def products(self) -> Array:
        """Cross-products within each cluster, (J, p, p)."""
        return within_products(self.y, self.codes)

    @cached_property
    def unrestricted(self) -> TwoLevelSaturated:
        """The unrestricted moments.

        Raises
        ------
        EstimationError
            If the variables leave no positive definite matrix: few schools, dependent items.
        """
        try:
            return two_level_saturated(self.summaries, self.place)
        except np.linalg.LinAlgError:
            where = f" of group {self.label!r}" if self.label else ""
            raise EstimationError(
                f"The unrestricted two-level moments{where} cannot be found: with "
                f"{len(self.y)} complete rows in {self.n_clusters} clusters their covariance "
                "matrix is singular.",
                hint="Leave out constant items and items that others determine, or use more "
                "respondents and clusters.",
            ) from None

    def evaluate(self, moments: LevelMoments) -> LevelGradient | None:
        """Log-likelihood and gradient."""
        return two_level_evaluate(self.summaries, moments)

    def information(
        self, moments: LevelMoments, kind: InformationKind, directions: Array | None = None
    ) -> Array:
        """Information of the moments, summed over clusters; times ``directions`` where given."""
        matrix = two_level_information(self.summaries, moments, kind)
        return matrix if directions is None else matrix @ directions

    def scores(self, moments: LevelMoments) -> Array:
        """Each cluster's score, (J, n_moments)."""
        return two_level_scores(self.summaries, self.products, moments)

    def expected_random_parts(self, moments: LevelMoments) -> Array:
        """E(b) of the variables of level 2 given the data, one row a cluster (J, p_b).

        Equals mu + B h with h the cluster vector's deviation times the inverse of its covariance
        matrix; a variable of level 2 only keeps its value where it has one.
        """
        p, q = len(self.within_names), len(self.between_names)
        by_mean = self.scores(moments)[:, p + n_half(p) : p + n_half(p) + q]
        return np.asarray(moments.mean_between + by_mean @ moments.cov_between)

    def level_moments(self, within: Moments, between: Moments) -> LevelMoments:
        """Join the moments of two blocks."""
        if within.mean is None or between.mean is None:
            raise ValueError("a two-level model needs the means of both levels")
        return LevelMoments(within.mean, within.cov, between.mean, between.cov, self.place)

    @cached_property
    def starts(self) -> tuple[Moments, Moments]:
        """Moments to start from: the total covariances at both levels, covariates at theirs.

        Total covariances lead to the solution in which a level-1 factor and its level-2
        counterpart resemble each other; covariances of the cluster means alone are noisy.
        """
        mean, total = self._totals
        p = len(self.within_names)
        within = Moments(total[:p, :p].copy(), np.where(self.both, 0.0, mean[:p]))
        place = np.ix_(self.place, self.place)
        between = Moments(total[place], mean[self.place])
        if self.fixed_within or self.fixed_between:
            found = self.unrestricted.moments
            free = [i for i in self.fixed_within if not self.both[i]]
            _hold(within, self.fixed_within, found.cov_within, found.mean_within, free)
            _hold(between, self.fixed_between, found.cov_between, found.mean_between, None)
        return within, between

    @cached_property
    def _totals(self) -> tuple[Array, Array]:
        """Means (r,) and covariances (r, r) of y over cases, of z and mean y over clusters."""
        p = len(self.within_names)
        total = np.cov(self.summaries.vectors.T, bias=True).reshape(p + self.z.shape[1], -1)
        about = self.y - self.y.mean(axis=0)
        total[:p, :p] = about.T @ about / len(self.y)
        return np.append(self.y.mean(axis=0), self.z.mean(axis=0)), total


def _hold(
    block: Moments,
    fixed: Sequence[int],
    cov: Array,
    mean: Array,
    with_means: Sequence[int] | None,
) -> None:
    """Write the moments of fixed covariates (variances at least .001) into a block."""
    index = list(fixed)
    held = cov[np.ix_(index, index)].copy()
    np.fill_diagonal(held, np.maximum(held.diagonal(), SMALLEST_VARIANCE))
    block.cov[np.ix_(index, index)] = held
    own = index if with_means is None else list(with_means)
    if block.mean is not None:
        block.mean[own] = mean[own]


@dataclass(eq=False)
class IncompleteClusteredSample(ClusteredSample):
    """One group of a two-level sample with gaps (nan) in y or z.

    The unrestricted covariances of both levels have no eigenvalue below 1e-4, as in lavaan: where
    the answers vary less between clusters, chi-square is a little lower than at the maximum.
    """

    @cached_property
    def patterns(self) -> ClusteredPatterns:
        """Cases by pattern and cluster."""
        return clustered_patterns(self.y, self.z, self.codes)

    @cached_property
    def unrestricted(self) -> TwoLevelSaturated:
        """The unrestricted moments."""
        mean, total = self._totals
        p = len(self.within_names)
        half = total.copy()
        half[p:, :p] = half[:p, p:] = 0.0
        half[:p, :p] *= 0.5
        start = LevelMoments(
            mean_within=np.where(self.both, 0.0, mean[:p]),
            cov_within=np.where(self.both[:, None] & self.both, 0.5, 1.0) * total[:p, :p],
            mean_between=mean[self.place],
            cov_between=half[np.ix_(self.place, self.place)],
            place=self.place,
        )
        smallest = float(np.linalg.eigvalsh(half)[0])
        return two_level_fiml_saturated(self.patterns, start, floor=min(FLOOR, 0.1 * smallest))

    def evaluate(self, moments: LevelMoments) -> LevelGradient | None:
        """Log-likelihood and gradient."""
        return two_level_fiml_evaluate(self.patterns, moments)

    def information(
        self, moments: LevelMoments, kind: InformationKind, directions: Array | None = None
    ) -> Array:
        """Observed information along ``directions``, or the approximation used in iterations."""
        if kind == "expected":
            matrix = two_level_fiml_scoring(self.patterns, moments)
            return matrix if directions is None else matrix @ directions
        if directions is None:
            p, q = len(self.within_names), len(self.between_names)
            directions = np.eye(p + n_half(p) + q + n_half(q))
        return two_level_fiml_curvature(self.patterns, moments, directions)

    def scores(self, moments: LevelMoments) -> Array:
        """Each cluster's score, (J, n_moments)."""
        return two_level_fiml_scores(self.patterns, moments)

    @cached_property
    def _totals(self) -> tuple[Array, Array]:
        """EM estimates of the means (r,) and covariances (r, r); z and y apart."""
        parts = [fiml_saturated(missing_patterns(x)) for x in (self.y, self.z) if x.shape[1]]
        return np.concatenate([m.mean for m in parts]), block_diag(*(m.cov for m in parts))


def cluster_codes(cluster: NDArray[Any]) -> tuple[Index, tuple[object, ...]]:
    """Number the clusters from 0 in order of first appearance; return codes and labels."""
    if cluster.dtype.kind == "O":  # labels of several types have no order of their own
        numbers: dict[object, int] = {}
        codes = [numbers.setdefault(c, len(numbers)) for c in cluster.tolist()]
        return np.array(codes, dtype=np.intp), tuple(numbers)
    labels, first, inverse = np.unique(cluster, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse.ravel()].astype(np.intp), tuple(labels[order].tolist())


def has_cluster(cluster: NDArray[Any]) -> Flags:
    """Return which cases have a cluster (neither nan nor None), shape (N,)."""
    if cluster.dtype.kind == "f":
        return ~np.isnan(cluster)
    if cluster.dtype.kind != "O":
        return np.ones(len(cluster), dtype=bool)
    return np.array([c is not None and str(c) not in ("nan", "<NA>", "NaT") for c in cluster])


def clustered_sample(
    label: str,
    columns: dict[str, Array],
    cluster: NDArray[Any],
    *,
    within: Sequence[str],
    between: Sequence[str],
    fixed_within: Sequence[str] = (),
    fixed_between: Sequence[str] = (),
    rows: Index | None = None,
) -> tuple[ClusteredSample, tuple[str, ...]]:
    """Arrange the columns of one group by level; return the sample and notes for the reader.

    Parameters
    ----------
    label : str
        Name of the group.
    columns : dict of arrays (N,)
        Values by case of every variable in the model; a variable of level 2 only is repeated over
        the cases of a cluster (its cluster mean is used where it is not constant).
    cluster : array (N,)
        Cluster of each case, in any order.
    within, between : sequence of str
        Variables named at level 1 and at level 2.
    fixed_within, fixed_between : sequence of str
        Fixed covariates of each level.
    rows : array (N,), optional
        Where the cases stand in the input.

    Raises
    ------
    InputError
        If there are fewer than two clusters, or no cluster has two cases.
    """
    codes, labels = cluster_codes(cluster)
    size = np.bincount(codes)
    _check_sizes(label, size)
    y = np.column_stack([columns[v] for v in within])
    only_between = [v for v in between if v not in within]
    z, notes = _cluster_values(columns, only_between, codes, size)
    position = {v: i for i, v in enumerate([*within, *only_between])}
    gaps = bool(np.isnan(y).any() or np.isnan(z).any())
    sample = (IncompleteClusteredSample if gaps else ClusteredSample)(
        label=label,
        within_names=tuple(within),
        between_names=tuple(between),
        y=y,
        z=z,
        codes=codes,
        place=np.array([position[v] for v in between], dtype=np.intp),
        labels=labels,
        fixed_within=tuple(i for i, v in enumerate(within) if v in fixed_within),
        fixed_between=tuple(i for i, v in enumerate(between) if v in fixed_between),
        rows=rows,
    )
    return sample, (*notes, *_constant_within(sample))


def _check_sizes(label: str, size: Index) -> None:
    where = f" in group {label!r}" if label else ""
    if len(size) < 2:
        raise InputError(
            f"A two-level model needs at least two clusters; there is one{where}.",
            hint="Fit a one-level model to a single school, or check the cluster column.",
        )
    if size.max() < 2:
        raise InputError(
            f"Every cluster{where} has a single case, so the two levels cannot be told apart.",
            hint="Check the cluster column; with one answer per school fit a one-level model.",
        )


def _cluster_values(
    columns: dict[str, Array], names: Sequence[str], codes: Index, size: Index
) -> tuple[Array, tuple[str, ...]]:
    z = np.empty((len(size), len(names)))
    notes = []
    for k, name in enumerate(names):
        values = columns[name]
        seen = ~np.isnan(values)
        count = np.bincount(codes[seen], minlength=len(size))
        sums = np.bincount(codes[seen], values[seen], minlength=len(size))
        z[:, k] = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
        spread = np.abs(values[seen] - z[codes[seen], k])
        limit = 1e-8 * max(1.0, float(np.max(np.abs(values[seen]), initial=0.0)))
        varies = len(np.unique(codes[seen][spread > limit]))
        if varies:
            notes.append(
                f"{name!r} is a variable of level 2 but varies within {varies} clusters; the "
                "cluster means were used."
            )
    return z, tuple(notes)


def _constant_within(sample: ClusteredSample) -> tuple[str, ...]:
    seen = ~np.isnan(sample.y)
    notes = []
    for k, name in enumerate(sample.within_names):
        values, codes = sample.y[seen[:, k], k], sample.codes[seen[:, k]]
        count = np.maximum(np.bincount(codes), 1)
        spread = values - (np.bincount(codes, values) / count)[codes]
        if float(spread @ spread) <= 1e-10 * float(values @ values):
            notes.append(
                f"{name!r} has the same value for all members of each cluster: it has no variance "
                "at level 1. Name it at level 2 only."
            )
    return tuple(notes)
