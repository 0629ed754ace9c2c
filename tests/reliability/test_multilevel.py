"""Multilevel reliability: by hand, against lavaan and semTools, limits, properties, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cte_metrics.errors import ImproperSolutionWarning, InputError, UnknownNameError
from cte_metrics.reliability import MultilevelReliability, cronbach_alpha, multilevel_reliability
from cte_metrics.results.status import Status
from tests.reference_case import case

MLCFA = [f"m0{k}" for k in range(1, 7)]


@pytest.fixture(scope="module")
def mlcfa() -> MultilevelReliability:
    data = case("sim_mlcfa").data
    return multilevel_reliability(data[MLCFA], data.school)


def test_alpha_by_hand_from_the_unrestricted_moments(mlcfa: MultilevelReliability) -> None:
    # lavInspect(fit, "h1") of lavaan: k / (k - 1) (1 - trace / sum)
    moments = case("sim_mlcfa")["twolevel.h1"].values
    for level, found in (("within", mlcfa.alpha_within), ("school", mlcfa.alpha_between)):
        cov = np.asarray(moments[level]["cov"])
        expected = 6 / 5 * (1 - np.trace(cov) / cov.sum())
        assert found == pytest.approx(expected, abs=1e-8)


def test_equals_semtools(mlcfa: MultilevelReliability) -> None:
    # compRelSEM(cfa(..., std.lv = TRUE)), obs.var = FALSE, and shared = "fb"; printed by R 4.2.2
    assert mlcfa.omega_within == pytest.approx(0.772, abs=5e-4)
    assert mlcfa.omega_between == pytest.approx(0.915, abs=5e-4)
    assert mlcfa.omega_shared == pytest.approx(0.6620176818, abs=2e-4)  # lavaan stops early
    assert mlcfa.interrater == pytest.approx(0.7741117593, abs=1e-6)


def test_configural_coefficients_equal_semtools() -> None:
    c = case("demo_twolevel")
    found = multilevel_reliability(c.data[["y1", "y2", "y3", "cluster"]], "cluster")
    expected = c["cfa.compRelSEM.config"].values["config"]["fw"]
    # lavaan stops a little early in the two-level fit
    assert found.omega_deviation == pytest.approx(expected["omega_W"], abs=1e-5)
    assert found.omega_two_level == pytest.approx(expected["omega_2L"], abs=1e-5)


@pytest.mark.filterwarnings("ignore::cte_metrics.errors.CTEWarning")
def test_no_variance_between_gives_single_level_coefficients() -> None:
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(4000, 1))
    answers = pd.DataFrame(factor * [1.0, 0.8, 0.9, 0.7] + rng.normal(size=(4000, 4)))
    answers.columns = list("abcd")
    found = multilevel_reliability(answers, np.repeat(np.arange(200), 20))
    assert found.alpha_within == pytest.approx(cronbach_alpha(answers).alpha, abs=0.01)
    assert found.interrater < 0.2


def test_population_values_are_recovered() -> None:
    rng = np.random.default_rng(4)
    school = np.repeat(np.arange(400), 12)
    factor = 0.7 * rng.normal(size=400)[school] + rng.normal(size=4800)
    error = 0.3 * rng.normal(size=(400, 5))[school] + rng.normal(size=(4800, 5))
    found = multilevel_reliability(factor[:, None] + error, school)
    assert found.omega_within == pytest.approx(25 / 30, abs=0.01)
    assert found.omega_between == pytest.approx(25 * 0.49 / (25 * 0.49 + 5 * 0.09), abs=0.01)
    total = 25 * 1.49 + 5 * 1.09
    assert found.omega_two_level == pytest.approx(25 * 1.49 / total, abs=0.015)
    assert found.alpha_within in found.alpha_within_ci
    assert found.omega_between in found.omega_between_ci


def test_order_of_items_rows_and_frames_does_not_matter(mlcfa: MultilevelReliability) -> None:
    data = case("sim_mlcfa").data
    turned = data.sample(frac=1.0, random_state=1)[[*MLCFA[::-1], "school"]]
    for frame in (turned, pl.from_pandas(turned)):
        found = multilevel_reliability(frame, "school")
        assert np.allclose(found.table["estimate"], mlcfa.table["estimate"], atol=1e-6)


def test_fiml_without_gaps_is_close_to_listwise(mlcfa: MultilevelReliability) -> None:
    data = case("sim_mlcfa").data
    found = multilevel_reliability(data[MLCFA], data.school, missing="fiml")
    assert np.allclose(found.table["estimate"], mlcfa.table["estimate"], atol=1e-6)


def test_two_items_get_equal_loadings() -> None:
    data = case("sim_mlcfa").data
    found = multilevel_reliability(data[MLCFA[:2]], data.school)
    assert found.loadings["within"].nunique() == 1
    assert found.omega_within == pytest.approx(found.alpha_within, abs=1e-3)


def test_names_that_cannot_stand_in_a_model_are_accepted() -> None:
    data = case("sim_mlcfa").data
    frame = data[MLCFA[:3]].set_axis(["1st item", "2nd item", "x ~ y"], axis=1)
    found = multilevel_reliability(frame, data.school)
    assert list(found.loadings.index) == list(frame.columns)


def test_refusals_name_the_cause() -> None:
    data = case("sim_mlcfa").data
    with pytest.raises(InputError, match="needs groups"):
        multilevel_reliability(data[MLCFA])
    with pytest.raises(UnknownNameError, match="schol"):
        multilevel_reliability(data[[*MLCFA, "school"]], "schol")
    with pytest.raises(InputError, match="at least two clusters"):
        multilevel_reliability(data[MLCFA], np.zeros(len(data)))
    with pytest.raises(InputError, match="single case"):
        multilevel_reliability(data[MLCFA], np.arange(len(data)))
    constant = data[MLCFA].assign(m01=4)
    with pytest.raises(InputError, match="'m01'"):
        multilevel_reliability(constant, data.school)
    with pytest.raises(InputError, match="confidence"):
        multilevel_reliability(data[MLCFA], data.school, confidence=95)


def test_rendering(mlcfa: MultilevelReliability) -> None:
    text = mlcfa.summary()
    assert "omega_between" in text
    assert "harmonic mean" in text
    assert mlcfa.to_dict()["n_groups"] == 70
    assert mlcfa.to_frame().loc["omega_within", "estimate"] == mlcfa.omega_within


def test_an_improper_solution_warns() -> None:
    data = case("two_level_edge").data.dropna()
    with pytest.warns(ImproperSolutionWarning, match="Negative variance"):
        found = multilevel_reliability(data, "school")
    assert found.status is Status.IMPROPER
    assert any("Negative variance" in note for note in found.notes)
