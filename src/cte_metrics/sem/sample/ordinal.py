"""Categories, thresholds and correlations of each group of a model with ordinal items.

Functions: ``sample_thresholds``, ``ordered_names``, ``category_levels``, ``ordinal_sample``.
Classes: ``OrdinalGroup``, ``ConditionalGroup``, ``OrdinalSample``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array, Flags
from cte_metrics.errors import InputError, UnknownNameError, close_names
from cte_metrics.kernels.ordinal.conditional_moments import (
    ConditionalMoments,
    conditional_covariance,
    conditional_moments,
)
from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, OrdinalMoments, ordinal_moments
from cte_metrics.kernels.summaries.contingency import item_pairs
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import model_outline

_DEFAULT_CORRECTION = (0.5, 0.0)
_MANY_CATEGORIES = 30


@dataclass(eq=False)
class OrdinalGroup:
    """One group: its rows as categories, and the statistics of Muthen's first two stages.

    ``vector`` (m,) and ``gamma`` (m, m) follow the order of ``kernels.ordinal.ordinal_moments``.
    """

    label: str
    names: tuple[str, ...]
    data: MixedData
    correction: tuple[float, float] = _DEFAULT_CORRECTION

    @property
    def n(self) -> float:
        """Number of rows."""
        return float(len(self.data.codes))

    @property
    def item_names(self) -> tuple[str, ...]:
        """Names of the variables behind the statistics."""
        return self.names

    @cached_property
    def statistics(self) -> OrdinalMoments:
        """Thresholds, means, variances and correlations."""
        return ordinal_moments(self.data, correction=self.correction)

    @cached_property
    def vector(self) -> Array:
        """The statistics as one vector."""
        return self.statistics.vector

    @cached_property
    def gamma(self) -> Array:
        """Their asymptotic covariance matrix."""
        return asymptotic_covariance(self.data, self.statistics)

    @property
    def covariance(self) -> Array:
        """Correlations, scaled where numeric (p, p)."""
        return self.statistics.covariance

    @property
    def mean(self) -> Array:
        """Means; 0 for ordinal items (p,)."""
        return self.statistics.mean


@dataclass(eq=False)
class ConditionalGroup:
    """One group of a model with covariates: statistics of the items given the covariates.

    ``vector`` and ``gamma`` follow the order of ``kernels.ordinal.conditional_moments``;
    ``covariance`` (p, p) and ``mean`` (p,) are those of all variables, items and
    covariates (divisor n - 1 for the covariates, as in lavaan), with the intercepts as means of
    numeric items.
    """

    label: str
    names: tuple[str, ...]
    data: MixedData
    items: tuple[int, ...]
    covariates: tuple[int, ...]
    x: Array

    @property
    def n(self) -> float:
        """Number of rows."""
        return float(len(self.data.codes))

    @property
    def item_names(self) -> tuple[str, ...]:
        """Names of the variables behind the statistics."""
        return tuple(self.names[i] for i in self.items)

    @cached_property
    def statistics(self) -> ConditionalMoments:
        """Thresholds, slopes, residual variances and correlations."""
        return conditional_moments(self.data, self.x)

    @cached_property
    def vector(self) -> Array:
        """The statistics as one vector."""
        return self.statistics.vector

    @cached_property
    def gamma(self) -> Array:
        """Their asymptotic covariance matrix."""
        return conditional_covariance(self.data, self.statistics)

    @cached_property
    def covariance(self) -> Array:
        """Covariances of all variables."""
        found, p = self.statistics, len(self.names)
        centred = self.x - self.x_mean
        w = np.ones(len(self.x)) if self.data.weights is None else self.data.weights
        of_x = (centred.T * w) @ centred / (w.sum() - 1.0)
        with_x = found.slopes @ of_x
        out = np.zeros((p, p))
        y, x = np.array(self.items), np.array(self.covariates)
        out[np.ix_(y, y)] = found.covariance + with_x @ found.slopes.T
        out[np.ix_(y, x)] = with_x
        out[np.ix_(x, y)] = with_x.T
        out[np.ix_(x, x)] = of_x
        return out

    @property
    def x_mean(self) -> Array:
        """Means of the covariates (n_x,)."""
        return np.asarray(np.average(self.x, axis=0, weights=self.data.weights))

    @cached_property
    def mean(self) -> Array:
        """Intercepts of numeric items, 0 for ordinal ones, means of covariates (p,)."""
        out = np.zeros(len(self.names))
        out[list(self.items)] = self.statistics.mean
        out[list(self.covariates)] = self.x_mean
        return out


@dataclass(eq=False)
class OrdinalSample:
    """All groups, in the order of their first appearance.

    Created by: ``cte_metrics.sem.sample.ordinal.ordinal_sample``.
    Consumed by: ``cte_metrics.sem.estimators.categorical.CategoricalLeastSquares``.
    """

    groups: tuple[OrdinalGroup | ConditionalGroup, ...]
    names: tuple[str, ...]
    levels: Mapping[str, Array]

    @property
    def n_total(self) -> float:
        """Number of observations."""
        return float(sum(g.n for g in self.groups))

    @property
    def n_thresholds(self) -> tuple[tuple[str, int], ...]:
        """Ordinal items with their numbers of thresholds, for the parameter table."""
        return tuple((n, len(self.levels[n]) - 1) for n in self.names if n in self.levels)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know about two-way tables and correlations."""
        out: list[str] = []
        for group in self.groups:
            where = f" in group {group.label}" if len(self.groups) > 1 else ""
            out += [f"{text}{where}." for text in _table_notes(group)]
        if any((g.data.codes[:, g.data.ordinal] < 0).any() for g in self.groups):
            out.append("Missing answers were skipped pair by pair of items.")
        return tuple(out)


