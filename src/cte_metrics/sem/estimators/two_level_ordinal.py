"""Least squares on the moments of ordinal items in clusters: two-level WLSMV and its kin.

The latent response of item i is ``y* = w + b``, of variance 1 within clusters (the delta
parameterization; residual variances within follow from the loadings). First stages, by maximum
likelihood with numerical integration over the effects of clusters: thresholds and the between
variance of each item; then, pair by pair, the correlation within and the covariance between
(``kernels.two_level.probit``, ``kernels.two_level.ordinal_*``). With these moments s, their
covariance matrix Gamma from the scores of the clusters, and the implied sigma::

    F = 1/2 (s - sigma)' W (s - sigma),        chisq = 2 N F

with ``W = diag(Gamma)^-1`` (WLSMV, WLSM, DWLS), ``Gamma^-1`` (WLS) or ``I`` (ULS, ULSMV). Standard
errors and scaled tests follow from W and Gamma as with one level. There is no limit on the number
of factors, as no integral has more than two dimensions.

Reference: Asparouhov, T. & Muthen, B. (2007). Computationally efficient estimation of multilevel
high-dimensional latent variable models. Proceedings of the Joint Statistical Meetings.

Functions: ``two_level_ordinal_estimator``. Classes: ``TwoLevelOrdinal``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array, Flags, Index, Integers
from cte_metrics.errors import EstimationError, InputError
from cte_metrics.kernels.numerics.positive_definite import inverse_and_logdet
from cte_metrics.kernels.two_level.ordinal_covariance import TwoLevelMoments, two_level_moments
from cte_metrics.sem.estimators.base import Estimator, Saturated
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.model.moments import InformationKind, MomentGradient, Moments
from cte_metrics.sem.sample.ordinal import category_levels
from cte_metrics.sem.sample.rows import GroupRows, ModelData
from cte_metrics.sem.table.table import ParameterTable

FEWEST = 5
FEW = 30


@dataclass(frozen=True, slots=True)
class ClusteredOrdinalGroup:
    """One group: statistics of its items, and the names of the items at both levels."""

    label: str
    within: tuple[str, ...]
    between: tuple[str, ...]
    n: float
    n_clusters: int
    statistics: TwoLevelMoments
    incomplete: bool

    @property
    def vectors(self) -> tuple[Array, Array]:
        """Moments within and between."""
        return self.statistics.within_vector, self.statistics.between_vector

    @property
    def moments(self) -> tuple[Moments, Moments]:
        """Moments of both blocks; means of latent responses are 0."""
        within, between = self.statistics.within, self.statistics.between
        return (
            Moments(within, np.zeros(len(within)), self.vectors[0]),
            Moments(between, np.zeros(len(between)), self.vectors[1]),
        )


@dataclass(frozen=True, slots=True)
class TwoLevelOrdinalPoint:
    """The discrepancy at given moments; ``pulled`` is ``W (sigma - s)`` of each block."""

    value: float
    by_group: tuple[float, ...]
    pulled: tuple[Array, ...]
    weights: tuple[DenseWeight, ...]

    def gradient(self) -> tuple[MomentGradient, ...]:
        """Derivative by the moment vector of each block."""
        return tuple(MomentGradient(vector=g) for g in self.pulled)

    def weight(self, kind: InformationKind = "expected") -> tuple[DenseWeight, ...]:
        """W, the same whether expected or observed."""
        return self.weights


@dataclass(eq=False)
class TwoLevelOrdinal(Estimator):
    """Least squares on thresholds, within correlations and between covariances.

    Parameters
    ----------
    samples : tuple of ClusteredOrdinalGroup
        One a group; blocks are (within, between) of each group in turn.
    name : {"DWLS", "WLS", "ULS"}
    """

    samples: tuple[ClusteredOrdinalGroup, ...]
    name: str = "DWLS"
    has_means: bool = True

    def __post_init__(self) -> None:
        self._set_head([s.n for s in self.samples], n_levels=2)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know about clusters and first-stage estimates."""
        return self._notes

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        return tuple(text for s in self.samples for text in _notes(s, len(self.samples)))

    def gamma(self) -> tuple[Array, ...]:
        """Asymptotic covariance of the moments of each group, sqrt(n_g) scale."""
        return tuple(s.n * s.statistics.acov for s in self.samples)

    @cached_property
    def matrices(self) -> tuple[Array, ...]:
        """W of each group."""
        return tuple(
            _weight(self.name, s, gamma)
            for s, gamma in zip(self.samples, self.gamma(), strict=True)
        )

    @cached_property
    def shared(self) -> tuple[DenseWeight, ...]:
        """W times the share of each group."""
        return tuple(DenseWeight(s * w) for s, w in zip(self.shares, self.matrices, strict=True))

    def at(self, implied: Sequence[Moments]) -> TwoLevelOrdinalPoint:
        """Evaluate the discrepancy."""
        pulled, by_group = [], []
        for sample, w, share, (a, b) in zip(
            self.samples, self.matrices, self.shares, self.groups, strict=True
        ):
            within, between = implied[a].vector, implied[b].vector
            assert within is not None  # blocks of ordinal items have their moment vector
            assert between is not None
            found = np.concatenate((within, between))
            difference = found - np.concatenate(sample.vectors)
            pull = w @ difference
            by_group.append(0.5 * float(difference @ pull))
            pulled += np.split(share * pull, [len(within)])
        value = sum(s * f for s, f in zip(self.shares, by_group, strict=True))
        return TwoLevelOrdinalPoint(value, tuple(by_group), tuple(pulled), self.shared)

    def saturated(self) -> Saturated:
        """The sample statistics, at discrepancy zero."""
        return Saturated((0.0,) * len(self.samples), self.start_moments())

    def start_moments(self) -> tuple[Moments, ...]:
        """The sample statistics, within and between for each group."""
        return tuple(m for s in self.samples for m in s.moments)

    def meat(self, implied: Sequence[Moments], *, structured: bool = True) -> list[DenseWeight]:
        """``W Gamma W``."""
        triples = zip(self.shares, self.matrices, self.gamma(), strict=True)
        return [DenseWeight(share * (w @ gamma @ w)) for share, w, gamma in triples]


