"""What a fit says of its solution: values that cannot be, means that it leaves free."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import EstimationError, ImproperSolutionWarning
from cte_metrics.results.status import Status
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
GROWTH = "i =~ 1*t1 + 1*t2 + 1*t3 + 1*t4\ns =~ 0*t1 + 1*t2 + 2*t3 + 3*t4\ni ~ x\ns ~ x"


@pytest.mark.problem(
    "lavaan",
    "A variance that the model fixes below zero passes for a proper solution",
    "The status is improper and a note names the variance",
)
@pytest.mark.parametrize("line", ["x1 ~~ -0.1*x1", "visual ~~ -0.1*visual"])
def test_a_fixed_negative_variance_is_said(line: str) -> None:
    with pytest.warns(ImproperSolutionWarning, match="fixed so by the model"):
        fit = sem.cfa(f"{MODEL}\n{line}", case("hs1939").data)
    assert fit.status is Status.IMPROPER
    name = line.replace("-0.1*", "")
    assert any(n.startswith(f"Negative variance: {name} = -0.1 (fixed") for n in fit.notes)


def _growth_data(shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    i, s = 1 + 0.6 * x + rng.normal(size=400), 1 + 0.3 * x + 0.6 * rng.normal(size=400)
    waves = {f"t{k + 1}": i + k * s + rng.normal(size=400) for k in range(4)}
    y = 5 + 0.5 * i + 0.5 * s + rng.normal(size=400)
    return pd.DataFrame(waves | {"x": x + shift, "y": y})


@pytest.mark.problem(
    "lavaan::growth",
    "A growth model with random covariates fixes their means at 0, or finds no solution and "
    "speaks of the keying of the items",
    "Means of variables that are no repeated measure are free, and a note says so",
)
@pytest.mark.parametrize("shift", [0.0, 10.0, -300.0])
def test_means_of_covariates_of_a_growth_model_are_free(shift: float) -> None:
    data = _growth_data(shift)
    fixed = sem.growth(GROWTH, data)
    found = sem.growth(GROWTH, data, fixed_x=False)
    p = found.parameters
    assert p[(p.lhs == "x") & (p.op == "~1")].est.item() == pytest.approx(data.x.mean(), rel=1e-6)
    for name in ("chisq", "df"):  # the covariate's own moments are saturated either way
        assert found.fit_measures[name] == pytest.approx(fixed.fit_measures[name], abs=1e-6)
    assert any(n.startswith("x: no repeated measure, so the mean is free") for n in found.notes)
    assert fixed.notes == ()


def test_lavaan_s_growth_model_can_be_written() -> None:
    data = _growth_data(0.2)
    found = sem.growth(f"{GROWTH}\nx ~ 0*1", data, fixed_x=False)
    assert found.fit_measures["df"] == sem.growth(GROWTH, data).fit_measures["df"] + 1
    assert found.notes == ()


def test_intercepts_of_outcomes_of_a_growth_model_are_free() -> None:
    found = sem.growth(f"{GROWTH}\ny ~ i + s", _growth_data(0.0))
    p = found.parameters
    assert p[(p.lhs == "y") & (p.op == "~1")].free.item() > 0
    assert p[p.lhs.isin(["t1", "t4"]) & (p.op == "~1")].est.tolist() == [0.0, 0.0]
    assert any(n.startswith("y: no repeated measure") for n in found.notes)


def _impossible(fit: sem.SEMFit) -> dict[str, str]:
    table = fit.parameters
    marked = table[table.impossible != ""]
    return {f"{r.lhs} {r.op} {r.rhs}": r.impossible for r in marked.itertuples()}


@pytest.mark.problem(
    "lavaan, Mplus",
    "Negative variances, correlations and standardized loadings beyond 1 stand among the estimates "
    "like any other",
    "The table of parameters, its text and HTML mark them in their row",
)
@pytest.mark.filterwarnings("ignore::cte_metrics.errors.ImproperSolutionWarning")
def test_impossible_estimates_are_marked_where_they_stand() -> None:
    data = case("hs1939").data
    heywood = sem.cfa("f =~ x1 + 0*x2 + x3 + x4", data)
    assert _impossible(heywood) == {
        "f =~ x1": "standardized loading beyond 1",
        "x1 ~~ x1": "negative variance",
    }
    for text in (heywood.summary(), heywood._repr_html_(), str(heywood)):
        assert "negative variance" in text
    residual = sem.cfa("f =~ x1 + x2 + x3 + x4\nx1 ~~ -0.2*x1\nx1 ~~ x2", data)
    assert _impossible(residual)["x1 ~~ x2"] == "correlation beyond 1"
    latent = sem.cfa(
        "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~~ 0.5*f\ng ~~ 0.5*g\nf ~~ 0.6*g", data
    )
    assert _impossible(latent) == {"f ~~ g": "correlation beyond 1"}
    share = sem.fit("f =~ x1 + x2 + x3\nf ~ x4\nf ~~ -0.3*f", data)
    assert _impossible(share)["f ~~ f"] == "negative variance"


def test_proper_estimates_are_not_marked() -> None:
    fit = sem.cfa(f"{MODEL}\ntextual ~~ 0*visual\nd := 1 + 1", case("hs1939").data, group="school")
    assert (fit.parameters.impossible == "").all()
    assert "impossible" not in fit.summary()


@pytest.mark.problem(
    "this library: sem.fit",
    "a model that cannot start advises on_failure='return', also where that was passed",
    "the message says that the model implies no covariance matrix, and points at what it fixes",
)
@pytest.mark.parametrize("on_failure", ["raise", "return"])
def test_a_model_that_implies_no_matrix_is_told_from_a_search_without_end(on_failure):
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(80, 1)) + rng.normal(size=(80, 3)), columns=list("abc"))
    with pytest.raises(EstimationError, match="implies no covariance matrix") as caught:
        sem.cfa("f =~ a + b + c\nf ~~ -3*f", data, on_failure=on_failure)
    assert "on_failure" not in str(caught.value)
