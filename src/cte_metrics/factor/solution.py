"""The arrays behind an exploratory factor solution: what its scores and standard errors read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cte_metrics.arrays import Array, Flags
from cte_metrics.kernels.factor.extraction import Method
from cte_metrics.results.frozen import Frozen


@dataclass(frozen=True, slots=True, eq=False)
class Solution(Frozen):
    """The arrays behind an `EFA`: correlations, pattern, Phi, and how they were found.

    ``values`` are the answers, where there were any; ``mean`` and ``sd`` standardise new ones.

    Created by: ``cte_metrics.factor.exploratory.efa``.
    Consumed by: ``cte_metrics.factor.efa_result.EFA``,
    ``cte_metrics.factor.loading_errors.loading_errors``.
    """

    r: Array
    loadings: Array
    phi: Array
    items: tuple[str, ...]
    factors: tuple[str, ...]
    method: Method
    rotation: str
    kaiser: bool
    rotation_options: Mapping[str, Any]
    n_obs: float | None
    bounded: Flags
    correlation: str
    missing: str
    values: Array | None = None
    mean: Array | None = None
    sd: Array | None = None
