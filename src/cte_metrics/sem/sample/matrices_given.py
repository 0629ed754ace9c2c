"""Covariance matrices in place of answers.

Classes: ``GivenMatrices``. Functions: ``read_summaries``, ``moment_input``, ``require_no_rows``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.sample.groups_given import (
    by_group,
    listed_covariances,
    listed_means,
    unnamed,
)
from cte_metrics.sem.sample.moments import GroupSample, SampleStats
from cte_metrics.sem.sample.rows import ModelData, label_of
from cte_metrics.summaries.moments import Moments


@dataclass(frozen=True, slots=True, eq=False)
class GivenMatrices:
    """Covariance matrices, means and numbers of respondents that stand for the answers.

    Created by: ``cte_metrics.sem.fitting.fit``.
    Consumed by: ``cte_metrics.sem.sample.matrices_given.read_summaries``.
    """

    cov: Any
    mean: Any
    n_obs: Any


def read_summaries(given: GivenMatrices, names: Sequence[str]) -> tuple[ModelData, SampleStats]:
    """Arrange covariance matrices (divisor n - 1) and means by group.

    Parameters
    ----------
    given.cov : DataFrame, array, or one of them for each group (a dict by name, a list)
        Square and symmetric; a data frame's labels are matched with the model's variables, the
        columns of an array are the model's variables in their order.
    given.mean : Series, mapping, sequence, or one for each group; optional
    given.n_obs : int, or one for each group

    Groups that have names are matched by them; lists go by position.

    Raises
    ------
    InputError, UnknownNameError
        If a matrix is not square and symmetric, sizes do not match, a name is unknown or missing.
    """
    labels, covs = listed_covariances(given.cov)
    means = listed_means(given.mean, labels)
    sizes = _sizes(given.n_obs, labels)
    groups = []
    for label, cov, mean, n in zip(labels, covs, means, sizes, strict=True):
        matrix = _matrix(cov, names)
        centre = np.zeros(len(names)) if mean is None else _mean(mean, names, cov)
        if not np.isfinite(centre).all():
            raise InputError("sample_mean has missing entries.")
        groups.append(GroupSample(label, tuple(names), n, centre, matrix * ((n - 1.0) / n)))
    total = float(sum(sizes))
    data = ModelData(
        names=tuple(names),
        groups=(),
        labels=tuple(labels),
        n_by_group=tuple(sizes),
        index=None,
        n_input=int(total),
    )
    return data, SampleStats(tuple(groups), tuple(names))


def moment_input(data: Moments, names: Sequence[str], group: Any) -> tuple[ModelData, SampleStats]:
    """Arrange moments, by group where groups are asked for.

    Raises
    ------
    InputError
        If groups are asked for that were not summarised apart.
    """
    if group is not None and not isinstance(group, str):
        raise InputError(
            "With Moments, group= is a name: the groups are those they were summarised by.",
            hint="Build them with Moments.from_data(..., by=...).",
        )
    parts = {label_of(k): part for k, part in data} if group is not None else {"": data}
    if not parts:
        raise InputError(
            "These Moments know no groups.", hint="Build them with Moments.from_data(..., by=...)."
        )
    given = GivenMatrices(
        {label: part.covariance for label, part in parts.items()},
        {label: part.mean for label, part in parts.items()} if len(parts) > 1 else data.mean,
        {label: part.n for label, part in parts.items()},
    )
    rows, sample = read_summaries(given, names)
    dropped = sum(part.n_dropped for part in parts.values())
    notes = _moment_notes(dropped, complete=all(p.arrays.complete for p in parts.values()))
    return replace(
        rows, n_input=rows.n_input + dropped, notes=notes, group_name=group or ""
    ), sample


def _moment_notes(dropped: int, *, complete: bool) -> tuple[str, ...]:
    notes = []
    if dropped:
        notes.append(f"The Moments leave out {dropped} rows with missing answers.")
    if not complete:
        notes.append(
            "The Moments are pairwise: each covariance rests on rows of its own, so standard "
            "errors, tests and fit measures are approximate; n is the number of rows."
        )
    return tuple(notes)


def require_no_rows(options: FitOptions, what: str, *, weights: Any = None) -> None:
    """Refuse estimators and options that need single answers.

    Parameters
    ----------
    options : FitOptions
    what : str
        Subject and verb, e.g. ``"Moments hold"``.
    weights : str, array or None

    Raises
    ------
    InputError
    """
    least_squares = options.discrepancy in ("WLS", "DWLS")
    robust = options.scaled or options.se in ("robust.sem", "robust.huber.white", "first.order")
    reasons = {
        "weights=": weights is not None,
        "Ordinal items": options.ordinal,
        "cluster=": options.clustered,
        "missing='fiml'": options.missing == "fiml",
        "se='bootstrap'": options.se == "bootstrap",
        "test='bollen.stine'": options.test == "bollen.stine",
        f"estimator={options.asked!r}": least_squares or robust,
    }
    for reason, needed in reasons.items():
        if needed:
            verb = "need" if reason == "Ordinal items" else "needs"
            raise InputError(
                f"{reason} {verb} the answers; {what} only their covariances and means.",
                hint="Pass the data frame or Responses, or use estimator='ML', 'GLS' or 'ULS' "
                "with standard errors of the standard kind.",
            )


def _sizes(n_obs: Any, labels: Sequence[str]) -> list[float]:
    if n_obs is None:
        raise InputError(
            "sample_cov= needs n_obs=, the number of respondents behind it.",
            hint="Give one number for each group.",
        )
    values = by_group(n_obs, labels, "n_obs")
    if values is None:
        values = np.atleast_1d(n_obs).ravel().tolist()
    values = [float(v) for v in numbers(values, "n_obs")]
    if len(values) != len(labels):
        raise InputError(f"n_obs has {len(values)} entries; sample_cov has {len(labels)} groups.")
    if not all(v >= 2 for v in values):
        raise InputError(f"n_obs must be at least 2 in every group; got {values}.")
    return values


def _matrix(cov: Any, names: Sequence[str]) -> Array:
    values = numbers(cov, "sample_cov")
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InputTypeError(
            f"sample_cov must be a square matrix; its shape is {values.shape}.",
            hint="For several groups pass a dict of matrices by the group's name, or a list.",
        )
    if hasattr(cov, "columns"):
        values = values[np.ix_(_rows(cov), range(len(values)))]
    if not np.isfinite(values).all() or not np.allclose(values, values.T, rtol=1e-6, atol=1e-10):
        raise InputError("sample_cov must be symmetric, without missing entries.")
    values = 0.5 * (values + values.T)
    if hasattr(cov, "columns"):
        ix = _positions([str(c) for c in cov.columns], names)
        return values[np.ix_(ix, ix)]
    if len(values) != len(names):
        raise InputError(
            f"sample_cov has {len(values)} variables; the model has {len(names)}: "
            f"{', '.join(names)}.",
            hint="Pass a data frame with the variables' names as columns and index.",
        )
    return values


def _rows(cov: Any) -> list[int]:
    """Place of each column's variable among the rows of a frame; rows without names stand as is."""
    columns, rows = [str(c) for c in cov.columns], [str(r) for r in cov.index]
    twice = [c for c in columns if columns.count(c) > 1]
    if twice:
        raise InputError(f"sample_cov has two columns {twice[0]!r}.")
    if unnamed(cov.index):
        return list(range(len(columns)))
    if sorted(rows) != sorted(columns):
        odd = next((r for r in rows if r not in columns), rows[0])
        raise InputError(
            f"sample_cov has a row {odd!r}, but its columns are {', '.join(columns)}.",
            hint="Rows and columns carry the same names, in any order.",
        )
    return [rows.index(c) for c in columns]


def _positions(present: Sequence[str], names: Sequence[str]) -> list[int]:
    for name in names:
        if name not in present:
            raise UnknownNameError(
                f"sample_cov has no variable {name!r}.{close_names(name, present)}"
            )
    return [present.index(name) for name in names]


def _mean(mean: Any, names: Sequence[str], cov: Any) -> Array:
    labelled = hasattr(mean, "index") and hasattr(mean, "to_dict") and not unnamed(mean.index)
    if isinstance(mean, Mapping) or labelled:
        entries = numbers([v for _, v in mean.items()], "sample_mean").ravel()
        known = dict(zip(map(str, mean.keys()), entries.tolist(), strict=True))
        for name in names:
            if name not in known:
                raise UnknownNameError(
                    f"sample_mean has no entry for {name!r}.{close_names(name, known)}"
                )
        return np.array([known[v] for v in names])
    values = numbers(mean, "sample_mean").ravel()
    if hasattr(cov, "columns") and len(values) == len(cov.columns):
        return values[_positions([str(c) for c in cov.columns], names)]
    if len(values) != len(names):
        raise InputError(f"sample_mean has {len(values)} entries for {len(names)} variables.")
    return values
