"""The arrays behind an exploratory factor solution: what its scores and standard errors read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.factor.matrices.levels import Level
from cte_metrics.kernels.factor.extraction import Method
from cte_metrics.kernels.factor.rotation import Method as RotationMethod
from cte_metrics.results.frozen import Frozen


@dataclass(frozen=True, slots=True, eq=False)
class Solution(Frozen):
    """The arrays behind an `EFA`: correlations, pattern, Phi, and how they were found.

    ``values`` are the answers, where there were any; ``mean`` and ``sd`` standardise new ones;
    ``schools`` numbers the school of each row, -1 where unknown.

    Created by: ``cte_metrics.factor.exploratory.efa``.
    Consumed by: ``cte_metrics.factor.efa_result.EFA``,
    ``cte_metrics.factor.loading_errors.loading_errors``,
    ``cte_metrics.factor.bootstrap_errors.bootstrap_errors``.
    """

    r: Array
    loadings: Array
    phi: Array
    items: tuple[str, ...]
    factors: tuple[str, ...]
    method: Method
    rotation: RotationMethod
    kaiser: bool
    rotation_options: Mapping[str, Any]
    n_obs: float | None
    bounded: Flags
    correlation: str
    missing: str
    values: Array | None = None
    mean: Array | None = None
    sd: Array | None = None
    schools: Integers | None = None
    level: Level = "total"
