"""The only door for answers that are already in memory.

Every analysis takes a ``Responses``, a pandas, polars or PyArrow frame, or a two-dimensional
array, and hands it to ``item_data``; what comes out is one numeric array with item names, checked.
Of a survey with several waves the rows of the last come out, unless it is pooled or the wave is a
variable of the analysis; ``column`` then gives the entries of the same rows.

Functions: ``item_data, one_wave, complete_rows, column, column_names, square_matrix,
looks_like_matrix, possible_moments, sequence``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cte_metrics.core.floats import floats_with_gaps
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names


@dataclass(frozen=True, slots=True)
class ItemData:
    """Answers as an array, with what the analyses need to know about them.

    Created by: ``cte_metrics.core.door.item_data``.
    Consumed by: ``cte_metrics.reliability.source.read_source``,
    ``cte_metrics.aggregation.grouped.grouped_items``,
    ``cte_metrics.factor.correlation_input.correlation_matrix``,
    ``cte_metrics.factor.polychorics.polychoric``, ``cte_metrics.scoring.items.item_analysis``,
    ``cte_metrics.summaries.moments.Moments.from_data``.

    Attributes
    ----------
    raw : ndarray (n, k)
        Answers in their own numeric type (int8, float64, ...); nan marks a missing answer.
    items : tuple of str
        Column names.
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
    items: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    what: str = "This analysis",
    minimum_items: int = 1,
    variables: Sequence[Any] | None = (),
) -> ItemData:
    """Read answers into one checked array.

    Parameters
    ----------
    data : Responses, DataFrame (pandas, polars, PyArrow) or array (n, k)
        Answers; a ``Responses`` gives its reverse-scored ones.
    items : sequence of str, optional
        Columns to take, in this order; all by default.
    exclude : sequence of str
        Columns that are not items (a grouping column).
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
        If there are too few items or no rows, a value is infinite, or the table is a correlation
        or covariance matrix.
    """
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        out = _from_responses(data if variables is None else one_wave(data, *variables), items)
    else:
        raw, names, index = _table(data, items, exclude)
        _refuse_matrix(data, raw, index, what)
        out = ItemData(raw, names, index)
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


def _from_responses(responses: Any, items: Sequence[str] | None) -> ItemData:
    present = responses.instrument.item_ids
    names = tuple(_chosen(present, items, ()))
    answers = responses.answers(keyed=True)
    raw = answers if names == tuple(present) else answers[:, [present.index(n) for n in names]]
    scale = responses.instrument.response_scale
    subscales = {s.id: tuple(s.items) for s in responses.instrument.subscales}
    return ItemData(
        raw,
        names,
        _row_labels(responses),
        float(scale.minimum),
        float(scale.maximum),
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


def _table(
    data: Any, items: Sequence[str] | None, exclude: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...], Any]:
    """Return raw values, column names and row labels of any table."""
    if isinstance(data, np.ndarray | list | tuple):
        return _array(data, items)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas(data, items, exclude)
    return _other_frame(data, items, exclude)


def _array(data: Any, items: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...], Any]:
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
    if items is None:
        return _finite(raw, names), names, range(len(raw))
    if not set(items) <= set(names) and len(items) == raw.shape[1]:
        return _finite(raw, tuple(items)), tuple(items), range(len(raw))
    chosen = _chosen(names, items, ())
    return raw[:, [names.index(c) for c in chosen]], tuple(chosen), range(len(raw))


def _chosen(
    present: Sequence[Any], items: Sequence[str] | None, exclude: Sequence[str]
) -> list[Any]:
    if items is None:
        return [c for c in present if c not in exclude]
    known = set(present)
    for name in items:
        if name not in known:
            raise UnknownNameError(
                f"There is no column {name!r} in the data.{close_names(name, present)}",
                hint=f"The columns are: {', '.join(str(c) for c in list(present)[:40])}.",
            )
    return list(items)


def _pandas(
    data: Any, items: Sequence[str] | None, exclude: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...], Any]:
    columns = data.columns.tolist()
    if len(set(columns)) != len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"The data have two columns named {twice!r}.", hint="Rename one of them.")
    chosen = _chosen(columns, items, exclude)
    frame = data if chosen == columns else data[chosen]
    kinds = {d.kind if isinstance(d, np.dtype) else "?" for d in frame.dtypes}
    if kinds <= set("biuf"):
        raw = frame.to_numpy()
        raw = raw if raw.dtype.kind in "biuf" else frame.to_numpy(dtype=np.float64)
    else:
        raw = np.column_stack([_numeric(frame[c], c) for c in chosen])
    names = tuple(str(c) for c in chosen)
    return _finite(raw, names), names, data.index


