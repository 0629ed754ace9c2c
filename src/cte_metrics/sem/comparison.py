"""Likelihood-ratio comparison of nested models, plain and scaled.

With T0, r0, c0 statistic, degrees of freedom and scaling factor of the restricted model, T1, r1, c1
of the other, ``m = r0 - r1``:

====================== ==============================================================
standard               ``T0 - T1`` on m
satorra_bentler_2001   ``(T0 - T1) / c``,  ``c = (r0 c0 - r1 c1) / m``
satorra_bentler_2010   the same with c1 taken from the larger model evaluated at the
                       estimates of the smaller one, so that c is positive
satorra_2000           ``a (T0 - T1) + b`` from the traces of ``U Gamma`` and its square
                       for the restriction itself
====================== ==============================================================

Where the likelihood is that of single cases or clusters (answers missing, two levels) there is no
Gamma of sample moments, and ``satorra_2000`` is ``(T0 - T1) / c`` with the restriction ``A theta =
0`` of the larger model's parameters, its information P and the mean product J of its casewise
scores::

    c = tr[P^-1 A' (A P^-1 A')^-1 A P^-1 J] / m

Functions: ``compare``.

References
----------
Satorra, A., & Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment
structure analysis. Psychometrika, 66, 507-514. Satorra, A., & Bentler, P. M. (2010). Ensuring
positiveness of the scaled difference chi-square test statistic. Psychometrika, 75, 243-248.
Satorra, A. (2000). Scaled and adjusted restricted tests in multi-sample analysis of moment
structures. In Innovations in multivariate statistical analysis, 233-247. Kluwer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.errors import DataWarning, EstimationError, InputError, one_of, warn
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import Solved, constrained_inverse
from cte_metrics.sem.inference.tests import scaled_test
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.model.moment_names import moment_names
from cte_metrics.sem.semfit import SEMFit

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["standard", "satorra_bentler_2001", "satorra_bentler_2010", "satorra_2000"]
_MEAN_SCALED = ("satorra.bentler", "yuan.bentler", "yuan.bentler.mplus")


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference test of two nested models: ``chisq``, ``df``, ``pvalue``."""

    chisq: float
    df: float
    pvalue: float


