"""``min``, ``max``, ``ifelse`` and comparisons in defined parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cte_metrics import sem
from cte_metrics.errors import ModelSyntaxError
from cte_metrics.sem.syntax.expressions import (
    evaluate,
    linear_form,
    parse_expression,
    value_and_gradient,
)
from tests.reference_case import case

VALUES = {"a": 2.0, "b": -1.0, "c": 2.0}


@pytest.mark.parametrize(
    ("text", "value", "gradient"),
    [
        ("max(a, b)", 2.0, [1, 0, 0]),
        ("min(a, b, 3)", -1.0, [0, 1, 0]),
        ("min(a)", 2.0, [1, 0, 0]),
        ("max(a, c)", 2.0, [0.5, 0, 0.5]),
        ("ifelse(a > b, a*b, 0)", -2.0, [-1, 2, 0]),
        ("ifelse(a <= b, a*b, b^2)", 1.0, [0, -2, 0]),
        ("ifelse(a == c, 1, 0) + a", 3.0, [1, 0, 0]),
        ("2 * max(abs(b), min(a, 0.5)) - 1", 1.0, [0, -2, 0]),
        ("pnorm(b)", 0.15865525393145707, [0, 0.24197072451914337, 0]),
    ],
)
def test_values_and_gradients(text: str, value: float, gradient: list[float]) -> None:
    slopes = dict(zip("abc", np.eye(3), strict=True))
    found = value_and_gradient(parse_expression(text), VALUES, slopes, 3)
    assert found[0] == pytest.approx(value)
    np.testing.assert_allclose(found[1], gradient, atol=1e-12)


def test_undefined_entries_and_linear_forms() -> None:
    assert math.isnan(evaluate(parse_expression("max(a, log(b))"), VALUES))
    assert linear_form(parse_expression("max(1, 2) * a")) == (0.0, {"a": 2.0})
    assert linear_form(parse_expression("max(a, 0)")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ifelse(a, 1, 2)", "expected a comparison"),
        ("ifelse(a > 1, 2)", "here are 2 entries"),
        ("exp(a, 2)", "takes one value, not 2"),
        ("maxx(a, 2)", "Did you mean 'max'"),
        ("a > 1", "did not expect '>'"),
        ("max(a, )", "expected a number"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ModelSyntaxError, match=message):
        parse_expression(text)


@pytest.mark.problem(
    "lavaan, semopy",
    "A defined parameter cannot take the smaller or larger of two effects, or one by a condition",
    "min, max, pnorm and ifelse(a > b, a, b) stand in ':=', with delta-method errors",
)
def test_defined_parameters_choose() -> None:
    model = (
        "x1 ~ a*x2 + b*x3 + x2:x3\nc := max(a, b, 0.1)\nd := min(a, b)\n"
        "e := ifelse(a > b, a, 2*b)\nf := pnorm(a) + exp(b)"
    )
    p = sem.fit(model, case("hs1939").data).parameters
    found = p[p.op == ":="].set_index("lhs")
    # lavaan 0.6-14 (which cannot read the comparison)
    for name, est, se in (("c", 1.100, 0.270), ("d", 0.458, 0.122), ("f", 3.680, 0.850)):
        assert found.loc[name, ["est", "se"]].tolist() == pytest.approx([est, se], abs=5e-4)
    assert found.loc["e", "est"] == 2 * found.loc["c", "est"]
