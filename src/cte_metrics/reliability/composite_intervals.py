"""Intervals of the reliability of composites, from the errors of a model's estimates.

A coefficient f of the model's parameters theta with estimates of covariance matrix V has

    delta         se = sqrt(g'Vg) with the gradient g of f, found by central differences
    monte_carlo   percentiles of f at draws of theta from the normal distribution (theta, V)

Function: ``composite_intervals``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import generator
from cte_metrics.errors import InputError, check_confidence, one_of
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.numerics.resampling import percentile_interval
from cte_metrics.reliability.composite import checked_solution, figure_rows
from cte_metrics.reliability.resampled import cut_at_one
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.semfit import SEMFit

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.inference.solution import Solution

CompositeInterval = Literal["delta", "monte_carlo"]
_STEP = 1e-5
_NO_ESTIMATE = ("puc",)


def composite_intervals(
    fit: SEMFit,
    *,
    interval: CompositeInterval = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compute the reliability of every composite with intervals, a row a coefficient.

    Parameters
    ----------
    fit : SEMFit
        A confirmatory factor model with standard errors.
    interval : {"delta", "monte_carlo"}
        Delta method, or percentiles of coefficients at parameters that are drawn from the normal
        distribution of the estimates, which follows the skewness of coefficients near 1.
    n_resamples, rng
        Draws of the Monte Carlo method, and their seed.
    confidence : float

    Returns
    -------
    DataFrame
        Index: as in :func:`composite_reliability`, then ``coefficient``; columns ``estimate, se,
        ci_low, ci_high``. ``attrs`` holds ``n``, ``interval``, ``confidence`` and ``notes``.

    Raises
    ------
    InputError
        If the fit has no standard errors, or no factor of two items.

    Notes
    -----
    Coefficients are those of ``composite_reliability(fit, observed_variance=False)``: functions of
    the model's parameters alone, divided by the variances that the model implies. A robust
    estimator (``MLR``, ``WLSMV``) gives robust intervals. An interval that reaches above 1 is cut
    there and a note says so. Alpha of ordinal items and ``puc`` have none here: they do not depend
    on the parameters.

    References
    ----------
    Raykov, T. (2002). Analytic estimation of standard error and confidence interval for scale
    reliability. Multivariate Behavioral Research, 37, 89-103. Preacher, K. J. & Selig, J. P.
    (2012). Communication Methods and Measures, 6, 77-98.

    Examples
    --------
    >>> import numpy as np
    >>> from cte_metrics import sem
    >>> cov = np.ones((3, 3)) + np.diag([1.0, 2.0, 3.0])
    >>> fit = sem.cfa("f =~ item_1 + item_2 + item_3", sample_cov=cov, n_obs=200)
    >>> composite_intervals(fit).loc[("f", "omega")].round(3).tolist()
    [0.6, 0.049, 0.505, 0.695]
    """
    one_of(interval, CompositeInterval, "interval")
    level = check_confidence(confidence)
    solution = checked_solution(fit, "composite_intervals")
    vcov = solution.vcov
    if vcov is None:
        raise InputError(
            "The fit has no standard errors, so its reliabilities have no intervals.",
            hint="Fit it with se='standard' or a robust estimator, and see whether it is "
            "identified.",
        )
    estimate, index = _table(solution)
    if interval == "delta":
        se, low, high = _delta(solution, vcov, estimate, level)
    else:
        draws = _draws(solution, vcov, n_resamples, generator(rng))
        replicates = np.array([_at(solution, theta) for theta in draws])
        se = replicates.std(axis=0, ddof=1)
        low, high = np.array([percentile_interval(c, level) for c in replicates.T]).T
    low, high, cut = cut_at_one(low, high)
    import pandas as pd

    columns = {"estimate": estimate, "se": se, "ci_low": low, "ci_high": high}
    table = pd.DataFrame(columns, index=index)
    constant = ~(se > 1e-12)
    table.loc[constant, ["se", "ci_low", "ci_high"]] = np.nan
    notes = (*fit.notes, *cut)
    n = fit.provenance.n_used
    table.attrs = {"n": n, "interval": interval, "confidence": level, "notes": notes}
    return table[table["estimate"].notna()]


def _table(solution: Solution) -> tuple[Array, pd.Index]:
    """Return every coefficient of every composite, flat, with its index."""
    import pandas as pd

    rows, labels = figure_rows(solution, observed=False)
    columns = [c for c in dict.fromkeys(c for row in rows for c in row) if c not in _NO_ESTIMATE]
    flat = [row.get(c, np.nan) for row in rows for c in columns]
    tuples = [(*_parts(label), c) for label in labels for c in columns]
    return np.array(flat), pd.MultiIndex.from_tuples(tuples, names=[*labels.names, "coefficient"])


def _parts(label: Any) -> tuple[Any, ...]:
    return label if isinstance(label, tuple) else (label,)


def _at(solution: Solution, theta: Array) -> Array:
    """Return the coefficients at other parameters."""
    moved = replace(solution, theta=theta, states=evaluate(solution.design, theta))
    with np.errstate(invalid="ignore", divide="ignore"):
        return _table(moved)[0]


def _delta(
    solution: Solution, vcov: Array, estimate: Array, level: float
) -> tuple[Array, Array, Array]:
    theta = solution.theta
    gradient = np.empty((len(estimate), len(theta)))
    for j, size in enumerate(_STEP * np.maximum(1.0, np.abs(theta))):
        step = np.zeros(len(theta))
        step[j] = size
        gradient[:, j] = (_at(solution, theta + step) - _at(solution, theta - step)) / (2 * size)
    se = np.sqrt(np.maximum(np.einsum("fi,ij,fj->f", gradient, vcov, gradient), 0.0))
    half = float(normal_quantile(0.5 + level / 2)) * se
    return se, estimate - half, estimate + half


def _draws(solution: Solution, vcov: Array, count: int, rng: np.random.Generator) -> Array:
    if count < 2:
        raise InputError(f"n_resamples={count}; at least 2 draws are needed.")
    values, vectors = np.linalg.eigh(vcov)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(solution.theta + rng.normal(size=(count, len(values))) @ root.T)
