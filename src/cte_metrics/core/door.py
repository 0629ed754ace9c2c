"""The only door for answers that are already in memory.

Every analysis takes a ``Responses``, a pandas, polars or PyArrow frame, or a two-dimensional
array, and hands it to ``item_data``; what comes out is one numeric array with item names, checked.
Of a survey with several waves the rows of the last come out, unless it is pooled or the wave is a
variable of the analysis; ``column`` then gives the entries of the same rows.

Functions: ``item_data, one_wave, complete_rows, column, column_names, number_table,
square_matrix, looks_like_matrix, possible_moments, sequence``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cte_metrics.core.declared_order import declared_order, order_notes
from cte_metrics.core.floats import TOO_LARGE
from cte_metrics.core.naming import meant, name_text, named_column, places
from cte_metrics.core.numeric_columns import frame_numbers, numbers, pandas_numbers
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names


@dataclass(frozen=True, slots=True)
class ItemData:
    """Answers as an array, with what the analyses need to know about them.

    Created by: ``cte_metrics.core.door.item_data``.
    Consumed by: ``cte_metrics.reliability.source.read_source``,
    ``cte_metrics.aggregation.grouped.grouped_items``,
    ``cte_metrics.factor.matrices.correlation_input.correlation_matrix``,
    ``cte_metrics.factor.polychorics.polychoric``, ``cte_metrics.scoring.items.item_analysis``,
    ``cte_metrics.summaries.moments.Moments.from_data``.

    Attributes
    ----------
    raw : ndarray (n, k)
        Answers in their own numeric type (int8, float64, ...); nan marks a missing answer.
    items : tuple of str
        Column names as texts: as they were asked for, else as the table writes them.
    index : sequence
        Row labels (respondents where known).
    minimum, maximum : float or None
        The response range where one is known.
    group, wave : ndarray (n,) or None
        School and wave of each respondent where known.
    subscales : dict
        Subscale id to its item ids; empty where no instrument is known.
    notes : tuple of str
        What the reader must know.
    ordered : tuple of str
        Columns whose data type declares an order of categories; their numbers rise in it.
    """

    raw: np.ndarray
    items: tuple[str, ...]
    index: Any
    minimum: float | None = None
    maximum: float | None = None
    group: np.ndarray | None = None
    wave: np.ndarray | None = None
    subscales: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()

    @property
    def values(self) -> np.ndarray:
        """Answers as float64, (n, k); a copy unless they are float64 already."""
        return np.asarray(self.raw, dtype=np.float64)

    @property
    def n_respondents(self) -> int:
        """Number of rows."""
        return int(self.raw.shape[0])

    @property
    def n_items(self) -> int:
        """Number of columns."""
        return int(self.raw.shape[1])


def item_data(
    data: Any,
    *,
    items: Sequence[Any] | None = None,
    exclude: Sequence[Any] = (),
    what: str = "This analysis",
    minimum_items: int = 1,
    variables: Sequence[Any] | None = (),
) -> ItemData:
    """Read answers into one checked array.

    Parameters
    ----------
    data : Responses, DataFrame (pandas, polars, PyArrow) or array (n, k)
        Answers; a ``Responses`` gives its reverse-scored ones.
    items : sequence of str, int, float or tuple, optional
        Columns to take, in this order; all by default. A column is named by its label or the
        label's text (``core.naming``).
    exclude : sequence
        Columns that are not items (a grouping column), named likewise.
    what : str
        The analysis, for messages.
    minimum_items : int
        Fewer items than this are refused.
    variables : sequence of str or array, optional
        What else the analysis reads. Where the wave is among them, or with ``None``, the rows of
        all waves are taken.

    Raises
    ------
    InputTypeError
        If ``data`` is not a table, or a column is not numeric.
    UnknownNameError
        If an item is not a column.
    InputError
        If there are too few items or no rows, a value is infinite, two columns have the same text
        for a name (``0`` and ``"0"``), or the table is a correlation or covariance matrix.
    """
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        out = _from_responses(data if variables is None else one_wave(data, *variables), items)
    else:
        out = _table(data, items, exclude)
        _refuse_matrix(data, out.raw, out.index, what)
    _check_size(out, what, minimum_items)
    return out


def one_wave(data: Any, *variables: Any) -> Any:
    """Return the rows that may be taken for independent respondents, with a note in ``notes``.

    Anything but a ``Responses`` is returned as it is, and so is one whose wave is among the
    ``variables`` of the analysis.
    """
    if not hasattr(data, "analysed") or _names_wave(data, variables):
        return data
    return data.analysed()


def _names_wave(data: Any, variables: Sequence[Any]) -> bool:
    name = getattr(data.wave, "name", None)
    return any(isinstance(v, str) and v in ("wave", name) for v in variables)


def _check_size(data: ItemData, what: str, minimum_items: int) -> None:
    if data.n_items < minimum_items:
        raise InputError(
            f"{what} needs at least {minimum_items} items; got {data.n_items}: "
            f"{', '.join(data.items) or 'none'}."
        )
    if data.n_respondents == 0:
        raise InputError(f"{what} needs respondents; the data have no rows.")


def _from_responses(responses: Any, items: Sequence[Any] | None) -> ItemData:
    present = responses.instrument.item_ids
    chosen = _chosen(present, items, ())
    names = tuple(present[j] for j in chosen)
    answers = responses.answers(keyed=True)
    raw = answers if names == tuple(present) else answers[:, chosen]
    scale = responses.instrument.common_scale(names)
    subscales = {s.id: tuple(s.items) for s in responses.instrument.subscales}
    return ItemData(
        raw,
        names,
        _row_labels(responses),
        None if scale is None else float(scale.minimum),
        None if scale is None else float(scale.maximum),
        None if responses.group is None else np.asarray(responses.group),
        None if responses.wave is None else np.asarray(responses.wave),
        subscales,
        tuple(getattr(responses, "notes", ())),
    )


def _row_labels(responses: Any) -> Any:
    """Return respondents where they are named, else the labels of the caller's rows."""
    import pandas as pd

    named = responses.respondent
    return responses.covariates.index if named is None else pd.Index(named, name="respondent")


