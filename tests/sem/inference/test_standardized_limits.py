"""Standardized coefficients at their limits: against lavaan::standardizedSolution."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics import sem
from tests.reference_case import case

pytestmark = pytest.mark.filterwarnings("ignore::cte_metrics.errors.ImproperSolutionWarning")
NONE = (np.nan, np.nan)
# lavaan 0.6-14, standardizedSolution(cfa(model, HolzingerSwineford1939)): est, se, z, p, limits
CASES = {
    "loading of an item without residual": (
        "f =~ x1 + x2 + x3 + x4\nx1 ~~ 0*x1",
        "f =~ x1",
        (1.0, 0.0, *NONE, 1.0, 1.0),
    ),
    "residual fixed at 0": (
        "f =~ x1 + x2 + x3 + x4\nx1 ~~ 0*x1",
        "x1 ~~ x1",
        (0.0, 0.0, *NONE, 0.0, 0.0),
    ),
    "beside it": (
        "f =~ x1 + x2 + x3 + x4\nx1 ~~ 0*x1",
        "f =~ x2",
        (0.297346, 0.0525429, 5.65910, 1.52171e-08, 0.194363, 0.400328),
    ),
    "loading above 1": (
        "f =~ x1 + 0*x2 + x3 + x4",
        "f =~ x1",
        (1.0174972, 0.1540208, 6.606231, 3.94229e-11, 0.715622, 1.319373),
    ),
    "negative residual": (
        "f =~ x1 + 0*x2 + x3 + x4",
        "x1 ~~ x1",
        (-0.0353006, 0.3134316, -0.112626, 9.10327e-01, -0.649615, 0.579014),
    ),
    "loading fixed at 0": ("f =~ x1 + 0*x2 + x3 + x4", "f =~ x2", (0.0, 0.0, *NONE, 0.0, 0.0)),
    "fixed covariance and variances": (
        "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~~ 0.9*f\ng ~~ 0.9*g\nf ~~ 0.9*g",
        "f ~~ g",
        (1.0, 0.0, *NONE, 1.0, 1.0),
    ),
    "marker beside a fixed factor variance": (
        "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~~ 0.9*f\ng ~~ 0.9*g\nf ~~ 0.9*g",
        "f =~ x1",
        (0.653340, 0.0165970, 39.36491, 0.0, 0.620810, 0.685869),
    ),
    "moments of fixed covariates": (
        "x1 ~ x2 + 0*x3",
        "x2 ~~ x3",
        (0.339849, 0.0, *NONE, 0.339849, 0.339849),
    ),
}


@pytest.mark.problem(
    "lavaan, semopy",
    "Standard error, p-value and interval of a standardized coefficient are wrong or missing for "
    "fixed parameters, values at 0 and loadings above 1",
    "They follow by the delta method; what cannot vary has a standard error of 0 and no test",
)
@pytest.mark.parametrize("name", CASES)
def test_standardized_coefficients_at_their_limits(name: str) -> None:
    model, row, expected = CASES[name]
    table = sem.fit(model, case("hs1939").data).standardized()
    lhs, op, rhs = row.split()
    found = table[(table.lhs == lhs) & (table.op == op) & (table.rhs == rhs)].iloc[0]
    columns = ["est", "se", "z", "pvalue", "ci_lower", "ci_upper"]
    # lavaan's own estimates are good to about 1e-6 of the likelihood
    np.testing.assert_allclose(found[columns].to_numpy(float), expected, rtol=5e-5, atol=2e-6)


def test_a_variance_kept_at_its_bound_makes_the_loading_1() -> None:
    fit = sem.cfa("f =~ x1 + 0*x2 + x3 + x4", case("hs1939").data, bounds="positive_variances")
    table = fit.standardized().set_index(["lhs", "op", "rhs"])
    assert table.loc[("f", "=~", "x1"), ["est", "se", "ci_lower", "ci_upper"]].tolist() == [
        1,
        0,
        1,
        1,
    ]
    assert table.loc[("x1", "~~", "x1"), ["est", "se"]].tolist() == [0.0, 0.0]
    assert (fit.parameters.impossible == "").all()


@pytest.mark.problem(
    "lavaan",
    "Standard errors of rotated loadings depend on the order of the items",
    "They are those of the delta method in any order",
)
def test_errors_of_rotated_loadings_do_not_depend_on_the_order() -> None:
    def errors(order: tuple[int, ...]) -> np.ndarray:
        items = " + ".join(f"x{i}" for i in order)
        model = f'efa("b")*f1 + efa("b")*f2 + efa("b")*f3 =~ {items}'
        p = sem.cfa(model, case("hs1939").data).parameters
        wide = p[p.op == "=~"].pivot(index="rhs", columns="lhs", values="se")
        return np.sort(wide.to_numpy(), axis=1)

    plain = errors((1, 2, 3, 4, 5, 6, 7, 8, 9))
    np.testing.assert_allclose(errors((9, 4, 2, 7, 1, 8, 5, 3, 6)), plain, atol=2e-5)
    # lavaan 0.6-14, rotation.args = list(se = "delta")
    np.testing.assert_allclose(plain[0], [0.04798, 0.09157, 0.10350], atol=2e-5)
