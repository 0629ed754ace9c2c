"""The test of the model against the unrestricted one, plain and scaled.

With ``U = V - V D E D' V`` (V weights, D Jacobian, E inverse information) and Gamma the
distribution-free covariance of the sample moments, ``t1 = tr(U Gamma)``, ``t2 = tr((U
Gamma)^2)``:

================== ================================================= ===========
satorra.bentler    T / c,  c = t1 / df                               df
mean.var.adjusted  T / c,  c = t2 / t1                               t1^2 / t2
scaled.shifted     a T + b,  a = sqrt(df / t2),  b = df - a t1       df
yuan.bentler       T / c,  c = t1 / df, Gamma from scores            df
...mplus           c = [tr(A1^-1 B1) - tr(E B0)] / df                df
================== ================================================= ===========

(A1, B1 information and meat of the unrestricted model, B0 meat of the fitted one.)

References: Satorra & Bentler (1994). Asparouhov, T. & Muthen, B. (2010). Simple second order
chi-square correction. Yuan, K.-H. & Bentler, P. M. (2000). Three likelihood-based methods for
mean and covariance structure analysis with nonnormal missing data. Sociological Methodology, 30,
165-200.

Bollen, K. A. & Stine, R. A. (1992). Bootstrapping goodness-of-fit measures in structural equation
models. Sociological Methods & Research, 21, 205-229.

Classes: ``ScaledTest``. Functions: ``all_tests``, ``gamma_traces``, ``resampled_test``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.inference.solved import Solved
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.request.options import GAMMA_TESTS


@dataclass(frozen=True, slots=True)
class ScaledTest:
    """One test statistic.

    ``scaling`` divides the unscaled statistic, ``shift`` is added after that; ``trace`` is ``tr(U
    Gamma)`` and ``trace_squared`` ``tr((U Gamma)^2)``; ``scaling_h1`` and ``scaling_h0`` are the
    correction factors of the two log-likelihoods.

    Created by: ``cte_metrics.sem.inference.tests.all_tests``.
    Consumed by: ``cte_metrics.sem.fit.measures.fit_measures``,
    ``cte_metrics.sem.comparison.compare``.
    """

    name: str
    statistic: float
    df: float
    pvalue: float
    scaling: float = 1.0
    shift: float = 0.0
    trace: float = math.nan
    trace_squared: float = math.nan
    scaling_h1: float = math.nan
    scaling_h0: float = math.nan


def all_tests(solved: Solved) -> dict[str, ScaledTest]:
    """The standard test and the scaled one that the options name."""
    if solved.options.test == "none":
        return {}
    tests = {"standard": standard_test(solved)}
    if solved.options.scaled:
        tests[solved.options.test] = scaled_test(solved)
    return tests


def standard_test(solved: Solved) -> ScaledTest:
    """The unscaled test; without a reference distribution for ULS."""
    chisq, df = solved.chisq, solved.df
    if df < 0:
        return ScaledTest("standard", math.nan, df, math.nan)
    p = math.nan if df == 0 or solved.options.discrepancy == "ULS" else float(chi2_sf(chisq, df))
    return ScaledTest("standard", chisq, df, p)


def resampled_test(solved: Solved, replicates: Array) -> ScaledTest:
    """The unscaled statistic against those of resamples from the model (Bollen & Stine, 1992)."""
    finite = replicates[np.isfinite(replicates)]
    p = float((finite > solved.chisq).mean()) if len(finite) else math.nan
    return ScaledTest("bollen.stine", solved.chisq, solved.df, p)


def scaled_test(solved: Solved) -> ScaledTest:
    """The scaled test that the options name."""
    name, chisq, df = solved.options.test, solved.chisq, solved.df
    if df <= 0 or (solved.test_bread is None and solved.design.n_free):
        return ScaledTest(name, chisq if df == 0 else math.nan, df, math.nan, math.nan)
    if name not in GAMMA_TESTS:
        return _yuan_bentler(solved)
    second = name != "satorra.bentler"
    t1, t2 = gamma_traces(solved, second=second)
    if name == "satorra.bentler":
        return _divided(name, chisq, df, t1 / df, t1, t2)
    if name == "mean.var.adjusted":
        return _divided(name, chisq, t1**2 / t2, t2 / t1, t1, t2)
    a = np.sqrt(df / t2)
    shift = df - a * t1
    statistic = float(a * chisq + shift)
    p = float(chi2_sf(statistic, df))
    return ScaledTest(name, statistic, df, p, float(1.0 / a), float(shift), t1, t2)


def _divided(name: str, chisq: float, df: float, c: float, t1: float, t2: float) -> ScaledTest:
    c = c if c > 0 else math.nan
    statistic = chisq / c
    p = float(chi2_sf(statistic, df)) if np.isfinite(statistic) else math.nan
    return ScaledTest(name, statistic, df, p, c, 0.0, t1, t2)


def gamma_traces(solved: Solved, *, second: bool) -> tuple[float, float]:
    """``tr(U Gamma)`` and, when asked for, ``tr((U Gamma)^2)`` (else nan)."""
    bread = solved.test_bread
    if bread is None:
        bread = np.zeros((solved.design.n_free,) * 2)
    if solved.case_forms is not None and not second:
        total = solved.case_forms.gamma_trace([s.moments for s in solved.states])
        return float(total - np.vdot(bread, solved.kind_meat)), math.nan
    pairs = list(zip(solved.kind_weights, solved.estimator.gamma(), strict=True))
    products = [v @ gamma for v, gamma in pairs]
    meat = solved.kind_meat
    t1 = sum(float(np.trace(x)) for x in products) - float(np.vdot(bread, meat))
    if not second:
        return t1, math.nan
    cubic = [
        DenseWeight(share * (x @ x @ v))
        for x, (v, _), share in zip(products, pairs, solved.estimator.shares, strict=True)
    ]
    inner = bread @ meat
    t2 = sum(float(np.vdot(x.T, x)) for x in products)
    t2 += float(np.vdot(inner.T, inner)) - 2.0 * float(np.vdot(bread, solved.project(cubic)))
    return t1, t2


def _yuan_bentler(solved: Solved) -> ScaledTest:
    name, df = solved.options.test, solved.df
    structured = name == "yuan.bentler"
    estimator, bread = solved.estimator, solved.test_bread
    assert bread is not None  # checked by the caller
    kind: InformationKind = "observed" if solved.options.information == "observed" else "expected"
    h1, n_varying = _unrestricted_trace(estimator, kind)
    h0 = float(np.vdot(bread, solved.score_meat))
    trace = gamma_traces(solved, second=False)[0] if structured else h1 - h0
    scaling = trace / df if trace > 0 else math.nan
    statistic = solved.chisq / scaling
    p = float(chi2_sf(statistic, df)) if np.isfinite(statistic) else math.nan
    return ScaledTest(
        name,
        statistic,
        df,
        p,
        scaling,
        trace=trace,
        scaling_h1=h1 / n_varying,
        scaling_h0=h0 / max(solved.design.n_free, 1),
    )


def _unrestricted_trace(estimator: Estimator, kind: InformationKind) -> tuple[float, int]:
    """``tr(A1^-1 B1)`` of the unrestricted model and the number of its moments."""
    if estimator.case_forms is not None:
        return estimator.case_forms.saturated_trace()
    base = estimator.saturated().moments
    total, count = 0.0, 0
    meat = estimator.meat(base, structured=False)
    for weight, b in zip(estimator.at(base).weight(kind), meat, strict=True):
        trace, rank = _trace_of_ratio(weight.dense(), b.dense())
        total += trace
        count += rank
    return total, count


def _trace_of_ratio(a: Array, b: Array) -> tuple[float, int]:
    """``tr(A^-1 B)`` over the moments that vary, and their number."""
    keep = np.flatnonzero((a.diagonal() != 0.0) & (b.diagonal() > 0.0))
    ix = np.ix_(keep, keep)
    return float(np.trace(np.linalg.solve(a[ix], b[ix]))), len(keep)
