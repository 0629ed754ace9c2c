"""The one correlation matrix that every analysis of structure starts from.

Functions: ``correlation_matrix``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import (
    ItemData,
    complete_rows,
    item_data,
    possible_moments,
    square_matrix,
)
from cte_metrics.errors import InputError, one_of
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

    Created by: ``cte_metrics.factor.correlation_input.correlation_matrix``.
    Consumed by: ``cte_metrics.factor.definite.definite_matrix``,
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
    """

    matrix: Array
    items: tuple[str, ...]
    n_obs: float | None
    n_dropped: int = 0
    notes: tuple[str, ...] = ()
    acov: Array | None = None
    values: Array | None = None
    pairwise: bool = False


def correlation_matrix(
    data: Any,
    *,
    correlation: Correlation = "pearson",
    missing: Missing = "listwise",
    n_obs: float | None = None,
    minimum_items: int = 2,
    acov: bool = False,
    what: str = "This analysis",
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

    Raises
    ------
    InputError
        If an item is constant, a given matrix is not a correlation or covariance matrix, or an
        option does not exist.
    """
    one_of(correlation, Correlation, "correlation")
    one_of(missing, Missing, "missing")
    if hasattr(data, "arrays") and hasattr(data, "by"):
        return _from_moments(data, correlation, what)
    given = square_matrix(data)
    if given is not None and np.isfinite(given[0]).all() and possible_moments(given[0]):
        return _given(*given, n_obs)
    if n_obs is not None:
        _refuse_broken_matrix(data)
    read = item_data(data, what=what, minimum_items=minimum_items)
    if correlation == "fiml":
        return _fiml(read)
    if correlation == "polychoric":
        return _polychoric(read, missing, acov)
    return _product_moment(read, correlation, missing)


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
