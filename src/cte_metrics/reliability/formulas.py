"""Two formulas that need no data.

Functions: ``spearman_brown, standard_error_of_measurement``.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from cte_metrics.arrays import Array
from cte_metrics.core.arguments import checked
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError


@overload
def spearman_brown(r: float, factor: float = 2.0) -> float: ...
@overload
def spearman_brown(r: ArrayLike, factor: ArrayLike = 2.0) -> float | Array: ...
@checked
def spearman_brown(r: ArrayLike, factor: ArrayLike = 2.0) -> float | Array:
    """Reliability of a test ``factor`` times as long.

    factor * r / (1 + (factor - 1) * r), assuming that the added items are parallel.

    Parameters
    ----------
    r : float or array
        Reliability of the present test, at most 1.
    factor : float or array
        New length divided by present length, above 0.

    Returns
    -------
    float or array

    Raises
    ------
    InputError
        If r is above 1, the factor is not positive, both together leave no positive variance, or
        two arrays do not fit together.

    References
    ----------
    Spearman (1910) and Brown (1910), British Journal of Psychology 3, 271-295 and 296-322.

    Examples
    --------
    >>> round(spearman_brown(0.6, 2), 6)
    0.75
    >>> round(spearman_brown(0.75, 0.5), 6)
    0.6
    """
    r, factor = _pair(r=r, factor=factor)
    if np.any(r > 1):
        raise InputError(f"r={float(np.nanmax(r))!r} is above 1; a reliability cannot be.")
    if np.any(factor <= 0):
        raise InputError(f"factor={float(np.nanmin(factor))!r}; a length factor is above 0.")
    bottom = 1 + (factor - 1) * r
    if np.any(bottom <= 0):
        raise InputError(
            "r is so negative that a test of the new length would have no positive variance.",
            hint="A negative reliability first calls for a look at the keying of the items.",
        )
    return _plain(factor * r / bottom)


@overload
def standard_error_of_measurement(sd: float, reliability: float) -> float: ...
@overload
def standard_error_of_measurement(sd: ArrayLike, reliability: ArrayLike) -> float | Array: ...
@checked
def standard_error_of_measurement(sd: ArrayLike, reliability: ArrayLike) -> float | Array:
    """Standard deviation of the errors of a score, sd * sqrt(1 - reliability).

    Parameters
    ----------
    sd : float or array
        Standard deviation of the score, 0 or more.
    reliability : float or array
        At most 1.

    Returns
    -------
    float or array
        In the units of the score.

    Raises
    ------
    InputError
        If sd is negative, the reliability above 1, or two arrays do not fit together.

    Examples
    --------
    >>> standard_error_of_measurement(10.0, 0.75)
    5.0
    """
    sd, reliability = _pair(sd=sd, reliability=reliability)
    if np.any(sd < 0):
        raise InputError(f"sd={float(np.nanmin(sd))!r}; a standard deviation is not negative.")
    if np.any(reliability > 1):
        raise InputError(
            f"reliability={float(np.nanmax(reliability))!r} is above 1; a reliability cannot be."
        )
    return _plain(sd * np.sqrt(1 - reliability))


def _pair(**given: ArrayLike) -> tuple[Array, Array]:
    """Two arguments as arrays that fit together, both finite or nan."""
    one, two = (numbers(value, name) for name, value in given.items())
    for name, value in zip(given, (one, two), strict=True):
        if np.isinf(value).any():
            raise InputError(f"{name} is infinite.")
    try:
        np.broadcast_shapes(one.shape, two.shape)
    except ValueError:
        raise InputError(
            f"{' and '.join(given)} have shapes {one.shape} and {two.shape}.",
            hint="Give arrays of one shape, or one of the two as a number.",
        ) from None
    return one, two


def _plain(value: Array) -> float | Array:
    return float(value) if value.ndim == 0 else value
