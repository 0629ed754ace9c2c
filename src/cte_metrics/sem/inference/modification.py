"""Modification indices and score tests.

For a fixed (or absent) parameter r, with g the gradient of the discrepancy of one observation and
I the unit information of the model in which everything is free::

    V = I_rr - I_rm J I_mr,     J = K (K' I_mm K)^-1 K',     mi = n g_r^2 / V,     epc = -g_r / V

The score test of equality constraints with Jacobian R is ``n g' I^- g``; releasing one of them
gives ``n g' C g`` with C the upper left block of the inverse of ``[[I, R'], [R, 0]]`` (the released
row left out).

Functions: ``modification_indices``, ``score_test``.

References
----------
Sorbom, D. (1989). Model modification. Psychometrika, 54, 371-384.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import InputError
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.results import Block, Provenance, Result
from cte_metrics.sem.estimators.base import Weight
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.inference.checks import describe_row
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.standardized import scale_factors
from cte_metrics.sem.model.design import build_design
from cte_metrics.sem.model.implied import evaluate, gradient
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.table.every_parameter import all_parameters
from cte_metrics.sem.table.labels import row_labels
from cte_metrics.sem.table.table import ParameterTable

if TYPE_CHECKING:
    import pandas as pd

SINGULAR = np.finfo(float).eps ** (1 / 3)


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """Gradient and unit information of the model with every parameter free.

    ``rows`` (n_rows of ``table``) values; ``own`` are the columns of the model's free parameters
    in their order, ``extra`` those of fixed and absent ones.
    """

    table: ParameterTable
    values: Array
    gradient: Array
    information: Array
    own: Index
    extra: Index


def score_parts(solution: Solution, information: InformationKind = "expected") -> ScoreParts:
    """Evaluate gradient and information of everything at the solution."""
    table = all_parameters(solution.table)
    values = np.zeros(len(table))
    values[: len(solution.table)] = np.nan_to_num(solution.values)
    given = _moments_of_covariates(solution)
    values[given] = 0.0
    states = evaluate(build_design(table), values)
    evaluation = solution.evaluation
    slope = gradient(states, evaluation.gradient())
    curvature = np.zeros((len(values), len(values)))
    for weight, blocks in zip(evaluation.weight(information), solution.design.groups, strict=True):
        curvature += _conditional(weight, solution, blocks).project([states[b] for b in blocks])
    free = np.flatnonzero(solution.table.free)
    own = free[np.argsort(solution.table.free[free])]
    extra = np.setdiff1d(np.flatnonzero(table.user == 10), given)
    return ScoreParts(table, values, slope, curvature, own, extra)


def _moments_of_covariates(solution: Solution) -> Index:
    """Rows of covariates' moments where the model is one of the others given the covariates."""
    table = solution.table
    if not (table.options.conditional_x and solution.options.ordinal):
        return np.zeros(0, dtype=np.intp)
    moments = np.array([op in ("~~", "~1") for op in table.op])
    return np.flatnonzero(moments & (table.exo > 0) & (table.free == 0))


def _conditional(weight: Weight, solution: Solution, blocks: Sequence[int]) -> Weight:
    """The weight without information on the moments of fixed covariates."""
    if len(blocks) > 1 or solution.options.ordinal or not solution.table.options.fixed_x:
        return weight
    (number,) = blocks
    design, names = solution.design.blocks[number], solution.table.blocks[number]
    fixed = np.array([v in names.ov_x for v in design.observed])
    if not fixed.any():
        return weight
    i, j = vech_index(design.n_observed)
    both = fixed[i] & fixed[j]
    blank = np.concatenate((fixed, both)) if design.has_means else both
    matrix = np.array(weight.dense())
    matrix[blank] = 0.0
    matrix[:, blank] = 0.0
    return DenseWeight(matrix)


def modification_indices(
    solution: Solution, *, sort: bool = False, minimum: float = 0.0
) -> pd.DataFrame:
    """Score test of every fixed or absent parameter.

    Parameters
    ----------
    solution : Solution
    sort : bool
        Largest index first; otherwise the order of the table, then absent parameters.
    minimum : float
        Leave out smaller indices.

    Returns
    -------
    DataFrame
        ``lhs, op, rhs, group, level, mi, epc, sepc_lv, sepc_all``: the drop in chi-square to be
        expected from freeing the parameter, the value to be expected, and that value
        standardized. Parameters that could not be estimated are left out.
    """
    import pandas as pd

    parts = score_parts(solution)
    mi, epc = _indices(parts, inverse_information(solution, parts), score_size(solution))
    table = parts.table
    standard = {f"sepc_{kind}": _standardized(solution, parts, epc, kind) for kind in ("lv", "all")}
    columns = {k: np.asarray(v, dtype=object)[parts.extra] for k, v in row_labels(table).items()}
    frame = pd.DataFrame(columns).drop(columns="label")
    frame = frame.astype({"group": np.int64, "level": np.int64})
    frame = frame.assign(mi=mi, epc=epc, **standard)
    frame = frame[np.isfinite(mi) & ~(mi < minimum)]
    if sort:
        frame = frame.sort_values("mi", ascending=False, kind="stable")
    return frame.reset_index(drop=True)


def score_size(solution: Solution) -> float:
    """Observations that the unit information stands for: rows, or clusters at two levels."""
    clustered = any(len(blocks) > 1 for blocks in solution.design.groups)
    return float(solution.estimator.n if clustered else solution.n_observations)


