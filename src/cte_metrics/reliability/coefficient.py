"""Results that are one number, and the intervals of functions of a covariance matrix.

Functions: ``matrix_interval``. Classes: ``Coefficient``, ``MatrixInterval``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import generator
from cte_metrics.errors import InputError, one_of
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances, percentile_interval
from cte_metrics.kernels.reliability.guttman import delta_error, numeric_gradient
from cte_metrics.reliability.source import Matrix, Source
from cte_metrics.results import Interval, Result

IntervalMethod = Literal["delta", "bootstrap"]
StackFunction = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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


@dataclass(frozen=True, slots=True)
class MatrixInterval:
    """Standard errors and limits of m figures of a matrix, (m,) each, with notes."""

    se: Array
    low: Array
    high: Array
    level: float
    notes: tuple[str, ...]

    def interval(self, position: int = 0) -> Interval:
        """Return one figure's interval."""
        return Interval(float(self.low[position]), float(self.high[position]), self.level)


def matrix_interval(
    source: Source,
    figures: StackFunction,
    *,
    method: IntervalMethod,
    level: float,
    kind: Matrix = "covariance",
    gradient: Array | None = None,
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> MatrixInterval:
    """Return intervals of figures that are functions of the covariance or correlation matrix.

    Parameters
    ----------
    source : Source
    figures : callable
        Stack of matrices (b, k, k) of the given ``kind`` to figures (b, m).
    method : {"delta", "bootstrap"}
        Delta method under normality, or percentiles of resampled complete rows.
    level : float
    kind : {"covariance", "correlation"}
    gradient : ndarray (m, k, k), optional
        M with df = tr(M dC) in the covariances; found by differences otherwise.
    n_resamples, rng
        Of the bootstrap.
    """
    one_of(method, ("delta", "bootstrap"), "interval")

    def of_covariances(stack: Array) -> Array:
        return figures(correlations(stack) if kind == "correlation" else stack)

    estimate = of_covariances(source.covariance[None])[0]
    if method == "bootstrap":
        return _bootstrap(source, of_covariances, level, n_resamples, rng)
    if not source.n:
        nan = np.full(len(estimate), np.nan)
        return MatrixInterval(nan, nan, nan, level, ())
    if gradient is None:
        gradient = numeric_gradient(of_covariances, source.covariance)
    se = delta_error(gradient, source.covariance, source.n)
    half = float(normal_quantile(0.5 + level / 2)) * se
    return MatrixInterval(se, estimate - half, estimate + half, level, ())


def correlations(stack: Array) -> Array:
    """Scale covariance matrices (b, k, k) to unit diagonal."""
    sd = np.sqrt(np.einsum("bii->bi", stack))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(stack / (sd[:, :, None] * sd[:, None, :]))


def _bootstrap(
    source: Source,
    figures: StackFunction,
    level: float,
    n_resamples: int,
    rng: np.random.Generator | int | None,
) -> MatrixInterval:
    if n_resamples < 2:
        raise InputError(f"n_resamples={n_resamples}; a bootstrap needs at least 2.")
    answers = source.complete_answers("A bootstrap interval")
    draws = generator(rng)
    parts = [
        _where_definite(figures, stack)
        for stack in bootstrap_covariances(answers, n_resamples, draws)
    ]
    replicates = np.concatenate(parts)
    lost = int((~np.isfinite(replicates)).any(axis=1).sum())
    notes = (
        (f"{lost} of {n_resamples} resamples had no solution and were left out.",) if lost else ()
    )
    limits = np.array([percentile_interval(column, level) for column in replicates.T])
    finite = replicates[np.isfinite(replicates).all(axis=1)]
    se = finite.std(axis=0, ddof=1) if len(finite) > 1 else np.full(replicates.shape[1], np.nan)
    return MatrixInterval(se, limits[:, 0], limits[:, 1], level, (*notes, *source.resampled()))


def _where_definite(figures: StackFunction, stack: Array) -> Array:
    """Figures of positive definite matrices; nan for the others."""
    values = np.linalg.eigvalsh(stack)
    proper = values[:, 0] > 1e-10 * values[:, -1]
    some = figures(stack[proper]) if proper.any() else np.empty((0, 1))
    out = np.full((len(stack), some.shape[1]), np.nan)
    out[proper] = some
    return out
