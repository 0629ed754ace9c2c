"""From what was asked to a solved model: read, choose an estimator, search, hand over a Solution.

Functions: ``solve_request``, ``read_request``, ``solve_rows``, ``ask_again``, ``solve_again``,
``solve``, ``complete_table``, ``solution_at``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.kernels.factor.rotation import ORTHOGONAL
from cte_metrics.sem.estimators.base import Estimator, Evaluation
from cte_metrics.sem.estimators.choice import make_estimator
from cte_metrics.sem.inference.checks import no_start, unwritten
from cte_metrics.sem.inference.rotation import rotate_solution
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import Solved
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.request.model import ModelRequest
from cte_metrics.sem.request.options import FitOptions, settle_options
from cte_metrics.sem.request.text import model_text
from cte_metrics.sem.sample.matrices_given import (
    GivenMatrices,
    moment_input,
    read_summaries,
    require_no_rows,
)
from cte_metrics.sem.sample.moments import SampleStats
from cte_metrics.sem.sample.ordinal import sample_thresholds
from cte_metrics.sem.sample.rows import ModelData, read_model_data
from cte_metrics.sem.search.constrained import active_jacobian, null_space
from cte_metrics.sem.search.identification import check_counts
from cte_metrics.sem.search.search import Setup, only_linear, prepare, search
from cte_metrics.sem.table.ordinal_rows import check_ordinal_rows
from cte_metrics.sem.table.table import (
    ParameterTable,
    TableOptions,
    build_table,
    model_outline,
    positive_variances,
)
from cte_metrics.summaries.moments import Moments

NOTHING_AUTOMATIC: dict[str, bool] = dict.fromkeys(
    (
        "auto_var", "auto_cov_lv_x", "auto_cov_y", "auto_fix_first", "auto_fix_single",
        "auto_thresholds", "int_ov_free", "int_lv_free",
    ),
    False,
)  # fmt: skip


def solve_request(request: ModelRequest, data: Any) -> Solution:
    """Read the data that a model asks for, and solve it.

    Parameters
    ----------
    data : Responses, DataFrame, array, Moments or GivenMatrices

    Raises
    ------
    InputError
        For contradictory options, or levels without clusters.
    EstimationError, IdentificationError
        If there is no solution at all.
    """
    if isinstance(data, GivenMatrices):
        return _solve_matrices(request, data)
    options, rows, sample = read_request(request, data)
    return solve_rows(request, options, rows, sample=sample)


def read_request(
    request: ModelRequest, data: Any
) -> tuple[FitOptions, ModelData, SampleStats | None]:
    """Settle the options of a model and read its variables; of Moments come no rows but a sample.

    Raises
    ------
    InputError
        For contradictory options, or levels without clusters.
    """
    outline = _outline(request)
    options = settle_options(request, outline)
    if isinstance(data, Moments):
        require_no_rows(options, "Moments hold", weights=request.weights)
        rows, sample = moment_input(data, outline.ov_names, request.group)
        return options, rows, sample
    rows = read_model_data(
        data,
        outline.ov_names,
        group=request.group,
        cluster=request.cluster,
        weights=request.weights,
        keep_missing=options.missing in ("fiml", "pairwise"),
        complete=outline.ov_x if _fixes_covariates(request, options) else (),
    )
    return options, rows, None


def _outline(request: ModelRequest) -> ParameterTable:
    outline = model_outline(request.text)
    if outline.n_levels > 1 and request.cluster is None:
        raise InputError(
            "The model has 'level:' blocks but no cluster is named.",
            hint="Pass cluster='school', the column that says who belongs to which cluster.",
        )
    return outline


def _solve_matrices(request: ModelRequest, given: GivenMatrices) -> Solution:
    outline = _outline(request)
    options = settle_options(request, outline)
    require_no_rows(options, "sample_cov= holds", weights=request.weights)
    means = given.mean is not None
    if request.meanstructure is None:
        request = replace(request, meanstructure=means)
    rows, sample = read_summaries(given, outline.ov_names)
    found = solve_rows(request, options, rows, sample=sample)
    if not means and found.table.options.meanstructure:
        raise InputError("This model has means; it needs sample_mean=.")
    return found


def solve_rows(
    request: ModelRequest,
    options: FitOptions,
    rows: ModelData,
    *,
    sample: SampleStats | None = None,
    estimator: Estimator | None = None,
    baseline: Solved | None = None,
) -> Solution:
    """Solve a model of rows that have been read (or of ``sample``, where only moments are known).

    ``estimator`` and ``baseline`` are those of an earlier fit of the same variables to the same
    rows.
    """
    table = complete_table(request, options, rows)
    if estimator is None:
        estimator = make_estimator(rows, table, options, sample=sample)
    solution = solve(
        table, estimator, request=request, options=options, data=rows, baseline=baseline
    )
    if solution is None:
        raise no_start(unwritten(table))
    return rotate_solution(solution, request.rotation) if any(table.efa) else solution


def ask_again(solution: Solution, text: str | None, data: Any) -> Solution:
    """Solve what a solution was asked, of another text or of other data; ``None`` is its own.

    Raises
    ------
    InputError
        If groups, clusters or weights were given as values, which other data cannot match.
    InputTypeError
        If the text is none.
    """
    request = solution.request
    if text is not None and not isinstance(text, str):
        raise InputTypeError(f"model is text or None; got {type(text).__name__}.")
    if text is not None:
        request = replace(request, text=model_text(text, data), start=None)
    if data is None:
        return solve_again(solution, request)
    for name in ("group", "cluster", "weights"):
        given = getattr(request, name)
        if given is not None and not isinstance(given, str):
            raise InputError(
                f"{name}= was given as values, which belong to the rows of the first fit.",
                hint="Name a column of the data, then fit.again(data=...) can look it up.",
            )
    return solve_request(request, data)


def solve_again(solution: Solution, request: ModelRequest) -> Solution:
    """Solve another request on the rows of a solution.

    Where the model sees the same variables alike, summaries and unrestricted moments are kept.

    Raises
    ------
    InputError
        If the model names variables that the solution has not read, or sees moments otherwise than
        a solution that knows no rows.
    """
    outline = model_outline(request.text)
    missing = [v for v in outline.ov_names if v not in solution.data.names]
    if missing:
        raise InputError(
            f"The fit has not read {', '.join(missing)}; it keeps the variables of its own model.",
            hint="Pass data= as well: fit.again(model, data).",
        )
    options, rows = settle_options(request, outline), solution.data
    seen = _seen(complete_table(request, options, rows))
    same = options == solution.options and seen == _seen(solution.table)
    if not same and not rows.groups:
        raise InputError(
            "The fit knows moments, not answers, and the model has other variables or options.",
            hint="Pass the moments again, as data.",
        )
    return solve_rows(request, options, rows, estimator=solution.estimator if same else None)


def _seen(table: ParameterTable) -> tuple[object, ...]:
    """What an estimator is made of, beside rows and options: variables, means, thresholds."""
    variables = tuple((b.ov_names, b.ov_x) for b in table.blocks)
    return variables, table.options.meanstructure, table.options.n_thresholds


def complete_table(request: ModelRequest, options: FitOptions, rows: ModelData) -> ParameterTable:
    """Complete the model's text with the defaults for these rows."""
    thresholds: tuple[tuple[str, int], ...] = ()
    if options.ordinal:
        thresholds = sample_thresholds(rows, request.ordered, request.text)
    table = build_table(request.text, _table_options(request, options, rows, thresholds))
    check_ordinal_rows(table, dict(thresholds))
    return table if request.bounds == "none" else positive_variances(table)