def two_level_ordinal_estimator(
    data: ModelData, table: ParameterTable, discrepancy: str
) -> TwoLevelOrdinal:
    """Estimate the moments of every group; ``discrepancy`` is ``DWLS``, ``WLS`` or ``ULS``.

    Raises
    ------
    InputError
        If the model goes beyond factors behind ordinal items, or there are too few clusters.
    """
    _check(data, table)
    within, between = table.blocks[0].ov_names, table.blocks[1].ov_names
    values = np.concatenate([g.values for g in data.groups])
    levels = category_levels(values, data.names, list(within))
    samples = tuple(_group(part, data.names, within, between, levels) for part in data.groups)
    return TwoLevelOrdinal(samples, discrepancy)


def _group(
    part: GroupRows,
    names: Sequence[str],
    within: tuple[str, ...],
    between: tuple[str, ...],
    levels: dict[str, Array],
) -> ClusteredOrdinalGroup:
    codes = np.stack(
        [_codes(part.values[:, names.index(v)], levels[v], v, part.label) for v in within], axis=1
    )
    clusters, n_clusters = _cluster_codes(part)
    above = np.array([within.index(v) for v in between], dtype=np.intp)
    n_categories = np.array([len(levels[v]) for v in within], dtype=np.int64)
    found = two_level_moments(codes, clusters, n_categories, above)
    if found.items.at_bound[above].all():
        raise EstimationError(
            f"No between variance was found in any item ({', '.join(between)}): there is nothing "
            "to model at level 2.",
            hint="Fit the one-level model.",
        )
    incomplete = bool((codes < 0).any())
    return ClusteredOrdinalGroup(
        part.label, within, between, float(len(codes)), n_clusters, found, incomplete
    )


def _codes(values: Array, level: Array, name: str, label: str) -> Integers:
    missing = np.isnan(values)
    place = np.minimum(np.searchsorted(level, values), len(level) - 1)
    codes = np.where(missing, -1, place)
    count = np.bincount(codes[~missing], minlength=len(level))
    if (count == 0).any():
        absent = ", ".join(f"{v:g}" for v in level[count == 0])
        raise InputError(
            f"No one answered {absent} to the ordinal item {name!r} in group {label!r}, so its "
            "threshold cannot be estimated there.",
            hint="Merge the category with its neighbour in all groups.",
        )
    return np.asarray(codes, dtype=np.int64)


def _cluster_codes(part: GroupRows) -> tuple[Index, int]:
    import pandas as pd

    codes, labels = pd.factorize(np.asarray(part.clusters))
    if len(labels) < FEWEST:
        where = f" in group {part.label!r}" if part.label else ""
        raise InputError(
            f"There are {len(labels)} clusters{where}; a two-level ordinal model needs at least "
            f"{FEWEST}, and its standard errors many more.",
            hint="Leave out the level: 2 block and compare clusters as groups, if at all.",
        )
    return np.asarray(codes, dtype=np.intp), len(labels)


