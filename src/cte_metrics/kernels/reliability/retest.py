"""Agreement of two occasions: item by item, and within each respondent's profile of answers.

References
----------
Revelle, W. & Condon, D. M. (2019). Psychological Assessment, 31, 1395-1411.

Functions: ``pair_correlation, profile_agreement``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array


def pair_correlation(x: Array, y: Array) -> Array:
    """Correlation of each column of x with that of y over shared rows, (k,); nan where undefined.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0]])
    >>> pair_correlation(x, -x).tolist()
    [-1.0]
    """
    both = ~np.isnan(x) & ~np.isnan(y)
    n = np.maximum(both.sum(0), 1)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    x = np.where(both, x - x.sum(0) / n, 0.0)
    y = np.where(both, y - y.sum(0) / n, 0.0)
    scale = np.sqrt(np.square(x).sum(0) * np.square(y).sum(0))
    out = np.full(x.shape[1], np.nan)
    np.divide((x * y).sum(0), scale, out=out, where=scale > 1e-12 * n)
    return np.clip(out, -1.0, 1.0)


def profile_agreement(x: Array, y: Array) -> tuple[Array, Array]:
    """Within each row: correlation of the two profiles, and their mean squared difference, (n,)."""
    both = ~np.isnan(x) & ~np.isnan(y)
    answered = both.sum(1)
    distance = np.full(len(x), np.nan)
    square = np.where(both, np.square(np.where(both, x, 0.0) - np.where(both, y, 0.0)), 0.0)
    np.divide(square.sum(1), answered, out=distance, where=answered > 0)
    if x.shape[1] < 3:
        return np.full(len(x), np.nan), distance
    return pair_correlation(x.T, y.T), distance
