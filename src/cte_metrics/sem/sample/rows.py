"""The rows behind a model: its variables, split by group, gaps kept or dropped.

Classes: ``GroupRows``, ``ModelData``. Functions: ``read_model_data``, ``label_of``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.core.door import column, item_data, one_wave
from cte_metrics.core.naming import name_text
from cte_metrics.errors import InputError, UnknownNameError, close_names


@dataclass(frozen=True, slots=True)
class GroupRows:
    """Rows of one group.

    ``values`` (n, p) holds nan where answers are missing and kept; ``rows`` (n,) are positions in
    the input; ``clusters`` and ``weights`` (n,) are ``None`` where there are none.

    Created by: ``cte_metrics.sem.sample.rows.read_model_data``.
    Consumed by: ``cte_metrics.sem.estimators.choice.sample_of``.
    """

    label: str
    values: Array
    rows: Index
    clusters: NDArray[Any] | None = None
    weights: Array | None = None


@dataclass(frozen=True, slots=True)
class ModelData:
    """All rows of a model, group by group in order of first appearance.

    ``n_by_group`` are observations; ``groups`` is empty where only moments were given.

    Created by: ``cte_metrics.sem.sample.rows.read_model_data``,
    ``cte_metrics.sem.sample.matrices_given.read_summaries``.
    Consumed by: ``cte_metrics.sem.solving.solve_rows``,
    ``cte_metrics.sem.estimators.choice.make_estimator``,
    ``cte_metrics.sem.inference.solution.Solution``.
    """

    names: tuple[str, ...]
    groups: tuple[GroupRows, ...]
    labels: tuple[str, ...]
    n_by_group: tuple[float, ...]
    index: Any
    n_input: int
    notes: tuple[str, ...] = ()
    group_name: str = ""
    cluster_name: str = ""

    @property
    def n_used(self) -> int:
        """Rows in the analysis."""
        total = sum(self.n_by_group)
        return int(total) if float(total).is_integer() else total  # type: ignore[return-value]

    @property
    def n_dropped(self) -> int:
        """Rows left out."""
        return int(self.n_input - self.n_used)


def read_model_data(
    data: Any,
    names: Sequence[str],
    *,
    group: Any = None,
    cluster: Any = None,
    weights: Any = None,
    keep_missing: bool = False,
    complete: Sequence[str] = (),
) -> ModelData:
    """Take the model's variables out of the data.

    Parameters
    ----------
    data : Responses, DataFrame or array
    names : sequence of str
        Variables of the model, in its order; ``x1:x2`` is a product of columns, unless there is a
        column of that name.
    group, cluster, weights : str or array, optional
        A column's name, or one entry a row.
    keep_missing : bool
        Keep rows with some answers missing (rows without any answer are dropped).
    complete : sequence of str
        Variables that must be answered even so (fixed covariates).

    Raises
    ------
    UnknownNameError
        If a variable is not in the data.
    InputError
        If no complete row is left in some group, or a weight is not positive.
    """
    asked = one_wave(data, group, cluster, *names)
    made = products(asked, names)
    values, index, notes = _with_products(asked, names, made)
    n = len(values)
    kept = _Kept(~_unanswered(values, every=keep_missing), list(notes))
    kept.notes += [
        f"{v} is the product of the columns {', '.join(v.split(':'))} as they stand, not centred."
        for v in made
    ]
    if _is_responses(asked):
        kept.notes += [note for note in asked.notes if note not in kept.notes]
    if not kept.rows.all():
        lost = int(n - kept.rows.sum())
        kept.notes.append(_dropped_note(n, lost, keep_missing=keep_missing))
    if keep_missing and complete:
        kept.drop(
            np.asarray(np.isnan(values[:, [list(names).index(v) for v in complete]]).any(axis=1)),
            f"rows with a missing covariate ({', '.join(complete)}) were dropped: covariates are "
            "fixed; fixed_x=False keeps these rows.",
        )
    codes, labels, group_name = _groups(data, group, n)
    if codes is not None:
        if len(labels) == 1:
            kept.notes.append(
                f"The grouping variable has one value, {labels[0]!r}: a single group."
            )
        kept.drop(codes < 0, "rows without a value of the grouping variable were dropped.")
    clusters = None if cluster is None else column(data, cluster, n, "cluster")
    if clusters is not None:
        import pandas as pd

        kept.drop(np.asarray(pd.isna(clusters)), "rows without a cluster were dropped.")
    weight = None if weights is None else _weights(data, weights, n)
    parts = []
    for g, label in enumerate(labels):
        rows = np.flatnonzero(kept.rows if codes is None else kept.rows & (codes == g))
        _check_group(values, names, rows, label, codes, g)
        own = values if len(rows) == n else values[rows]
        parts.append(GroupRows(label, own, rows, _at(clusters, rows), _at(weight, rows)))
    return ModelData(
        names=tuple(names),
        groups=tuple(parts),
        labels=tuple(labels),
        n_by_group=tuple(float(len(p.rows)) for p in parts),
        index=index,
        n_input=n,
        notes=tuple(kept.notes),
        group_name=group_name,
        cluster_name=cluster if isinstance(cluster, str) else "",
    )


@dataclass(slots=True)
class _Kept:
    """Rows still in (n,), and what was said about those that are not."""

    rows: Flags
    notes: list[str]

    def drop(self, lacking: Flags, why: str) -> None:
        """Leave rows out and say how many and why."""
        lost = int((lacking & self.rows).sum())
        if lost:
            self.rows &= ~lacking
            self.notes.append(f"{lost} {why}")


def _at(values: NDArray[Any] | None, rows: Index) -> NDArray[Any] | None:
    return None if values is None else values[rows]


def _unanswered(values: Array, *, every: bool) -> Flags:
    """Rows with a gap, or with nothing but gaps."""
    if np.isfinite(values.sum()):
        return np.zeros(len(values), dtype=bool)
    gaps = np.isnan(values)
    return np.asarray(gaps.all(axis=1) if every else gaps.any(axis=1))


def _dropped_note(n: int, dropped: int, *, keep_missing: bool) -> str:
    why = "that answer none of the model's variables" if keep_missing else "with missing answers"
    return f"{dropped} of {n} rows {why} were dropped."


def _is_responses(data: Any) -> bool:
    return hasattr(data, "keyed") and hasattr(data, "instrument")


def products(data: Any, names: Sequence[str]) -> list[str]:
    """Names such as ``x1:x2`` that are no column, and stand for the product of columns."""
    columns = {name_text(c) for c in getattr(data, "columns", ())}
    return [v for v in names if ":" in v and v not in columns]


def _with_products(
    data: Any, names: Sequence[str], made: Sequence[str]
) -> tuple[Array, Any, tuple[str, ...]]:
    """The model's variables (n, p) and row labels; products of columns are formed row by row."""
    if not made:
        return _values(data, names)
    read = list(dict.fromkeys(p for v in names for p in (v.split(":") if v in made else (v,))))
    values, index, notes = _values(data, read)
    at = {v: values[:, i] for i, v in enumerate(read)}
    own = [
        np.prod([at[part] for part in v.split(":")], axis=0) if v in made else at[v] for v in names
    ]
    return np.column_stack(own), index, notes


