"""Guttman's six lower bounds of reliability, and the greatest lower bound.

Functions: ``guttman_lambdas, greatest_lower_bound``. Classes: ``GuttmanLambdas``,
``GreatestLowerBound``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.reliability import greatest_lower_bound as barrier
from cte_metrics.kernels.reliability.guttman import guttman_bounds
from cte_metrics.kernels.reliability.split_half import split_coefficients
from cte_metrics.reliability.coefficient import Coefficient
from cte_metrics.reliability.resampled import IntervalMethod, Resampling, matrix_interval
from cte_metrics.reliability.source import (
    Matrix,
    Missing,
    Source,
    read_source,
    refuse_indefinite,
)
from cte_metrics.reliability.split_halves import Splits, search_splits
from cte_metrics.results import Interval, Provenance, Result, Status, recorded

if TYPE_CHECKING:
    import pandas as pd

_GUTTMAN = "Guttman, L. (1945). Psychometrika, 10, 255-282."
_JACKSON = "Jackson, P. H. & Agunwamba, C. C. (1977). Psychometrika, 42, 567-578."
_NAMES = ("lambda1", "lambda2", "lambda3", "lambda4", "lambda5", "lambda6")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GuttmanLambdas(Result):
    """Guttman's lambdas; each is a lower bound of reliability.

    Attributes
    ----------
    lambda1, lambda2, lambda3, lambda4, lambda5, lambda6 : float
        lambda3 is alpha (of the chosen matrix), lambda4 the best split half.
    lambda4_upper_bound : float
        What lambda4 is at most: itself where all splits were visited (up to 26 items).
    table : DataFrame
        Index lambda: ``estimate, se, ci_low, ci_high``.
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Guttman's lambdas"

    lambda1: float
    lambda2: float
    lambda3: float
    lambda4: float
    lambda4_upper_bound: float
    lambda5: float
    lambda6: float
    table: pd.DataFrame
    n_items: int
    n_respondents: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GreatestLowerBound(Coefficient):
    """The greatest lower bound of reliability.

    Attributes
    ----------
    glb : float
    ci : Interval
    se : float
    communalities : Series (k,)
        True-score variances of the items in the decomposition that attains the bound.
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Greatest lower bound"

    glb: float
    ci: Interval
    se: float
    communalities: pd.Series
    n_items: int
    n_respondents: int

    @property
    def estimate(self) -> float:
        """The bound."""
        return self.glb


@recorded
def guttman_lambdas(
    data: Any,
    *,
    matrix: Matrix = "correlation",
    missing: Missing = "listwise",
    splits: Splits = "all",
    interval: IntervalMethod = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[Hashable] | None = None,
    n_obs: int | None = None,
) -> GuttmanLambdas:
    """Compute Guttman's six lower bounds of reliability.

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
    matrix : {"correlation", "covariance"}
        Bounds for the sum of standardized items (default, as psych) or of the items themselves.
    missing : {"listwise", "pairwise"}
    splits : {"all", "psych"}
        The splits behind lambda4, as in :func:`split_half`, whose maximum it is.
    interval : {"delta", "bootstrap"}
        Normal-theory delta method, or percentiles of resampled respondents.
    n_resamples, rng
        Of the bootstrap.
    confidence : float
    items : sequence of labels, optional
    n_obs : int, optional

    Returns
    -------
    GuttmanLambdas

    Raises
    ------
    InputError
        If the matrix is not positive definite.

    Notes
    -----
    Equals ``psych::guttman`` (with an odd number of items under ``splits="psych"``). A maximum over
    splits and, less so, lambda 6 exploit chance in small samples: they may lie above the
    reliability although their population values do not.

    Examples
    --------
    Two items that correlate .5: lambda1 = 1 - 2/3, all others 2/3 (lambda6: 1 - 1.5/3).

    >>> import numpy as np
    >>> found = guttman_lambdas(np.array([[1.0, 0.5], [0.5, 1.0]]), n_obs=100)
    >>> [round(getattr(found, f"lambda{i}"), 4) for i in range(1, 7)]
    [0.3333, 0.6667, 0.6667, 0.6667, 0.6667, 0.5]
    """
    asked = Resampling.asked(
        interval=interval, n_resamples=n_resamples, rng=rng, confidence=confidence
    )
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Guttman's lambdas")
    chosen = refuse_indefinite(source, matrix)
    searched = search_splits(chosen, splits, resampled=asked.bootstrap)
    looked = searched.looked_at(interval)

    def figures(stack: Array) -> Array:
        b = guttman_bounds(stack)
        lambda4 = split_coefficients(stack, looked).max(axis=-1)
        return np.stack((b.lambda1, b.lambda2, b.lambda3, lambda4, b.lambda5, b.lambda6), axis=1)

    estimate = figures(chosen[None])[0]
    estimate[3] = searched.maximum
    limits = matrix_interval(source, figures, asked, kind=matrix)
    import pandas as pd

    columns = {"estimate": estimate, "se": limits.se, "ci_low": limits.low, "ci_high": limits.high}
    return GuttmanLambdas(
        lambda1=float(estimate[0]),
        lambda2=float(estimate[1]),
        lambda3=float(estimate[2]),
        lambda4=float(estimate[3]),
        lambda4_upper_bound=searched.bound,
        lambda5=float(estimate[4]),
        lambda6=float(estimate[5]),
        table=pd.DataFrame(columns, index=pd.Index(_NAMES, name="lambda")),
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=_provenance("Guttman's lambdas", source, matrix, asked.settings, _GUTTMAN),
        notes=(
            *source.notes,
            *source.alpha_by_rule(matrix),
            *searched.notes,
            *source.keying(),
            *limits.notes,
        ),
    )


@recorded
def greatest_lower_bound(
    data: Any,
    *,
    matrix: Matrix = "correlation",
    missing: Missing = "listwise",
    interval: IntervalMethod = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[Hashable] | None = None,
    n_obs: int | None = None,
) -> GreatestLowerBound:
    """Compute the greatest lower bound of reliability.

    Of all decompositions of the matrix into true and error parts that are both possible, the one
    with the largest error variance gives the smallest reliability; that is the bound.

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
    matrix : {"correlation", "covariance"}
        As in :func:`guttman_lambdas`.
    missing : {"listwise", "pairwise"}
    interval : {"delta", "bootstrap"}
        The delta method uses the multipliers of the program (envelope theorem).
    n_resamples, rng
        Of the bootstrap.
    confidence : float
    items : sequence of labels, optional
    n_obs : int, optional

    Returns
    -------
    GreatestLowerBound
        ``float(result)`` is the bound.

    Raises
    ------
    InputError
        If the matrix is not positive definite.

    Notes
    -----
    The semidefinite program of ``psych::glb.algebraic`` (not the factor-analytic ``glb.fa``),
    solved to about 1e-9. In samples below a thousand respondents it is biased upwards, the more so
    with many items; the notes say so.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(greatest_lower_bound(np.array([[1.0, 0.5], [0.5, 1.0]]), n_obs=2000)), 6)
    0.666667
    """
    asked = Resampling.asked(
        interval=interval, n_resamples=n_resamples, rng=rng, confidence=confidence
    )
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="The bound")
    found = barrier.greatest_lower_bound(refuse_indefinite(source, matrix))
    scale = np.sqrt(np.diagonal(source.covariance)) if matrix == "correlation" else None
    gradient = found.gradient if scale is None else _through_correlation(found.gradient, source)

    def figures(stack: Array) -> Array:
        return np.array([[barrier.greatest_lower_bound(m).bound] for m in stack])

    limits = matrix_interval(source, figures, asked, kind=matrix, gradient=gradient[None])
    import pandas as pd

    return GreatestLowerBound(
        glb=found.bound,
        ci=limits.interval(),
        se=float(limits.se[0]),
        communalities=pd.Series(
            found.communalities, index=pd.Index(source.items, name="item"), name="communality"
        ),
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=_provenance("Greatest lower bound", source, matrix, asked.settings, _JACKSON),
        status=Status.CONVERGED if found.converged else Status.MAX_ITER,
        notes=(*source.notes, *_bias(source), *source.keying(), *limits.notes),
    )


def _through_correlation(gradient: Array, source: Source) -> Array:
    """Chain rule from a figure of R to one of C: dr_ij depends on c_ij, c_ii and c_jj."""
    sd = np.sqrt(np.diagonal(source.covariance))
    r = source.covariance / np.outer(sd, sd)
    off = gradient - np.diag(np.diagonal(gradient))
    return np.asarray(off / np.outer(sd, sd) - np.diag((off * r).sum(1) / sd**2))


def _bias(source: Source) -> tuple[str, ...]:
    if source.n and source.n < 1000:
        return (
            f"With n = {source.n} the greatest lower bound exploits chance and tends to be too "
            "high.",
        )
    return ()


def _provenance(
    method: str, source: Source, matrix: str, settings: Mapping[str, Any], reference: str
) -> Provenance:
    return Provenance(
        method=f"{method} of the {matrix} matrix",
        n_used=source.n,
        n_dropped=source.n_dropped,
        settings={"matrix": matrix, **settings},
        reference=reference,
    )
