"""Correlation matrices of resampled answers: respondents, or whole schools where these are known.

Functions: ``correlation_stacks, known_rows``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.factor.matrices.levels import Level
from cte_metrics.kernels.groups.nesting import school_bootstrap
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances


class Answers(Protocol):
    """What both a correlation input and a solution know."""

    @property
    def values(self) -> Array | None:
        """Answers (n, k)."""

    @property
    def schools(self) -> Integers | None:
        """School of each row, -1 where unknown."""

    @property
    def level(self) -> Level:
        """What the correlations are of."""


def known_rows(answers: Answers) -> tuple[Array, Integers | None]:
    """Return the complete rows, and their schools numbered anew where these are known."""
    assert answers.values is not None  # callers refuse a matrix
    whole = ~np.isnan(answers.values).any(axis=1)
    if answers.schools is None:
        return answers.values[whole], None
    whole &= answers.schools >= 0
    codes = np.unique(answers.schools[whole], return_inverse=True)[1]
    return answers.values[whole], np.asarray(codes, dtype=np.int64)


def correlation_stacks(
    answers: Answers, n_resamples: int, rng: np.random.Generator
) -> Iterator[Array]:
    """Yield stacks (b, k, k) of correlation matrices of the answers' level.

    Resamples in which a variance is not positive are left out.
    """
    values, codes = known_rows(answers)
    if codes is None or answers.level == "total":
        stacks = bootstrap_covariances(values, n_resamples, rng, clusters=codes)
    else:
        stacks = school_bootstrap(values, codes, n_resamples, rng, level=answers.level)
    for stack in stacks:
        variance = np.diagonal(stack, axis1=1, axis2=2)
        usable = (variance > 0.0).all(axis=1)
        scale = np.sqrt(variance[usable])
        yield np.asarray(stack[usable] / (scale[:, :, None] * scale[:, None, :]))