def _fixes_covariates(request: ModelRequest, options: FitOptions) -> bool:
    return options.fixes_covariates if request.fixed_x is None else request.fixed_x


def _table_options(
    request: ModelRequest,
    options: FitOptions,
    rows: ModelData,
    thresholds: tuple[tuple[str, int], ...],
) -> TableOptions:
    """Settle what the parameter table depends on."""
    n_groups = max(len(rows.n_by_group), 1)
    means = request.meanstructure
    needed = options.casewise or options.ordinal or n_groups > 1
    return TableOptions(
        model_type=request.model_type,
        identification=request.identification,
        orthogonal=request.orthogonal,
        meanstructure=needed if means is None else means or options.casewise or options.ordinal,
        fixed_x=_fixes_covariates(request, options),
        n_groups=n_groups,
        group_names=rows.labels,
        group_equal=request.group_equal,
        group_partial=request.group_partial,
        n_thresholds=thresholds,
        parameterization=request.parameterization,
        conditional_x=options.ordinal,
        ordinal_level=int(options.ordinal and options.two_level),
        orthogonal_efa=request.rotation in ORTHOGONAL and request.rotation != "none",
        **({} if request.model_type != "lavaan" else NOTHING_AUTOMATIC),
    )


def solve(
    table: ParameterTable,
    estimator: Estimator,
    *,
    request: ModelRequest,
    options: FitOptions,
    data: ModelData,
    baseline: Solved | None = None,
) -> Solution | None:
    """Minimise the discrepancy; ``None`` when it is not defined at any start.

    Raises
    ------
    IdentificationError
        If there are more parameters than moments.
    InputError
        If the starting values are not one for each free parameter.
    """
    setup = prepare(table, estimator)
    check_counts(table, setup.n_moments, setup.n_parameters)
    if request.start is not None and request.start.shape != (table.n_free,):
        raise InputError(
            f"start= has the shape {request.start.shape}; the model has {table.n_free} free "
            "parameters.",
            hint="Single starting values are written start(0.8)*x in the model.",
        )
    found = search(table, estimator, setup, request.start)
    if found is None:
        return None
    own = found.states and found.states[0].n_free == setup.design.n_free
    solution = solution_at(
        setup.bounds.settled(found.theta),
        setup,
        estimator,
        evaluation=found.evaluation if own else None,
        table=table,
        request=request,
        options=options,
        data=data,
    )
    return replace(
        solution,
        converged=found.converged,
        n_iterations=found.n_iterations,
        given_baseline=baseline,
    )


def solution_at(
    theta: Array,
    setup: Setup,
    estimator: Estimator,
    *,
    table: ParameterTable,
    request: ModelRequest,
    options: FitOptions,
    data: ModelData,
    evaluation: Evaluation | None = None,
) -> Solution:
    """The model at given parameters; ``evaluation`` is the estimator's there, where it is known."""
    states = evaluate(setup.design, theta)
    basis = null_space(active_jacobian(setup.constraints, setup.bounds, theta), len(theta))
    if setup.constraints.is_linear and len(setup.constraints.equal) and only_linear(setup):
        basis = setup.constraints.reparameterization()[1]
    return Solution(
        design=setup.design,
        estimator=estimator,
        options=options,
        theta=theta,
        basis=basis,
        states=states,
        evaluation=evaluation or estimator.at([s.moments for s in states]),
        n_moments=setup.n_moments,
        n_parameters=setup.n_parameters,
        table=table,
        constraints=setup.constraints,
        request=request,
        data=data,
        converged=True,
        n_iterations=0,
    )
