"""Arrays that refuse to be written to, for containers that travel.

An array is locked where the container that holds it is made, without a copy: whoever made it has
no more to write.

Functions: ``lock``. Class: ``locked_property``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def lock(*values: Any) -> None:
    """Make arrays read-only, also those in tuples, lists and dictionaries.

    Examples
    --------
    >>> theta = np.zeros(2)
    >>> lock(theta, {"rest": [theta]}, None)
    >>> theta.flags.writeable
    False
    """
    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        elif isinstance(value, tuple | list):
            lock(*value)
        elif isinstance(value, dict):
            lock(*value.values())


class locked_property(cached_property[T]):
    """A cached property whose arrays are locked when they have been computed.

    Examples
    --------
    >>> class Square:
    ...     @locked_property
    ...     def sides(self):
    ...         return np.ones(4)
    >>> Square().sides.flags.writeable
    False
    """

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """Compute, lock and keep the value."""
        value = super().__get__(instance, owner)
        lock(value)
        return value
