"""The verdict on a solution: status, notes, warnings; then the result.

Functions: ``judge``.
"""

from __future__ import annotations

import warnings

from cte_metrics.errors import ImproperSolutionWarning, NonConvergenceWarning
from cte_metrics.results.estimate import Provenance
from cte_metrics.results.status import Status
from cte_metrics.sem.inference import checks
from cte_metrics.sem.inference.checks import above_unrestricted
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.request.model import OnFailure, Request
from cte_metrics.sem.semfit import SEMFit


def judge(solution: Solution, request: Request) -> SEMFit:
    """Judge the solution and wrap it up."""
    notes = list(solution.data.notes)
    notes += list(getattr(solution.estimator, "notes", ()))
    notes += list(getattr(getattr(solution.estimator, "sample", None), "notes", ()))
    status = Status.CONVERGED
    if not solution.converged:
        status = Status.MAX_ITER
        astray = checks.runaway(solution)
        error: Exception = checks.not_converged(
            solution.n_iterations, (*getattr(solution.estimator, "notes", ()), *astray)
        )
        trouble = None if astray else checks.unidentified(solution)
        if trouble is not None:
            error = checks.identification_error(trouble)
        _fail(error, request.on_failure)
        notes.append(str(error).split("\n")[0])
    else:
        trouble = checks.unidentified(solution)
        if trouble is not None:
            status = Status.SINGULAR
            notes.append(trouble)
            _fail(checks.identification_error(trouble), request.on_failure)
        notes += checks.at_bounds(solution) + above_unrestricted(solution)
        problems = checks.improper(solution)
        if problems:
            status = Status.IMPROPER if status is Status.CONVERGED else status
            notes += problems
            warnings.warn(" ".join(problems), ImproperSolutionWarning, stacklevel=5)
    return SEMFit(
        provenance=_provenance(solution, request),
        status=status,
        notes=tuple(dict.fromkeys(notes)),
        _solution=solution,
        _request=request,
    )


def _fail(error: Exception, on_failure: OnFailure) -> None:
    if on_failure == "raise":
        raise error
    if on_failure == "warn":
        warnings.warn(str(error).split("\n")[0], NonConvergenceWarning, stacklevel=6)


def _provenance(solution: Solution, request: Request) -> Provenance:
    options = solution.options
    n = solution.data.n_used
    return Provenance(
        method=f"Structural equation model, {options.asked}",
        n_used=n,
        n_dropped=solution.data.n_dropped,
        settings={
            "estimator": options.asked,
            "se": options.se,
            "test": options.test,
            "information": options.information,
            "likelihood": options.likelihood,
            "missing": options.missing,
            "identification": request.identification,
            "meanstructure": solution.table.options.meanstructure,
            "fixed_x": request.fixed_x,
            "groups": list(solution.data.labels) if len(solution.data.labels) > 1 else [],
            "group_equal": list(request.group_equal),
            "group_partial": list(request.group_partial),
            "model": request.text,
        },
        reference="Rosseel, Y. (2012). lavaan: An R package for structural equation modeling. "
        "Journal of Statistical Software, 48(2), 1-36.",
    )
