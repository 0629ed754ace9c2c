"""Wald tests of fitted models."""

from __future__ import annotations

import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError
from tests.reference_case import case


@pytest.mark.parametrize("data", ["hs1939", "bfi_ac"])
def test_wald_test(data: str) -> None:
    c = case(data)
    fit = sem.cfa(c["cfa.labelled"].args["model"], c.data)
    equations = c["cfa.wald"].call.split('"')[1].replace("\\n", "\n")
    found, expected = fit.wald_test(equations), c["cfa.wald"].values
    assert found.chi2 == pytest.approx(expected["stat"], rel=1e-5)
    assert found.df == expected["df"]
    assert found.p == pytest.approx(expected["p.value"], abs=1e-7)


def test_wald_test_of_one_parameter_is_the_square_of_z() -> None:
    fit = sem.cfa("f =~ x1 + a*x2 + x3", case("hs1939").data)
    z = fit.parameters.set_index("label").loc["a", "z"]
    assert fit.wald_test("a == 0").chi2 == pytest.approx(z**2, rel=1e-10)


def test_wald_refusals() -> None:
    fit = sem.cfa("f =~ x1 + a*x2 + a*x3 + b*x4", case("hs1939").data)
    with pytest.raises(InputError, match="'c'"):
        fit.wald_test("a == c")
    with pytest.raises(InputError, match="cannot be tested"):
        fit.wald_test("a == b; b == a")