def _table_notes(group: OrdinalGroup | ConditionalGroup) -> list[str]:
    found = group.statistics
    a, b = item_pairs(len(found.n_categories))
    names = group.item_names

    def listed(flag: Flags) -> str:
        which = np.flatnonzero(flag)
        some = ", ".join(f"{names[a[p]]} with {names[b[p]]}" for p in which[:5])
        return some + (f" and {len(which) - 5} more" if len(which) > 5 else "")

    out = []
    perfect = found.at_limit | (found.perfect if isinstance(found, OrdinalMoments) else False)
    if perfect.any():
        out.append(
            "Perfectly associated items (their correlation stands at its limit, and where the "
            f"likelihood is flat there carries no weight): {listed(perfect)}"
        )
    if isinstance(found, OrdinalMoments) and found.empty.any():
        out.append(f"Empty cells in {int(found.empty.sum())} of {len(a)} two-way tables of items")
    if not found.converged.all():
        out.append(f"Correlations that did not converge: {listed(~found.converged)}")
    return out


def sample_thresholds(
    rows: ModelData, ordered: bool | Sequence[str], text: str
) -> tuple[tuple[str, int], ...]:
    """Ordinal items of a model with their numbers of thresholds, for the parameter table.

    Parameters
    ----------
    rows : ModelData
        Rows of the model's variables.
    ordered : bool or sequence of str
        ``True`` takes every variable but the exogenous covariates; names that the model does not
        use are passed over, and items whose thresholds the text writes are added, as in lavaan.
    text : str
        The model.

    Raises
    ------
    UnknownNameError
        If a name looks like a misspelt variable of the model.
    InputError
        If no ordinal item is in the model, or one has a single category.
    """
    names = ordered_names(rows.names, ordered, text)
    values = np.concatenate([g.values for g in rows.groups])
    levels = category_levels(values, rows.names, names)
    return tuple((name, len(levels[name]) - 1) for name in names)


def ordered_names(names: Sequence[str], ordered: bool | Sequence[str], text: str) -> list[str]:
    """Ordinal items among the model's variables, in their order."""
    if isinstance(ordered, bool):
        outside = set(model_outline(text).blocks[0].ov_x)
        return [v for v in names if v not in outside]
    with_thresholds = {v for block in model_outline(text).blocks for v in block.ov_ordinal}
    wanted = {*ordered, *with_thresholds}
    for name in sorted(wanted - set(names)):
        suggestion = close_names(name, [v for v in names if v not in wanted])
        if suggestion:
            raise UnknownNameError(f"ordered: the model has no variable {name!r}.{suggestion}")
    found = [v for v in names if v in wanted]
    if not found:
        raise InputError(
            f"None of the ordered items ({', '.join(sorted(wanted))}) is in the model.",
            hint=f"The model's variables are {', '.join(names)}.",
        )
    return found


def category_levels(
    values: Array, names: Sequence[str], ordered: Sequence[str]
) -> dict[str, Array]:
    """Categories of each ordinal item over all rows, ascending.

    Parameters
    ----------
    values : (n, p) float64
        Rows of all groups; nan where missing.
    names : sequence of str
    ordered : sequence of str
        Items among ``names`` that are ordinal.

    Raises
    ------
    InputError
        If an item has one category, or so many that it is hardly ordinal.
    """
    position = {name: i for i, name in enumerate(names)}
    out = {}
    for name in ordered:
        column = values[:, position[name]]
        level = np.unique(column[~np.isnan(column)])
        if len(level) < 2:
            raise InputError(
                f"The ordinal item {name!r} has {len(level)} categories in the data; it needs two.",
                hint="Leave the item out of the model.",
            )
        if len(level) > _MANY_CATEGORIES:
            raise InputError(
                f"{name!r} is declared ordinal but has {len(level)} different values.",
                hint=f"Leave {name!r} out of ordered=, so that it is taken as numeric.",
            )
        out[name] = level
    return out