def compare(
    *fits: SEMFit, method: Method | None = None, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare nested models by chi-square differences.

    Parameters
    ----------
    *fits : SEMFit
        Two or more fits of the same data, in any order.
    method : str, optional
        ``standard``, ``satorra_bentler_2001``, ``satorra_bentler_2010`` or ``satorra_2000``. By
        default: ``standard`` without a scaled test; ``satorra_bentler_2001`` after MLM and MLR;
        ``satorra_2000`` after mean- and variance-adjusted tests (MLMV, WLSMV, ULSMV).
    names : sequence of str, optional
        One name a fit, in the order of the fits, for the index.

    Returns
    -------
    DataFrame
        One row a model, ordered by degrees of freedom: ``df, aic, bic, chisq, chisq_diff, df_diff,
        pvalue, method``. ``chisq`` is the unscaled statistic; ``aic`` and ``bic`` are missing
        without a likelihood. The index holds ``names``, or numbers the models as they were given,
        from 1.

    Raises
    ------
    InputError
        If the fits have other data, variables or estimators, only some have a scaled test, or
        ``names`` are not as many as the fits.

    Notes
    -----
    Equals ``lavaan::lavTestLRT``, but for ``satorra_2000`` with missing answers or two levels:
    lavaan 0.6-14 evaluates the restriction at two points there, and its figure depends on the order
    of the items; here it is that of the casewise scores. Models that cannot be nested draw a
    ``DataWarning``.
    """
    import pandas as pd

    solutions = [_solution(f) for f in fits]
    if len(solutions) < 2:
        raise InputError("A comparison needs two fits or more.", hint="compare(fit_a, fit_b)")
    index = _index(names, len(solutions))
    order = sorted(range(len(solutions)), key=lambda i: solutions[i].df)
    ordered = [solutions[i] for i in order]
    _check_alike(ordered)
    chosen = _method(ordered, method)
    rows = [_row(ordered[0], None, chosen)]
    for larger, smaller in itertools.pairwise(ordered):
        rows.append(_row(smaller, difference(larger, smaller, chosen), chosen))
    return pd.DataFrame(rows, index=pd.Index([index[i] for i in order], name="model"))


def _index(names: Sequence[str] | None, n_fits: int) -> list[str] | list[int]:
    if names is None:
        return list(range(1, n_fits + 1))
    if isinstance(names, str) or len(names) != n_fits:
        raise InputError(
            f"names={names!r} does not name {n_fits} fits.", hint="Give one name for each fit."
        )
    if len(set(names)) < n_fits:
        raise InputError(f"names={list(names)} repeats a name.")
    return [str(name) for name in names]


def _solution(fit: SEMFit) -> Solution:
    if not isinstance(fit, SEMFit):
        raise InputError(f"{type(fit).__name__} is not a fitted model.")
    return fit.solution


def _row(solution: Solution, test: Difference | None, method: str) -> dict[str, object]:
    aic, bic = information_criteria(solution)
    return {
        "df": solution.df,
        "aic": aic,
        "bic": bic,
        "chisq": solution.chisq,
        "chisq_diff": np.nan if test is None else test.chisq,
        "df_diff": np.nan if test is None else test.df,
        "pvalue": np.nan if test is None else test.pvalue,
        "method": "" if test is None else method,
    }


def information_criteria(solution: Solved) -> tuple[float, float]:
    """AIC and BIC of a fit; nan without a likelihood."""
    logl = solution.log_likelihood
    if logl is None:
        return np.nan, np.nan
    npar = solution.n_parameters
    n = solution.n_observations if isinstance(solution, Solution) else solution.estimator.n
    return 2.0 * (npar - logl), npar * np.log(n) - 2.0 * logl


def _check_alike(solutions: list[Solution]) -> None:
    first = solutions[0]
    for other in solutions[1:]:
        if set(other.table.ov_names) != set(first.table.ov_names):
            raise InputError(
                "The models are about different variables: "
                f"{', '.join(sorted(set(other.table.ov_names) ^ set(first.table.ov_names)))}.",
                hint="Models are nested only when they explain the same variables.",
            )
        if other.n_observations != first.n_observations:
            raise InputError(
                f"The fits rest on {first.n_observations:g} and {other.n_observations:g} "
                "respondents.",
                hint="Fit all models to the same rows.",
            )
        if other.options.discrepancy != first.options.discrepancy:
            raise InputError(
                f"The fits have different estimators: {first.options.asked} and "
                f"{other.options.asked}."
            )
        if other.table.options.meanstructure != first.table.options.meanstructure:
            raise InputError(
                "Some of the models have a mean structure and some have not.",
                hint="Fit all of them with meanstructure=True.",
            )


def _method(solutions: list[Solution], method: Method | None) -> Method:
    scaled = [s.options.scaled or s.df == 0 for s in solutions]
    any_scaled = any(s.options.scaled for s in solutions)
    if method is not None:
        one_of(method, Method, "method")
    if not any_scaled:
        if method in (None, "standard"):
            return "standard"
        raise InputError(
            f"method={method!r} needs fits with a scaled test; these have the standard one.",
            hint="Fit with estimator='MLR', 'MLM' or 'WLSMV', or leave method out.",
        )
    if not all(scaled):
        raise InputError("Some of the fits have a scaled test and some have not.")
    if method is not None:
        return method
    test = next(s.options.test for s in solutions if s.options.scaled)
    return "satorra_bentler_2001" if test in _MEAN_SCALED else "satorra_2000"


def difference(larger: Solution, smaller: Solution, method: Method) -> Difference:
    """Test the smaller model (more degrees of freedom) against the larger one."""
    gap, m = smaller.chisq - larger.chisq, smaller.df - larger.df
    _warn_unless_nested(gap, m)
    if m == 0:
        return Difference(gap, 0, np.nan)
    if method == "standard":
        return Difference(gap, m, float(chi2_sf(max(gap, 0.0), m)))
    if method == "satorra_2000":
        return _satorra_2000(larger, smaller, gap, m)
    c0 = scaling_factor(smaller)
    if method == "satorra_bentler_2001":
        c1, cause = scaling_factor(larger), ""
    else:
        c1, cause = _borrowed(larger, smaller)
    c = (smaller.df * c0 - larger.df * c1) / m
    if not c > 0:
        _warn_undefined(method, cause)
        return Difference(np.nan, m, np.nan)
    return Difference(gap / c, m, float(chi2_sf(max(gap / c, 0.0), m)))


def _warn_undefined(method: Method, cause: str) -> None:
    other = "satorra_bentler_2010" if method == "satorra_bentler_2001" else "satorra_2000"
    why = cause or "The scaling factor of the difference is not positive"
    warn(
        f"{why}, so the scaled difference is not defined; method={other!r} avoids that.",
        DataWarning,
    )


def _warn_unless_nested(gap: float, m: float) -> None:
    if m == 0:
        text = "Two of the models have the same degrees of freedom, so no test compares them."
    elif gap < -1e-5:
        text = (
            f"A restricted model fits better than a less restricted one (by {-gap:.4g}): either "
            "they are not nested, or the larger model missed its best solution."
        )
    else:
        return
    warn(text, DataWarning)


def scaling_factor(solution: Solved) -> float:
    """Scaling factor of the mean-scaled test; 1 without degrees of freedom."""
    if solution.df == 0:
        return 1.0
    if isinstance(solution, Solution):
        return float(solution.tests[solution.options.test].scaling)
    return float(scaled_test(solution).scaling)


def _borrowed(larger: Solution, smaller: Solution) -> tuple[float, str]:
    """Scaling factor of the larger model at the estimates of the smaller one; else nan and why."""
    if larger.df == 0:
        return 1.0, ""
    moved = _moved(larger, smaller)
    if moved.test_bread is not None:
        return float(scaled_test(moved).scaling), ""
    if constrained_inverse(moved.unit_information("expected"), moved.basis) is None:
        return np.nan, "The larger model is not identified at the moments of the smaller one"
    return np.nan, (
        "The observed information of the larger model is not positive definite at the estimates "
        "of the smaller one"
    )


def _at_smaller(larger: Solution, smaller: Solution) -> Array:
    """Parameters of the larger model at the smaller one's solution.

    They are matched by name, as lavaan does; where the larger model has others, those that
    reproduce the smaller one's moments are taken.
    """
    theta = _matched(larger, smaller)
    return _same_moments(larger, smaller) if theta is None else theta


def _moved(larger: Solution, smaller: Solution) -> Solved:
    """The larger model at the estimates of the smaller one."""
    theta = _at_smaller(larger, smaller)
    states = evaluate(larger.design, theta)
    return Solved(
        design=larger.design,
        estimator=larger.estimator,
        options=larger.options,
        theta=theta,
        basis=larger.basis,
        states=states,
        evaluation=larger.estimator.at([s.moments for s in states]),
        n_moments=larger.n_moments,
        n_parameters=larger.n_parameters,
    )


def _same_moments(larger: Solution, smaller: Solution, max_steps: int = 100) -> Array:
    """Parameters of the larger model that imply the smaller one's moments (Gauss-Newton)."""
    target = np.concatenate([s.vector for s in smaller.states])[_alignment(larger, smaller)]
    weight = linalg.block_diag(*larger.dense_weights)
    theta = larger.theta.copy()
    basis = np.eye(len(theta)) if larger.basis is None else larger.basis
    damping, states = 1e-8, evaluate(larger.design, theta)
    gap = target - np.concatenate([s.vector for s in states])
    for _ in range(max_steps):
        slopes = np.vstack([s.jacobian for s in states]) @ basis
        inner, right = slopes.T @ weight @ slopes, slopes.T @ weight @ gap
        step = basis @ np.linalg.lstsq(inner + damping * np.diag(np.diagonal(inner)), right)[0]
        moved = evaluate(larger.design, theta + step)
        new = target - np.concatenate([s.vector for s in moved])
        if new @ weight @ new > gap @ weight @ gap:
            damping = max(10.0 * damping, 1e-6)
            continue
        theta, states, gap, damping = theta + step, moved, new, damping / 10.0
        if np.max(np.abs(step)) < 1e-10:
            break
    return theta


def _matched(larger: Solution, smaller: Solution) -> Array | None:
    """Values of the smaller model by name; ``None`` unless it has every free parameter."""
    value = {
        (smaller.table.lhs[i], smaller.table.op[i], smaller.table.rhs[i], int(b)): v
        for i, (b, v) in enumerate(zip(smaller.table.block, smaller.values, strict=True))
    }
    theta, table = larger.theta.copy(), larger.table
    for i in np.flatnonzero(table.free):
        key = (table.lhs[i], table.op[i], table.rhs[i], int(table.block[i]))
        if key not in value:
            return None
        theta[table.free[i] - 1] = value[key]
    return theta


def _by_scores(solution: Solution) -> bool:
    """Whether the likelihood is that of single cases or clusters, without a Gamma of moments."""
    return solution.options.casewise and not solution.options.ordinal


def _satorra_2000(larger: Solution, smaller: Solution, gap: float, m: float) -> Difference:
    """Scaled test of the restriction itself; shifted too, where there is a Gamma."""
    t1, t2 = _restriction_traces(larger, smaller)
    if _by_scores(larger):
        return Difference(gap * m / t1, m, float(chi2_sf(max(gap * m / t1, 0.0), m)))
    a = np.sqrt(m / t2)
    chisq = float(gap * a + m - a * t1)
    return Difference(chisq, m, float(chi2_sf(max(chisq, 0.0), m)))


def _restriction_traces(larger: Solution, smaller: Solution) -> tuple[float, float]:
    """``tr(U Gamma)`` and ``tr((U Gamma)^2)`` of the restriction from larger to smaller model."""
    if larger.bread is None:
        raise EstimationError(
            "The larger model's information matrix is singular, so no restriction can be tested."
        )
    bread = larger.bread
    by_scores = _by_scores(larger)
    states = evaluate(larger.design, _at_smaller(larger, smaller)) if by_scores else larger.states
    restriction = _restriction(larger, smaller, states)
    inner = restriction @ bread @ restriction.T
    keep = np.abs(inner).sum(axis=0) > np.sqrt(np.finfo(float).eps)
    restriction = restriction[keep]
    inner = restriction @ bread @ restriction.T
    projector = bread @ restriction.T @ np.linalg.pinv(inner) @ restriction @ bread
    middle = projector @ (larger.score_meat if by_scores else larger.gamma_meat)
    return float(np.trace(middle)), float(np.vdot(middle.T, middle))


def _restriction(larger: Solution, smaller: Solution, states: Sequence[BlockState]) -> Array:
    """Jacobian (m, n_free) of the restriction, from the two models' moment Jacobians.

    That of the larger model is taken at ``states``; at the smaller one's moments it is exact.
    """
    wide = _stacked(larger, states)
    narrow = _stacked(smaller, smaller.states)[_alignment(larger, smaller)]
    slopes = np.linalg.pinv(wide) @ narrow
    complement = linalg.null_space(slopes.T, rcond=1e-8).T
    return complement if larger.basis is None else complement @ _dual(larger.basis)


def _alignment(larger: Solution, smaller: Solution) -> list[int]:
    """Place of each moment of the larger model among those of the smaller one."""
    wide, narrow = (
        [(b.number, *name) for b in s.design.blocks for name in moment_names(b)]
        for s in (larger, smaller)
    )
    place = {name: k for k, name in enumerate(narrow)}
    if place.keys() != set(wide):
        raise InputError("The models are about different moments and cannot be compared.")
    return [place[name] for name in wide]


def _dual(basis: Array) -> Array:
    """Map from all parameters to the free directions: the pseudo-inverse of the basis."""
    return np.asarray(np.linalg.pinv(basis))


def _stacked(solution: Solution, states: Sequence[BlockState]) -> Array:
    jacobian = np.vstack([s.jacobian for s in states])
    return jacobian if solution.basis is None else jacobian @ solution.basis
