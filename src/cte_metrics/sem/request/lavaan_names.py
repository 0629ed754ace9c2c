"""Names of lavaan's arguments that are called otherwise here.

Functions: ``names_options``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from cte_metrics.errors import InputTypeError, close_names

P = ParamSpec("P")
R = TypeVar("R")

LAVAAN = {
    "std_lv": "identification='variance' fixes factor variances at 1.",
    "effect_coding": "identification='effects' identifies factors by effect coding.",
    "sampling_weights": "weights= takes a column of sampling weights.",
    "sampling_weights_normalization": "Weights are scaled to sum to the number of rows.",
    "sample_nobs": "n_obs= takes the number of respondents.",
    "sample_th": "Thresholds are estimated from the answers; pass data.",
    "std_ov": "Standardize the columns first, or read std_all of .parameters.",
    "bootstrap": "se='bootstrap' with n_resamples=1000.",
    "iseed": "rng= takes a seed.",
    "parallel": "Resamples share what they can in one process.",
    "constraints": "Write the constraints into the model text.",
    "auto": "sem.lavaan() adds nothing to the model; sem.fit() adds lavaan::sem's defaults.",
    "int_ov_free": "Write 'x ~ 1' (free) or 'x ~ 0*1' into the model.",
    "int_lv_free": "Write 'f ~ 1' (free) or 'f ~ 0*1' into the model.",
    "orthogonal_x": "Write 'f ~~ 0*g' into the model.",
    "orthogonal_y": "Write 'f ~~ 0*g' into the model.",
    "orthogonal_efa": "rotation= takes an orthogonal rotation.",
    "rotation_args": "rotation= takes the name of a rotation.",
    "conditional_x": "Ordinal items are modelled given their covariates, others jointly with them.",
    "optim_bounds": "bounds='positive_variances' keeps variances at zero or above.",
    "level": "Write 'level: 1' and 'level: 2' into the model, with cluster=.",
    "mimic": "Figures are those of mimic='lavaan'.",
    "warn": "on_failure= says what to do without a solution; notes hold the warnings.",
    "verbose": "Nothing is printed; .status and .notes say how the estimation ended.",
    "group_label": "Groups stand in the order of the data: sort the rows.",
    "missing_data": "missing= takes 'listwise', 'fiml' or 'pairwise'.",
    "ov_names": "The model names its variables.",
    "nacov": "Pass the answers, not their asymptotic covariance matrix.",
    "wls_v": "Pass the answers, not a weight matrix.",
}


def names_options(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function answer to an option that it has not by the name that it has for it.

    Raises
    ------
    InputTypeError
        For an option that the function has not.
    """
    known = tuple(inspect.signature(function).parameters)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise _unknown(name, known)
        return function(*args, **kwargs)

    return call


def _unknown(name: str, known: tuple[str, ...]) -> InputTypeError:
    written = name.lower().replace(".", "_")
    told = LAVAAN["auto"] if written.startswith("auto_") else LAVAAN.get(written)
    if told is None and written in known:
        told = f"It is called {written} here."
    return InputTypeError(
        f"There is no option {name!r}.{'' if told else close_names(written, known)}",
        hint=told
        or f"The options are {', '.join(k for k in known if k not in ('model', 'data'))}.",
    )
