"""Constraints and defined parameters of a model as functions of its free parameters.

Equalities ``h(theta) = 0``, inequalities ``g(theta) >= 0`` and defined parameters, each with exact
Jacobians. Linear equalities ``A theta = b`` also give the form ``theta = theta0 + K x`` in which
``x`` is free.

Functions: ``compile_constraints``, ``compile_equations``, ``free_form``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, close_names
from cte_metrics.sem.syntax.expressions import (
    Call,
    Expression,
    linear_form,
    names_of,
    parse_expression,
    value_and_gradient,
)
from cte_metrics.sem.syntax.reader import Constraint, parse_model
from cte_metrics.sem.table.table import ParameterTable


@dataclass(frozen=True, slots=True, eq=False)
class Functions:
    """A stack of ``m`` expressions over ``n`` free parameters.

    ``names`` says what each is; ``linear`` holds ``(A, b)`` with value ``A theta - b`` when all
    are linear, else ``None``. ``columns`` maps labels to free parameters, ``constants`` labels to
    the values of fixed ones.
    """

    names: tuple[str, ...]
    trees: tuple[Expression, ...]
    columns: Mapping[str, int]
    constants: Mapping[str, float]
    n_free: int
    linear: tuple[Array, Array] | None

    def __len__(self) -> int:
        return len(self.trees)

    def value_and_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Values (m,) and Jacobian (m, n) at the free parameters ``theta`` (n,)."""
        if self.linear is not None:
            return self.linear[0] @ theta - self.linear[1], self.linear[0]
        values = dict(self.constants)
        unit = np.eye(self.n_free)
        gradients = {}
        for label, j in self.columns.items():
            values[label] = float(theta[j])
            gradients[label] = unit[j]
        pairs = [value_and_gradient(t, values, gradients, self.n_free) for t in self.trees]
        if not pairs:
            return np.zeros(0), np.zeros((0, self.n_free))
        return np.array([v for v, _ in pairs]), np.array([g for _, g in pairs])

    def value(self, theta: Array) -> Array:
        """Values (m,)."""
        return self.value_and_jacobian(theta)[0]

    def jacobian(self, theta: Array) -> Array:
        """Jacobian (m, n)."""
        return self.value_and_jacobian(theta)[1]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledConstraints:
    """Constraints of a table: ``equal`` (= 0), ``inequal`` (>= 0), ``defined``.

    Created by: ``cte_metrics.sem.model.constraints.compile_constraints``.
    Consumed by: ``cte_metrics.sem.search.search.prepare``,
    ``cte_metrics.sem.inference.solution.Solution``.
    """

    equal: Functions
    inequal: Functions
    defined: Functions

    @property
    def is_linear(self) -> bool:
        """Whether every equality is linear (true without any)."""
        return self.equal.linear is not None

    def reparameterization(self) -> tuple[Array, Array]:
        """``theta0`` (n,) and ``K`` (n, k) with ``theta = theta0 + K x`` for linear equalities."""
        if self.equal.linear is None:
            raise InputError("These equality constraints are not linear.")
        return free_form(*self.equal.linear)


def compile_constraints(
    table: ParameterTable, fixed_values: Array | None = None
) -> CompiledConstraints:
    """Compile the constraints of a parameter table.

    Parameters
    ----------
    table : ParameterTable
    fixed_values : array (rows of the table), optional
        Values of the fixed rows; the table's own by default.

    Examples
    --------
    >>> from cte_metrics.sem.table.table import build_table
    >>> table = build_table("f =~ x1 + a*x2 + b*x3 + c*x4; a == 2*b; t := a*c; c > 0")
    >>> found = compile_constraints(table)
    >>> theta = np.array([2.0, 1.0, 3.0, 1, 1, 1, 1, 1])
    >>> found.equal.value(theta), found.defined.value(theta), found.inequal.value(theta)
    (array([0.]), array([6.]), array([3.]))
    """
    by_op: dict[str, list[Constraint]] = {"==": [], "<": [], ">": [], ":=": []}
    for constraint in table.constraints:
        by_op[constraint.op].append(constraint)
    columns, constants = _labels(table, fixed_values)
    definitions = _definitions(by_op[":="])
    equal = [Constraint(c.lhs, "-", c.rhs) for c in by_op["=="]]
    inequal = [Constraint(c.lhs, "-", c.rhs) for c in by_op[">"]]
    inequal += [Constraint(c.rhs, "-", c.lhs) for c in by_op["<"]]

    def functions(constraints: Sequence[Constraint], names: Sequence[str]) -> Functions:
        trees = [_difference(c, definitions) for c in constraints]
        return _functions(names, trees, columns, constants, table.n_free)

    defined = [_substitute(definitions[c.lhs], definitions, (c.lhs,)) for c in by_op[":="]]
    return CompiledConstraints(
        equal=_without_empty_rows(functions(equal, [f"{c.lhs} == {c.rhs}" for c in by_op["=="]])),
        inequal=functions(inequal, [f"{c.lhs} >= {c.rhs}" for c in inequal]),
        defined=_functions([c.lhs for c in by_op[":="]], defined, columns, constants, table.n_free),
    )


def compile_equations(text: str, table: ParameterTable) -> Functions:
    """Equations over the labels of a table, as in ``"a == b; c == 0"``: left minus right."""
    wanted = parse_model("zz =~ zz1\n" + text).constraints
    if not wanted or any(c.op != "==" for c in wanted):
        raise InputError(
            f"{text!r} holds no equation.", hint='Write labels of parameters, as in "a == b".'
        )
    columns, constants = _labels(table, None)
    definitions = _definitions([c for c in table.constraints if c.op == ":="])
    trees = [_difference(c, definitions) for c in wanted]
    names = [f"{c.lhs} == {c.rhs}" for c in wanted]
    return _functions(names, trees, columns, constants, table.n_free)


