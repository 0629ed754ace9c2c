"""What a reader must know before believing a solution: is it one, and is it proper?

Functions: ``unidentified``, ``improper``, ``at_bounds``, ``runaway``, ``above_unrestricted``,
``as_written``, ``negative_rows``, ``impossible``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import EstimationError, IdentificationError
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import constrained_inverse
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.syntax.parsed import Row
from cte_metrics.sem.table.table import ParameterTable

NEGATIVE = 1e-7
BEYOND_ONE = 1e-6


def describe_row(table: ParameterTable, row: int, labels: Sequence[str] = ()) -> str:
    """Write a parameter as in the model's text, with its group where there are several."""
    op = table.op[row]
    name = table.lhs[row] + " ~ 1" if op == "~1" else f"{table.lhs[row]} {op} {table.rhs[row]}"
    place = []
    if table.n_groups > 1:
        g = int(table.group[row])
        place.append(f"group {labels[g - 1] if g <= len(labels) else g}")
    if table.n_levels > 1:
        place.append(f"level {int(table.level[row])}")
    return f"{name} ({', '.join(place)})" if place else name


def unidentified(solution: Solution) -> str | None:
    """Say which parameters the data cannot determine; ``None`` when all are identified."""
    if solution.design.n_free == 0 or solution.bread is not None:
        return None
    matrix = solution.information
    observed = solution.options.information == "observed"
    expected = solution.unit_information("expected") if observed else matrix
    if observed and constrained_inverse(expected, solution.basis) is not None:
        return (
            "The observed information matrix is not positive definite: the solution is a saddle "
            "point or lies at the edge of the parameter space; standard errors are not defined."
        )
    scale = np.sqrt(np.maximum(matrix.diagonal(), 1e-300))
    scaled = matrix / (scale[:, None] * scale)
    basis = solution.basis
    if basis is not None:
        orthogonal, _ = np.linalg.qr(scale[:, None] * basis)
        inner = orthogonal.T @ scaled @ orthogonal
        vector = orthogonal @ np.linalg.eigh(inner)[1][:, 0]
    else:
        vector = np.linalg.eigh(scaled)[1][:, 0]
    part = np.flatnonzero(np.abs(vector) > 0.2 * np.abs(vector).max())[:8]
    rows = [int(np.flatnonzero(solution.table.free == k + 1)[0]) for k in part]
    listed = ", ".join(describe_row(solution.table, r, solution.data.labels) for r in rows)
    return (
        f"The model is not identified: the data cannot determine {listed} "
        f"{'separately' if len(rows) > 1 else ''}".rstrip()
        + "."
    )


def identification_error(problem: str) -> IdentificationError:
    """Build the error for an unidentified model."""
    return IdentificationError(
        problem,
        hint="Fix one of them (a loading or a variance to 1), equate them, or give the factor "
        "another indicator; on_failure='return' gives the estimates as they are.",
    )


def not_converged(n_iterations: int, known: Sequence[str] = ()) -> EstimationError:
    """Build the error for an estimation without a solution; ``known`` are facts on the data."""
    text = f"The estimation found no solution (stopped after {n_iterations} iterations)."
    return EstimationError(
        " ".join((text, *known)),
        hint="Check the keying of the items and the model; give start(...) values, simplify the "
        "model, or pass on_failure='return' to look at where it stopped.",
    )


def no_start(known: Sequence[str] = ()) -> EstimationError:
    """Build the error for a model that implies no covariance matrix where its search starts."""
    text = (
        "At its starting values the model implies no covariance matrix (a variance that is not "
        "positive, or a covariance larger than its variances allow)."
    )
    return EstimationError(
        " ".join((text, *known)),
        hint="Look at the values that the model fixes; give start(...) values to the free ones.",
    )


def runaway(solution: Solution) -> list[str]:
    """Say which variances ran away below zero where an estimation found no minimum."""
    found = _negative_variances(solution, solution.values)
    if not found:
        return []
    return [
        *(text.replace(" (a Heywood case)", " where it stopped") for text in found),
        "bounds='positive_variances' keeps variances at zero or above.",
    ]


def improper(solution: Solution) -> list[str]:
    """Sentences on estimates outside their parameter space; empty for a proper solution."""
    table, values = solution.table, solution.values
    notes = _negative_variances(solution, values)
    negative = bool(notes)
    notes += _correlations_beyond_one(solution)
    for state in solution.states:
        where = _where(table, state.design.group, state.design.level, solution.data.labels)
        if np.linalg.eigvalsh(state.cov)[0] < -1e-10 * np.abs(state.cov).max():
            notes.append(f"The implied covariance matrix{where} is not positive definite.")
        regular = [j for j, v in enumerate(state.design.latent) if v not in state.design.observed]
        phi = state.phi[np.ix_(regular, regular)]
        if not notes and not negative and len(regular) > 1 and _indefinite(phi):
            names = ", ".join(state.design.latent[j] for j in regular)
            notes.append(
                f"The covariance matrix of the latent variables ({names}){where} is not positive "
                "definite: one of them is a linear combination of the others."
            )
    return notes


