"""The verdict on a solution: how it ended, and what its reader must know.

Classes: ``Verdict``. Functions: ``judge``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, fields
from typing import Any

from cte_metrics.errors import ImproperSolutionWarning, NonConvergenceWarning, warn
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.status import Status
from cte_metrics.sem.inference import checks
from cte_metrics.sem.inference.keying import against_factor
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.request.model import OnFailure

DATA_OF_A_CALL = ("text", "group", "cluster", "weights", "start", "rng")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Status and notes of a solution, and where it came from.

    Created by: ``cte_metrics.sem.verdict.judge``.
    Consumed by: ``cte_metrics.sem.semfit.SEMFit``.
    """

    status: Status
    notes: tuple[str, ...]
    provenance: Provenance


def judge(solution: Solution) -> Verdict:
    """Judge a solution; an unusable one raises or warns as the request says.

    Raises
    ------
    EstimationError, IdentificationError
        Without a solution, where the request says so.
    """
    notes = [*solution.data.notes, *solution.estimator.notes, *checks.as_written(solution)]
    status = Status.CONVERGED
    if not solution.converged:
        status = Status.MAX_ITER
        astray = checks.runaway(solution)
        known = (*solution.estimator.notes, *astray)
        error: Exception = checks.not_converged(solution.n_iterations, known)
        trouble = None if astray else checks.unidentified(solution)
        if trouble is not None:
            error = checks.identification_error(trouble)
        _fail(error, solution.request.on_failure)
        notes.append(str(error).split("\n")[0])
    else:
        trouble = checks.unidentified(solution)
        if trouble is not None:
            status = Status.SINGULAR
            notes.append(trouble)
            _fail(checks.identification_error(trouble), solution.request.on_failure)
        notes += checks.at_bounds(solution) + checks.above_unrestricted(solution)
        notes += against_factor(solution)
        problems = checks.improper(solution)
        if problems:
            status = Status.IMPROPER if status is Status.CONVERGED else status
            notes += problems
            warn(" ".join(problems), ImproperSolutionWarning)
    if solution.resamples is not None:
        notes += solution.resamples.notes
    return Verdict(status, tuple(dict.fromkeys(notes)), _provenance(solution))


def _fail(error: Exception, on_failure: OnFailure) -> None:
    if on_failure == "raise":
        raise error
    if on_failure == "warn":
        warn(str(error).split("\n")[0], NonConvergenceWarning)


def _provenance(solution: Solution) -> Provenance:
    return Provenance(
        method=f"Structural equation model, {solution.options.asked}",
        n_used=solution.data.n_used,
        n_dropped=solution.data.n_dropped,
        settings=_settings(solution),
        reference="Rosseel, Y. (2012). lavaan: An R package for structural equation modeling. "
        "Journal of Statistical Software, 48(2), 1-36.",
    )


def _settings(solution: Solution) -> Mapping[str, Any]:
    """Every option as asked, those left open as they were settled."""
    request, options, labels = solution.request, solution.options, solution.data.labels
    asked = {f.name: getattr(request, f.name) for f in fields(request)}
    asked = {k: v for k, v in asked.items() if k not in DATA_OF_A_CALL}
    return asked | {
        "estimator": options.asked,
        "se": options.se,
        "test": options.test,
        "information": options.information,
        "ordered": options.ordinal if request.ordered is True else list(request.ordered or ()),
        "meanstructure": solution.table.options.meanstructure,
        "fixed_x": solution.table.options.fixed_x,
        "group": _column(request.group),
        "groups": list(labels) if len(labels) > 1 else [],
        "cluster": solution.data.cluster_name,
        "weights": request.weights is not None,
        "start": request.start is not None,
        "group_equal": list(request.group_equal),
        "group_partial": list(request.group_partial),
        "model": request.text,
    }


def _column(given: Any) -> Any:
    """Name a column; values given in its place are described, not kept."""
    named = isinstance(given, str) or not isinstance(given, Sized)
    return given if named else f"{len(given)} values"
