"""Structural after measurement: the public function.

Functions: ``sam``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cte_metrics.core.randomness import Seed
from cte_metrics.errors import InputError, one_of
from cte_metrics.results.recording import recorded
from cte_metrics.sem.request.lavaan_names import names_options
from cte_metrics.sem.request.model import model_request
from cte_metrics.sem.request.text import model_text
from cte_metrics.sem.stepwise.bootstrap import with_resamples
from cte_metrics.sem.stepwise.options import (
    MappingName,
    SAMEstimator,
    SAMMethod,
    TwoStepErrors,
)
from cte_metrics.sem.stepwise.samfit import SAMFit, make_result
from cte_metrics.sem.stepwise.steps import two_steps


@names_options
@recorded
def sam(
    model: str | None,
    data: Any,
    *,
    cluster: Any = None,
    group: Any = None,
    method: SAMMethod = "local",
    mapping: MappingName = "ml",
    se: TwoStepErrors = "twostep",
    estimator: SAMEstimator = "ML",
    ordered: bool | Sequence[str] = (),
    missing: Literal["listwise", "fiml"] = "listwise",
    n_resamples: int = 1000,
    rng: Seed = None,
) -> SAMFit:
    """Fit the measurement part first, then the structural part.

    Each factor is measured on its own (factors that share indicators together), so that a fault of
    one factor's measurement, or of the structural part, does not reach the others; in small samples
    estimates are stabler than those of ``sem.fit``.

    Parameters
    ----------
    model : str or None
        Model text in lavaan's syntax; see ``sem.fit``. Factors with indicators, and observed
        variables that are no indicators, make up the structural part.
    data : Responses, DataFrame, array or Moments
    cluster, ordered
        Not supported yet.
    group : str or array, optional
        Grouping variable; each group has parameters of its own, but those with equal labels.
    method : {"local", "global"}
        Fit the structural part to the covariances (and means) of the factors that follow from the
        measurement part, or fit the whole model with the measurement part held at its estimates.
    mapping : {"ml", "uls", "gls"}
        How the factors' covariances follow from the sample's (local); reliabilities of the global
        method are those of this mapping too.
    se : {"twostep", "naive", "bootstrap", "none"}
        Standard errors that take in that the measurement part was estimated, those that take it as
        known, those of resampled rows that go through both steps (intervals are percentiles then),
        or none.
    estimator : {"ML"}
        Of both parts.
    missing : {"listwise", "fiml"}
        Drop incomplete rows (said in ``notes``), or use every answer.
    n_resamples : int
        Resamples of ``se="bootstrap"``.
    rng : int, Generator or None
        Seed or generator of the resamples.

    Returns
    -------
    SAMFit

    Raises
    ------
    InputError
        If the model cannot be parted: no factors, indicators in regressions, constraints between
        loadings and regressions, second-order or exploratory factors.
    IdentificationError
        If a measurement block, or the structural part, is not identified by itself.
    EstimationError
        If there is no solution.
    ModelSyntaxError, UnknownNameError
        If the model cannot be read or names what the data do not have.

    Notes
    -----
    With measurement parameters at their estimates, ``M Lambda = I`` and sample covariances S, the
    factors' covariances are ``Var(eta) = M S M' - M Theta M'``
    (``kernels.factor.latent_moments``). Variances of a block are kept at zero or above. The
    two-step covariance matrix of the structural estimates is ``I22^-1 / n + I22^-1 I21 V1 I12
    I22^-1``, I the information of the whole model and V1 that of the blocks' estimates.

    Estimates and standard errors equal those of lavaan 0.7's ``sam``, but where observed variables
    predict factors in a model with means (groups, ``missing="fiml"``): the factors have intercepts
    here that make up for the means of their predictors, which lavaan holds at 0, so that its slopes
    (global) and standard errors are pulled. The scaled test of the
    structural part does so too, but for ``mapping="gls"``, where lavaan leaves out that M depends
    on S.

    References
    ----------
    Rosseel, Y. & Loh, W. W. (2022). A structural after measurement approach to structural equation
    modeling. Psychological Methods.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from cte_metrics import sem
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(300, 1))
    >>> g = 0.5 * f + rng.normal(size=(300, 1))
    >>> items = np.hstack([f, f, f, g, g, g]) + rng.normal(size=(300, 6))
    >>> answers = pd.DataFrame(items, columns=list("abcdef"))
    >>> found = sem.sam("f =~ a + b + c; g =~ d + e + f1; g ~ f", answers.rename(
    ...     columns={"f": "f1"}))
    >>> found.parameters[["lhs", "op", "rhs"]].agg(" ".join, axis=1).tolist()
    ['g ~ f', 'f ~~ f', 'g ~~ g']
    >>> list(found.measurement)
    ['f', 'g']
    """
    one_of(method, SAMMethod, "method")
    one_of(mapping, MappingName, "mapping")
    one_of(se, TwoStepErrors, "se")
    one_of(estimator, SAMEstimator, "estimator")
    one_of(missing, Literal["listwise", "fiml"], "missing")
    _require_supported(cluster, ordered)
    request = model_request(
        model_text(model, data), estimator=estimator, group=group, missing=missing
    )
    steps = two_steps(request, data, method=method, mapping=mapping, se=se)
    if se == "bootstrap":
        steps = with_resamples(steps, n_resamples, rng, method=method, mapping=mapping)
    return make_result(steps, method)


def _require_supported(cluster: Any, ordered: bool | Sequence[str]) -> None:
    if cluster is not None:
        raise InputError(
            "sam does not support clusters yet.",
            hint="Use sem.fit, which estimates a two-level model at once.",
        )
    if ordered is not False and not (isinstance(ordered, Sequence) and not ordered):
        raise InputError(
            "sam does not support ordinal items yet.",
            hint="Use sem.fit with ordered=, which estimates everything at once.",
        )