def _numeric(series: Any, name: Any) -> np.ndarray:
    """Return one pandas column as float64, or say which value is not a number."""
    import pandas as pd

    is_number = pd.api.types.is_numeric_dtype(series.dtype)
    if is_number and not pd.api.types.is_complex_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if series.isna().all():
        return np.full(len(series), np.nan)
    _refuse_text(series.tolist(), list(series.index), name)
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))


def _refuse_text(values: list[Any], labels: Sequence[Any], name: Any) -> None:
    for label, value in zip(labels, values, strict=True):
        missing = value is None or value != value or str(value) == "<NA>"
        if not missing and not isinstance(value, int | float | np.number):
            raise InputTypeError(
                f"Column {name!r} is not numeric: row {label!r} holds {value!r}.",
                hint="Leave out columns that are not items (pass items only, or name the "
                "grouping column), or read answer texts with Responses or read_responses, "
                "which map them to codes through the response scale's labels.",
            )


def _other_frame(
    data: Any, items: Sequence[str] | None, exclude: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...], Any]:
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
    columns = [_narwhals_column(frame[c], c) for c in chosen]
    raw = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    return _finite(raw, tuple(chosen)), tuple(chosen), range(len(frame))


def _narwhals_column(series: Any, name: str) -> np.ndarray:
    import narwhals as nw

    if series.dtype == nw.Boolean:
        series = series.cast(nw.Int8)
    if not series.dtype.is_numeric():
        _refuse_text(series.to_list(), range(len(series)), name)
        series = series.cast(nw.Float64)
    if series.is_null().any():
        return floats_with_gaps(series)
    return np.asarray(series.to_numpy())


def _finite(raw: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Refuse infinite answers (a sum is enough to notice one)."""
    if raw.dtype.kind != "f" or raw.size == 0:
        return raw
    if np.isfinite(raw.sum(dtype=np.float64)) or not np.isinf(raw).any():
        return raw
    row, position = np.argwhere(np.isinf(raw))[0]
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
    if not isinstance(name, str):
        return sequence(_of_analysed(np.asarray(name), data, n), n, what)
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        return _of_analysed(_responses_column(data, name, what), data, n)
    if isinstance(data, np.ndarray | list | tuple):
        raise InputTypeError(f"{what}={name!r} names a column, but the data are an array.")
    known = column_names(data)
    if name not in known:
        raise UnknownNameError(f"{what}: there is no column {name!r}.{close_names(name, known)}")
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return np.asarray(data[name])
    import narwhals as nw

    return np.asarray(nw.from_native(data, eager_only=True)[name].to_numpy())


def _of_analysed(values: np.ndarray, data: Any, n: int) -> np.ndarray:
    """Entries of the rows that are analysed, where there is one for every row of the survey."""
    if not hasattr(data, "analysed_rows") or values.ndim != 1 or len(values) in (0, n):
        return values
    rows = data.analysed_rows()
    return values[rows] if len(values) == len(rows) and rows.sum() == n else values


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


def square_matrix(data: Any) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return a symmetric matrix and its names when ``data`` is one, else ``None``.

    A data frame counts when it has as many rows as columns and equals its transpose; so does an
    array. Such a table of answers cannot be told apart, but then no respondent's answers could
    equal an item's.
    """
    if isinstance(data, np.ndarray):
        values, names = data, tuple(f"item_{j + 1}" for j in range(data.shape[-1]))
    elif hasattr(data, "shape") and hasattr(data, "columns") and data.shape[0] == data.shape[1]:
        values, names = _table(data, None, ())[0], tuple(str(c) for c in column_names(data))
    else:
        return None
    square = values.ndim == 2 and values.shape[0] == values.shape[1] and values.shape[0] > 1
    if not square or values.dtype.kind not in "iuf":
        return None
    values = np.asarray(values, dtype=np.float64)
    return (values, names) if np.allclose(values, values.T, atol=1e-8, equal_nan=True) else None