def _table(data: Any, items: Sequence[Any] | None, exclude: Sequence[Any]) -> ItemData:
    """Return the columns asked for of any table."""
    if isinstance(data, np.ndarray | list | tuple):
        return _array(data, items)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas(data, items, exclude)
    return _other_frame(data, items, exclude)


def _array(data: Any, items: Sequence[Any] | None) -> ItemData:
    try:
        raw = np.asarray(data)
    except ValueError as error:
        raise InputError("The rows of the array differ in length.") from error
    if raw.ndim != 2 or raw.dtype.kind not in "biuf":
        raise InputTypeError(
            f"An array of answers has two dimensions and numbers; got {raw.ndim} dimension(s) "
            f"of type {raw.dtype}.",
            hint="Pass a data frame with one row a respondent and one column an item.",
        )
    names = tuple(f"item_{j + 1}" for j in range(raw.shape[1]))
    if items is not None:
        asked = tuple(name_text(name) for name in items)
        if set(asked) <= set(names) or len(asked) != raw.shape[1]:
            raw = raw[:, _chosen(names, items, ())]
        names = asked
    return ItemData(_finite(raw, names), names, range(len(raw)))


def _chosen(
    present: Sequence[Any], items: Sequence[Any] | None, exclude: Sequence[Any]
) -> list[int]:
    """Return the positions of the columns asked for."""
    known = places(present)
    if items is None:
        left_out = {known.get(name_text(name)) for name in exclude}
        return [j for j in range(len(present)) if j not in left_out]
    return meant(items, present)


