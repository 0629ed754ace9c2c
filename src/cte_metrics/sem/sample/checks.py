"""Samples that no model can be fitted to.

Functions: ``check_sample``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError
from cte_metrics.sem.sample.moments import SampleStats


def check_sample(sample: SampleStats) -> None:
    """Refuse samples whose covariance matrix cannot be inverted, naming the cause.

    Raises
    ------
    InputError
        For constant or linearly dependent variables, or fewer rows than variables.
    """
    for group in sample.groups:
        where = f" in group {group.label!r}" if len(sample.groups) > 1 else ""
        variance = group.cov.diagonal()
        scale = variance + group.mean**2
        flat = [v for v, s, t in zip(group.names, variance, scale, strict=True) if s <= 1e-14 * t]
        if flat:
            raise InputError(
                f"{', '.join(flat)} {'do' if len(flat) > 1 else 'does'} not vary{where}.",
                hint="Leave constant variables out of the model.",
            )
        sd = np.sqrt(variance)
        correlation = group.cov / (sd[:, None] * sd)
        if _positive(correlation):
            continue
        p = len(group.names)
        smallest = float(np.linalg.eigvalsh(correlation)[0])
        if smallest < -1e-8:
            raise InputError(
                f"The covariance matrix{where} is not positive definite (smallest eigenvalue of "
                f"the correlations {smallest:.3g}), so it cannot come from complete answers.",
                hint="Matrices from pairwise deletion or typing errors look like this; pass the "
                "answers themselves with missing='fiml'.",
            )
        if group.n <= p:
            raise InputError(
                f"There are {group.n:.0f} complete rows{where} and {p} variables; the covariance "
                "matrix cannot be inverted.",
                hint="Use more respondents, fewer variables, or estimator='ULS'.",
            )
        raise InputError(
            f"The variables are linearly dependent{where}: {_dependent(correlation, group.names)}.",
            hint="Leave out a variable that is the sum, the copy or the reverse of others.",
        )


def _positive(correlation: Array) -> bool:
    try:
        factor = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return False
    return bool(factor.diagonal().min() > 1e-7)


def _dependent(correlation: Array, names: Sequence[str]) -> str:
    vector = np.linalg.eigh(correlation)[1][:, 0]
    part = np.flatnonzero(np.abs(vector) > 0.05 * np.abs(vector).max())
    return ", ".join(names[i] for i in part.tolist())
