"""Resamples of both steps: rows are drawn with replacement, and each draw goes through both.

Functions: ``with_resamples``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cte_metrics.core.randomness import Seed, generator
from cte_metrics.errors import InputError
from cte_metrics.sem.inference.solution import Resamples
from cte_metrics.sem.resampling import draws, lost
from cte_metrics.sem.stepwise.options import MappingName, SAMMethod
from cte_metrics.sem.stepwise.steps import TwoSteps, resampled_steps

FEWEST = 2


def with_resamples(
    steps: TwoSteps, n_resamples: int, rng: Seed, *, method: SAMMethod, mapping: MappingName
) -> TwoSteps:
    """The steps with the estimates of resampled rows, from which standard errors are taken.

    Raises
    ------
    InputError
        Without rows, or for fewer than two resamples.
    EstimationError
        If fewer than two resamples have a solution.
    """
    data = steps.joint.data
    if not data.groups:
        raise InputError(
            "se='bootstrap' needs the answers; Moments were given.",
            hint="Pass the data, or use se='twostep'.",
        )
    if n_resamples < FEWEST:
        raise InputError(
            f"n_resamples={n_resamples}; se='bootstrap' needs at least {FEWEST} resamples."
        )
    found = [
        resampled_steps(steps, rows, method=method, mapping=mapping)
        for rows in draws(data, n_resamples, generator(rng))
    ]
    estimates = [theta for theta in found if theta is not None]
    notes = tuple(lost(n_resamples, len(estimates), "standard errors"))
    resamples = Resamples(estimates=np.array(estimates), notes=notes)
    return replace(steps, joint=replace(steps.joint, resamples=resamples))
