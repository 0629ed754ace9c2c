"""Results that are one number. Class: ``Coefficient``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.results import Result


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Coefficient(Result):
    """A result whose one figure is ``estimate``; ``float(result)`` and comparisons use it."""

    @property
    def estimate(self) -> float:
        """The coefficient."""
        raise NotImplementedError

    def __float__(self) -> float:
        """Return the coefficient."""
        return float(self.estimate)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the coefficient as an array without dimensions."""
        return np.asarray(self.estimate, dtype=dtype)

    def __sub__(self, other: Any) -> Any:
        return float(self) - other

    def __rsub__(self, other: Any) -> Any:
        return other - float(self)

    def __lt__(self, other: Any) -> Any:
        return float(self) < other

    def __le__(self, other: Any) -> Any:
        return float(self) <= other

    def __gt__(self, other: Any) -> Any:
        return float(self) > other

    def __ge__(self, other: Any) -> Any:
        return float(self) >= other
