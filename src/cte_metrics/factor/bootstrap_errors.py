"""Standard errors of a factor solution from resampled respondents or schools.

Functions: ``standard_errors_of, bootstrap_errors``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.core.randomness import Seed, generator
from cte_metrics.errors import CTEError, EstimationError, InputError, one_of
from cte_metrics.factor.loading_errors import LoadingErrors, loading_errors
from cte_metrics.factor.matrices.resampled import correlation_stacks, known_rows
from cte_metrics.factor.solution import Solution
from cte_metrics.kernels.factor import rotation as rotating
from cte_metrics.kernels.factor.extraction import extract
from cte_metrics.results.provenance import Provenance

ErrorMethod = Literal["asymptotic", "bootstrap"]

_FEW_SCHOOLS = 30
_LOWEST_ROOT = 1e-9


def standard_errors_of(
    solution: Solution, method: ErrorMethod, *, n_resamples: int, rng: Seed
) -> LoadingErrors:
    """Standard errors by the delta method or from resamples."""
    one_of(method, ErrorMethod, "method")
    if method == "asymptotic":
        return loading_errors(solution)
    return bootstrap_errors(solution, n_resamples=n_resamples, rng=generator(rng))


def bootstrap_errors(
    solution: Solution, *, n_resamples: int, rng: np.random.Generator
) -> LoadingErrors:
    """Standard deviations of loadings and factor correlations over resamples.

    Raises
    ------
    InputError
        If there are no answers, correlations are not Pearson's, or resamples are fewer than 2.
    EstimationError
        If fewer than two resamples have a solution.
    """
    import pandas as pd

    _refuse(solution, n_resamples)
    values, codes = known_rows(solution)
    stacks = correlation_stacks(solution, n_resamples, rng)
    solved = (_again(solution, r) for stack in stacks for r in stack)
    found = [figures for figures in solved if figures is not None]
    lost = n_resamples - len(found)
    if len(found) < 2:
        raise EstimationError(f"Only {len(found)} of {n_resamples} resamples have a solution.")
    p, k = solution.loadings.shape
    spread = np.stack(found).std(axis=0, ddof=1)
    se, phi_se = spread[: p * k].reshape(p, k), spread[p * k :].reshape(k, k)
    items, factors = list(solution.items), list(solution.factors)
    drawn = f"{len(values)} respondents" if codes is None else f"{codes.max() + 1} schools"
    return LoadingErrors(
        loadings=pd.DataFrame(se, items, factors),
        factor_correlations=pd.DataFrame(phi_se, factors, factors),
        estimates=pd.DataFrame(solution.loadings, items, factors),
        provenance=Provenance(
            method=f"Bootstrap standard errors, {solution.method}, of resamples of {drawn}",
            n_used=len(values),
            settings={
                "method": solution.method,
                "rotation": solution.rotation,
                "n_resamples": n_resamples,
            },
            reference="Efron & Tibshirani (1993), An Introduction to the Bootstrap.",
        ),
        notes=tuple(_notes(solution, se, codes, lost, n_resamples)),
    )


def _refuse(solution: Solution, n_resamples: int) -> None:
    if n_resamples < 2:
        raise InputError(f"n_resamples={n_resamples}; a bootstrap needs at least 2.")
    if solution.values is None:
        raise InputError("A bootstrap resamples answers; the solution came from a matrix.")
    if solution.correlation != "pearson":
        raise InputError(
            f"The bootstrap resamples Pearson correlations; these are {solution.correlation}.",
            hint="Use standard_errors('asymptotic').",
        )


def _again(solution: Solution, r: Array) -> Array | None:
    """Loadings and Phi of a resample in the order and signs of the solution; none if lost."""
    if solution.method != "pc" and np.linalg.eigvalsh(r)[0] <= _LOWEST_ROOT:
        return None
    options = {"n_starts": 2} | dict(solution.rotation_options)
    found = extract(r, len(solution.factors), solution.method, thorough=False)
    turned = rotating.rotate(
        found.loadings,
        solution.rotation,
        kaiser=solution.kaiser,
        **options,
    )
    if not (found.converged and turned.converged):
        return None
    order, signs = rotating.matching_columns(solution.loadings, turned.loadings)
    phi = turned.phi[np.ix_(order, order)] * np.outer(signs, signs)
    return np.concatenate([(turned.loadings[:, order] * signs).ravel(), phi.ravel()])


def _notes(
    solution: Solution, se: Array, codes: Integers | None, lost: int, n_resamples: int
) -> list[str]:
    notes = []
    if lost:
        notes.append(f"{lost} of {n_resamples} resamples had no solution and were left out.")
    if codes is None:
        return notes
    try:
        usual = loading_errors(solution).loadings.to_numpy()
    except CTEError:
        ratio = ""
    else:
        ratio = f", {np.mean(se / usual):.2f} times those for independent respondents on average"
    n = int(codes.max()) + 1
    notes.append(f"Whole schools were drawn ({n}): standard errors allow for them{ratio}.")
    if n < _FEW_SCHOOLS:
        notes.append(f"{n} schools are few for a bootstrap; its errors tend to be too small.")
    return notes
