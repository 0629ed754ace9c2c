"""Intervals of reliability coefficients: by the delta method, or from resampled respondents.

Functions: ``matrix_interval, correlations, cut_at_one``. Classes: ``Resampling, Percentiles,
MatrixInterval``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import generator
from cte_metrics.errors import InputError, check_confidence, one_of
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances, percentile_interval
from cte_metrics.kernels.reliability.guttman import delta_error, numeric_gradient
from cte_metrics.reliability.source import Matrix, Source
from cte_metrics.results import Interval

IntervalMethod = Literal["delta", "bootstrap"]
StackFunction = Callable[[Array], Array]
_TOLD = 5e-4  # less above 1 is not seen in three decimals


@dataclass(frozen=True, slots=True)
class Resampling:
    """What a call asked of its interval: the method, and resamples and generator of a bootstrap.

    Created at the door of every coefficient by :meth:`asked`; read by `matrix_interval` and by the
    coefficients' own bootstraps.
    """

    method: str
    n_resamples: int
    rng: np.random.Generator
    level: float

    @classmethod
    def asked(
        cls,
        *,
        interval: str,
        n_resamples: int,
        rng: np.random.Generator | int | None,
        confidence: float,
        allowed: Any = IntervalMethod,
    ) -> Resampling:
        """Check the four keywords that coefficients with an interval share."""
        one_of(interval, allowed, "interval")
        level = check_confidence(confidence)
        if interval == "bootstrap" and n_resamples < 2:
            raise InputError(f"n_resamples={n_resamples}; a bootstrap needs at least 2.")
        return cls(interval, n_resamples, generator(rng), level)

    @property
    def bootstrap(self) -> bool:
        """Whether the interval comes from resamples."""
        return self.method == "bootstrap"

    @property
    def settings(self) -> dict[str, Any]:
        """What a result's provenance says of its interval."""
        own = {"interval": self.method, "confidence": self.level}
        return own | ({"n_resamples": self.n_resamples} if self.bootstrap else {})

    def percentiles(self, replicates: Array, what: str = "solution") -> Percentiles:
        """Limits of m figures from their replicates (b, m); those without ``what`` left out.

        Where more than half are left out the rest says little, and there are no limits.
        """
        lost = int((~np.isfinite(replicates)).any(axis=1).sum())
        limits = np.array([percentile_interval(column, self.level) for column in replicates.T])
        low, high = limits[:, 0], limits[:, 1]
        said = f"{lost} of {self.n_resamples} resamples had no {what}"
        if lost <= self.n_resamples / 2:
            return Percentiles(low, high, (f"{said} and were left out.",) if lost else ())
        none = f"{said}, so there is no bootstrap interval: too few respondents for these items."
        return Percentiles(np.full_like(low, np.nan), np.full_like(high, np.nan), (none,))


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Limits of m figures, (m,) each, and a note on resamples that gave none."""

    low: Array
    high: Array
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MatrixInterval:
    """Standard errors and limits of m figures of a matrix, (m,) each, with notes.

    Created by: ``cte_metrics.reliability.resampled.matrix_interval``.
    Consumed by: ``cte_metrics.reliability.guttman.guttman_lambdas``,
    ``cte_metrics.reliability.split_halves.split_half``,
    ``cte_metrics.reliability.stratified.stratified_alpha``,
    ``cte_metrics.reliability.hierarchical.hierarchical_omega``.
    """

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
    asked: Resampling,
    *,
    kind: Matrix = "covariance",
    gradient: Array | None = None,
    reliability: bool = True,
) -> MatrixInterval:
    """Return intervals of figures that are functions of the covariance or correlation matrix.

    Parameters
    ----------
    source : Source
    figures : callable
        Stack of matrices (b, k, k) of the given ``kind`` to figures (b, m).
    asked : Resampling
        Delta method under normality, or percentiles of resampled complete rows.
    kind : {"covariance", "correlation"}
    gradient : ndarray (m, k, k), optional
        M with df = tr(M dC) in the covariances; found by differences otherwise.
    reliability : bool
        The figures are reliabilities, whose intervals end at 1.
    """
    found = _uncut(source, figures, asked, kind, gradient)
    if not reliability:
        return found
    low, high, notes = cut_at_one(found.low, found.high)
    return replace(found, low=low, high=high, notes=(*found.notes, *notes))


def cut_at_one(low: Array, high: Array) -> tuple[Array, Array, tuple[str, ...]]:
    """Limits of reliabilities, none above 1, and a note if there was one.

    Examples
    --------
    >>> low, high, notes = cut_at_one(np.array([0.8, 0.7]), np.array([1.02, 0.9]))
    >>> high.tolist(), len(notes)
    ([1.0, 0.9], 1)
    """
    cut = np.minimum(low, 1.0), np.minimum(high, 1.0)
    above = np.asarray(high) > 1.0 + _TOLD
    if not above.any():
        return *cut, ()
    reached = float(np.asarray(high)[above].max())
    note = (
        "An interval was cut at 1, the most that a reliability can be: uncut it would reach "
        f"{reached:.3f}."
    )
    return *cut, (note,)


def _uncut(
    source: Source,
    figures: StackFunction,
    asked: Resampling,
    kind: Matrix,
    gradient: Array | None,
) -> MatrixInterval:

    def of_covariances(stack: Array) -> Array:
        return figures(correlations(stack) if kind == "correlation" else stack)

    if asked.bootstrap:
        return _bootstrap(source, of_covariances, asked)
    estimate = figures(source.matrix(kind)[None])[0]
    if not source.n:
        nan = np.full(len(estimate), np.nan)
        return MatrixInterval(nan, nan, nan, asked.level, ())
    if gradient is None:
        gradient = numeric_gradient(of_covariances, source.covariance)
    se = delta_error(gradient, source.covariance, source.n)
    half = float(normal_quantile(0.5 + asked.level / 2)) * se
    return MatrixInterval(se, estimate - half, estimate + half, asked.level, ())


def correlations(stack: Array) -> Array:
    """Scale covariance matrices (b, k, k) to unit diagonal."""
    sd = np.sqrt(np.einsum("bii->bi", stack))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(stack / (sd[:, :, None] * sd[:, None, :]))


def _bootstrap(source: Source, figures: StackFunction, asked: Resampling) -> MatrixInterval:
    answers = source.complete_answers("A bootstrap interval")
    stacks = bootstrap_covariances(answers, asked.n_resamples, asked.rng)
    replicates = np.concatenate([_where_definite(figures, stack) for stack in stacks])
    found = asked.percentiles(replicates)
    finite = replicates[np.isfinite(replicates).all(axis=1)]
    se = finite.std(axis=0, ddof=1) if len(finite) > 1 else np.full(replicates.shape[1], np.nan)
    notes = (*found.notes, *source.resampled())
    return MatrixInterval(se, found.low, found.high, asked.level, notes)


def _where_definite(figures: StackFunction, stack: Array) -> Array:
    """Figures of positive definite matrices; nan for the others."""
    values = np.linalg.eigvalsh(stack)
    proper = values[:, 0] > 1e-10 * values[:, -1]
    some = figures(stack[proper]) if proper.any() else np.empty((0, 1))
    out = np.full((len(stack), some.shape[1]), np.nan)
    out[proper] = some
    return out
