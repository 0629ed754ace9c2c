"""Fit structural equation models: the public functions.

Functions: ``fit``, ``cfa``, ``growth``, ``lavaan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import Seed
from cte_metrics.errors import InputError
from cte_metrics.kernels.factor.rotation import Method as Rotation
from cte_metrics.results.recording import recorded
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.request.lavaan_names import names_options
from cte_metrics.sem.request.model import (
    Bounds,
    EstimatorName,
    FitKeywords,
    Identification,
    Likelihood,
    Missing,
    ModelType,
    OnFailure,
    Parameterization,
    StandardErrors,
    TestName,
    model_request,
)
from cte_metrics.sem.request.text import model_text
from cte_metrics.sem.resampling import resampled
from cte_metrics.sem.sample.matrices_given import GivenMatrices
from cte_metrics.sem.semfit import SEMFit
from cte_metrics.sem.solving import solve_request
from cte_metrics.sem.table.options import GroupEqual
from cte_metrics.summaries.moments import Moments


@names_options
@recorded
def fit(
    model: str | None,
    data: Any = None,
    *,
    estimator: EstimatorName | None = None,
    missing: Missing = "listwise",
    ordered: bool | Sequence[str] = (),
    group: Any = None,
    group_equal: GroupEqual | Sequence[GroupEqual] = (),
    group_partial: str | Sequence[str] = (),
    cluster: Any = None,
    identification: Identification = "marker",
    orthogonal: bool = False,
    meanstructure: bool | None = None,
    fixed_x: bool | None = None,
    likelihood: Likelihood = "normal",
    information: InformationKind | None = None,
    parameterization: Parameterization = "delta",
    se: StandardErrors | None = None,
    test: TestName | None = None,
    rotation: Rotation = "geomin",
    sample_cov: Any = None,
    sample_mean: Any = None,
    n_obs: Any = None,
    weights: Any = None,
    bounds: Bounds = "none",
    on_failure: OnFailure = "raise",
    model_type: ModelType = "sem",
    start: Array | None = None,
    n_resamples: int = 1000,
    rng: Seed = None,
) -> SEMFit:
    """Fit a structural equation model.

    Parameters
    ----------
    model : str or None
        Model text in lavaan's syntax: ``=~`` measured by, ``~~`` (co)variance, ``~`` regression,
        ``~1`` intercept, ``|`` threshold, ``:=`` defined parameter, ``==`` constraint; ``0.5*x``
        fixes, ``NA*x`` frees, ``start(.8)*x`` starts, ``label*x`` labels. ``None`` builds the model
        from the instrument's subscales; so do ``"correlated"``, ``"one_factor"``,
        ``"second_order"`` and ``"bifactor"``.
    data : Responses, DataFrame, array or Moments, optional
        One row a respondent; items of ``Responses`` are reverse-scored first. ``Moments`` serve
        ``ML``, ``GLS`` and ``ULS`` with standard errors of the standard kind; with ``group`` (any
        name) their groups, in the order they have there.
    estimator : str, optional
        ``ML, MLM, MLR, MLMV, MLMVS, ULS, GLS, WLS, DWLS``; with ordinal items ``WLSM, WLSMV,
        WLSMVS, DWLS, WLS, ULS, ULSMV``. By default ``WLSMV`` with ordinal items, ``MLR`` with
        sampling weights, otherwise ``ML``.
    missing : {"listwise", "fiml", "pairwise"}
        Drop incomplete rows (said in ``notes``), use every answer (full information ML), or, with
        ordinal items, every answer to a pair of items (right when answers are missing completely
        at random).
    ordered : bool or sequence of str
        Ordinal items; ``True`` for all.
    group, cluster, weights : str or array, optional
        Grouping variable, clusters of a two-level model (or of cluster-robust inference), sampling
        weights: a column's name, or one entry a row.
    group_equal, group_partial : sequence of str
        Equalities across groups (``loadings``, ``intercepts``, ``residuals``, ...), and parameters
        exempt from them.
    identification : {"marker", "variance", "effects"}
        First loading 1, factor variance 1, or loadings of mean 1.
    orthogonal : bool
        Factors uncorrelated by default.
    meanstructure : bool, optional
        Model means; by default only where groups, missing answers or the model need them.
    fixed_x : bool, optional
        Keep moments of exogenous covariates at the sample's. By default, as in lavaan, for maximum
        likelihood and ordinal items, not for least squares on continuous ones.
    likelihood : {"normal", "wishart"}
        Divisor n or n - 1.
    information : {"expected", "observed"}, optional
        By default expected; observed for ``MLR``, FIML and two-level models.
    parameterization : {"delta", "theta"}
        Scale of ordinal items.
    se, test : str, optional
        Override what the estimator's name implies: ``standard, robust.sem, robust.huber.white,
        bootstrap, none`` and ``standard, satorra.bentler, scaled.shifted, mean.var.adjusted,
        yuan.bentler.mplus, bollen.stine, none``. ``se="bootstrap"`` takes the standard errors from
        resampled rows (whole clusters where there are any), also of defined parameters, and the
        intervals of ``.parameters`` are percentiles; see ``.confidence_intervals``.
        ``test="bollen.stine"`` adds ``pvalue_bollen_stine`` to the fit measures.
    rotation : str
        Of ``efa()`` blocks.
    sample_cov, sample_mean, n_obs
        Covariance matrix (divisor n - 1), means and number of respondents in place of data. For
        groups dicts by the group's name, which are matched by name, or lists, by position; frames
        and series are aligned by their labels.
    bounds : {"none", "positive_variances"}
        Keep every variance at zero or above (lavaan's ``pos.var``); an estimate at its bound is
        named in ``notes``. Single bounds are written ``lower(0)*x`` in the model.
    on_failure : {"raise", "warn", "return"}
        What to do without a solution. An improper solution (negative variance, ...) is returned
        with its status, a note and a warning.
    model_type : {"sem", "cfa", "growth", "lavaan"}
        Whose defaults to take; ``lavaan`` adds nothing to the model.
    start : ndarray (n_free,), optional
        Starting values of all free parameters.
    n_resamples : int
        Resamples of ``se="bootstrap"`` and ``test="bollen.stine"``.
    rng : int, Generator or None
        Seed or generator of the resamples.

    Returns
    -------
    SEMFit

    Raises
    ------
    ModelSyntaxError
        If the model cannot be read.
    IdentificationError
        If the data cannot determine the parameters; it names them.
    EstimationError
        If there is no solution.
    UnknownNameError, InputError
        For unknown variables and contradictory options.

    Notes
    -----
    Estimates, standard errors and tests equal those of lavaan 0.6-14. Where an estimate is
    improper lavaan warns; here ``status`` and ``notes`` say so as well.

    Two-level models of ordinal items (``level:`` blocks, ``cluster=``, ``ordered=True``; lavaan has
    none) are fitted by WLSMV and its kin to thresholds, correlations within and covariances between
    clusters, each estimated by maximum likelihood (``sem.estimators.two_level_ordinal``). Latent
    responses have variance 1 within clusters; thresholds are listed at level 2. Covariates, numeric
    items and factor scores are not supported there.

    References
    ----------
    Rosseel, Y. (2012). lavaan: An R package for structural equation modeling. Journal of
    Statistical Software, 48(2), 1-36. Asparouhov, T. & Muthen, B. (2007). Computationally efficient
    estimation of multilevel high-dimensional latent variable models. Proceedings of the Joint
    Statistical Meetings.

    Examples
    --------
    One factor behind three items has as many parameters as moments, so it fits exactly, and the
    factor variance is ``s12 s13 / s23 = 0.5``.

    >>> import numpy as np
    >>> cov = np.array([[2.0, 0.5, 0.5], [0.5, 2.0, 0.5], [0.5, 0.5, 2.0]])
    >>> result = fit("f =~ item_1 + item_2 + item_3", sample_cov=cov, n_obs=100,
    ...              likelihood="wishart")
    >>> result.parameters.est.round(6).tolist()
    [1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 0.5]
    >>> result.fit_measures["df"]
    0
    """
    if data is None and sample_cov is None:
        raise InputError(
            "There is nothing to fit the model to.",
            hint="Pass data, or sample_cov= with n_obs=.",
        )
    request = model_request(
        model_text(model, data),
        model_type=model_type,
        estimator=estimator,
        missing=missing,
        ordered=ordered,
        group=group,
        group_equal=group_equal,
        group_partial=group_partial,
        cluster=cluster,
        identification=identification,
        orthogonal=orthogonal,
        meanstructure=meanstructure,
        fixed_x=fixed_x,
        likelihood=likelihood,
        information=information,
        parameterization=parameterization,
        se=se,
        test=test,
        rotation=rotation,
        weights=weights,
        bounds=bounds,
        on_failure=on_failure,
        start=start,
        n_resamples=n_resamples,
        rng=rng,
    )
    if sample_cov is not None and not isinstance(data, Moments):
        data = GivenMatrices(sample_cov, sample_mean, n_obs)
    return SEMFit.of(resampled(solve_request(request, data)))


def cfa(model: str | None, data: Any = None, **options: Unpack[FitKeywords]) -> SEMFit:
    """Fit a confirmatory factor model: ``fit`` with ``lavaan::cfa``'s defaults.

    Examples
    --------
    >>> import numpy as np
    >>> cov = 0.4 + 0.6 * np.eye(4)
    >>> result = cfa("f =~ item_1 + item_2 + item_3 + item_4", sample_cov=cov, n_obs=200)
    >>> abs(round(result.fit_measures["chisq"], 6)), result.fit_measures["df"]
    (0.0, 2)
    """
    return fit(model, data, model_type="cfa", **options)


def growth(model: str, data: Any = None, **options: Unpack[FitKeywords]) -> SEMFit:
    """Fit a latent growth curve: ``fit`` with ``lavaan::growth``'s defaults.

    Intercepts of the repeated measures are 0 and the means of the growth factors free. So are the
    means and intercepts of covariates and outcomes, which ``lavaan::growth`` fixes at 0 unless the
    covariates are fixed; a note says so, and ``x ~ 0*1`` fixes one.
    """
    return fit(model, data, model_type="growth", **options)


def lavaan(model: str, data: Any = None, **options: Unpack[FitKeywords]) -> SEMFit:
    """Fit a model as it is written: ``fit`` with ``lavaan::lavaan``'s defaults, which are none.

    No loading is fixed, no variance, covariance, intercept or threshold is free that the text does
    not write; a variance or intercept of an endogenous variable that it leaves out is 0, which a
    note says. Moments of exogenous covariates are the sample's (``fixed_x``).

    Examples
    --------
    >>> import numpy as np
    >>> cov = 0.4 + 0.6 * np.eye(3)
    >>> text = "f =~ a + b + c; f ~~ 1*f; a ~~ a; b ~~ b; c ~~ c"
    >>> result = lavaan(text, sample_cov=cov, n_obs=200, likelihood="wishart")
    >>> result.parameters.est.round(4).tolist()
    [0.6325, 0.6325, 0.6325, 1.0, 0.6, 0.6, 0.6]
    """
    return fit(model, data, model_type="lavaan", **options)