def at_bounds(solution: Solution) -> list[str]:
    """Sentences on estimates that sit at a bound of theirs."""
    table, notes = solution.table, []
    for r in np.flatnonzero(table.free):
        value = solution.values[r]
        for bound in (table.lower[r], table.upper[r]):
            if np.isfinite(bound) and abs(value - bound) < 1e-6:
                name = describe_row(table, int(r), solution.data.labels)
                notes.append(f"{name} is at its bound {bound:g}; its standard error is 0.")
    return notes


def _indefinite(phi: Array) -> bool:
    sd = np.sqrt(np.maximum(phi.diagonal(), 1e-300))
    return bool(np.linalg.eigvalsh(phi / (sd[:, None] * sd))[0] < -BEYOND_ONE)


def _where(table: ParameterTable, group: int, level: int, labels: Sequence[str]) -> str:
    parts = []
    if table.n_groups > 1:
        parts.append(f"group {labels[group - 1]}")
    if table.n_levels > 1:
        parts.append(f"level {level}")
    return f" of {' at '.join(parts)}" if parts else ""


def _negative_variances(solution: Solution, values: Array) -> list[str]:
    """Sentences on variances below zero."""
    table, notes = solution.table, []
    for r in negative_rows(solution, values):
        fixed = not table.free[r] and values[r] == table.ustart[r]
        why = "fixed so by the model" if fixed else "a Heywood case"
        notes.append(
            f"Negative variance: {describe_row(table, r, solution.data.labels)} = "
            f"{values[r]:.4g} ({why})."
        )
    return notes


def negative_rows(solution: Solution, values: Array) -> list[int]:
    """Variances below zero, judged against the size of the variable's total variance."""
    table = solution.table
    found = []
    for r in range(len(table)):
        if table.op[r] != "~~" or table.lhs[r] != table.rhs[r] or not values[r] < 0.0:
            continue
        total = _total_variance(solution.states[int(table.block[r]) - 1], table.lhs[r])
        if values[r] < -NEGATIVE * max(abs(total), 1e-12):
            found.append(r)
    return found


def impossible(solution: Solution, standardized: Array) -> list[str]:
    """What is impossible about each row of the table; empty text where nothing is.

    Parameters
    ----------
    standardized : (n_rows,)
        Completely standardized values.
    """
    table = solution.table
    marks = [""] * len(table)
    explained = [
        {b.lhs if b.op == "~" else b.rhs for b in rows if b.op in ("=~", "~")}
        for rows in _rows_by_block(table)
    ]
    for r in range(len(table)):
        beyond = bool(abs(standardized[r]) > 1.0 + BEYOND_ONE)
        own = table.op[r] == "~~" and table.lhs[r] == table.rhs[r]
        if beyond and table.op[r] == "=~":
            marks[r] = "standardized loading beyond 1"
        elif beyond and own and table.lhs[r] in explained[int(table.block[r]) - 1]:
            marks[r] = "explained share below 0"
        elif beyond and table.op[r] == "~~":
            marks[r] = "correlation beyond 1"
    for r in negative_rows(solution, solution.values):
        marks[r] = "negative variance"
    return marks


def _rows_by_block(table: ParameterTable) -> list[list[Row]]:
    found: list[list[Row]] = [[] for _ in table.blocks]
    rows = zip(table.block, table.lhs, table.op, table.rhs, strict=True)
    for block, lhs, op, rhs in rows:
        found[int(block) - 1].append(Row(lhs, op, rhs))
    return found


def as_written(solution: Solution) -> list[str]:
    """Sentences on what the fit makes of lines of the model, or of options, other than expected."""
    return [
        *_covariates_as_numbers(solution),
        *_unused_values(solution),
        *_free_means(solution),
        *unwritten(solution.table),
    ]


