"""What each entry of a block's moment vector is.

Functions: ``moment_names``, ``ordinal_parts``, ``latent_matrix``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.sem.model.design import BlockDesign
from cte_metrics.sem.model.ordinal import layout

Name = tuple[object, ...]


class OrdinalParts(NamedTuple):
    """Pieces of the moment vector of a block with ordinal items.

    ``lead`` thresholds and minus the means of numeric items, item by item; ``slopes`` on
    covariates; ``variances`` of numeric items; ``pairs`` correlations below the diagonal.
    """

    lead: Array
    slopes: Array
    variances: Array
    pairs: Array


def ordinal_parts(design: BlockDesign, vector: Array) -> OrdinalParts:
    """Cut the moment vector of a block with ordinal items."""
    lay = layout(design)
    n_lead, n_numeric, n_pairs = len(lay.item), len(lay.numeric), len(lay.rows)
    n_slopes = len(vector) - n_lead - n_numeric - n_pairs
    cuts = np.cumsum([n_lead, n_slopes, n_numeric])
    return OrdinalParts(*np.split(vector, cuts))


def latent_matrix(design: BlockDesign, vector: Array) -> Array:
    """Covariances of latent responses (p, p): 1 for ordinal items; nan for covariates."""
    lay, parts = layout(design), ordinal_parts(design, vector)
    cov = np.eye(design.n_observed)
    cov[lay.numeric, lay.numeric] = parts.variances
    cov[lay.rows, lay.columns] = cov[lay.columns, lay.rows] = parts.pairs
    if design.covariates:
        given = list(design.covariates)
        cov[given] = np.nan
        cov[:, given] = np.nan
    return cov


def moment_names(design: BlockDesign) -> list[Name]:
    """Name every moment of a block, whatever the order of its variables.

    Examples
    --------
    >>> from cte_metrics.sem.model.design import build_design
    >>> from cte_metrics.sem.table.table import build_table
    >>> names = moment_names(build_design(build_table("x1 ~~ x2")).blocks[0])
    >>> [sorted(pair) for _, pair in names]
    [['x1'], ['x1', 'x2'], ['x2']]
    """
    v = design.observed
    if design.form == "ordinal":
        return _ordinal_names(design)
    i, j = vech_index(len(v))
    names: list[Name] = [("mean", name) for name in v] if design.has_means else []
    if design.form == "upper":
        owner = design.threshold_item.tolist()
        names = [("threshold", v[i], owner[: k + 1].count(i)) for k, i in enumerate(owner)]
    return names + [("cov", frozenset((v[a], v[b]))) for a, b in zip(i, j, strict=True)]


def _ordinal_names(design: BlockDesign) -> list[Name]:
    lay, v = layout(design), design.observed
    names: list[Name] = []
    count: dict[int, int] = {}
    for item in lay.item.tolist():
        count[item] = count.get(item, 0) + 1
        names.append(("threshold", v[item], count[item]))
    items = dict.fromkeys(lay.item.tolist())
    names += [("slope", v[i], v[x]) for x in design.covariates for i in items]
    names += [("variance", v[i]) for i in lay.numeric]
    pairs = zip(lay.rows, lay.columns, strict=True)
    return names + [("correlation", frozenset((v[a], v[b]))) for a, b in pairs]
