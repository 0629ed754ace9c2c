"""What a reader must know before believing a solution: is it one, and is it proper?

Functions: ``check_sample``, ``check_counts``, ``unidentified``, ``improper``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cte_metrics.errors import EstimationError, IdentificationError, InputError
from cte_metrics.sem.estimators.base import Array
from cte_metrics.sem.inference.solution import Solution, constrained_inverse
from cte_metrics.sem.model.implied import BlockState
from cte_metrics.sem.sample.moments import SampleStats
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


def check_sample(sample: SampleStats) -> None:
    """Refuse samples whose covariance matrix cannot be inverted, naming the cause.

    Raises
    ------
    InputError
        For constant or linearly dependent variables, or fewer rows than variables.
    """
    for group in sample.groups:
        where = f" in group {group.label!r}" if len(sample.groups) > 1 else ""
        variance = group.cov.diagonal()
        scale = variance + group.mean**2
        flat = [v for v, s, t in zip(group.names, variance, scale, strict=True) if s <= 1e-14 * t]
        if flat:
            raise InputError(
                f"{', '.join(flat)} {'do' if len(flat) > 1 else 'does'} not vary{where}.",
                hint="Leave constant variables out of the model.",
            )
        sd = np.sqrt(variance)
        correlation = group.cov / (sd[:, None] * sd)
        if _positive(correlation):
            continue
        p = len(group.names)
        smallest = float(np.linalg.eigvalsh(correlation)[0])
        if smallest < -1e-8:
            raise InputError(
                f"The covariance matrix{where} is not positive definite (smallest eigenvalue of "
                f"the correlations {smallest:.3g}), so it cannot come from complete answers.",
                hint="Matrices from pairwise deletion or typing errors look like this; pass the "
                "answers themselves with missing='fiml'.",
            )
        if group.n <= p:
            raise InputError(
                f"There are {group.n:.0f} complete rows{where} and {p} variables; the covariance "
                "matrix cannot be inverted.",
                hint="Use more respondents, fewer variables, or estimator='ULS'.",
            )
        raise InputError(
            f"The variables are linearly dependent{where}: {_dependent(correlation, group.names)}.",
            hint="Leave out a variable that is the sum, the copy or the reverse of others.",
        )


def _positive(correlation: Array) -> bool:
    try:
        factor = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return False
    return bool(factor.diagonal().min() > 1e-7)


def _dependent(correlation: Array, names: Sequence[str]) -> str:
    vector = np.linalg.eigh(correlation)[1][:, 0]
    part = np.flatnonzero(np.abs(vector) > 0.05 * np.abs(vector).max())
    return ", ".join(names[i] for i in part.tolist())


def check_counts(table: ParameterTable, n_moments: int, n_parameters: int) -> None:
    """Refuse a model with more free parameters than moments.

    Raises
    ------
    IdentificationError
    """
    if n_parameters > n_moments:
        raise IdentificationError(
            f"The model is not identified: it has {n_parameters} free parameters, and the data "
            f"give {n_moments} moments (df = {n_moments - n_parameters}).",
            hint="Fix or equate parameters, or measure factors by more items (three for a factor "
            "on its own, two for correlated factors).",
        )


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
    """Variances below zero, judged against the size of the variable's total variance."""
    table, notes = solution.table, []
    for r in range(len(table)):
        if table.op[r] != "~~" or table.lhs[r] != table.rhs[r] or values[r] >= 0.0:
            continue
        state = solution.states[int(table.block[r]) - 1]
        total = _total_variance(state, table.lhs[r])
        if values[r] < -NEGATIVE * max(abs(total), 1e-12) and (
            table.free[r] or solution.options.ordinal
        ):
            notes.append(
                f"Negative variance: {describe_row(table, r, solution.data.labels)} = "
                f"{values[r]:.4g} (a Heywood case)."
            )
    return notes


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
