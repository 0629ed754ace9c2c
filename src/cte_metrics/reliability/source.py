"""What a coefficient is computed from: answers, ``Moments``, or a matrix with its n.

Functions: ``read_source, refuse_indefinite``. Class: ``Source``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import (
    ItemData,
    complete_rows,
    item_data,
    looks_like_matrix,
    possible_moments,
    square_matrix,
)
from cte_metrics.core.naming import meant, name_text
from cte_metrics.errors import InputError, one_of
from cte_metrics.kernels.reliability.alpha import alpha_of, correlation_from
from cte_metrics.kernels.summaries.moments import MomentArrays, moments
from cte_metrics.summaries import Moments
from cte_metrics.summaries.keying import keying_check

Missing = Literal["listwise", "pairwise"]
Matrix = Literal["correlation", "covariance"]


@dataclass(frozen=True, slots=True)
class Source:
    """Second moments of the items, and the answers where there are any.

    Created by: ``cte_metrics.reliability.source.read_source``.
    Consumed by: ``cte_metrics.reliability.alpha.cronbach_alpha``,
    ``cte_metrics.reliability.omega_estimation.continuous_omega``,
    ``cte_metrics.reliability.omega_estimation.categorical_omega``,
    ``cte_metrics.reliability.resampled.matrix_interval``.

    Attributes
    ----------
    items : tuple of str
    covariance : ndarray (k, k)
        Covariance (or correlation) matrix, divisor n - 1.
    correlation : ndarray (k, k)
        Correlation matrix; with pairwise deletion over the rows that a pair shares, which is not
        the covariance matrix scaled.
    mean : ndarray (k,)
        Item means; nan when a matrix was given.
    item_counts : ndarray (k,)
        Answers an item.
    n : int
        Respondents; 0 when a matrix came without ``n_obs``.
    n_dropped : int
        Rows left out.
    data : ItemData or None
        The answers.
    complete : bool
        Whether all figures rest on the same rows.
    notes : tuple of str
    reversed_ids : tuple of str or None
        Items that the instrument's key reverse-scores, where there is one.
    """

    items: tuple[str, ...]
    covariance: Array
    correlation: Array
    mean: Array
    item_counts: Array
    n: int
    n_dropped: int
    data: ItemData | None
    complete: bool
    notes: tuple[str, ...]
    reversed_ids: tuple[str, ...] | None = None

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)

    def matrix(self, kind: Matrix) -> Array:
        """Return the correlation or the covariance matrix."""
        one_of(kind, Matrix, "matrix")
        return self.correlation if kind == "correlation" else self.covariance

    def keying(self) -> tuple[str, ...]:
        """Return the notes on items that run against the others."""
        return self.keying_of(None)

    def keying_of(self, scales: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
        """Return the same for each of several scales."""
        reversed_ids = self.reversed_ids
        return keying_check(self.covariance, self.items, scales=scales, reversed_ids=reversed_ids)

    def alpha_by_rule(self, kind: Matrix) -> tuple[str, ...]:
        """Return what alpha is by either rule for missing answers, where some are missing.

        Functions have different rules by default; the same sentence stands in the notes of each
        that reports alpha, so that two figures of one survey explain each other.
        """
        if self.data is None or not np.isnan(self.data.values).any():
            return ()
        every, complete = (moments(self.data.raw, rule) for rule in ("pairwise", "listwise"))
        if complete.n < 2:
            return ()
        of_kind = [
            m.correlation if kind == "correlation" else m.covariance for m in (every, complete)
        ]
        pairwise, listwise = (alpha_of(np.asarray(matrix)) for matrix in of_kind)
        name = "Standardized alpha" if kind == "correlation" else "Alpha"
        return (
            f"{name} is {pairwise:.4f} over all answers (missing='pairwise') and {listwise:.4f} "
            f"over the {complete.n} complete rows (missing='listwise').",
        )

    def resampled(self) -> tuple[str, ...]:
        """Return the note that complete rows stand for all, where answers are missing."""
        if self.complete:
            return ()
        return ("The interval rests on the complete rows; the estimate uses all answers.",)

    def complete_answers(self, why: str) -> Array:
        """Return the rows without missing answers, float64.

        Raises
        ------
        InputError
            If the answers are not known.
        """
        return complete_rows(self.answers(why))[0]

    def answers(self, why: str) -> ItemData:
        """Return the answers, or say that a matrix is not enough."""
        if self.data is None:
            raise InputError(
                f"{why} needs the answers; a matrix or Moments is not enough.",
                hint="Pass the data frame or Responses"
                + (", or choose an analytic interval." if "interval" in why else "."),
            )
        return self.data


def read_source(
    data: Any,
    *,
    items: Sequence[Hashable] | None = None,
    missing: Missing = "listwise",
    n_obs: int | None = None,
    what: str = "A reliability coefficient",
    minimum_items: int = 2,
) -> Source:
    """Read answers, ``Moments`` or a symmetric matrix, and refuse what has no reliability.

    Raises
    ------
    InputError
        If there are too few items or respondents, an item is constant or unanswered, two items
        share no respondent, ``n_obs`` comes without a matrix, or a matrix is impossible.
    """
    one_of(missing, Missing, "missing")
    if isinstance(data, Moments):
        source = _from_moments(_taken(data, items), n_obs)
    elif (found := _given_matrix(data, n_obs)) is not None:
        source = _from_matrix(*_chosen(*found, items), n_obs)
    elif n_obs is not None:
        raise InputError(
            "n_obs goes with a correlation or covariance matrix; the data are not symmetric.",
            hint="Leave n_obs out when you pass answers.",
        )
    else:
        source = _from_answers(data, items, missing, what, minimum_items)
    if source.n_items < minimum_items:
        raise InputError(f"{what} needs at least {minimum_items} items; got {source.n_items}.")
    _refuse_undefined(source)
    reversed_ids = getattr(getattr(data, "instrument", None), "reversed_ids", None)
    return source if reversed_ids is None else replace(source, reversed_ids=reversed_ids)


def _given_matrix(data: Any, n_obs: int | None) -> tuple[Array, tuple[str, ...]] | None:
    """Return a matrix and its names; a symmetric table that cannot be one holds answers.

    Raises
    ------
    InputError
        If it comes with ``n_obs`` and cannot be a covariance matrix.
    """
    found = square_matrix(data)
    if found is None or possible_moments(found[0]):
        return found
    if n_obs is None and not looks_like_matrix(found[0]):
        return None
    values, names = found
    variances = np.diagonal(values)
    if not (variances > 0).all():
        return found
    excess = np.nan_to_num(np.abs(values)) / np.sqrt(np.outer(variances, variances))
    i, j = np.unravel_index(int(excess.argmax()), excess.shape)
    raise InputError(
        f"The matrix is no correlation or covariance matrix: that of {names[i]} and {names[j]} is "
        f"{values[i, j]:.6g}, more than their variances allow.",
        hint="Correct the entry; if the table holds answers, leave out n_obs.",
    )


def _from_answers(
    data: Any, items: Sequence[Hashable] | None, missing: Missing, what: str, minimum_items: int
) -> Source:
    answers = item_data(data, items=items, what=what, minimum_items=minimum_items)
    found = moments(answers.raw, missing)
    if found.n < 2:
        _refuse_few(answers, found.n, missing)
    return _source(answers.items, found, answers, (*answers.notes, *_row_notes(found, missing)))


def _refuse_few(answers: ItemData, n: int, missing: Missing) -> None:
    empty = [
        name
        for name, column in zip(answers.items, answers.values.T, strict=True)
        if np.isnan(column).all()
    ]
    cause = f" No one answered {', '.join(empty)}." if empty else ""
    partly = int((~np.isnan(answers.values)).any(axis=1).sum())
    hint = "An answer of one respondent has no variance: add the other respondents' rows."
    if missing == "listwise" and partly > 1:
        hint = "missing='pairwise' uses every pair of answers."
        hint = f"Leave out {', '.join(empty)}." if empty else hint
    raise InputError(
        f"Covariances need at least two respondents; {n} of {answers.n_respondents} rows can be "
        f"used.{cause}",
        hint=hint,
    )


def _row_notes(found: MomentArrays, missing: Missing) -> tuple[str, ...]:
    if missing == "listwise":
        if not found.n_dropped:
            return ()
        total = found.n + found.n_dropped
        return (f"{found.n_dropped} of {total} rows with missing answers were dropped.",)
    notes = []
    if found.n_dropped:
        notes.append(f"{found.n_dropped} rows without any answer were dropped.")
    if not found.complete:
        notes.append(
            "Answers are missing: each covariance rests on the rows that share its two items "
            f"({int(found.counts.min())} to {int(found.counts.max())} rows); intervals use "
            f"n = {found.n}."
        )
    return tuple(notes)


def _source(
    items: tuple[str, ...], found: MomentArrays, data: ItemData | None, notes: tuple[str, ...]
) -> Source:
    return Source(
        items,
        found.covariance,
        correlation_from(found.covariance) if found.complete else found.correlation,
        found.mean,
        np.asarray(found.item_counts),
        found.n,
        found.n_dropped,
        data,
        found.complete,
        notes,
    )


def _taken(data: Moments, items: Sequence[Hashable] | None) -> Moments:
    if items is None:
        return data
    positions = np.array(_positions(data.items, items))
    return Moments(tuple(map(name_text, items)), data.arrays.take(positions))


def _positions(known: tuple[str, ...], items: Sequence[Hashable]) -> list[int]:
    return meant(items, known, "There is no item")


def _from_moments(data: Moments, n_obs: int | None) -> Source:
    if n_obs is not None and n_obs != data.n:
        raise InputError(f"n_obs={n_obs} contradicts the Moments, which hold n={data.n}.")
    if data.n < 2:
        raise InputError(f"Covariances need at least two respondents; the Moments hold {data.n}.")
    dropped = data.n_dropped
    notes = (f"The Moments leave out {dropped} rows with missing answers.",) if dropped else ()
    return _source(data.items, data.arrays, None, notes)


def _chosen(
    values: Array, names: tuple[str, ...], items: Sequence[Hashable] | None
) -> tuple[Array, tuple[str, ...]]:
    if items is None:
        return values, names
    positions = _positions(names, items)
    return values[np.ix_(positions, positions)], tuple(map(name_text, items))


def _from_matrix(values: Array, names: tuple[str, ...], n_obs: int | None) -> Source:
    if n_obs is not None and n_obs < 2:
        raise InputError(f"n_obs={n_obs}; at least two respondents are needed.")
    k, n = len(names), n_obs or 0
    kind = "correlation" if np.allclose(np.diagonal(values), 1.0) else "covariance"
    unknown = (
        f"The data were read as a {kind} matrix of {k} items, not as answers. No n_obs came with "
        "it, so there is no interval."
    )
    notes = () if n_obs else (unknown,)
    nan = np.full(k, np.nan)
    r = correlation_from(values)
    return Source(names, values, r, nan, np.full(k, float(n)), n, 0, None, True, notes)


def _refuse_undefined(source: Source) -> None:
    variance = np.diagonal(source.covariance)
    named = [n for n, v in zip(source.items, variance, strict=True) if not np.isfinite(v)]
    if named:
        raise InputError(
            f"{', '.join(named)}: fewer than two answers, so there is no variance.",
            hint="Leave the item out.",
        )
    rounding = 1e-24 * np.square(np.nan_to_num(source.mean))
    constant = [n for n, v, r in zip(source.items, variance, rounding, strict=True) if v <= r]
    if constant:
        verb = "is" if len(constant) == 1 else "are"
        raise InputError(
            f"{', '.join(constant)} {verb} constant (variance 0): such an item has no correlation "
            "with any other.",
            hint="Leave it out, and check whether the column was read correctly.",
        )
    if not np.isfinite(source.covariance).all():
        i, j = np.argwhere(~np.isfinite(source.covariance))[0]
        raise InputError(
            f"{source.items[i]} and {source.items[j]} were never answered by the same two "
            "respondents, so their covariance is unknown.",
            hint="Leave one of them out.",
        )


def refuse_indefinite(source: Source, kind: Matrix) -> Array:
    """Return the chosen matrix, or refuse one that is not positive definite.

    Raises
    ------
    InputError
        If an eigenvalue is not positive.
    """
    matrix = source.matrix(kind)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] > 1e-10 * values[-1]:
        return matrix
    involved = [n for n, v in zip(source.items, vectors[:, 0], strict=True) if abs(v) > 0.1]
    cause, hint = _why_indefinite(source, involved, impossible=bool(values[0] < -1e-8 * values[-1]))
    raise InputError(
        f"The {kind} matrix is not positive definite (smallest eigenvalue {values[0]:.2g}): "
        f"{cause}.",
        hint=hint,
    )


def _why_indefinite(
    source: Source, involved: Sequence[str], *, impossible: bool
) -> tuple[str, str]:
    """Return the cause that fits these data, and what can be done about it."""
    if not source.complete:
        cause = "its entries rest on different rows (pairwise deletion)"
        return cause, "Use missing='listwise'."
    if source.n and source.n <= source.n_items:
        cause = f"{source.n} respondents are too few for {source.n_items} items"
        return cause, "Use fewer items, or collect more answers."
    named = ", ".join(involved)
    if impossible:
        cause = f"the correlations of {named} contradict each other"
        return cause, "Correct the matrix: no answers have these correlations."
    return f"{named} determine each other", "Leave out one of them: it adds nothing to the others."
