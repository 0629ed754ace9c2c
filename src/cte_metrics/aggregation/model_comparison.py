"""Likelihood-ratio comparison of mixed models.

Functions: ``compare_models``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cte_metrics.aggregation.mixed_model import MixedModel
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.kernels.groups import mixed as kernel
from cte_metrics.kernels.numerics.distributions import chi2_sf


def compare_models(*fits: MixedModel) -> pd.DataFrame:
    """Compare nested mixed models by likelihood ratio; REML fits are refitted by ML first.

    Parameters
    ----------
    *fits : MixedModel
        Two or more models of the same outcome and rows.

    Returns
    -------
    DataFrame, one row a model, ordered by number of parameters
        ``npar, aic, bic, loglik, deviance, chisq, df, p`` (each against the model above), as
        anova of lme4 gives them; the index holds the formulas and random parts.

    Raises
    ------
    InputError
        If there are fewer than two models, or they use different rows or outcomes.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics.aggregation import mixed_model
    >>> frame = pd.DataFrame({"g": [1, 1, 1, 2, 2, 2], "x": [0, 1, 2, 0, 1, 2.0],
    ...                       "y": [1.0, 2, 4, 4, 5, 6]})
    >>> table = compare_models(mixed_model("y ~ 1", frame, "g"), mixed_model("y ~ x", frame, "g"))
    >>> table["npar"].tolist()
    [3, 4]
    """
    if len(fits) < 2:
        raise InputError("compare_models takes two or more models.")
    for fit in fits:
        if not isinstance(fit, MixedModel):
            raise InputTypeError(
                f"compare_models takes models of mixed_model; got {type(fit).__name__}.",
                hint="compare_models(first, second), one argument a model.",
            )
    first = fits[0]
    for other in fits[1:]:
        if other.n_obs != first.n_obs or other._response != first._response:
            raise InputError(
                f"The models differ in rows or outcome: {first._response!r} on {first.n_obs} rows "
                f"and {other._response!r} on {other.n_obs}.",
                hint="Fit every model on the rows that are complete for all of them.",
            )
    ordered = sorted(fits, key=lambda m: m.n_parameters)
    deviance = np.array([_ml_deviance(m) for m in ordered])
    npar = np.array([m.n_parameters for m in ordered])
    chisq = np.concatenate([[np.nan], -np.diff(deviance)])
    df = np.concatenate([[np.nan], np.diff(npar)])
    p = np.full(len(df), np.nan)
    tested = df > 0
    p[tested] = chi2_sf(np.maximum(chisq[tested], 0.0), df[tested])
    return pd.DataFrame(
        {
            "npar": npar, "aic": deviance + 2 * npar,
            "bic": deviance + np.log(first.n_obs) * npar, "loglik": -deviance / 2,
            "deviance": deviance, "chisq": chisq, "df": df, "p": p,
        },
        index=pd.Index([f"{m.formula} + ({' + '.join(m._random)} | group)" for m in ordered],
                       name="model"),
    )  # fmt: skip


def _ml_deviance(model: MixedModel) -> float:
    if not model.reml:
        return model.deviance
    return kernel.by_maximum_likelihood(model._summary, model._fit).deviance
