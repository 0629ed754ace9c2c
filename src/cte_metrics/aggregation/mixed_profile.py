"""Profile-likelihood intervals of a mixed model.

Functions: ``profile_intervals``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cte_metrics.errors import EstimationError, UnknownNameError, close_names
from cte_metrics.kernels.groups import mixed as kernel
from cte_metrics.kernels.groups import mixed_inference as inference


@dataclass(frozen=True, slots=True)
class Names:
    """What the random effects and the fixed coefficients are called."""

    random: tuple[str, ...]
    fixed: tuple[str, ...]


def profile_intervals(
    summary: kernel.MixedSummary,
    fit: kernel.MixedFit,
    names: Names,
    *,
    confidence: float,
    parameters: Sequence[str] | None,
) -> pd.DataFrame:
    """Profile intervals of a model's parameters; see :meth:`MixedModel.profile_ci`."""
    best = kernel.by_maximum_likelihood(summary, fit)
    scale = _scale_names(names.random, best.correlated)
    value = dict(zip(scale, inference.natural(best), strict=True))
    known = [n for n in scale if len(names.random) <= 2 or not n.startswith("cor_")]
    known += names.fixed
    wanted = known if parameters is None else _chosen(parameters, known)
    rows = {n: (_estimate(best, names, value, n), *_limits(summary, best, names, n, confidence))
            for n in wanted}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=["est", "ci_low", "ci_high"])


def _chosen(parameters: Sequence[str], known: list[str]) -> list[str]:
    wanted = [parameters] if isinstance(parameters, str) else list(parameters)
    for name in wanted:
        if name not in known:
            raise UnknownNameError(f"There is no parameter {name!r}.{close_names(name, known)}")
    return wanted


def _estimate(best: kernel.MixedFit, names: Names, scale: dict[str, float], name: str) -> float:
    return scale[name] if name in scale else float(best.beta[names.fixed.index(name)])


def _limits(
    summary: kernel.MixedSummary, best: kernel.MixedFit, names: Names, name: str, level: float
) -> inference.Limits:
    """Interval of one parameter, or a refusal that names it."""
    try:
        if name in names.fixed:
            k = names.fixed.index(name)
            low, high = inference.profile_fixed(summary, best, k, level)
        elif name == "sigma":
            low, high = inference.profile_sigma(summary, best, level)
        elif name.startswith("cor_"):
            low, high = inference.profile_correlation(summary, best, level)
        else:
            k = [f"sd_{n}" for n in names.random].index(name)
            low, high = inference.profile_sd(summary, best, k, level)
    except (np.linalg.LinAlgError, ArithmeticError, ValueError, RuntimeError) as error:
        raise _no_interval(name, str(error)) from error
    if not np.isfinite([low, high]).all():
        raise _no_interval(name, "the likelihood has no limit on one side")
    return low, high


def _no_interval(name: str, reason: str) -> EstimationError:
    return EstimationError(
        f"The likelihood of {name!r} could not be profiled: {reason}.",
        hint="Leave the parameter out with parameters=, or a random slope that few groups carry.",
    )


def _scale_names(random: tuple[str, ...], correlated: bool) -> list[str]:
    names = [f"sd_{n}" for n in random]
    if correlated:
        rows, columns = np.tril_indices(len(random), -1)
        names += [f"cor_{random[c]}_{random[r]}" for r, c in zip(rows, columns, strict=True)]
    return [*names, "sigma"]
