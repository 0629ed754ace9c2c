"""What the caller of a fit asked for about the model.

Classes: ``Request``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cte_metrics.sem.model.moments import Array

ModelType = Literal["sem", "cfa", "growth"]
OnFailure = Literal["raise", "warn", "return"]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What the caller asked for about the model."""

    text: str
    model_type: ModelType
    identification: str
    orthogonal: bool
    meanstructure: bool | None
    fixed_x: bool
    group_equal: tuple[str, ...]
    group_partial: tuple[str, ...]
    parameterization: str
    ordered: bool | tuple[str, ...]
    rotation: str
    on_failure: OnFailure
    bounds: str = "none"
    start: Array | None = None
