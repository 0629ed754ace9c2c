"""The one correlation matrix that every analysis of structure starts from.

Functions: ``correlation_matrix``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.core.door import (
    ItemData,
    complete_rows,
    item_data,
    possible_moments,
    square_matrix,
)
from cte_metrics.core.naming import named_column
from cte_metrics.core.schools import school_codes
from cte_metrics.errors import InputError, one_of
from cte_metrics.factor.matrices.levels import Level, at_level, nesting_note, refuse_level
from cte_metrics.factor.polychorics import polychoric_of
from cte_metrics.kernels.likelihood.fiml import fiml_saturated
from cte_metrics.kernels.summaries.correlations import correlation_from_covariance, spearman
from cte_metrics.kernels.summaries.missing_patterns import missing_patterns
from cte_metrics.kernels.summaries.moments import moments

Correlation = Literal["pearson", "spearman", "polychoric", "fiml"]
Missing = Literal["listwise", "pairwise"]


@dataclass(frozen=True, slots=True)
class CorrelationInput:
    """A correlation matrix and what is known about it.

    Created by: ``cte_metrics.factor.matrices.correlation_input.correlation_matrix``.
    Consumed by: ``cte_metrics.factor.matrices.definite.definite_matrix``,
    ``cte_metrics.factor.exploratory.efa``, ``cte_metrics.factor.retention.n_factors``,
    ``cte_metrics.factor.sampling_adequacy.adequacy``.

    Attributes
    ----------
    matrix : (k, k) float64
    items : tuple of str
    n_obs : float or None
        Respondents behind the matrix (with pairwise deletion the smallest number behind any
        pair); ``None`` for a matrix that came without ``n_obs``.
    n_dropped : int
    notes : tuple of str
    acov : (k (k - 1) / 2, k (k - 1) / 2) float64 or None
        Asymptotic covariance matrix of the correlations below the diagonal, column by column
        (polychorics only).
    values : (n, k) float64 or None
        The answers that were used, where answers were given.
    pairwise : bool
        Whether correlations rest on different rows.
    schools : (n,) int64 or None
        School of each row of ``values``, -1 where unknown; ``None`` without schools.
    level : {"total", "within", "between"}
        What the correlations are of.
    is_pearson : bool
        Whether they are product-moment correlations of ``values``.
    """

    matrix: Array
    items: tuple[str, ...]
    n_obs: float | None
    n_dropped: int = 0
    notes: tuple[str, ...] = ()
    acov: Array | None = None
    values: Array | None = None
    pairwise: bool = False
    schools: Integers | None = None
    level: Level = "total"
    is_pearson: bool = False


def correlation_matrix(
    data: Any,
    *,
    correlation: Correlation = "pearson",
    missing: Missing = "listwise",
    n_obs: float | None = None,
    minimum_items: int = 2,
    acov: bool = False,
    what: str = "This analysis",
    group: Any = None,
    level: Level = "total",
) -> CorrelationInput:
    """Return the correlation matrix of answers, or check one that was given.

    Parameters
    ----------
    data : Responses, DataFrame, array, Moments, or a square correlation or covariance matrix
    correlation : {"pearson", "spearman", "polychoric", "fiml"}
        ``fiml`` is the matrix of the maximum-likelihood covariances from incomplete rows (EM).
    missing : {"listwise", "pairwise"}
        Ignored by ``fiml``, which uses every answer.
    n_obs : float, optional
        Respondents behind a given matrix.
    acov : bool
        Also compute the asymptotic covariance matrix (polychorics).
    group : str or array, optional
        School of each respondent; a survey's own by default.
    level : {"total", "within", "between"}
        Correlations of all answers, pooled within schools, or between schools.

    Raises
    ------
    InputError
        If an item is constant, a given matrix is not a correlation or covariance matrix, or an
        option does not exist.
    """
    one_of(correlation, Correlation, "correlation")
    one_of(missing, Missing, "missing")
    one_of(level, Level, "level")
    if hasattr(data, "arrays") and hasattr(data, "by"):
        refuse_level(level, "Moments hold no answers")
        return _from_moments(data, correlation, what)
    given = square_matrix(data)
    if given is not None and group is None and _are_moments(given[0]):
        refuse_level(level, "a matrix was given")
        return _given(*given, n_obs)
    if n_obs is not None:
        _refuse_broken_matrix(data)
    own = named_column(data, group)
    read = item_data(data, exclude=own, what=what, minimum_items=minimum_items)
    schools = school_codes(data, read, group)
    if level != "total":
        return _of_level(read, schools, correlation, level)
    if correlation == "fiml":
        found = _fiml(read)
    elif correlation == "polychoric":
        found = _polychoric(read, missing, acov)
    else:
        found = _product_moment(read, correlation, missing)
    found = replace(found, is_pearson=correlation == "pearson")
    return found if schools is None else _with_schools(found, read, schools)


def _of_level(
    read: ItemData, schools: Integers | None, correlation: str, level: Level
) -> CorrelationInput:
    if schools is None:
        refuse_level(level, "no two schools are known")
    if correlation != "pearson":
        raise InputError(
            f"level={level!r} takes correlation='pearson'; got {correlation!r}.",
            hint="Ordinal items at two levels: sem.fit(..., cluster=, ordered=).",
        )
    assert schools is not None  # refused above
    values = read.values
    keep = ~np.isnan(values).any(axis=1) & (schools >= 0)
    codes = np.unique(schools[keep], return_inverse=True)[1]
    if not keep.any() or codes.max(initial=0) < 1:
        raise InputError("Fewer than two schools have complete rows.")
    found = at_level(values[keep], codes, level, read.items)
    dropped = int((~keep).sum())
    lost = (f"{dropped} rows without a school or with missing answers were dropped.",)
    notes = (*read.notes, *(lost if dropped else ()), found.note)
    return CorrelationInput(
        found.matrix,
        read.items,
        found.n_obs,
        dropped,
        notes,
        None,
        values[keep],
        False,
        codes,
        level,
        is_pearson=True,
    )


def _with_schools(found: CorrelationInput, read: ItemData, schools: Integers) -> CorrelationInput:
    """Add each row's school, and the note on what the schools change."""
    whole = ~np.isnan(read.values).any(axis=1)
    known = whole & (schools >= 0)
    codes = np.unique(schools[known], return_inverse=True)[1]
    notes = found.notes
    if 0 < codes.max(initial=0) < len(codes) - 1:
        notes = (*notes, nesting_note(read.values[known], codes))
    same_rows = found.values is not None and len(found.values) == int(whole.sum())
    return replace(found, notes=notes, schools=schools[whole] if same_rows else schools)


