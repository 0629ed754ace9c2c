"""The small parts that results are made of: intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


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
