"""Score tests and residuals of the stored references; how results read."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from cte_metrics import sem
from tests.reference_case import case

SCORES = [
    ("hs1939", "cfa.equal", "cfa.score"),
    ("bfi_ac", "cfa.equal", "cfa.score"),
    ("hs1939", "inv_school.ML.scalar", "inv_school.scalar.score"),
    ("bfi_ac", "inv_gender.ML.scalar", "inv_gender.scalar.score"),
    ("sim_cte18", "inv.ML.scalar", "inv.scalar.score"),
]


def _fit(data: str, id: str) -> Any:
    c = case(data)
    args = c[id].args
    options: dict[str, Any] = {}
    if "group" in args:
        options = {"group": args["group"], "group_equal": args["group.equal"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sem.cfa(args["model"], c.data, **options)


@pytest.mark.parametrize(("data", "model", "id"), SCORES)
def test_score_tests(data: str, model: str, id: str) -> None:
    found, expected = _fit(data, model).score_test(), case(data)[id].values
    assert found.chi2 == pytest.approx(expected["test"]["X2"], rel=2e-4)
    assert found.df == expected["test"]["df"]
    single = np.atleast_1d(np.asarray(expected["uni"]["X2"], dtype=float))
    np.testing.assert_allclose(found.table.chi2, single, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("data", ["hs1939", "bfi_ac", "sim_cte18"])
def test_residuals_with_z(data: str) -> None:
    c = case(data)
    model = c["cfa.ML"].args["model"]
    found = sem.cfa(model, c.data, meanstructure=True).residuals("bentler")
    expected = c["cfa.lavResiduals"].values
    for ours, theirs in (("cov", "cov"), ("z", "cov.z")):
        matrix = expected[theirs]
        mine = found[ours].loc[matrix.index, matrix.columns]
        np.testing.assert_allclose(mine, matrix, rtol=2e-3, atol=2e-3)


def test_readable_names_of_released_equalities() -> None:
    table = _fit("hs1939", "inv_school.ML.scalar").score_test().table
    assert table["first"].iloc[0].startswith("visual =~ x2 (group ")
    assert table["second"].iloc[0].startswith("visual =~ x2 (group ")


def test_summaries_show_the_figures() -> None:
    fit = sem.cfa("f =~ x1 + a*x2 + b*x3 + x4; a == b", case("hs1939").data)
    score = fit.score_test()
    assert f"{score.chi2:.3f}" in score.summary()
    wald = sem.cfa("f =~ x1 + a*x2 + b*x3 + x4", case("hs1939").data).wald_test("a == b")
    assert "Wald test" in wald.summary()
    assert wald.to_dict()["equations"] == ["a == b"]
    robust = sem.cfa("f =~ x1 + a*x2 + a*x3 + x4", case("hs1939").data, estimator="MLR")
    assert "no robust version" in robust.score_test().notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "n"), [("ML", 200), ("MLR", 200), ("MLR", 1000)])
def test_difference_test_keeps_its_level(estimator: str, n: int) -> None:
    """Type I error of the metric level at .05, normal items: 500 replications, +- 3 s.e."""
    import pandas as pd

    from cte_metrics.factor import invariance

    rng = np.random.default_rng(3)
    loadings = np.array([0.8, 0.7, 0.6, 0.7])
    rejected = []
    for _ in range(500):
        factor = rng.normal(size=(n, 1))
        items = factor * loadings + rng.normal(size=(n, 4)) * np.sqrt(1 - loadings**2)
        data = pd.DataFrame(items, columns=list("abcd")).assign(g=np.arange(n) % 2)
        found = invariance(
            data,
            "f =~ a + b + c + d",
            group="g",
            levels=["configural", "metric"],
            estimator=estimator,
        )
        rejected.append(found.table.delta_pvalue.iloc[1] < 0.05)
    assert 0.05 - 0.029 < np.mean(rejected) < 0.05 + 0.035
