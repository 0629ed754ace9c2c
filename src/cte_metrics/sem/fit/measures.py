"""Every fit measure of a fit, under lavaan's names with underscores.

Functions: ``fit_measures``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError
from cte_metrics.kernels.factor import fit_indices as index
from cte_metrics.kernels.numerics.vech import vech
from cte_metrics.sem.estimators.weights import quadratic
from cte_metrics.sem.fit.robust import Robust, mean_scaling
from cte_metrics.sem.fit.robust_gaps import corrected_robust
from cte_metrics.sem.fit.srmr import residual_measures
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.tests import ScaledTest, all_tests
from cte_metrics.sem.model.moments import Moments

ROBUST_NAMES = (
    "cfi_robust", "tli_robust", "nnfi_robust", "rni_robust", "rmsea_robust",
    "rmsea_ci_lower_robust", "rmsea_ci_upper_robust", "rmsea_pvalue_robust",
    "rmsea_notclose_pvalue_robust",
)  # fmt: skip
ROBUST_TESTS = ("satorra.bentler", "yuan.bentler.mplus", "yuan.bentler", "scaled.shifted")


def fit_measures(
    solution: Solution, *, rmsea_level: float = 0.9, close: float = 0.05, not_close: float = 0.08
) -> dict[str, float]:
    """Compute the complete set.

    Parameters
    ----------
    rmsea_level : float
        Confidence level of RMSEA's interval.
    close, not_close : float
        RMSEA under the hypotheses of close and of not close fit.
    """
    tests = solution.tests
    if "standard" not in tests:
        return {"npar": solution.n_parameters, "ntotal": solution.n_observations}
    scaled = tests.get(solution.options.test) if solution.options.scaled else None
    standard = tests["standard"]
    base = solution.baseline
    base_tests = {} if base is None else all_tests(base)
    robust = _robust(solution, standard, scaled, base_tests)
    out = _chisq(solution, standard, scaled)
    out |= _incremental(standard, scaled, base_tests, solution, robust)
    out |= _information(solution, scaled)
    if not (0 <= close <= 1 and 0 <= not_close <= 1):
        raise InputError(
            f"close={close:g} and not_close={not_close:g} are values of RMSEA, 0 to 1."
        )
    out |= _rmsea(solution, standard, scaled, robust, (rmsea_level, close, not_close))
    if robust is None and scaled is not None and solution.options.ordinal:
        out |= dict.fromkeys(ROBUST_NAMES, math.nan)  # undefined for this model, as in lavaan
    out |= residual_measures(solution)
    out |= _other(solution, standard)
    return {name: v if isinstance(v, int) else float(v) for name, v in out.items()}


def _chisq(solution: Solution, standard: ScaledTest, scaled: ScaledTest | None) -> dict[str, float]:
    out: dict[str, float] = {
        "npar": solution.n_parameters,
        "fmin": _fmin(solution),
        "chisq": standard.statistic,
        "df": standard.df,
        "pvalue": standard.pvalue,
    }
    if scaled is not None:
        out |= {
            "chisq_scaled": scaled.statistic,
            "df_scaled": scaled.df,
            "pvalue_scaled": scaled.pvalue,
            "chisq_scaling_factor": scaled.scaling,
        }
        if scaled.name == "scaled.shifted":
            out["chisq_shift_parameter"] = scaled.shift
    if "bollen.stine" in solution.tests:
        out["pvalue_bollen_stine"] = solution.tests["bollen.stine"].pvalue
    return out


def _fmin(solution: Solution) -> float:
    """The minimum over the saturated model, with the objective's shares."""
    estimator = solution.estimator
    if len(estimator.groups) < len(solution.states):
        return solution.evaluation.value - estimator.constant
    saturated = estimator.saturated().by_group
    triples = zip(estimator.objective_shares, solution.evaluation.by_group, saturated, strict=True)
    return float(sum(s * (f - f0) for s, f, f0 in triples))


