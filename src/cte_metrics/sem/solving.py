"""solving."""

from __future__ import annotations

from cte_metrics.errors import InputError
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.model.moments import Array
from cte_metrics.sem.request.options import FitOptions
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.search.constrained import active_jacobian, null_space
from cte_metrics.sem.search.identification import check_counts
from cte_metrics.sem.search.search import _only_linear, _prepare, _search
from cte_metrics.sem.table.table import ParameterTable


def solve(
    table: ParameterTable,
    estimator: Estimator,
    options: FitOptions,
    data: ModelData,
    *,
    start: Array | None = None,
) -> Solution | None:
    """Minimise the discrepancy; ``None`` when it is not defined at any start.

    Parameters
    ----------
    start : ndarray (n_free,), optional
        First value of theta; from the sample moments by default.

    Raises
    ------
    IdentificationError
        If there are more parameters than moments.
    """
    setup = _prepare(table, estimator)
    check_counts(table, setup.n_moments, setup.n_parameters)
    found = _search(table, estimator, setup, start)
    if found is None:
        return None
    theta = found.theta
    states = evaluate(setup.design, theta)
    basis = null_space(active_jacobian(setup.constraints, setup.bounds, theta), len(theta))
    if setup.constraints.is_linear and len(setup.constraints.equal) and _only_linear(setup):
        basis = setup.constraints.reparameterization()[1]
    evaluation = (
        found.evaluation
        if found.states and found.states[0].n_free == setup.design.n_free
        else estimator.at([s.moments for s in states])
    )
    return Solution(
        design=setup.design,
        estimator=estimator,
        options=options,
        theta=theta,
        basis=basis,
        states=states,
        evaluation=evaluation,
        n_moments=setup.n_moments,
        n_parameters=setup.n_parameters,
        table=table,
        constraints=setup.constraints,
        data=data,
        converged=found.converged,
        n_iterations=found.n_iterations,
    )


def require_data(data: object, sample_cov: object) -> None:
    """Refuse a call with neither answers nor moments.

    Raises
    ------
    InputError
    """
    if data is None and sample_cov is None:
        raise InputError(
            "There is nothing to fit the model to.",
            hint="Pass data, or sample_cov= with n_obs=.",
        )