def _check(data: ModelData, table: ParameterTable) -> None:
    if table.n_levels > 2:
        raise InputError(f"The model has {table.n_levels} levels; two are supported.")
    if any(part.weights is not None for part in data.groups):
        raise InputError("Case weights are not supported in two-level models.")
    if table.options.parameterization != "delta":
        raise InputError(
            "Two-level ordinal models take parameterization='delta': the latent responses have "
            "variance 1 within clusters.",
            hint="For the theta metric divide loadings and thresholds by the root of the item's "
            "residual variance within, which .parameters shows.",
        )
    if {"thresholds", "intercepts"} & set(table.options.group_equal):
        raise InputError(
            "Equal thresholds across groups are not supported in two-level ordinal models."
        )
    within, between = table.blocks[:2]
    ordinal = {name for name, _ in table.options.n_thresholds}
    outside = [v for v in within.ov_names if v not in ordinal]
    outside += [v for v in between.ov_names if v not in within.ov_names]
    if outside or within.ov_x or between.ov_x:
        named = ", ".join(dict.fromkeys((*outside, *within.ov_x, *between.ov_x)))
        raise InputError(
            f"Two-level ordinal models consist of factors behind ordinal items; {named} is "
            "something else (a numeric item, a covariate, or a variable of level 2 alone).",
            hint="Declare all items ordered, leave covariates out, or take the items as numeric "
            "(estimator='MLR' without ordered=).",
        )
    if not between.ov_names:
        raise InputError(
            "The 'level: 2' block has no items.", hint="Name the items that vary between clusters."
        )
    doubled = [
        table.lhs[r]
        for r in range(len(table))
        if table.op[r] == "|" and table.level[r] == 1 and table.lhs[r] in between.ov_names
    ]
    if doubled:
        raise InputError(
            f"Thresholds of {doubled[0]!r} belong to 'level: 2', as the item varies between "
            "clusters.",
            hint="Move the lines with | to the level: 2 block.",
        )


def _weight(name: str, sample: ClusteredOrdinalGroup, gamma: Array) -> Array:
    if name == "ULS":
        return np.eye(len(gamma))
    diagonal = gamma.diagonal()
    if name == "DWLS":
        return np.diag(np.divide(1.0, diagonal, out=np.zeros(len(gamma)), where=diagonal > 0.0))
    pair = inverse_and_logdet(gamma) if sample.n_clusters > len(gamma) else None
    if pair is None:
        raise EstimationError(
            f"WLS inverts the covariance matrix of {len(gamma)} thresholds, correlations and "
            f"covariances, which {sample.n_clusters} clusters do not determine.",
            hint="Use estimator='WLSMV', which needs its diagonal only.",
        )
    return pair[0]


def _notes(sample: ClusteredOrdinalGroup, n_groups: int) -> list[str]:
    where = f" in group {sample.label}" if n_groups > 1 else ""
    found, out = sample.statistics, []
    if sample.incomplete:
        out.append(
            "Missing answers were skipped item by item for thresholds and between variances, pair "
            "by pair for correlations and covariances."
        )
    if sample.n_clusters < FEW:
        out.append(
            f"There are {sample.n_clusters} clusters{where}: standard errors and tests of "
            f"two-level ordinal models need more ({FEW} or so at the least)."
        )
    none = [v for v, flag in zip(sample.within, found.items.at_bound, strict=True) if flag]
    if none:
        out.append(
            f"No between variance was found{where} in {', '.join(none)}; it was set to its lower "
            "bound. Leave such items out of 'level: 2'."
        )
    i, k = np.triu_indices(len(sample.within), 1)

    def listed(flags: Flags) -> str:
        named = [f"{sample.within[i[q]]} with {sample.within[k[q]]}" for q in np.flatnonzero(flags)]
        return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")

    bound = found.items.at_bound[i] | found.items.at_bound[k]
    if (found.pairs.at_limit & ~bound).any():
        out.append(
            f"Pairs whose effects of clusters (or responses within) are perfectly correlated"
            f"{where}: {listed(found.pairs.at_limit & ~bound)}. Standard errors of loadings at "
            "level 2 are then somewhat too small (in simulations 95% intervals covered 89%)."
        )
    if not (found.items.converged.all() and found.pairs.converged.all()):
        bad = [v for v, ok in zip(sample.within, found.items.converged, strict=True) if not ok]
        failed = ", ".join(filter(None, (*bad, listed(~found.pairs.converged))))
        out.append(f"First-stage estimates that did not converge{where}: {failed}.")
    return out