def _incremental(
    standard: ScaledTest,
    scaled: ScaledTest | None,
    base: dict[str, ScaledTest],
    solution: Solution,
    robust: Robust | None,
) -> dict[str, float]:
    null = base.get("standard", ScaledTest("standard", math.nan, math.nan, math.nan))
    out = {
        "baseline_chisq": null.statistic,
        "baseline_df": null.df,
        "baseline_pvalue": null.pvalue,
    }
    pair = (standard.statistic, standard.df, null.statistic, null.df)
    if scaled is not None:
        null_scaled = base.get(
            scaled.name, ScaledTest(scaled.name, math.nan, math.nan, math.nan, math.nan)
        )
        out |= {
            "baseline_chisq_scaled": null_scaled.statistic,
            "baseline_df_scaled": null_scaled.df,
            "baseline_pvalue_scaled": null_scaled.pvalue,
            "baseline_chisq_scaling_factor": null_scaled.scaling,
        }
    out |= _comparative(pair, "")
    if scaled is not None:
        out |= _comparative(
            (scaled.statistic, scaled.df, null_scaled.statistic, null_scaled.df), "_scaled"
        )
    if robust is not None:
        own = (robust.t, standard.df, robust.t0, null.df, robust.c, robust.c0)
        out["cfi_robust"] = index.cfi(*own)
        out["tli_robust"] = out["nnfi_robust"] = index.tli(*own)
        out["rni_robust"] = index.rni(*own)
    return out


def _comparative(pair: tuple[float, float, float, float], suffix: str) -> dict[str, float]:
    tli = index.tli(*pair)
    found = {
        "cfi": index.cfi(*pair),
        "tli": tli,
        "nnfi": tli,
        "rfi": index.rfi(*pair),
        "nfi": index.nfi(*pair),
        "pnfi": index.pnfi(*pair),
        "ifi": index.ifi(*pair),
        "rni": index.rni(*pair),
    }
    return {name + suffix: value for name, value in found.items()}


def _information(solution: Solution, scaled: ScaledTest | None) -> dict[str, float]:
    n, k = solution.n_observations, solution.n_parameters
    logl = solution.log_likelihood
    if logl is None:
        return {"ntotal": n}
    unrestricted = solution.unrestricted_log_likelihood
    out: dict[str, float] = {
        "logl": logl,
        "unrestricted_logl": math.nan if unrestricted is None else unrestricted,
        "aic": -2.0 * logl + 2.0 * k,
        "bic": -2.0 * logl + k * math.log(n),
        "ntotal": n,
        "bic2": -2.0 * logl + k * math.log((n + 2.0) / 24.0),
    }
    if scaled is not None and scaled.name.startswith("yuan"):
        out |= {"scaling_factor_h1": scaled.scaling_h1, "scaling_factor_h0": scaled.scaling_h0}
    return out


def _robust(
    solution: Solution,
    standard: ScaledTest,
    scaled: ScaledTest | None,
    base: dict[str, ScaledTest],
) -> Robust | None:
    """What the robust indices rest on; ``None`` where they are not defined."""
    two_level = solution.table.n_levels > 1
    if two_level and (solution.options.missing == "fiml" or solution.options.ordinal):
        return None
    if solution.options.missing == "fiml" or solution.options.ordinal:
        if solution.options.ordinal and scaled is None:
            return None
        return corrected_robust(solution)
    if scaled is None or scaled.name not in ROBUST_TESTS:
        return None
    null = base.get("standard", ScaledTest("standard", math.nan, math.nan, math.nan))
    null_scaled = base.get(
        scaled.name, ScaledTest(scaled.name, math.nan, math.nan, math.nan, math.nan)
    )
    return Robust(
        t=standard.statistic,
        c=mean_scaling(scaled, standard.df),
        t_scaled=scaled.statistic,
        t0=null.statistic,
        c0=mean_scaling(null_scaled, null.df),
        df=standard.df,
        df0=null.df,
        c_interval=scaled.scaling,
    )


