"""Answers with gaps, condensed once into what the normal likelihood needs.

Cases with the same set of observed variables form a pattern. Within a pattern the likelihood sees
only n, the mean and the cross-products about the mean, and these are stored as rows: a case
itself, or, for a pattern with more cases than variables, one row for the mean (times sqrt n) and
the rows of a Cholesky factor of the cross-products. Each row is a pair (unit u, values x); the
deviation from a mean vector mu is x - u mu, and sums of products over the rows equal sums over
the cases. An iteration therefore costs at most (p + 1) rows per pattern, however many cases there
are.

Patterns are ordered by their number of missing variables, so that all patterns of one shape are
one stack of arrays.

Functions: ``missing_patterns, pattern_codes, gap_blocks, padded_inverses``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Flags, Index

__all__ = [
    "MissingPatterns",
    "PatternStack",
    "gap_blocks",
    "missing_patterns",
    "padded_inverses",
    "pattern_codes",
]


@dataclass(frozen=True, slots=True)
class PatternStack:
    """All patterns with the same number k of missing variables.

    missing: (m, k) column numbers; n: (m,) cases; patterns, rows: the stack's slices of all
    patterns and of all rows; pattern_of_row: (number of rows,) position within the stack.
    """

    missing: Index
    n: Array
    patterns: slice
    rows: slice
    pattern_of_row: Index


@dataclass(frozen=True, slots=True)
class MissingPatterns:
    """Condensed data of cases with missing values.

    observed: (P, p); n: (P,) number (or weight) of cases per pattern; unit: (R,); values: (R, p),
    zero where missing; starts: (P,) first row of each pattern; case_pattern: (N,) pattern of each
    case (-1 where nothing is observed); total: number (or weight) of cases with any value.
    """

    observed: Flags
    n: Array
    unit: Array
    values: Array
    starts: Index
    stacks: tuple[PatternStack, ...]
    case_pattern: Index
    total: float

    @property
    def n_variables(self) -> int:
        """Number of variables."""
        return self.observed.shape[1]

    @property
    def coverage(self) -> Array:
        """Share of cases with both variables observed, shape (p, p)."""
        observed = self.observed.astype(float)
        return (observed * self.n[:, None]).T @ observed / self.total


def pattern_codes(observed: Flags) -> tuple[Flags, Index]:
    """Return the distinct rows of a logical matrix, fewest gaps first, and each row's number."""
    packed = np.packbits(observed, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    distinct = observed[first]
    order = np.argsort(-distinct.sum(axis=1), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return distinct[order], rank[inverse.ravel()]


def missing_patterns(
    x: Array, weights: Array | None = None, *, condense: bool = True
) -> MissingPatterns:
    """Condense an (N, p) array with nan for gaps; cases without any value are left out.

    Without `condense` every row is a case, ordered by pattern (stable in the order of the cases).
    """
    seen = ~np.isnan(x)
    kept = np.flatnonzero(seen.any(axis=1))
    observed, codes = pattern_codes(seen[kept])
    order = np.argsort(codes, kind="stable")
    cases = kept[order]
    values = np.where(seen[cases], x[cases], 0.0)
    unit = np.ones(cases.size) if weights is None else np.sqrt(weights[cases])
    counts = np.bincount(codes, minlength=len(observed))
    values *= unit[:, None]
    unit, values, rows = _condense(unit, values, counts) if condense else (unit, values, counts)
    starts = np.cumsum(rows) - rows
    n = np.add.reduceat(unit**2, starts)
    case_pattern = np.full(len(x), -1, dtype=np.intp)
    case_pattern[kept] = codes
    return MissingPatterns(
        observed=observed,
        n=n,
        unit=unit,
        values=values,
        starts=starts,
        stacks=_stacks(observed, n, rows),
        case_pattern=case_pattern,
        total=float(n.sum()),
    )


def _condense(unit: Array, values: Array, counts: Index) -> tuple[Array, Array, Index]:
    """Replace the cases of patterns with more than p + 1 cases by p + 1 equivalent rows."""
    p = values.shape[1]
    large = counts > p + 1
    if not large.any():
        return unit, values, counts
    ends = np.cumsum(counts)
    bounds = list(zip((ends - counts)[large].tolist(), ends[large].tolist(), strict=True))
    means, crosses, sizes = zip(*(_moments(unit[a:b], values[a:b]) for a, b in bounds), strict=True)
    root = np.sqrt(np.array(sizes))
    summary = np.concatenate(
        [(root[:, None] * np.array(means))[:, None], _roots(np.array(crosses))], 1
    )
    rows = np.where(large, p + 1, counts)
    keep = np.repeat(~large, counts)
    to_small = np.repeat(~large, rows)
    new_unit, new_values = np.zeros(rows.sum()), np.empty((rows.sum(), p))
    new_unit[to_small], new_values[to_small] = unit[keep], values[keep]
    new_values[~to_small] = summary.reshape(-1, p)
    new_unit[(np.cumsum(rows) - rows)[large]] = root
    return new_unit, new_values, rows


def _moments(unit: Array, scaled: Array) -> tuple[Array, Array, float]:
    """Return mean, cross-products about the mean and n of rows that are scaled by `unit`."""
    n = float(unit @ unit)
    mean = unit @ scaled / n
    centred = scaled - unit[:, None] * mean
    return mean, centred.T @ centred, n


def _roots(crosses: Array) -> Array:
    """Return U with U'U equal to each positive semidefinite matrix of a stack."""
    values, vectors = np.linalg.eigh(crosses)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    roots: Array = np.swapaxes(scaled, -1, -2)
    return roots


def _stacks(observed: Flags, n: Array, rows: Index) -> tuple[PatternStack, ...]:
    gaps = observed.shape[1] - observed.sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(rows)])
    shapes, firsts, sizes = np.unique(gaps, return_index=True, return_counts=True)
    bounds = zip(shapes.tolist(), firsts.tolist(), (firsts + sizes).tolist(), strict=True)
    return tuple(
        PatternStack(
            missing=np.nonzero(~observed[a:b])[1].reshape(b - a, k),
            n=n[a:b],
            patterns=slice(a, b),
            rows=slice(int(ends[a]), int(ends[b])),
            pattern_of_row=np.repeat(np.arange(b - a), rows[a:b]),
        )
        for k, a, b in bounds
    )


def gap_blocks(stack: PatternStack, precision: Array) -> tuple[Array, Array]:
    """Return K (m, k, k) and the rows P_m. (m, k, p) of a stack."""
    rows = precision[stack.missing]
    blocks = np.take_along_axis(rows, stack.missing[:, None, :], axis=2)
    inverses = np.asarray(np.linalg.inv(blocks), dtype=np.float64)
    return inverses, rows


def padded_inverses(data: MissingPatterns, precision: Array) -> tuple[Array, Array]:
    """Return padded inverses of Sigma_oo (P, p, p) and log|Sigma_oo| - log|Sigma| (P,)."""
    inverses = np.empty((len(data.n), *precision.shape))
    logdets = np.empty(len(data.n))
    for stack in data.stacks:
        conditional, rows = gap_blocks(stack, precision)
        inverses[stack.patterns] = precision - np.swapaxes(rows, 1, 2) @ (conditional @ rows)
        logdets[stack.patterns] = -np.linalg.slogdet(conditional)[1]
    hidden = ~data.observed
    inverses[hidden] = 0.0
    np.swapaxes(inverses, 1, 2)[hidden] = 0.0
    return inverses, logdets