def _names(
    present: Sequence[Any], items: Sequence[Any] | None, chosen: list[int]
) -> tuple[str, ...]:
    """Return the chosen columns' names: as asked for, else as the table writes them."""
    return tuple(name_text(v) for v in ((present[j] for j in chosen) if items is None else items))


def _pandas(data: Any, items: Sequence[Any] | None, exclude: Sequence[Any]) -> ItemData:
    columns = data.columns.tolist()
    chosen = _chosen(columns, items, exclude)
    names = _names(columns, items, chosen)
    frame = data if chosen == list(range(len(columns))) else data.iloc[:, chosen]
    kinds = {d.kind if isinstance(d, np.dtype) else "?" for d in frame.dtypes}
    if kinds <= set("biuf"):
        raw = frame.to_numpy()
        raw = raw if raw.dtype.kind in "biuf" else frame.to_numpy(dtype=np.float64)
        return ItemData(_finite(raw, names), names, data.index)
    series = [frame.iloc[:, j] for j in range(len(names))]
    return _by_columns(series, names, data.index, pandas_numbers)


def _by_columns(series: list[Any], names: tuple[str, ...], index: Any, read: Any) -> ItemData:
    """Read one column after the other, in its declared order where it has one."""
    declared = {name: declared_order(s) for name, s in zip(names, series, strict=True)}
    values = []
    for name, s in zip(names, series, strict=True):
        found = declared[name]
        values.append(read(s, name) if found is None else found.values)
    raw = np.column_stack(values) if values else np.empty((len(index), 0))
    replaced = {name: d.replaced for name, d in declared.items() if d is not None}
    return ItemData(
        _finite(raw, names), names, index, notes=order_notes(replaced), ordered=tuple(replaced)
    )


def _other_frame(data: Any, items: Sequence[Any] | None, exclude: Sequence[Any]) -> ItemData:
    """Read polars, PyArrow and other eager frames through narwhals."""
    import narwhals as nw

    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError as error:
        raise InputTypeError(
            f"Answers come as Responses, a data frame or a two-dimensional array; got "
            f"{type(data).__name__}.",
            hint="A lazy frame is collected first (.collect()).",
        ) from error
    chosen = _chosen(frame.columns, items, exclude)
    names = _names(frame.columns, items, chosen)
    series = [frame[frame.columns[j]] for j in chosen]
    return _by_columns(series, names, range(len(frame)), frame_numbers)


