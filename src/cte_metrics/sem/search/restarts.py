"""Scattered starts for fits that find no minimum from the usual ones.

Half the factors, drawn at random, get random loadings and small variances of either sign (seeds are
fixed, so that a fit repeats itself): where data and model disagree, the only minima may be
improper, and an improper minimum is better than none.

Functions: ``scattered_starts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.sem.model.design import MATRICES, BlockDesign, ModelDesign, block_matrices
from cte_metrics.sem.model.moments import Moments
from cte_metrics.sem.search.start import starting_values
from cte_metrics.sem.table.table import ParameterTable

SMALL_VARIANCE = 0.05
_KIND = {name: number for number, name in enumerate(MATRICES)}


def scattered_starts(
    table: ParameterTable, design: ModelDesign, moments: Sequence[Moments], count: int
) -> Iterator[Array]:
    """Yield ``count`` starting vectors (n_free,); values given with ``start()`` are kept."""
    usual = starting_values(table, design, moments)
    free = np.flatnonzero(table.free)
    given = table.free[free[table.has_start[free]]] - 1
    for seed in range(count):
        rng = np.random.default_rng(seed)
        theta = usual.copy()
        for block, sample in zip(design.blocks, moments, strict=True):
            theta[block.free] = _scatter(block, design.flat, sample, theta[block.free], rng)
        theta[given] = usual[given]
        yield theta


def _scatter(
    block: BlockDesign, flat: Array, sample: Moments, values: Array, rng: np.random.Generator
) -> Array:
    fixed = block_matrices(block, flat)
    sd = np.sqrt(np.maximum(sample.cov.diagonal(), 1e-8))
    anchor = _anchor_scale(fixed.lambda_, sd)
    out = values.copy()
    drawn = rng.random(block.n_latent) < 0.5
    loading = block.matrix == _KIND["lambda"]
    loading[loading] = drawn[block.column[loading]]
    row, column = block.row[loading], block.column[loading]
    out[loading] = rng.normal(size=len(row)) * sd[row] / anchor[column]
    latent = (block.matrix == _KIND["psi"]) & (block.row == block.column)
    proper = np.array([v not in block.observed for v in block.latent], dtype=bool)
    latent[latent] = (proper & drawn)[block.row[latent]]
    signs = rng.choice([1.0, -1.0], size=int(latent.sum()))
    out[latent] = signs * SMALL_VARIANCE * anchor[block.row[latent]] ** 2
    return out


def _anchor_scale(loadings: Array, sd: Array) -> Array:
    """Scale of each factor: that of its fixed indicator, else 1 (m,)."""
    scale = np.ones(loadings.shape[1])
    for j, column in enumerate(loadings.T):
        fixed = np.flatnonzero(column)
        if fixed.size:
            scale[j] = sd[fixed[0]] / abs(column[fixed[0]])
    return scale