def inverse_information(solution: Solution, parts: ScoreParts) -> Array:
    """Inverse information of the model's own parameters under its constraints."""
    own = parts.information[np.ix_(parts.own, parts.own)]
    basis = np.eye(len(own)) if solution.basis is None else solution.basis
    return np.asarray(basis @ linalg.pinvh(basis.T @ own @ basis) @ basis.T)


def _indices(parts: ScoreParts, inverse: Array, n: float) -> tuple[Array, Array]:
    cross = parts.information[np.ix_(parts.extra, parts.own)]
    own = np.diagonal(parts.information)[parts.extra]
    variance = own - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    variance = np.where(variance < SINGULAR, np.nan, variance)
    slope = parts.gradient[parts.extra]
    return n * slope**2 / variance, -slope / variance


def _standardized(solution: Solution, parts: ScoreParts, epc: Array, kind: str) -> Array:
    """Expected changes on the standardized scale.

    As in lavaan a variance shows its standardized estimate with the sign of the change.
    """
    table = parts.table
    factors = scale_factors(
        table, solution.states, parts.values, "std_all" if kind == "all" else "std_lv"
    )
    if kind == "all":
        factors = np.where(np.array(table.op) == "~*~", np.nan, factors)
    pairs = zip(table.lhs, table.op, table.rhs, table.exo, strict=True)
    variance = np.array([op == "~~" and a == b and not x for a, op, b, x in pairs])
    size = np.where(variance, np.abs(parts.values), 1.0)[parts.extra]
    change = np.where(variance[parts.extra], np.sign(epc) * size, epc)
    return np.where(size == 0.0, 0.0, change * np.where(size == 0.0, 1.0, factors[parts.extra]))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ScoreTest(Result):
    """Test of a fit's equality constraints.

    Attributes
    ----------
    chi2, df, p : float, int, float
        All constraints released together.
    table : DataFrame
        One row a constraint released alone: ``lhs, op, rhs`` as the model has it (labels, such as
        ``.p2.``), ``chi2, df, p`` and what it ties by name: ``first, second``, such as
        ``visual =~ x2 (group Pasteur)``.
    """

    _title: ClassVar[str] = "Score test of the equality constraints"

    chi2: float
    df: int
    p: float
    table: pd.DataFrame

    def _blocks(self) -> list[Block]:
        figures = [("chi-square", self.chi2), ("df", self.df), ("p", self.p)]
        return [Block("All constraints released", figures), Block("One at a time", self.table)]


def score_test(solution: Solution) -> ScoreTest:
    """Test every equality constraint of a model, together and one at a time.

    Raises
    ------
    InputError
        If the model has no equality constraints.
    """
    jacobian = solution.constraints.equal.jacobian(solution.theta)
    if not len(jacobian):
        raise InputError(
            "The model has no equality constraints to test.",
            hint="Use modification_indices() for parameters that are fixed or absent.",
        )
    parts = score_parts(solution)
    own = np.ix_(parts.own, parts.own)
    slope, information = parts.gradient[parts.own], parts.information[own]
    n = score_size(solution)
    total = float(n * slope @ linalg.pinvh(information) @ slope)
    single = [
        n * slope @ released_inverse(information, np.delete(jacobian, r, axis=0)) @ slope
        for r in range(len(jacobian))
    ]
    df = len(jacobian)
    return ScoreTest(
        chi2=total,
        df=df,
        p=float(chi2_sf(total, df)),
        table=_score_table(solution, np.array(single)),
        notes=_score_notes(solution),
        provenance=Provenance(
            method="Score (Lagrange multiplier) test",
            n_used=int(solution.n_observations),
            reference="Sorbom (1989), Psychometrika, 54, 371-384.",
        ),
    )


def _score_notes(solution: Solution) -> tuple[str, ...]:
    if solution.options.se == "standard":
        return ()
    return (
        "The score test is the ordinary one; no robust version is available for "
        f"se={solution.options.se!r}.",
    )


def released_inverse(information: Array, jacobian: Array) -> Array:
    """Generalised inverse of the information under the remaining constraints."""
    n, m = len(information), len(jacobian)
    bordered = np.zeros((n + m, n + m))
    bordered[:n, :n] = information
    bordered[:n, n:] = jacobian.T
    bordered[n:, :n] = jacobian
    return np.asarray(linalg.pinvh(bordered)[:n, :n])


def _score_table(solution: Solution, chi2: Array) -> pd.DataFrame:
    import pandas as pd

    names = _parameters_by_label(solution)
    sides = [name.split(" == ") for name in solution.constraints.equal.names]
    return pd.DataFrame(
        {
            "lhs": [left for left, _ in sides],
            "op": "==",
            "rhs": [right for _, right in sides],
            "chi2": chi2,
            "df": 1,
            "p": chi2_sf(chi2, 1),
            "first": [names.get(left, left) for left, _ in sides],
            "second": [names.get(right, right) for _, right in sides],
        }
    )


def _parameters_by_label(solution: Solution) -> dict[str, str]:
    """What each label stands for; the first parameter where several share one."""
    table, found = solution.table, {}
    for i in range(len(table)):
        name = describe_row(table, i, solution.data.labels)
        found[table.plabel[i]] = name
        if table.label[i]:
            found.setdefault(table.label[i], name)
    return found
