"""Seeds and generators: the only door for randomness.

Function: ``generator``; type ``Seed``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.errors import InputError, InputTypeError

Seed = int | np.random.Generator | None


def generator(rng: Seed) -> np.random.Generator:
    """Return the caller's generator, or a new one from a seed; global state is never touched.

    Raises
    ------
    InputTypeError
        If ``rng`` is neither a seed nor a generator.
    InputError
        If a seed is negative.

    Examples
    --------
    >>> bool(generator(1).random() == generator(1).random())
    True
    """
    try:
        return np.random.default_rng(rng)
    except TypeError:
        raise InputTypeError(
            f"rng is a seed or a numpy.random.Generator; got {rng!r}.",
            hint="rng=1 gives the same draws each time.",
        ) from None
    except ValueError:
        raise InputError(f"rng={rng!r}; a seed is a whole number of 0 or more.") from None
