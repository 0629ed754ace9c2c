"""Fit structural equation models: the public functions.

Functions: ``fit``, ``cfa``, ``growth``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cte_metrics.errors import InputError, InputTypeError, one_of
from cte_metrics.kernels.factor.rotation import ORTHOGONAL
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.estimators.choice import make_estimator
from cte_metrics.sem.inference import checks
from cte_metrics.sem.model.moments import Array
from cte_metrics.sem.request.model import ModelType, OnFailure, Request
from cte_metrics.sem.request.options import (
    DEFAULT_ESTIMATOR,
    DEFAULT_FIXED_X,
    DefaultSwitch,
    FitOptions,
    settle_options,
)
from cte_metrics.sem.sample.matrices_given import moment_input, read_summaries, require_no_rows
from cte_metrics.sem.sample.moments import SampleStats
from cte_metrics.sem.sample.rows import ModelData, read_model_data
from cte_metrics.sem.semfit import SEMFit
from cte_metrics.sem.solving import require_data, solve
from cte_metrics.sem.syntax.structures import STRUCTURES, structure_model
from cte_metrics.sem.table.table import TableOptions, build_table, model_outline, positive_variances
from cte_metrics.sem.verdict import judge
from cte_metrics.summaries.moments import Moments

IDENTIFICATION = {
    "marker": "marker",
    "variance": "variance",
    "std.lv": "variance",
    "std_lv": "variance",
    "effects": "effects",
}


def fit(
    model: str | None,
    data: Any = None,
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    missing: str = "listwise",
    ordered: bool | Sequence[str] = (),
    group: Any = None,
    group_equal: str | Sequence[str] = (),
    group_partial: str | Sequence[str] = (),
    cluster: Any = None,
    identification: str = "marker",
    orthogonal: bool = False,
    meanstructure: bool | None = None,
    fixed_x: bool = DEFAULT_FIXED_X,  # type: ignore[assignment]
    likelihood: str = "normal",
    information: str | None = None,
    parameterization: str = "delta",
    se: str | None = None,
    test: str | None = None,
    rotation: str = "geomin",
    sample_cov: Any = None,
    sample_mean: Any = None,
    n_obs: Any = None,
    weights: Any = None,
    bounds: str = "none",
    on_failure: OnFailure = "raise",
    model_type: ModelType = "sem",
    start: Array | None = None,
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
    estimator : str
        ``ML, MLM, MLR, MLMV, MLMVS, ULS, GLS, WLS, DWLS``; with ordinal items ``WLSMV`` (their
        default), ``WLSM, WLSMVS, DWLS, WLS, ULS, ULSMV``.
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
    fixed_x : bool
        Keep moments of exogenous covariates at the sample's. As in lavaan, the default does so for
        maximum likelihood and ordinal items, not for least squares.
    likelihood : {"normal", "wishart"}
        Divisor n or n - 1.
    information : {"expected", "observed"}, optional
        By default expected; observed for ``MLR``, FIML and two-level models.
    parameterization : {"delta", "theta"}
        Scale of ordinal items.
    se, test : str, optional
        Override what the estimator's name implies: ``standard, robust.sem, robust.huber.white,
        none`` and ``standard, satorra.bentler, scaled.shifted, mean.var.adjusted,
        yuan.bentler.mplus, none``.
    rotation : str
        Of ``efa()`` blocks.
    sample_cov, sample_mean, n_obs
        Covariance matrix (divisor n - 1), means and number of respondents in place of data; lists
        for groups.
    bounds : {"none", "positive_variances"}
        Keep every variance at zero or above (lavaan's ``pos.var``); an estimate at its bound is
        named in ``notes``. Single bounds are written ``lower(0)*x`` in the model.
    on_failure : {"raise", "warn", "return"}
        What to do without a solution. An improper solution (negative variance, ...) is returned
        with its status, a note and a warning.
    model_type : {"sem", "cfa", "growth"}
        Whose defaults to take.
    start : ndarray (n_free,), optional
        Starting values of all free parameters.

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
    require_data(data, sample_cov)
    one_of(on_failure, ("raise", "warn", "return"), "on_failure")
    text = _model_text(model, data)
    request = Request(
        text=text,
        model_type=one_of(model_type, ("sem", "cfa", "growth"), "model_type"),
        identification=_identification(identification),
        orthogonal=orthogonal,
        meanstructure=meanstructure,
        fixed_x=fixed_x,
        group_equal=_names(group_equal),
        group_partial=_names(group_partial),
        parameterization=one_of(parameterization, ("delta", "theta"), "parameterization"),
        ordered=ordered if isinstance(ordered, bool) else _names(ordered),
        rotation=rotation,
        on_failure=on_failure,
        bounds=one_of(bounds, ("none", "positive_variances"), "bounds"),
        start=start,
    )
    outline = model_outline(text)
    two_level = outline.n_levels > 1
    if two_level and cluster is None:
        raise InputError(
            "The model has 'level:' blocks but no cluster is named.",
            hint="Pass cluster='school', the column that says who belongs to which cluster.",
        )
    options = settle_options(
        estimator=estimator,
        se=se,
        test=test,
        information=information,
        likelihood=likelihood,
        missing=missing,
        ordinal=bool(request.ordered) or "|" in outline.op,
        clustered=cluster is not None,
        two_level=two_level,
        weighted=weights is not None,
    )
    if isinstance(fixed_x, DefaultSwitch):
        fixed_x = options.discrepancy == "ML" or options.ordinal
    request = replace(request, fixed_x=fixed_x)
    if isinstance(data, Moments):
        require_no_rows(options, "Moments hold", weights=weights)
        found = moment_input(data, outline.ov_names, group)
        return fit_model(request, options, found[0], sample=found[1])
    if sample_cov is not None:
        require_no_rows(options, "sample_cov= holds", weights=weights)
        summaries = read_summaries(sample_cov, sample_mean, n_obs, outline.ov_names)
        return _fit_matrices(request, options, *summaries, means=sample_mean is not None)
    rows = read_model_data(
        data,
        outline.ov_names,
        group=group,
        cluster=cluster,
        weights=weights,
        keep_missing=options.missing in ("fiml", "pairwise"),
        complete=outline.ov_x if fixed_x else (),
    )
    return fit_model(request, options, rows)


def cfa(model: str | None, data: Any = None, **options: Any) -> SEMFit:
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


def growth(model: str, data: Any = None, **options: Any) -> SEMFit:
    """Fit a latent growth curve: ``fit`` with ``lavaan::growth``'s defaults.

    Intercepts of the repeated measures are 0 and the means of the growth factors free.
    """
    return fit(model, data, model_type="growth", **options)


def fit_model(
    request: Request,
    options: FitOptions,
    rows: ModelData,
    *,
    sample: SampleStats | None = None,
    estimator: Estimator | None = None,
) -> SEMFit:
    """Fit to rows that have been read (or to ``sample``, where only moments are known).

    ``estimator`` is that of an earlier fit of the same variables to the same rows.
    """
    thresholds: tuple[tuple[str, int], ...] = ()
    if options.ordinal:
        from cte_metrics.sem.sample.ordinal import sample_thresholds

        thresholds = sample_thresholds(rows, request.ordered, request.text)
    table = build_table(request.text, table_options(request, options, rows, thresholds))
    if request.bounds != "none":
        table = positive_variances(table)
    if estimator is None:
        estimator = make_estimator(rows, table, options, sample=sample)
    solution = solve(table, estimator, options, rows, start=request.start)
    if solution is None:
        raise checks.not_converged(0)
    if any(table.efa):
        from cte_metrics.sem.inference.rotation import rotate_solution

        solution = rotate_solution(solution, request.rotation)
    return judge(solution, request)


def table_options(
    request: Request,
    options: FitOptions,
    rows: ModelData,
    thresholds: tuple[tuple[str, int], ...] = (),
) -> TableOptions:
    """Settle what the parameter table depends on."""
    n_groups = max(len(rows.n_by_group), 1)
    means = request.meanstructure
    needed = options.casewise or options.ordinal or n_groups > 1
    return TableOptions(
        model_type=request.model_type,
        identification=request.identification,  # type: ignore[arg-type]
        orthogonal=request.orthogonal,
        meanstructure=needed if means is None else means or options.casewise or options.ordinal,
        fixed_x=request.fixed_x,
        n_groups=n_groups,
        group_names=rows.labels,
        group_equal=request.group_equal,
        group_partial=request.group_partial,
        n_thresholds=thresholds,
        parameterization=request.parameterization,  # type: ignore[arg-type]
        conditional_x=options.ordinal,
        ordinal_level=int(options.ordinal and options.two_level),
        orthogonal_efa=_is_orthogonal(request.rotation),
    )


def _is_orthogonal(rotation: str) -> bool:
    return rotation in ORTHOGONAL and rotation != "none"


def _fit_matrices(
    request: Request,
    options: FitOptions,
    rows: ModelData,
    sample: SampleStats,
    *,
    means: bool,
) -> SEMFit:
    if request.meanstructure is None:
        request = replace(request, meanstructure=means)
    found = fit_model(request, options, rows, sample=sample)
    if not means and found._solution.table.options.meanstructure:
        raise InputError("This model has means; it needs sample_mean=.")
    return found


def _model_text(model: str | None, data: Any) -> str:
    """The model's text, or one built from the instrument's subscales."""
    if isinstance(model, str) and model not in STRUCTURES:
        return model
    if model is not None and not isinstance(model, str):
        raise InputTypeError(f"model is text or None; got {type(model).__name__}.")
    instrument = getattr(data, "instrument", None)
    if instrument is None:
        raise InputError(
            "Without a model text the data must be Responses, whose instrument says which items "
            "measure which subscale.",
            hint="Write the model, e.g. 'f =~ item_1 + item_2 + item_3'.",
        )
    subscales = {s.id: tuple(s.items) for s in instrument.subscales}
    return structure_model(subscales, model or "correlated", items=instrument.item_ids)  # type: ignore[arg-type]


def _identification(name: str) -> str:
    one_of(name, tuple(IDENTIFICATION), "identification")
    return IDENTIFICATION[name]


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
