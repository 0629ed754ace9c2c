"""Constraint expressions: values, gradients, linear form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cte_metrics.errors import InputError, ModelSyntaxError
from cte_metrics.sem.model.constraints import compile_constraints, compile_equations, free_form
from cte_metrics.sem.syntax.expressions import evaluate, linear_form, parse_expression
from cte_metrics.sem.table.table import TableOptions, build_table


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2*3", 7.0),
        ("(1 + 2)*3", 9.0),
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("8/4/2", 1.0),
        ("1 - 2 - 3", -4.0),
        ("sqrt(16) + exp(log(3)) - abs(-1)", 6.0),
        ("2*pi", 2 * math.pi),
        ("pnorm(0)", 0.5),
        (".p1.*a.b", 6.0),
    ],
)
def test_values_by_hand(text: str, value: float) -> None:
    labels = {".p1.": 2.0, "a.b": 3.0}
    assert evaluate(parse_expression(text), labels) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("text", ["log(0 - 1)", "1/0", "(0-2)^0.5", "exp(1000)"])
def test_undefined_values_are_nan(text: str) -> None:
    assert math.isnan(evaluate(parse_expression(text), {}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a +", "end of the text"),
        ("sqr(a)", "Did you mean 'sqrt'"),
        ("a b", "did not expect 'b'"),
        ("__import__('os')", "not a function"),
        ("(a", r"expected '\)'"),
    ],
)
def test_expressions_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ModelSyntaxError, match=problem):
        parse_expression(text)


_EXPRESSIONS = [
    "a*b + d^2",
    "exp(a/b) - log(d)",
    "sqrt(a*d)/(1 + b^2)",
    "a^b",
    "sin(a)*cos(b) + tanh(d) + atan(a*b)",
    "pnorm(a - b)*abs(d)",
]


@pytest.mark.parametrize("text", _EXPRESSIONS)
@given(values=st.lists(st.floats(0.3, 2.0), min_size=3, max_size=3))
def test_gradients_equal_finite_differences(text: str, values: list[float]) -> None:
    table = build_table(f"f =~ x1 + a*x2 + b*x3 + d*x4; t := {text}")
    defined = compile_constraints(table).defined
    theta = np.array([*values, *np.ones(table.n_free - 3)])
    gradient = defined.jacobian(theta)[0]
    step = 1e-6
    for j in range(3):
        up, down = theta.copy(), theta.copy()
        up[j] += step
        down[j] -= step
        slope = (defined.value(up)[0] - defined.value(down)[0]) / (2 * step)
        assert gradient[j] == pytest.approx(slope, rel=1e-5, abs=1e-7)
    assert not gradient[3:].any()


def test_linear_form_sees_through_brackets() -> None:
    tree = parse_expression("-(a - 2*(b + 3))/4 + 0*d")
    assert linear_form(tree) == (1.5, {"a": -0.25, "b": 0.5, "d": 0.0})
    assert linear_form(parse_expression("a/b")) is None


def test_constraints_of_a_table() -> None:
    table = build_table("f =~ x1 + a*x2 + b*x3 + d*x4; a + b == 2; d < 1; t := a*b; u := t + d")
    found = compile_constraints(table)
    theta = np.array([0.5, 1.5, 0.25, 1, 1, 1, 1, 1])
    assert found.is_linear
    assert found.equal.value(theta) == pytest.approx([0.0])
    assert found.inequal.value(theta) == pytest.approx([0.75])
    assert found.defined.value(theta) == pytest.approx([0.75, 1.0])
    assert found.defined.jacobian(theta)[1, :3] == pytest.approx([1.5, 0.5, 1.0])


def test_nonlinear_equality_is_recognised() -> None:
    found = compile_constraints(build_table("f =~ x1 + a*x2 + b*x3; a*b == 1"))
    assert not found.is_linear
    with pytest.raises(InputError, match="not linear"):
        found.reparameterization()


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2))
def test_reparameterization_satisfies_the_constraints(x: list[float]) -> None:
    found = compile_constraints(build_table("f =~ x1 + a*x2 + b*x3 + d*x4; a == 2*b + 1; b == d"))
    theta0, basis = found.reparameterization()
    inside = theta0 + basis @ np.array([*x, *np.ones(basis.shape[1] - 2)])
    assert found.equal.value(inside) == pytest.approx([0, 0], abs=1e-12)
    assert np.linalg.matrix_rank(basis) == basis.shape[1] == 6


def test_group_equalities_give_a_basis_of_zeros_and_ones() -> None:
    options = TableOptions(n_groups=3, group_equal=("loadings",))
    table = build_table("f =~ x1 + x2 + x3", options)
    _, basis = compile_constraints(table).reparameterization()
    assert set(np.unique(basis)) == {0.0, 1.0}
    assert basis.sum(axis=1).tolist() == [1.0] * table.n_free
    assert basis.shape == (18, 14)


def test_contradiction_is_refused() -> None:
    with pytest.raises(InputError, match="contradict"):
        free_form(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="is false"):
        compile_constraints(build_table("f =~ a*x1 + x2; a == 2"))


def test_unknown_label_is_named() -> None:
    with pytest.raises(InputError, match=r"'alpa'.*Did you mean 'alpha'"):
        compile_constraints(build_table("f =~ x1 + alpha*x2; alpa == 1"))


def test_circular_definition_is_refused() -> None:
    with pytest.raises(InputError, match="refers to itself"):
        compile_constraints(build_table("f =~ x1 + a*x2; t := u + a; u := t"))


def test_equations_for_a_wald_test() -> None:
    table = build_table("f =~ x1 + a*x2 + b*x3")
    found = compile_equations("a == b\nb == 1", table)
    assert found.value(np.array([2.0, 3.0, 1, 1, 1, 1])) == pytest.approx([-1.0, 2.0])
    with pytest.raises(InputError, match="no equation"):
        compile_equations("a > b", table)