def ordinal_sample(
    groups: Sequence[tuple[str, Array]],
    names: Sequence[str],
    levels: Mapping[str, Array],
    *,
    weights: Sequence[Array | None] | None = None,
    covariates: Sequence[str] = (),
    correction: tuple[float, float] = _DEFAULT_CORRECTION,
) -> OrdinalSample:
    """Code the rows of each group; the statistics are computed when first asked for.

    Parameters
    ----------
    groups : sequence of (label, values)
        Rows (n_g, p) with columns in the order of ``names``, the model's order.
    names : sequence of str
    levels : mapping
        Ordinal items to their categories, from ``category_levels``.
    weights : sequence of (n_g,) arrays, optional
        Sampling weights, scaled so that over all groups they sum to the number of rows.
    covariates : sequence of str
        Variables that the items are modelled given.

    Raises
    ------
    InputError
        If a group lacks a category of an item.
    """
    order = tuple(names)
    scaled = _scaled_weights(weights, len(groups))
    coded = tuple(
        _code(label, values, order, levels, correction, w)
        for (label, values), w in zip(groups, scaled, strict=True)
    )
    for group in coded:
        _refuse_lacking(group, levels, len(coded))
    groups_ = tuple(_given(group, covariates) for group in coded) if covariates else coded
    return OrdinalSample(groups_, order, dict(levels))


def _given(group: OrdinalGroup, covariates: Sequence[str]) -> ConditionalGroup:
    x = tuple(group.names.index(v) for v in covariates)
    y = tuple(i for i in range(len(group.names)) if i not in x)
    data = group.data
    own = MixedData(data.codes[:, y], data.values[:, y], data.n_categories[list(y)], data.weights)
    return ConditionalGroup(group.label, group.names, own, y, x, data.values[:, x])


def _scaled_weights(weights: Sequence[Array | None] | None, n_groups: int) -> list[Array | None]:
    if weights is None or weights[0] is None:
        return [None] * n_groups
    given = [w for w in weights if w is not None]
    factor = sum(len(w) for w in given) / sum(float(w.sum()) for w in given)
    return [w * factor for w in given]


def _code(
    label: str,
    values: Array,
    names: tuple[str, ...],
    levels: Mapping[str, Array],
    correction: tuple[float, float],
    weights: Array | None,
) -> OrdinalGroup:
    codes = np.full(values.shape, -1, dtype=np.int16)
    n_categories = np.zeros(len(names), dtype=np.int64)
    for i, name in enumerate(names):
        if name in levels:
            column, level = values[:, i], levels[name]
            place = np.searchsorted(level, column)
            codes[:, i] = np.where(np.isnan(column), -1, np.minimum(place, len(level) - 1))
            n_categories[i] = len(level)
    return OrdinalGroup(label, names, MixedData(codes, values, n_categories, weights), correction)


def _refuse_lacking(group: OrdinalGroup, levels: Mapping[str, Array], n_groups: int) -> None:
    for i, name in enumerate(group.names):
        if name not in levels:
            continue
        codes = group.data.codes[:, i]
        count = np.bincount(codes[codes >= 0], minlength=len(levels[name]))
        if (count == 0).any():
            raise _lacking(group.label, name, levels[name], count, n_groups)


def _lacking(label: str, name: str, level: Array, count: np.ndarray, n_groups: int) -> InputError:
    absent = ", ".join(f"{v:g}" for v in level[count == 0])
    where = f"in group {label!r}" if n_groups > 1 else "among the rows used"
    k = int(np.flatnonzero(count == 0)[0])
    neighbour = level[k - 1] if k else level[k + 1]
    return InputError(
        f"No one answered {absent} to the ordinal item {name!r} {where}, so its threshold cannot "
        f"be estimated there (answers by category: {', '.join(str(int(c)) for c in count)}).",
        hint=f"Merge the category with its neighbour everywhere, for instance "
        f"data[{name!r}] = data[{name!r}].replace({level[k]:g}, {neighbour:g}); or leave the item "
        "or the group out; or take the item as numeric by leaving it out of ordered=.",
    )