def _values(data: Any, names: Sequence[str]) -> tuple[Array, Any, tuple[str, ...]]:
    """The model's variables as float64 (n, p), row labels, and what was noted about them."""
    if not _is_responses(data):
        found = item_data(data, items=names, what="The model", variables=None)
        return found.values, found.index, found.notes
    items = [v for v in names if v in data.keyed]
    others = [v for v in names if v not in data.keyed]
    if not others:
        found = item_data(data, items=items, what="The model", variables=None)
        return found.values, found.index, found.notes
    covariates = data.covariates
    known = [*data.keyed, *(() if covariates is None else covariates)]
    for name in others:
        if name not in known:
            raise UnknownNameError(
                f"The model speaks of {name!r}, which is neither an item nor a covariate of the "
                f"responses.{close_names(name, known)}"
            )
    base = item_data(data, what="The model", variables=None)
    parts = {v: np.asarray(data.keyed[v], dtype=np.float64) for v in items}
    parts |= {v: np.asarray(covariates[v], dtype=np.float64) for v in others}
    return np.column_stack([parts[v] for v in names]), base.index, base.notes


def _groups(data: Any, group: Any, n: int) -> tuple[Index | None, list[str], str]:
    if group is None:
        return None, [""], ""
    import pandas as pd

    entries = column(data, group, n, "group")
    codes, found = pd.factorize(entries, use_na_sentinel=True)
    if len(found) == 0:
        raise InputError("The grouping variable has no values.")
    return codes, [label_of(v) for v in found], group if isinstance(group, str) else "group"


def label_of(value: Any) -> str:
    """Write a group's value as its label."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _weights(data: Any, weights: Any, n: int) -> Array:
    found = np.asarray(column(data, weights, n, "weights"), dtype=np.float64)
    if not (found > 0).all():
        row = int(np.flatnonzero(~(found > 0))[0])
        raise InputError(f"weights: row {row} holds {found[row]}; weights are positive numbers.")
    return found


def _check_group(
    values: Array,
    names: Sequence[str],
    rows: Index,
    label: str,
    codes: Index | None,
    g: int,
) -> None:
    where = "" if codes is None else f" in group {label!r}"
    if len(rows) == 0:
        own = values if codes is None else values[codes == g]
        empty = [v for v, c in zip(names, own.T, strict=True) if np.isnan(c).all()]
        cause = f": no one answered {', '.join(empty)}" if empty else ""
        raise InputError(f"No row{where} has answers to every variable of the model{cause}.")
    if len(rows) < 2:
        raise InputError(f"Only one row{where} has answers to every variable of the model.")
