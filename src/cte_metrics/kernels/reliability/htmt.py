"""Heterotrait-monotrait ratio of correlations between sets of items.

For sets i and j, with the mean m of correlations within and between them,

    HTMT_ij = m_ij / sqrt(m_ii m_jj)

with arithmetic means (Henseler, Ringle & Sarstedt 2015) or geometric means (HTMT2; Roemer,
Schuberth & Henseler 2021), which need positive, hence absolute, correlations.

Function: ``htmt_ratios``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array, Integers


def htmt_ratios(
    correlations: Array, sets: Sequence[Integers], *, geometric: bool, absolute: bool
) -> Array:
    """Ratios (..., f, f) of correlation matrices (..., k, k); nan if a set's own mean is negative.

    Examples
    --------
    >>> r = np.full((4, 4), 0.3)
    >>> r[:2, :2] = r[2:, 2:] = 0.6
    >>> sets = [np.array([0, 1]), np.array([2, 3])]
    >>> float(htmt_ratios(r, sets, geometric=False, absolute=True)[0, 1].round(6))
    0.5
    """
    values = np.abs(correlations) if absolute or geometric else correlations
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(values) if geometric else values
        means = _means(values, sets)
        means = np.exp(means) if geometric else means
        within = np.diagonal(means, axis1=-2, axis2=-1)
        scale = np.sqrt(within[..., :, None] * within[..., None, :])
        scale = np.where((within[..., :, None] < 0) | (within[..., None, :] < 0), np.nan, scale)
        return np.asarray(means / scale)


def _means(values: Array, sets: Sequence[Integers]) -> Array:
    """Mean of the entries between each two sets, an item with itself left out, (..., f, f)."""
    f = len(sets)
    out = np.empty((*values.shape[:-2], f, f))
    for i, first in enumerate(sets):
        for j, second in enumerate(sets):
            part = values[..., first[:, None], second]
            other = first[:, None] != second
            out[..., i, j] = part[..., other].mean(axis=-1) if other.any() else np.nan
    return out