def _are_moments(matrix: Array) -> bool:
    return bool(np.isfinite(matrix).all()) and possible_moments(matrix)


def _refuse_broken_matrix(data: Any) -> None:
    """A square table that comes with ``n_obs`` is meant as a matrix: say why it is none."""
    try:
        matrix = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        return
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        return
    why = "a covariance exceeds its standard deviations, or a variance is not positive"
    if not np.isfinite(matrix).all():
        i, j = np.argwhere(~np.isfinite(matrix))[0]
        why = f"the value in row {i + 1}, column {j + 1} is missing or infinite"
    elif not np.allclose(matrix, matrix.T, atol=1e-8):
        i, j = np.unravel_index(int(np.argmax(np.abs(matrix - matrix.T))), matrix.shape)
        why = (
            f"row {i + 1}, column {j + 1} holds {matrix[i, j]:.6g}, but row {j + 1}, "
            f"column {i + 1} {matrix[j, i]:.6g}"
        )
    raise InputError(
        f"The square table given with n_obs is not a correlation or covariance matrix: {why}.",
        hint="Correct the matrix; if the table holds answers, leave out n_obs.",
    )


def _given(matrix: Array, items: tuple[str, ...], n_obs: float | None) -> CorrelationInput:
    if n_obs is not None and not (isinstance(n_obs, Real) and n_obs > 1):
        raise InputError(f"n_obs={n_obs!r} is not a number of respondents above 1.")
    notes = () if np.allclose(np.diagonal(matrix), 1.0) else ("A covariance matrix was rescaled.",)
    return CorrelationInput(correlation_from_covariance(matrix), items, n_obs, 0, notes)


