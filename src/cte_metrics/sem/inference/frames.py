"""Data frames of a solution: parameters, their covariance matrix, implied moments.

Functions: ``parameter_frame``, ``limits_frame``, ``vcov_frame``, ``implied_frames``,
``intraclass_correlations``.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, check_confidence, one_of
from cte_metrics.kernels.numerics.distributions import normal_quantile, two_sided_normal
from cte_metrics.kernels.numerics.resampling import LimitMethod, bootstrap_limits
from cte_metrics.sem.inference.checks import impossible
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.standardized import standardize
from cte_metrics.sem.model.conditional_slopes import slopes
from cte_metrics.sem.model.ordinal import layout, scales
from cte_metrics.sem.table.labels import parameter_names, row_labels

if TYPE_CHECKING:
    import pandas as pd


class MomentFrames(dict[Hashable, Any]):
    """Moments of a fit by name; with groups by the group's label first, with levels by level.

    ``cov`` is a data frame, ``mean`` and ``th`` (thresholds) are series, ``slopes`` a data frame;
    any other key is a group or a level and leads to the same once more.
    """

    if TYPE_CHECKING:  # a literal key is a Hashable too, hence the overlaps

        @overload
        def __getitem__(self, key: Literal["cov", "slopes"], /) -> pd.DataFrame: ...  # type: ignore[overload-overlap]
        @overload
        def __getitem__(self, key: Literal["mean", "th"], /) -> pd.Series: ...  # type: ignore[overload-overlap]
        @overload
        def __getitem__(self, key: Hashable, /) -> MomentFrames: ...
        def __getitem__(self, key: Hashable, /) -> Any:
            """Return the moments of a name, or of a group or level."""


def standard_errors(solution: Solution) -> Array:
    """Standard error of every row (n_rows,); 0 for fixed rows, nan where undefined."""
    table = solution.table
    errors = np.zeros(len(table))
    free = np.flatnonzero(table.free)
    if solution.vcov is None:
        errors[free] = np.nan
        return errors
    variance = solution.vcov.diagonal()
    errors[free] = np.sqrt(np.maximum(variance, 0.0))[table.free[free] - 1]
    return errors


def defined_parameters(solution: Solution) -> tuple[Array, Array]:
    """Values and delta-method standard errors of the defined parameters."""
    defined = solution.constraints.defined
    if len(defined) == 0:
        return np.zeros(0), np.zeros(0)
    value, jacobian = defined.value_and_jacobian(solution.theta)
    if solution.vcov is None:
        return value, np.full(len(value), np.nan)
    estimates = None if solution.resamples is None else solution.resamples.estimates
    if estimates is not None:
        replicates = np.array([defined.value_and_jacobian(theta)[0] for theta in estimates])
        return value, replicates.std(axis=0, ddof=1)
    variance = np.einsum("ij,jk,ik->i", jacobian, solution.vcov, jacobian)
    return value, np.sqrt(np.maximum(variance, 0.0))


def resampled_limits(
    solution: Solution, method: LimitMethod, confidence: float
) -> tuple[Array, Array]:
    """Bootstrap limits of every row, then of the defined parameters; fixed rows are their value.

    Raises
    ------
    InputError
        Without resamples.
    """
    estimates = None if solution.resamples is None else solution.resamples.estimates
    if estimates is None:
        raise InputError(
            "This fit has no resamples to take limits from.",
            hint="Fit with se='bootstrap'; .parameters holds the intervals of other fits.",
        )
    table, defined = solution.table, solution.constraints.defined
    free = np.flatnonzero(table.free)
    place = table.free[free] - 1
    value = defined.value_and_jacobian(solution.theta)[0]
    replicates = np.array([defined.value_and_jacobian(theta)[0] for theta in estimates])
    every = np.concatenate((estimates[:, place], replicates.reshape(len(estimates), -1)), axis=1)
    found = bootstrap_limits(
        every, np.concatenate((solution.theta[place], value)), method, confidence
    )
    limits = []
    for end in found:
        rows = np.concatenate((solution.values, end[len(free) :]))
        rows[free] = end[: len(free)]
        limits.append(rows)
    return limits[0], limits[1]


def limits_frame(solution: Solution, method: LimitMethod, confidence: float) -> pd.DataFrame:
    """Bootstrap limits with the estimates and standard errors beside them."""
    import pandas as pd

    one_of(method, LimitMethod, "method")
    check_confidence(confidence)
    low, high = resampled_limits(solution, method, confidence)
    defined, defined_errors = defined_parameters(solution)
    return pd.DataFrame(row_labels(solution.table)).assign(
        est=np.concatenate((solution.values, defined)),
        se=np.concatenate((standard_errors(solution), defined_errors)),
        ci_lower=low,
        ci_upper=high,
    )


def parameter_frame(solution: Solution, confidence: float) -> pd.DataFrame:
    """Build the table of parameters."""
    import pandas as pd

    check_confidence(confidence)
    table = solution.table
    defined, defined_errors = defined_parameters(solution)
    est = np.concatenate((solution.values, defined))
    se = np.concatenate((standard_errors(solution), defined_errors))
    z = np.divide(est, se, out=np.full(len(est), np.nan), where=se > 0)
    half = float(normal_quantile(0.5 + confidence / 2.0)) * se
    low, high = est - half, est + half
    if solution.resamples is not None and solution.resamples.estimates is not None:
        low, high = resampled_limits(solution, "percentile", confidence)
    columns: dict[str, Any] = dict(row_labels(table))
    columns["free"] = np.concatenate((table.free, np.zeros(len(defined), dtype=table.free.dtype)))
    columns |= {
        "est": est,
        "se": se,
        "z": z,
        "pvalue": two_sided_normal(z),
        "ci_lower": low,
        "ci_upper": high,
    }
    for kind in ("std_lv", "std_all"):
        found = standardize(solution, kind)
        columns[kind] = np.concatenate((found.values, found.defined))
    marks = impossible(solution, columns["std_all"][: len(table)])
    columns["impossible"] = marks + [""] * len(defined)
    return pd.DataFrame(columns)


def vcov_frame(solution: Solution) -> pd.DataFrame:
    """Covariance matrix of the free parameters with their names."""
    import pandas as pd

    table = solution.table
    names = parameter_names(table)
    free = [names[i] for i in np.flatnonzero(table.free)]
    matrix = solution.vcov
    if matrix is None:
        matrix = np.full((len(free), len(free)), np.nan)
    return pd.DataFrame(matrix, index=free, columns=free)


def implied_frames(solution: Solution) -> MomentFrames:
    """Implied moments by group and level."""
    import pandas as pd

    table = solution.table
    out = MomentFrames()
    for state in solution.states:
        names = list(state.design.observed)
        part: dict[str, Any] = {"cov": pd.DataFrame(state.cov, index=names, columns=names)}
        if state.mean is not None:
            part["mean"] = pd.Series(state.mean, index=names)
        if state.design.form == "ordinal":
            part |= _ordinal_parts(solution, state, names)
        if state.design.form == "upper":
            cuts = state.vector[: len(state.design.threshold_item)]
            owners = [names[i] for i in state.design.threshold_item]
            labels = [f"{v}|t{owners[: k + 1].count(v)}" for k, v in enumerate(owners)]
            part["th"] = pd.Series(cuts, index=labels)
        place = out
        if table.n_groups > 1:
            place = out.setdefault(_label(solution, state.design.group), MomentFrames())
        if table.n_levels > 1:
            name = "within" if state.design.level == 1 else "between"
            place = place.setdefault(name, MomentFrames())
        place.update(part)
    return out


def _ordinal_parts(solution: Solution, state: Any, names: list[str]) -> dict[str, Any]:
    import pandas as pd

    delta = scales(state)
    cov = state.cov * (delta[:, None] * delta)
    if state.design.parameterization == "delta":
        ordinal = np.flatnonzero(state.design.ordinal)
        cov[ordinal, ordinal] = 1.0
    lay = layout(state.design)
    keep = np.flatnonzero(lay.threshold >= 0)
    counted: dict[int, int] = {}
    labels = []
    for k in keep.tolist():
        item = int(lay.item[k])
        counted[item] = counted.get(item, 0) + 1
        labels.append(f"{names[item]}|t{counted[item]}")
    assert state.moments.vector is not None  # an ordinal block has its vector
    parts: dict[str, Any] = {
        "cov": pd.DataFrame(cov, index=names, columns=names),
        "th": pd.Series(state.moments.vector[keep], index=labels),
    }
    if state.design.covariates:
        parts |= _given_covariates(state, parts["cov"], delta)
    return parts


def _given_covariates(state: Any, cov: pd.DataFrame, delta: Any) -> dict[str, Any]:
    """Moments of the items given the covariates, and their slopes."""
    import pandas as pd

    design = state.design
    x = [design.observed[i] for i in design.covariates]
    items = [v for v in design.observed if v not in x]
    found = slopes(state, delta).reshape(len(x), len(items)).T
    out: dict[str, Any] = {
        "cov": cov.loc[items, items],
        "slopes": pd.DataFrame(found, index=items, columns=x),
    }
    if state.mean is not None:
        out["mean"] = pd.Series(state.mean, index=list(design.observed))[items]
    return out


def _label(solution: Solution, group: int) -> str:
    labels = solution.data.labels
    return labels[group - 1] if len(labels) >= group else str(group)


def intraclass_correlations(solution: Solution) -> pd.Series:
    """Between variance over total variance from the unrestricted two-level model.

    Variables of the level of persons alone have 0.
    """
    import pandas as pd

    if solution.table.n_levels < 2:
        raise InputError(
            "icc() belongs to two-level fits.",
            hint="Fit a model with 'level:' blocks and cluster=, or use variance_components.",
        )
    moments = solution.estimator.saturated().moments
    found: dict[Any, float] = {}
    for within, between in solution.estimator.groups:
        names_within = solution.states[within].design.observed
        names_between = solution.states[between].design.observed
        group = solution.states[within].design.group
        for i, name in enumerate(names_within):
            value = 0.0
            if name in names_between:
                j = names_between.index(name)
                b = float(moments[between].cov[j, j])
                value = b / (b + float(moments[within].cov[i, i]))
            several = solution.table.n_groups > 1
            found[(_label(solution, group), name) if several else name] = value
    return pd.Series(found, name="icc")
