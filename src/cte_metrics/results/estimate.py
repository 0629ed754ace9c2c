"""The small parts that results are made of: intervals and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval that unpacks as ``low, high``.

    Parameters
    ----------
    low, high : float
        The limits; nan where they are not defined.
    level : float
        Confidence level between 0 and 1.

    Examples
    --------
    >>> low, high = Interval(0.5, 0.9, 0.95)
    >>> low, high
    (0.5, 0.9)
    >>> 0.7 in Interval(0.5, 0.9, 0.95)
    True
    """

    low: float
    high: float
    level: float = 0.95

    def __iter__(self) -> Iterator[float]:
        """Yield the lower, then the upper limit."""
        yield self.low
        yield self.high

    def __contains__(self, value: float) -> bool:
        """Return whether a value lies between the limits, ends included."""
        return self.low <= value <= self.high

    def __len__(self) -> int:
        """Return 2, the number of limits."""
        return 2

    def __getitem__(self, position: int) -> float:
        """Return the lower (0) or upper (1) limit."""
        return (self.low, self.high)[position]

    @property
    def width(self) -> float:
        """Upper minus lower limit."""
        return self.high - self.low

    def __str__(self) -> str:
        """Return e.g. ``95% [0.50, 0.90]``, for people; the fields are never rounded."""
        return f"{100 * self.level:g}% [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result came from.

    Parameters
    ----------
    method : str
        The procedure in words.
    n_used, n_dropped : int
        Respondents (or rows) behind the figures, and those left out.
    settings : mapping
        The options in force, defaults included.
    reference : str
        The publication that defines the method.
    """

    method: str
    n_used: int
    n_dropped: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling and copying, which a mapping proxy alone would refuse."""
        return _restore, (
            self.method, self.n_used, self.n_dropped, dict(self.settings), self.reference
        )  # fmt: skip


def _restore(
    method: str, n_used: int, n_dropped: int, settings: dict[str, Any], reference: str
) -> Provenance:
    return Provenance(
        method=method, n_used=n_used, n_dropped=n_dropped, settings=settings, reference=reference
    )


def read_only(array: npt.ArrayLike) -> np.ndarray:
    """Return an array that refuses to be written to (a copy unless already read-only).

    Examples
    --------
    >>> read_only([1.0, 2.0]).flags.writeable
    False
    """
    out = np.asarray(array)
    if out.flags.writeable:
        out = out.copy()
        out.flags.writeable = False
    return out