def _from_moments(data: Any, correlation: str, what: str) -> CorrelationInput:
    if correlation != "pearson":
        raise InputError(
            f"{what}: Moments hold no answers, so correlation={correlation!r} cannot be computed.",
            hint="Pass the answers themselves, or use correlation='pearson'.",
        )
    arrays = data.arrays
    matrix = np.asarray(arrays.correlation)
    _refuse_constant(matrix, data.items)
    n_used = float(np.min(arrays.counts))
    return CorrelationInput(matrix, data.items, n_used, arrays.n_dropped)


def _refuse_constant(
    matrix: Array, items: tuple[str, ...], remedy: str = ", or use correlation='fiml'"
) -> None:
    constant = [name for name, r in zip(items, np.diagonal(matrix), strict=True) if np.isnan(r)]
    if constant:
        raise InputError(
            f"Every respondent gave the same answer to {', '.join(constant)}, which therefore "
            "has no correlation with other items.",
            hint="Leave out constant items.",
        )
    if np.isnan(matrix).any():
        i, j = np.argwhere(np.isnan(matrix))[0]
        raise InputError(
            f"Too few respondents answered both {items[i]!r} and {items[j]!r} for a correlation.",
            hint=f"Leave out one of them{remedy}.",
        )


def _product_moment(read: ItemData, correlation: str, missing: Missing) -> CorrelationInput:
    notes = list(read.notes)
    if missing == "listwise":
        values, dropped, note = complete_rows(read)
        notes += [note] if note else []
    else:
        values, dropped = read.values, 0
    if correlation == "spearman":
        matrix, counts = spearman(values, missing)
    else:
        sums = moments(values, missing)
        matrix, counts = np.asarray(sums.correlation), sums.counts
    _refuse_constant(matrix, read.items)
    if counts.min() < counts.max():
        notes.append(
            f"Pairs of items rest on {counts.min():.0f} to {counts.max():.0f} respondents; "
            "the smallest number is used where one number is needed."
        )
    n_obs = float(counts.min())
    pairwise = bool(counts.min() < counts.max())
    return CorrelationInput(
        matrix, read.items, n_obs, dropped, tuple(notes), None, values, pairwise
    )


def _fiml(read: ItemData) -> CorrelationInput:
    values = read.values
    answered = ~np.isnan(values)
    silent = int((~answered.any(axis=1)).sum())
    _refuse_constant(np.asarray(moments(values, "pairwise").correlation), read.items, "")
    fitted = fiml_saturated(missing_patterns(values))
    notes = list(read.notes)
    if silent:
        notes.append(f"{silent} rows without any answer were left out.")
    if not fitted.converged:
        notes.append("The EM algorithm reached its iteration limit; the matrix is approximate.")
    matrix = correlation_from_covariance(np.asarray(fitted.cov))
    n_used = float(len(values) - silent)
    return CorrelationInput(matrix, read.items, n_used, silent, tuple(notes), None, values)


def _polychoric(read: ItemData, missing: Missing, acov: bool) -> CorrelationInput:
    result = polychoric_of(read, missing=missing, standard_errors=acov, smooth=None)
    return CorrelationInput(
        result.correlations.to_numpy(),
        read.items,
        float(result.provenance.n_used),
        result.provenance.n_dropped,
        result.notes,
        result.correlation_acov if acov else None,
        read.values,
        missing == "pairwise" and bool(np.isnan(read.values).any()),
    )
