"""Full-information maximum likelihood through sem.fit: limits, equivalences, refusals.

The stored lavaan fits are compared in test_lavaan_entries.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEWarning, InputError
from cte_metrics.sem.semfit import SEMFit
from tests.reference_case import case

VISUAL = "visual =~ x1 + x2 + x3\nspeed =~ x7 + x8 + x9"
ITEMS = ["x1", "x2", "x3", "x7", "x8", "x9"]


def quiet(model: str, data: Any, **options: Any) -> SEMFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        return sem.fit(model, data, **options)


def gapped(share: float = 0.15, seed: int = 1) -> pd.DataFrame:
    data = case("hs1939").data
    rng = np.random.default_rng(seed)
    data[ITEMS] = data[ITEMS].mask(rng.random((len(data), len(ITEMS))) < share)
    return data


@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_complete_data_give_maximum_likelihood(estimator: str) -> None:
    data = case("hs1939").data
    full = quiet(VISUAL, data, missing="fiml", estimator=estimator)
    plain = quiet(VISUAL, data, estimator=estimator, meanstructure=True, information="observed")
    assert full.fit_measures["chisq"] == pytest.approx(plain.fit_measures["chisq"], rel=1e-8)
    assert full.fit_measures["logl"] == pytest.approx(plain.fit_measures["logl"], rel=1e-12)
    assert np.allclose(full.parameters["est"], plain.parameters["est"], atol=1e-7)
    assert np.allclose(full.parameters["se"], plain.parameters["se"], rtol=1e-5, atol=1e-8)


def test_a_row_without_answers_is_dropped_and_said() -> None:
    data = gapped()
    more = pd.concat([data, pd.DataFrame(np.nan, index=[9990, 9991], columns=data.columns)])
    a, b = quiet(VISUAL, data, missing="fiml"), quiet(VISUAL, more, missing="fiml")
    assert b.fit_measures["logl"] == pytest.approx(a.fit_measures["logl"], rel=1e-12)
    assert b.provenance.n_used == a.provenance.n_used
    assert any("answer none" in note for note in b.notes)


def test_saturated_model_fits_exactly_and_returns_the_em_moments() -> None:
    data = gapped()
    fit = quiet("x1 ~~ x2 + x3\nx2 ~~ x3\nx1 ~ 1", data, missing="fiml", fixed_x=False)
    assert fit.fit_measures["df"] == 0
    assert fit.fit_measures["chisq"] == pytest.approx(0.0, abs=1e-7)
    assert fit.fit_measures["unrestricted_logl"] == pytest.approx(
        fit.fit_measures["logl"], rel=1e-12
    )


def test_groups_add_up() -> None:
    data = gapped()
    together = quiet(VISUAL, data, missing="fiml", group="school")
    apart = [quiet(VISUAL, data[data.school == s], missing="fiml") for s in data["school"].unique()]
    total = sum(f.fit_measures["chisq"] for f in apart)
    assert together.fit_measures["chisq"] == pytest.approx(total, rel=1e-8)


def test_order_of_rows_and_scale_of_an_item_do_not_change_the_fit() -> None:
    data = gapped()
    turned = data.sample(frac=1.0, random_state=4).assign(x2=lambda d: 10 * d["x2"] + 3)
    a, b = quiet(VISUAL, data, missing="fiml"), quiet(VISUAL, turned, missing="fiml")
    assert b.fit_measures["chisq"] == pytest.approx(a.fit_measures["chisq"], rel=1e-8)
    loading = [f.parameters.query("rhs == 'x2' and op == '=~'")["est"].iloc[0] for f in (a, b)]
    assert loading[1] == pytest.approx(10 * loading[0], rel=1e-6)


def test_cases_without_a_fixed_covariate_are_left_out() -> None:
    data = gapped()
    data.loc[data.index[:7], "ageyr"] = np.nan
    fit = quiet(VISUAL + "\nvisual ~ ageyr", data, missing="fiml")
    less = quiet(VISUAL + "\nvisual ~ ageyr", data.iloc[7:], missing="fiml")
    assert fit.fit_measures["logl"] == pytest.approx(less.fit_measures["logl"], rel=1e-12)
    assert fit.fit_measures["ntotal"] == less.fit_measures["ntotal"]
    assert any("7" in note for note in fit.notes)


def test_random_gaps_leave_estimates_near_the_complete_ones() -> None:
    rng = np.random.default_rng(8)
    factor = rng.normal(size=(4000, 1))
    x = pd.DataFrame(factor * [1.0, 0.8, 0.6, 0.9] + rng.normal(size=(4000, 4)))
    x.columns = list("abcd")
    y = x.mask(rng.random(x.shape) < 0.2)
    model = "f =~ a + b + c + d"
    full, part = (
        quiet(model, x, model_type="cfa"),
        quiet(model, y, model_type="cfa", missing="fiml"),
    )
    gap = full.parameters["est"].iloc[:4] - part.parameters["est"].iloc[:4]
    assert np.abs(gap).max() < 0.06
    assert (part.parameters["se"].iloc[1:4] > full.parameters["se"].iloc[1:4]).all()


def test_refusals_name_the_cause() -> None:
    with pytest.raises(InputError, match="MLM"):
        sem.fit(VISUAL, gapped(), missing="fiml", estimator="MLM")
    with pytest.raises(InputError, match="missing"):
        sem.fit(VISUAL, gapped(), missing="pairwise")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x2": 3.0}, "x2 does not vary"),
        ({"x2": np.nan, "x7": np.nan}, "No one answered x2, x7"),
    ],
)
def test_variables_that_say_nothing_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sem.fit(VISUAL, gapped().assign(**change), missing="fiml")


def test_the_group_without_variation_is_named() -> None:
    data = gapped()
    data.loc[data.school == "Pasteur", "x2"] = 3.0
    with pytest.raises(InputError, match="x2 does not vary in group 'Pasteur'"):
        sem.fit(VISUAL, data, missing="fiml", group="school")


def test_items_never_answered_together_are_named() -> None:
    data = case("hs1939").data
    data.loc[data.id % 2 == 0, "x1"] = np.nan
    data.loc[data.id % 2 == 1, "x2"] = np.nan
    fit = quiet("f =~ x1 + x2 + x3 + x7 + x9", data, missing="fiml")
    assert any("both of x1 with x2" in note for note in fit.notes)
    assert not any("No one" in note for note in quiet(VISUAL, gapped(), missing="fiml").notes)


@pytest.mark.parametrize(
    ("estimator", "chisq", "factor"),
    [("ML", 6.589952996, 1.314018666), ("MLR", 6.663318645, 1.299550826)],
)
def test_scaled_test_of_clusters_by_estimator(estimator: str, chisq: float, factor: float) -> None:
    # sem("f =~ y1 + y2 + y3 + y4; f ~ x1", demo_twolevel, cluster = "cluster", estimator = ...):
    # lavaan leaves the curvature of the moments out of the test for ML, but not for MLR
    model = "f =~ y1 + y2 + y3 + y4\nf ~ x1"
    found = quiet(model, case("demo_twolevel").data, cluster="cluster", estimator=estimator)
    assert found.fit_measures["chisq_scaled"] == pytest.approx(chisq, rel=1e-6)
    assert found.fit_measures["chisq_scaling_factor"] == pytest.approx(factor, rel=1e-6)
