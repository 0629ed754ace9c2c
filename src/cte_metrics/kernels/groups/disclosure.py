"""Which cells of a table must be hidden so that no small group can be computed?

A table of counts by one or more divisions of the respondents (school, wave, subgroup) is published
with figures for every cell and every margin. A figure (a mean times its count) of a margin is the
sum of its cells', so a hidden cell can be recovered whenever the equations determine it.

* Primary suppression: cells and margins with fewer than ``minimum`` respondents.
* Complementary suppression: in every line (cells and their margin) at least two figures are
  hidden or none, and the hidden cells under a published margin hold ``minimum`` respondents
  together, since their joint mean can be computed. Tables of fewer divisions are settled first:
  what one of them shows is taken as known in the larger ones, so the tables can be read together.
* Audit: a hidden figure is recoverable exactly if every solution of the homogeneous equations is
  zero there; a random solution (the projection of a random vector on the null space) shows it.
  What is still recoverable gets another hidden cell in its line, until nothing is.

Cells without respondents show nothing and count as known.

References
----------
Cox, L. H. (1980). Suppression methodology and statistical disclosure control. Journal of the
    American Statistical Association, 75, 377-385.
Gusfield, D. (1988). A graph theoretic approach to statistical data security. SIAM Journal on
    Computing, 17, 552-571.

Functions: ``with_margins, suppress, recoverable``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array, Flags, Integers

DENSE_LIMIT = 1500


def with_margins(counts: Integers) -> Integers:
    """Append the total along every axis; (L1, ..., Ld) -> (L1 + 1, ..., Ld + 1).

    Examples
    --------
    >>> with_margins(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 2, 3], [3, 4, 7], [4, 6, 10]]
    """
    out = np.asarray(counts)
    for axis in range(out.ndim):
        out = np.concatenate([out, out.sum(axis=axis, keepdims=True)], axis=axis)
    return out


def suppress(counts: Integers, minimum: int) -> Flags:
    """Cells and margins to hide; (L1, ..., Ld) -> (L1 + 1, ..., Ld + 1), margins last.

    Examples
    --------
    Hiding the school of 2 alone would leave it to subtraction, so the smallest other school goes
    with it:

    >>> suppress(np.array([2, 9, 12]), 5).tolist()
    [True, True, False, False]
    """
    counts = np.asarray(counts, dtype=np.int64)
    n = with_margins(counts)
    hidden = (n > 0) & (n < minimum)
    for axis in range(counts.ndim if counts.ndim > 1 else 0):
        # a margin that is hidden where it is the table stays hidden here, and no other
        hidden[(slice(None),) * axis + (-1,)] |= suppress(counts.sum(axis=axis), minimum)
    while True:
        _close_lines(n, hidden, minimum)
        if counts.ndim == 1:
            return hidden
        found = recoverable(hidden)
        if not found.any() or not _widen(n, hidden, found):
            return hidden


def _close_lines(n: Integers, hidden: Flags, minimum: int) -> None:
    """Hide further cells, in place, until every line is closed against subtraction."""
    changed = True
    while changed:
        changed = False
        for axis in range(n.ndim):
            size, mask = np.moveaxis(n, axis, -1), np.moveaxis(hidden, axis, -1)
            count = mask.sum(axis=-1)
            together = np.where(mask[..., :-1], size[..., :-1], 0).sum(axis=-1)
            shown_margin = ~mask[..., -1]
            open_line = (count == 1) | (shown_margin & (count > 0) & (together < minimum))
            alone = np.moveaxis(_alone(n, hidden), axis, -1)
            for found in np.argwhere(open_line):
                line = tuple(found)
                changed |= _hide_smallest(size[line], mask[line], alone[line])


def _alone(n: Integers, hidden: Flags) -> Flags:
    """Lines of a single cell with respondents, which equals their shown margin."""
    out = np.zeros(n.shape, dtype=bool)
    for axis in range(n.ndim):
        inner = (slice(None),) * axis + (slice(0, -1),)
        margin = (slice(None),) * axis + (slice(-1, None),)
        single = ((n[inner] > 0).sum(axis=axis, keepdims=True) == 1) & ~hidden[margin]
        out[inner] |= single
    return out


def _hide_smallest(size: Integers, mask: Flags, alone: Flags) -> bool:
    """Hide the smallest shown cell of a line that hides something, in place; False if none is left.

    Cells that a margin would give away come after the others, the margin itself last.
    """
    for usable in (~alone[:-1], alone[:-1]):
        candidates = np.flatnonzero(~mask[:-1] & (size[:-1] > 0) & usable)
        if len(candidates):
            mask[candidates[size[candidates].argmin()]] = True
            return True
    if mask[-1]:
        return False
    mask[-1] = True
    return True


def _widen(n: Integers, hidden: Flags, found: Flags) -> bool:
    """Hide one more cell in a line of the first recoverable one; False if there is none."""
    alone = _alone(n, hidden)
    for cell in zip(*np.nonzero(found), strict=True):
        for axis in range(n.ndim):
            line = (*cell[:axis], slice(None), *cell[axis + 1 :])
            if _hide_smallest(n[line], hidden[line], alone[line]):
                return True
    return False


def recoverable(hidden: Flags) -> Flags:
    """Hidden cells that the published cells and margins determine.

    Examples
    --------
    One hidden cell in a row of a table with margins is determined:

    >>> hidden = np.array([[True, False, False], [False, False, False], [False, False, False]])
    >>> recoverable(hidden).sum()
    np.int64(1)
    """
    position = np.nonzero(hidden)
    out = np.zeros(hidden.shape, dtype=bool)
    if not len(position[0]):
        return out
    relation, n_relations = _equations(hidden.shape, position)
    rng = np.random.default_rng(20260)
    start = rng.uniform(0.5, 1.5, len(position[0])) * rng.choice([-1.0, 1.0], len(position[0]))
    if max(len(start), n_relations) <= DENSE_LIMIT:
        free = _project_dense(start, relation, n_relations)
    else:
        free = _project(start, relation, n_relations)
    out[position] = np.abs(free) < 1e-7
    return out


def _equations(shape: tuple[int, ...], position: tuple[Integers, ...]) -> tuple[Integers, int]:
    """Line number (d, U) of every hidden cell in the equations of each axis.

    A line says that its cells less its margin are zero. With the sign of a figure changed once for
    every axis on which it is a margin, each says that its sum is zero, and no figure that is zero
    (or not) ceases to be so: the signs are left out.
    """
    relations, start = [], 0
    for axis in range(len(shape)):
        others = [k for k in range(len(shape)) if k != axis]
        if others:
            line = np.ravel_multi_index(
                tuple(position[k] for k in others), tuple(shape[k] for k in others)
            )
        else:
            line = np.zeros(len(position[0]), dtype=np.int64)
        _, number = np.unique(line, return_inverse=True)
        relations.append(number.reshape(-1) + start)
        start += int(number.max()) + 1
    return np.array(relations), start


def _project_dense(vector: Array, relation: Integers, n_relations: int) -> Array:
    matrix = np.zeros((n_relations, len(vector)))
    matrix[relation, np.arange(len(vector))] = 1.0
    solution = np.linalg.lstsq(matrix.T, vector, rcond=1e-10)[0]
    return np.asarray(vector - matrix.T @ solution)


def _project(vector: Array, relation: Integers, n_relations: int) -> Array:
    """Projection on the null space by conjugate gradients for least squares."""

    def forward(y: Array) -> Array:
        return np.asarray(y[relation].sum(axis=0))

    def back(x: Array) -> Array:
        weight = np.tile(x, len(relation))
        return np.asarray(np.bincount(relation.ravel(), weight, n_relations))

    residual = vector.copy()
    gradient = back(residual)
    direction, norm = gradient.copy(), float(gradient @ gradient)
    for _ in range(4 * n_relations):
        if norm < 1e-22 * len(vector):
            break
        image = forward(direction)
        step = norm / float(image @ image)
        residual -= step * image
        gradient = back(residual)
        norm, before = float(gradient @ gradient), norm
        direction = gradient + (norm / before) * direction
    return residual