def _finite(raw: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Refuse infinite answers and those whose square is (the two ends are enough to notice one)."""
    if raw.dtype.kind != "f" or raw.size == 0:
        return raw.astype(np.int8) if raw.dtype.kind == "b" else raw
    if max(raw.max(), -raw.min()) < TOO_LARGE or not (np.abs(raw) >= TOO_LARGE).any():
        return raw
    row, position = np.argwhere(np.abs(raw) >= TOO_LARGE)[0]
    if np.isfinite(raw[row, position]):
        raise InputError(
            f"Column {names[position]!r} holds {raw[row, position]:g} in row {row}, too large to "
            "be squared.",
            hint="Divide the column by a constant.",
        )
    raise InputError(
        f"Column {names[position]!r} holds an infinite value in row {row}.",
        hint="Replace it by the answer, or by a missing value.",
    )


def complete_rows(data: ItemData) -> tuple[np.ndarray, int, str | None]:
    """Return complete rows (float64), the number of rows dropped, and a note if any were.

    Raises
    ------
    InputError
        If no row is complete.
    """
    values = data.values
    keep = ~np.isnan(values).any(axis=1)
    dropped = int(len(keep) - keep.sum())
    if not dropped:
        return values, 0, None
    if dropped == len(keep):
        empty = [n for n, c in zip(data.items, values.T, strict=True) if np.isnan(c).all()]
        cause = f"; no one answered {', '.join(empty)}" if empty else ""
        raise InputError(f"No respondent answered every item{cause}.")
    return (
        values[keep],
        dropped,
        f"{dropped} of {len(keep)} rows with missing answers were dropped.",
    )


def column(data: Any, name: Any, n: int, what: str) -> np.ndarray:
    """Return a grouping or weighting variable: a column of ``data`` by name, or an array.

    Raises
    ------
    UnknownNameError
        If no column has the name.
    InputError
        If an array has not ``n`` entries.
    """
    if not named_column(data, name):
        return sequence(_of_analysed(name, data, n), n, what)
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        return _of_analysed(_responses_column(data, name, what), data, n)
    if isinstance(data, np.ndarray | list | tuple):
        raise InputTypeError(f"{what}={name!r} names a column, but the data are an array.")
    labels = column_names(data)
    (position,) = meant([name], labels, f"{what}: there is no column")
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return np.asarray(data.iloc[:, position])
    import narwhals as nw

    return np.asarray(nw.from_native(data, eager_only=True)[labels[position]].to_numpy())


def _of_analysed(given: Any, data: Any, n: int) -> Any:
    """Entries of the rows that are analysed, where there is one for every row of the survey."""
    if not hasattr(data, "analysed_rows"):
        return given
    values, rows = np.asarray(given), data.analysed_rows()
    of_all = values.ndim == 1 and len(values) == len(rows) != n and rows.sum() == n
    return values[rows] if of_all else given


def column_names(data: Any) -> list[Any]:
    """Return the column names of any table (PyArrow's ``columns`` are the values)."""
    return list(data.column_names if hasattr(data, "column_names") else data.columns)


def _responses_column(data: Any, name: str, what: str) -> np.ndarray:
    for attribute in ("group", "wave"):
        series = getattr(data, attribute)
        if series is not None and name in (attribute, getattr(series, "name", None)):
            return np.asarray(series)
    covariates = data.covariates
    if covariates is not None and name in covariates:
        return np.asarray(covariates[name])
    if name in data.keyed:
        return np.asarray(data.keyed[name])
    known = ["group", "wave", *(() if covariates is None else covariates), *data.keyed]
    raise UnknownNameError(
        f"{what}: the responses have no {name!r}.{close_names(name, known)}",
        hint="Name the group, the wave, a covariate, or pass an array with one entry a respondent.",
    )


def sequence(values: Any, n: int, what: str) -> np.ndarray:
    """Return one entry a respondent as an array.

    Raises
    ------
    InputError
        If it has not ``n`` entries.
    """
    out = np.asarray(values)
    if out.ndim != 1 or len(out) != n:
        raise InputError(f"{what} has shape {out.shape}; one entry for each of {n} rows is needed.")
    return out


def _refuse_matrix(data: Any, raw: np.ndarray, index: Any, what: str) -> None:
    """Refuse a correlation or covariance matrix where answers are expected."""
    table = raw if raw.shape[0] == raw.shape[1] else _whole(data)
    if table is None or not looks_like_matrix(table, _same_labels(data, index)):
        return
    k = len(table)
    ones = bool((np.diagonal(table) == 1).all())
    kind = "a correlation matrix" if ones else "a covariance matrix"
    raise InputError(
        f"{what} needs answers, one row a respondent; the data look like {kind} ({k} by {k}, "
        f"{'ones' if ones else 'variances'} in the diagonal).",
        hint="Pass the answers themselves. Where second moments are enough (cronbach_alpha, "
        "mcdonald_omega, efa and others that take n_obs=), a whole symmetric matrix goes with "
        "n_obs=; sem.fit takes it as sample_cov=.",
    )


def _whole(data: Any) -> np.ndarray | None:
    """Return all columns of a square numeric table of which some were chosen."""
    shape = getattr(data, "shape", (0, 1))
    if len(shape) != 2 or shape[0] != shape[1]:
        return None
    values = np.asarray(data)
    return values if values.dtype.kind in "iuf" else None


def _same_labels(data: Any, index: Any) -> bool:
    """Whether the rows bear the columns' names."""
    if isinstance(index, range) or not hasattr(data, "columns"):
        return False
    names = column_names(data)
    return names == list(index) and names != list(range(len(names)))


def looks_like_matrix(table: np.ndarray, labelled: bool = False) -> bool:
    """Whether a square table of numbers is a correlation or covariance matrix, or half of one.

    Parameters
    ----------
    table : ndarray (k, k)
    labelled : bool
        Whether rows and columns bear the same names.

    Notes
    -----
    A symmetric table is a matrix if rows and columns bear the same names, if its diagonal holds
    ones, or if it holds fractions and no entry exceeds what its variances allow. Other tables of
    whole numbers may be answers, and so may two rows of ones and zeros.

    Examples
    --------
    >>> looks_like_matrix(np.array([[1.0, 0.3], [0.3, 1.0]]))
    True
    >>> looks_like_matrix(np.array([[1, 4], [4, 2]])), looks_like_matrix(np.eye(2))
    (False, False)
    """
    values = _mirrored(np.asarray(table, dtype=np.float64))
    if len(values) < 2 or not (np.diagonal(values) > 0).all():
        return False
    if not np.allclose(values, values.T, atol=1e-8, equal_nan=True):
        return False
    fractions = bool((np.nan_to_num(values) % 1 != 0).any())
    if labelled or (fractions and bool((np.diagonal(values) == 1).all())):
        return True
    ones = bool((np.diagonal(values) == 1).all()) and len(values) > 2
    return (fractions or ones) and possible_moments(values)


def possible_moments(matrix: np.ndarray) -> bool:
    """Whether variances are positive and no covariance exceeds what they allow.

    Examples
    --------
    >>> possible_moments(np.array([[4.0, 5.9], [5.9, 9.0]])), possible_moments(np.full((2, 2), -1))
    (True, False)
    """
    variances = np.diagonal(matrix)
    if not (variances > 0).all():
        return False
    limit = np.sqrt(np.outer(variances, variances)) * (1 + 1e-8)
    return bool((np.nan_to_num(np.abs(matrix)) <= limit).all())


def _mirrored(values: np.ndarray) -> np.ndarray:
    """Return a triangle of three or more with its other half, anything else as it is."""
    above, below = (np.nan_to_num(half) for half in (np.triu(values, 1), np.tril(values, -1)))
    if len(values) < 3 or above.any() == below.any():
        return values
    half = above + below
    return np.asarray(half + half.T + np.diag(np.diagonal(values)))


def number_table(values: Any, what: str) -> np.ndarray:
    """Return a table of figures as float64.

    Raises
    ------
    InputTypeError
        If an entry is no number.
    InputError
        If it has not two dimensions, or a number is too large to be squared.
    """
    out = numbers(values, what)
    if out.ndim != 2:
        raise InputError(f"{what} is a table of items by factors; got shape {out.shape}.")
    return out


def square_matrix(data: Any) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return a symmetric matrix and its names when ``data`` is one, else ``None``.

    A data frame counts when it has as many rows as columns and equals its transpose; so does an
    array. Such a table of answers cannot be told apart, but then no respondent's answers could
    equal an item's.
    """
    if isinstance(data, np.ndarray):
        values, names = data, tuple(f"item_{j + 1}" for j in range((data.shape or (0,))[-1]))
    elif hasattr(data, "shape") and hasattr(data, "columns") and data.shape[0] == data.shape[1]:
        table = _table(data, None, ())
        values, names = table.raw, table.items
    else:
        return None
    square = values.ndim == 2 and values.shape[0] == values.shape[1] and values.shape[0] > 1
    if not square or values.dtype.kind not in "iuf":
        return None
    values = np.asarray(values, dtype=np.float64)
    return (values, names) if np.allclose(values, values.T, atol=1e-8, equal_nan=True) else None