def unwritten(table: ParameterTable) -> list[str]:
    """Say what a model without defaults fixes at 0 since its text leaves it out."""
    if table.options.model_type != "lavaan":
        return []
    ordinal = dict(table.options.n_thresholds)
    lost: dict[str, list[str]] = {"~~": [], "~1": []}
    for r in range(len(table)):
        own = table.op[r] == "~1" or table.lhs[r] == table.rhs[r]
        left_out = table.user[r] == 0 and not table.free[r] and table.ustart[r] == 0.0
        latent_mean = table.op[r] == "~1" and table.lhs[r] in table.lv_names
        if table.op[r] in lost and own and left_out and table.lhs[r] not in ordinal:
            lost[table.op[r]] += [] if latent_mean else [describe_row(table, r, table.group_labels)]
    return [
        f"The model does not write {', '.join(dict.fromkeys(rows))}: fixed at 0."
        for rows in lost.values()
        if rows
    ]


def _covariates_as_numbers(solution: Solution) -> list[str]:
    ordered = solution.request.ordered
    named = ordered if isinstance(ordered, tuple) else ()
    return [
        f"{v} is declared ordinal but only predicts, so it is taken as a number."
        for v in solution.table.ov_x
        if v in named
    ]


def _unused_values(solution: Solution) -> list[str]:
    """Residual variances (delta) or scales (theta) of ordinal items that the text fixes in vain."""
    table, notes = solution.table, []
    if not solution.options.ordinal or table.n_levels > 1:
        return []
    theta = table.options.parameterization == "theta"
    op, other = ("~*~", "delta") if theta else ("~~", "theta")
    what = "scaling factor" if theta else "residual variance"
    for r in range(len(table)):
        own = table.user[r] == 1 and not table.free[r] and table.op[r] == op
        if (
            own
            and table.lhs[r] == table.rhs[r]
            and table.lhs[r] in dict(table.options.n_thresholds)
        ):
            notes.append(
                f"{describe_row(table, r, solution.data.labels)}: the {what} of an ordinal item "
                f"follows from the other parameters ({solution.values[r]:.4g}), so the value "
                f"{table.ustart[r]:g} of the model has no effect; parameterization={other!r} "
                "would fix it."
            )
    return notes


def _free_means(solution: Solution) -> list[str]:
    """Means that a growth model leaves free, and lavaan's does not."""
    table = solution.table
    if not table.options.frees_other_means:
        return []
    names = dict.fromkeys(
        table.lhs[r]
        for r in np.flatnonzero(table.free)
        if table.op[r] == "~1" and table.user[r] == 0 and table.lhs[r] not in table.lv_names
    )
    if not names:
        return []
    listed = ", ".join(names)
    return [
        f"{listed}: no repeated measure, so the mean is free (lavaan::growth fixes it at 0; "
        f"'{next(iter(names))} ~ 0*1' does so)."
    ]


def _total_variance(state: BlockState, name: str) -> float:
    if name in state.design.observed:
        return float(state.cov[(state.design.observed.index(name),) * 2])
    return float(state.phi[(state.design.latent.index(name),) * 2])


def _correlations_beyond_one(solution: Solution) -> list[str]:
    notes = []
    table = solution.table
    for state in solution.states:
        design = state.design
        where = _where(table, design.group, design.level, solution.data.labels)
        for matrix, names in ((state.matrices.psi, design.latent), (state.matrices.theta, None)):
            labels = design.observed if names is None else names
            variance = matrix.diagonal()
            sd = np.sqrt(np.maximum(variance, 0.0))
            limit = sd[:, None] * sd
            over = np.abs(matrix) > limit * (1.0 + BEYOND_ONE) + 1e-12
            i, j = np.nonzero(np.tril(over, -1))
            for a, b in zip(i.tolist(), j.tolist(), strict=True):
                if variance[a] > 0 and variance[b] > 0:
                    r = matrix[a, b] / limit[a, b]
                    notes.append(
                        f"The correlation of {labels[b]} and {labels[a]}{where} is {r:.3f}, "
                        "outside [-1, 1]."
                    )
    return notes


NOTICEABLE = 1e-4


def above_unrestricted(solution: Solution) -> list[str]:
    """Say when the model is more likely than the unrestricted moments, so that chi-square is 0."""
    if solution.table.n_levels < 2 or solution.options.ordinal or solution.df <= 0:
        return []
    base = solution.estimator.saturated().by_group
    triples = zip(solution.estimator.n_by_group, base, solution.evaluation.by_group, strict=True)
    excess = sum(max(0.0, n * (f0 - f)) for n, f0, f in triples)
    if excess < NOTICEABLE:
        return []
    return [
        f"The model's log-likelihood exceeds that of the unrestricted moments by {excess:.3g}, so "
        "chi-square is set to 0 and its p-value to 1: they say nothing on fit. Unrestricted "
        "variances stay above zero at both levels, and this model's do not have to; the variance "
        "between clusters is close to nil."
    ]