def _rmsea(
    solution: Solution,
    standard: ScaledTest,
    scaled: ScaledTest | None,
    robust: Robust | None,
    bounds: tuple[float, float, float],
) -> dict[str, float]:
    n, groups = _n_for_indices(solution), len(solution.estimator.groups)
    level, close, not_close = bounds
    of = partial(_rmsea_set, n_groups=groups, bounds=bounds)
    plain = (standard.statistic, standard.df, n)
    out = of(plain, plain)
    out |= {
        "rmsea_ci_level": level,
        "rmsea_close_h0": close,
        "rmsea_notclose_h0": not_close,
    }
    if scaled is not None:
        if scaled.name == "scaled.shifted":
            shown = (scaled.statistic, standard.df, n)
        else:
            df = scaled.trace if scaled.trace != 0.0 else math.nan
            shown = (standard.statistic, df, n)
        out |= of(shown, shown, suffix="_scaled")
    if robust is not None:
        point, interval = (robust.t, robust.df, n), (robust.t_scaled, robust.df, n)
        out |= of(point, interval, (robust.c, robust.c_interval), suffix="_robust")
    return out


def _rmsea_set(
    point: tuple[float, float, float],
    interval: tuple[float, float, float],
    scaling: tuple[float, float] = (1.0, 1.0),
    *,
    n_groups: int,
    bounds: tuple[float, float, float],
    suffix: str = "",
) -> dict[str, float]:
    """Point and interval are (statistic, df, n); scaling holds their factors."""
    level, close, not_close = bounds
    own: dict[str, Any] = {"n_groups": n_groups, "c": scaling[1]}
    low, high = index.rmsea_interval(*interval, **own, level=level)
    found = {
        "rmsea": index.rmsea(*point, n_groups=n_groups, c=scaling[0]),
        "rmsea_ci_lower": low,
        "rmsea_ci_upper": high,
        "rmsea_pvalue": index.rmsea_close(*interval, **own, bound=close),
        "rmsea_notclose_pvalue": index.rmsea_not_close(*interval, **own, bound=not_close),
    }
    return {name + suffix: value for name, value in found.items()}


def _n_for_indices(solution: Solution) -> float:
    """Observations; one less for each group where the test uses n - 1."""
    options = solution.options
    if options.discrepancy == "ML" and options.likelihood == "normal":
        return solution.n_observations
    return solution.n_observations - len(solution.estimator.groups)


def _other(solution: Solution, standard: ScaledTest) -> dict[str, float]:
    if solution.table.n_levels > 1:
        return {}
    t, df, n = standard.statistic, standard.df, _n_for_indices(solution)
    out = {
        "cn_05": index.critical_n(t, df, n, 0.05),
        "cn_01": index.critical_n(t, df, n, 0.01),
    }
    out |= _goodness(solution, df)
    out["mfi"] = index.mfi(t, df, n)
    if solution.options.ordinal:
        # lavaan divides by the moments of the first group, whatever their number
        out["wrmr"] = math.sqrt(t / solution.states[0].design.n_moments) if t >= 0 else math.nan
    else:
        out["ecvi"] = t / n + 2.0 * solution.n_parameters / n
    return out


def _n_elements(solution: Solution) -> int:
    return sum(s.design.n_moments for s in solution.states)


def _goodness(solution: Solution, df: float) -> dict[str, float]:
    """GFI: weighted share of the sample moments that the model reproduces."""
    estimator = solution.estimator
    observed = estimator.available_moments()
    gfi = 0.0
    quads = zip(observed, solution.states, solution.weights, estimator.shares, strict=True)
    for sample, state, weight, share in quads:
        s = _moment_vector(sample, estimator.has_means)
        top, bottom = quadratic(weight, s - state.vector), quadratic(weight, s)
        gfi += share * (1.0 - top / bottom)
    n = _n_elements(solution)
    return {
        "gfi": gfi,
        "agfi": 1.0 - n / df * (1.0 - gfi) if df > 0 else 1.0,
        "pgfi": df / n * gfi,
    }


def _moment_vector(moments: Moments, means: bool) -> Array:
    if moments.vector is not None:
        return moments.vector
    half = vech(moments.cov)
    return np.concatenate((moments.mean, half)) if means and moments.mean is not None else half