def _labels(
    table: ParameterTable, fixed_values: Array | None
) -> tuple[dict[str, int], dict[str, float]]:
    """Column of each free label, value of each fixed one; the first row of a label counts."""
    values = table.ustart if fixed_values is None else fixed_values
    columns: dict[str, int] = {}
    constants: dict[str, float] = {}
    for i, free in enumerate(table.free):
        for label in (table.label[i], table.plabel[i]):
            if label and label not in columns and label not in constants:
                if free:
                    columns[label] = int(free) - 1
                else:
                    constants[label] = float(values[i])
    return columns, constants


def _definitions(rows: Sequence[Constraint]) -> dict[str, Expression]:
    found: dict[str, Expression] = {}
    for row in rows:
        if row.lhs in found:
            raise InputError(f"{row.lhs!r} is defined twice with ':='.")
        found[row.lhs] = parse_expression(row.rhs)
    return found


def _difference(constraint: Constraint, definitions: Mapping[str, Expression]) -> Expression:
    left, right = (
        _substitute(parse_expression(side), definitions, ())
        for side in (constraint.lhs, constraint.rhs)
    )
    return Call("-", (left, right))


def _substitute(
    tree: Expression, definitions: Mapping[str, Expression], above: tuple[str, ...]
) -> Expression:
    """Replace defined labels by what defines them."""
    if isinstance(tree, Call):
        return Call(
            tree.function, tuple(_substitute(a, definitions, above) for a in tree.arguments)
        )
    label = getattr(tree, "label", None)
    if label is None or label not in definitions:
        return tree
    if label in above:
        raise InputError(f"The definition of {label!r} refers to itself.")
    return _substitute(definitions[label], definitions, (*above, label))


def _functions(
    names: Sequence[str],
    trees: Sequence[Expression],
    columns: Mapping[str, int],
    constants: Mapping[str, float],
    n_free: int,
) -> Functions:
    known = [*columns, *constants]
    for name, tree in zip(names, trees, strict=True):
        for label in names_of(tree):
            if label.label not in columns and label.label not in constants:
                labels = [k for k in known if not k.startswith(".p")]
                raise InputError(
                    f"{name!r} speaks of {label.label!r}, which labels no parameter of the model."
                    f"{close_names(label.label, labels)}",
                    hint="Labels are given in the model text, as in 'f =~ a*x1 + b*x2'.",
                )
    linear = _linear_system(trees, columns, constants, n_free)
    return Functions(tuple(names), tuple(trees), columns, constants, n_free, linear)


def _linear_system(
    trees: Sequence[Expression],
    columns: Mapping[str, int],
    constants: Mapping[str, float],
    n_free: int,
) -> tuple[Array, Array] | None:
    matrix, right = np.zeros((len(trees), n_free)), np.zeros(len(trees))
    for i, tree in enumerate(trees):
        form = linear_form(tree)
        if form is None:
            return None
        right[i] = -form[0]
        for label, coefficient in form[1].items():
            if label in columns:
                matrix[i, columns[label]] += coefficient
            else:
                right[i] -= coefficient * constants[label]
    return matrix, right


def _without_empty_rows(functions: Functions) -> Functions:
    """Drop equations between fixed values that hold; refuse those that do not."""
    if functions.linear is None:
        return functions
    matrix, right = functions.linear
    empty = ~matrix.any(axis=1)
    wrong = np.flatnonzero(empty & (np.abs(right) > 1e-10))
    if wrong.size:
        raise InputError(
            f"The constraint {functions.names[wrong[0]]!r} is between fixed values and is false."
        )
    keep = np.flatnonzero(~empty)
    return Functions(
        tuple(functions.names[i] for i in keep),
        tuple(functions.trees[i] for i in keep),
        functions.columns,
        functions.constants,
        functions.n_free,
        (matrix[keep], right[keep]),
    )


def free_form(matrix: Array, right: Array) -> tuple[Array, Array]:
    """Solve ``A theta = b``: a particular solution ``theta0`` and a basis ``K`` of the null space.

    Equalities between two parameters give a basis of zeros and ones (one column a set of equal
    parameters), anything else an orthonormal basis.

    Examples
    --------
    >>> theta0, K = free_form(np.array([[1.0, -1.0, 0.0]]), np.zeros(1))
    >>> K.tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    n = matrix.shape[1]
    if matrix.shape[0] == 0:
        return np.zeros(n), np.eye(n)
    if not right.any() and _are_pairs(matrix):
        return np.zeros(n), _indicator_basis(matrix)
    theta0, _, _, _ = linalg.lstsq(matrix, right)
    if np.max(np.abs(matrix @ theta0 - right)) > 1e-8 * max(1.0, float(np.abs(right).max())):
        raise InputError("The equality constraints contradict each other.")
    basis = linalg.null_space(matrix)
    return np.asarray(theta0, dtype=np.float64), np.asarray(basis, dtype=np.float64)


def _are_pairs(matrix: Array) -> bool:
    return bool(np.all((matrix != 0).sum(axis=1) == 2) and np.all(matrix.sum(axis=1) == 0))


def _indicator_basis(matrix: Array) -> Array:
    """Columns of zeros and ones for sets of parameters linked by pairwise equalities."""
    n = matrix.shape[1]
    root = list(range(n))

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for first, second in np.nonzero(matrix)[1].reshape(-1, 2).tolist():
        a, b = find(first), find(second)
        root[max(a, b)] = min(a, b)
    tops = [find(i) for i in range(n)]
    column = {top: k for k, top in enumerate(sorted(set(tops)))}
    basis = np.zeros((n, len(column)))
    basis[np.arange(n), [column[t] for t in tops]] = 1.0
    return basis
