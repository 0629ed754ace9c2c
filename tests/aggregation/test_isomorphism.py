"""Invariance across levels: against lavaan, population models, properties, refusals, rendering."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from cte_metrics.aggregation import Isomorphism, isomorphism
from cte_metrics.aggregation.isomorphism import model_text
from cte_metrics.errors import InputError, UnknownNameError
from tests.reference_case import case


def simulated(between: list[float], residual: float, seed: int = 1) -> pd.DataFrame:
    """Loadings 1, .8, .6, .9 within and as given between."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(300), 12)
    within = rng.normal(size=(3600, 1)) * [1.0, 0.8, 0.6, 0.9] + rng.normal(size=(3600, 4))
    own = 0.7 * rng.normal(size=(300, 1)) * between + residual * rng.normal(size=(300, 4))
    frame = pd.DataFrame(within + own[school], columns=list("abcd"))
    return frame.assign(school=school)


@pytest.fixture(scope="module")
def demo() -> Isomorphism:
    data = case("demo_twolevel").data
    return isomorphism(
        data[["y1", "y2", "y3", "cluster"]], "cluster", steps=("configural", "metric")
    )


def test_metric_step_equals_lavaan(demo: Isomorphism) -> None:
    expected = case("demo_twolevel")["cfa.crosslevel_inv"].raw["fit"]
    test = case("demo_twolevel")["cfa.lrt.crosslevel.default"].values
    row = demo.table.loc["metric"]
    assert row["chisq"] == pytest.approx(expected["chisq"], rel=1e-5)
    assert row["df"] == expected["df"] == 2
    assert row["delta_pvalue"] == pytest.approx(test["Pr..Chisq."][1], rel=1e-5)
    assert row["srmr_within"] == pytest.approx(expected["srmr_within"], rel=2e-4)


def test_equal_loadings_are_accepted_and_unequal_ones_found() -> None:
    same = isomorphism(
        simulated([1.0, 0.8, 0.6, 0.9], 0.3), "school", steps=("configural", "metric")
    )
    assert same.table.loc["metric", "delta_pvalue"] > 0.01
    assert same.icc["factor"] == pytest.approx(0.49 / 1.49, abs=0.04)
    other = isomorphism(
        simulated([1.0, 0.2, 1.2, 0.3], 0.3), "school", steps=("configural", "metric")
    )
    assert other.table.loc["metric", "delta_pvalue"] < 1e-6
    assert any("Loadings differ" in note for note in other.notes)


def test_strong_step_notices_residual_variance_between() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = isomorphism(simulated([1.0, 0.8, 0.6, 0.9], 0.0), "school")
        biased = isomorphism(simulated([1.0, 0.8, 0.6, 0.9], 0.4), "school")
    assert clean.table.loc["strong", "delta_pvalue"] > 0.01
    assert biased.table.loc["strong", "delta_pvalue"] < 1e-10


def test_order_of_rows_and_items_does_not_matter(demo: Isomorphism) -> None:
    data = case("demo_twolevel").data.sample(frac=1.0, random_state=2)
    found = isomorphism(
        data[["y3", "cluster", "y1", "y2"]], "cluster", steps=("configural", "metric")
    )
    columns = ["chisq", "df", "srmr_between", "delta_pvalue"]
    assert np.allclose(
        found.table.loc["metric", columns].astype(float),
        demo.table.loc["metric", columns].astype(float),
        rtol=1e-5,
    )


def test_scaled_figures_with_two_factors() -> None:
    data = case("sim_mlcfa").data
    factors = {"F1": ["m01", "m02", "m03"], "F2": ["m04", "m05", "m06"]}
    found = isomorphism(data, "school", factors=factors, estimator="MLR")
    assert found.table.attrs["measures"] == "scaled"
    assert np.isfinite(found.table["delta_pvalue"].iloc[1:]).all()
    assert list(found.loadings.index.get_level_values("factor").unique()) == ["F1", "F2"]


def test_model_text_frees_the_variance_between_only_with_equal_loadings() -> None:
    names = {"a": "item_1", "b": "item_2", "c": "item_3"}
    free = model_text({"f": ["a", "b", "c"]}, names, "configural")
    equal = model_text({"f": ["a", "b", "c"]}, names, "metric")
    assert "b1 ~~ 1*b1" in free
    assert "b1 ~~ b1" in equal
    assert "load_0_0_w" in free
    assert equal.count("load_0_0*") == 2
    assert "item_1 ~~ 0*item_1" in model_text({"f": ["a", "b", "c"]}, names, "strong")


def test_refusals_name_the_cause() -> None:
    data = case("sim_mlcfa").data
    with pytest.raises(InputError, match="needs groups"):
        isomorphism(data[["m01", "m02", "m03"]])
    with pytest.raises(InputError, match="'F2' has 1 item"):
        isomorphism(data, "school", factors={"F1": ["m01", "m02"], "F2": ["m03"]})
    with pytest.raises(UnknownNameError, match="m99"):
        isomorphism(data, "school", factors={"F1": ["m01", "m99"]})
    with pytest.raises(InputError, match="steps"):
        isomorphism(data, "school", steps=())
    with pytest.raises(InputError, match="weak"):
        isomorphism(data, "school", factors={"F": ["m01", "m02"]}, steps=("weak",))  # type: ignore[arg-type]


def test_rendering(demo: Isomorphism) -> None:
    text = demo.summary()
    assert "Invariance across teachers and schools" in text
    assert "delta_pvalue" in text
    assert demo.to_dict()["n_groups"] == 66
