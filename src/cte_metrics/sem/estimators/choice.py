"""Which discrepancy function a fit minimises, and the data that it is given.

Functions: ``make_estimator``, ``sample_of``, ``fixed_covariates``.
"""

from __future__ import annotations

from cte_metrics.arrays import Array
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.estimators.categorical import categorical_estimator
from cte_metrics.sem.estimators.fiml import full_information
from cte_metrics.sem.estimators.least_squares import LeastSquares
from cte_metrics.sem.estimators.maximum_likelihood import MaximumLikelihood
from cte_metrics.sem.estimators.two_level import two_level_estimator
from cte_metrics.sem.estimators.two_level_ordinal import two_level_ordinal_estimator
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.sample.checks import check_sample
from cte_metrics.sem.sample.moments import GroupSample, SampleStats, effective_sizes, summarise
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.table.table import ParameterTable


def sample_of(data: ModelData, table: ParameterTable) -> SampleStats:
    """Means and covariances of every group, variables in the order of its block."""
    groups: list[GroupSample] = []
    sizes = effective_sizes([p.weights for p in data.groups], [len(p.rows) for p in data.groups])
    for part, block, n in zip(data.groups, table.blocks, sizes, strict=True):
        values = _ordered(data, part.values, block.ov_names)
        groups.append(summarise(part.label, block.ov_names, values, part.weights, n))
    return SampleStats(tuple(groups), data.names, data.n_dropped, data.notes)


def make_estimator(
    data: ModelData,
    table: ParameterTable,
    options: FitOptions,
    *,
    sample: SampleStats | None = None,
) -> Estimator:
    """Choose the discrepancy function and give it the data."""
    x_index = fixed_covariates(table)
    has_means = table.options.meanstructure
    if options.ordinal and table.n_levels > 1:
        return two_level_ordinal_estimator(data, table, options.discrepancy)
    if options.ordinal:
        return categorical_estimator(data, table, options.discrepancy)
    if table.n_levels > 1:
        return two_level_estimator(data, table, options)
    if options.casewise:
        return full_information(data, table, x_index)
    if sample is None:
        sample = sample_of(data, table)
    if options.discrepancy == "ML":
        check_sample(sample)
        normal = options.likelihood == "normal"
        return MaximumLikelihood(sample, has_means, x_index, "normal" if normal else "wishart")
    if options.discrepancy == "GLS":
        check_sample(sample)
    return LeastSquares(sample, has_means, x_index, options.discrepancy)


def _ordered(data: ModelData, values: Array, names: tuple[str, ...]) -> Array:
    if names == data.names:
        return values
    return values[:, [data.names.index(v) for v in names]]


def fixed_covariates(table: ParameterTable) -> tuple[int, ...]:
    """Positions of the covariates whose moments are held at the sample's."""
    block = table.blocks[0]
    if not table.options.fixed_x:
        return ()
    return tuple(block.ov_names.index(v) for v in block.ov_x)
