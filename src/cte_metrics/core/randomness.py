"""Seeds and generators: the only door for randomness.

Functions: ``generator``, ``watched``. Class: ``Opened``; type ``Seed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from cte_metrics.errors import InputError, InputTypeError

Seed = int | np.random.Generator | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A generator that was opened: by which seed, and its state then."""

    rng: Seed
    generator: np.random.Generator
    state: Mapping[str, Any]

    @property
    def used(self) -> bool:
        """Whether numbers have been drawn since."""
        return bool(self.generator.bit_generator.state != self.state)


_OPENED: ContextVar[tuple[list[Opened], ...]] = ContextVar("opened", default=())


@contextmanager
def watched() -> Iterator[list[Opened]]:
    """Collect the generators that are opened inside.

    Examples
    --------
    >>> with watched() as opened:
    ...     draw, idle = generator(1).random(), generator(2)
    >>> [(o.rng, o.used) for o in opened]
    [(1, True), (2, False)]
    """
    opened: list[Opened] = []
    token = _OPENED.set((*_OPENED.get(), opened))
    try:
        yield opened
    finally:
        _OPENED.reset(token)


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
        opened = np.random.default_rng(rng)
    except TypeError:
        raise InputTypeError(
            f"rng is a seed or a numpy.random.Generator; got {rng!r}.",
            hint="rng=1 gives the same draws each time.",
        ) from None
    except ValueError:
        raise InputError(f"rng={rng!r}; a seed is a whole number of 0 or more.") from None
    for watch in _OPENED.get():
        watch.append(Opened(rng, opened, opened.bit_generator.state))
    return opened
