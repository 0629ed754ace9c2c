"""Profile-likelihood intervals of a mixed model.

Functions: ``profile_intervals``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cte_metrics.errors import UnknownNameError, close_names
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
    rows = {}
    for name in known if parameters is None else parameters:
        if name not in known:
            raise UnknownNameError(f"There is no parameter {name!r}.{close_names(name, known)}")
        if name in value:
            limits = inference.profile_scale(summary, best, scale.index(name), confidence)
            rows[name] = (value[name], *limits)
        else:
            k = names.fixed.index(name)
            rows[name] = (best.beta[k], *inference.profile_fixed(summary, best, k, confidence))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["est", "ci_low", "ci_high"])


def _scale_names(random: tuple[str, ...], correlated: bool) -> list[str]:
    names = [f"sd_{n}" for n in random]
    if correlated:
        rows, columns = np.tril_indices(len(random), -1)
        names += [f"cor_{random[c]}_{random[r]}" for r, c in zip(rows, columns, strict=True)]
    return [*names, "sigma"]
