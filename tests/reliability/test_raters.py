"""Intraclass correlations: Shrout and Fleiss's forms, complete and with gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.errors import InputError
from cte_metrics.kernels.reliability.crossed_variances import (
    balanced_reml,
    mean_squares,
    unbalanced_reml,
)
from cte_metrics.reliability import icc
from tests.reference_case import case

COLUMNS = {
    "icc": "ICC",
    "f": "F",
    "df1": "df1",
    "df2": "df2",
    "p": "p",
    "ci_low": "lower bound",
    "ci_high": "upper bound",
}
RATERS = [f"rater{j}" for j in range(1, 5)]


def ratings(name: str) -> pd.DataFrame:
    data = case("ratings").data
    return data.loc[data["set"] == name, RATERS]


def compare(found: pd.DataFrame, results: pd.DataFrame, tolerance: float) -> None:
    for ours, theirs in COLUMNS.items():
        expected = np.asarray(results[theirs], dtype=float)
        np.testing.assert_allclose(found[ours], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["SF1979", "sim"])
def test_forms_equal_psych(name: str) -> None:
    data = ratings(name).dropna()
    results = case("ratings")[f"ICC.{name}.aov"].values["results"]
    compare(icc(data), results, 1e-10)
    compare(icc(data, method="anova"), results, 1e-10)


@pytest.mark.parametrize("name", ["SF1979", "sim"])
def test_reml_equals_psych_up_to_lme4s_stop(name: str) -> None:
    results = case("ratings")[f"ICC.{name}.lmer"].values["results"]
    compare(icc(ratings(name)), results, 1e-5)


def test_published_values() -> None:
    found = icc(ratings("SF1979"))["icc"].round(2).tolist()
    assert found == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]  # Shrout & Fleiss 1979, table 4


def test_a_zero_rater_variance_is_pooled_as_lme4_does() -> None:
    data = case("reliability").data
    x = data.loc[:19, [f"r{j}" for j in range(1, 5)]]
    compare(icc(x), case("reliability")["icc.zero.lmer"].values["results"], 1e-5)
    compare(icc(x, method="anova"), case("reliability")["icc.zero.aov"].values["results"], 1e-10)
    assert "raters is estimated as 0" in " ".join(icc(x).attrs["notes"])


def test_missing_ratings_on_other_data() -> None:
    x = case("reliability").data.loc[:19, [f"s{j}" for j in range(1, 5)]]
    compare(icc(x), case("reliability")["icc.missing.lmer"].values["results"], 1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 2), st.floats(0, 2))
def test_the_search_finds_the_closed_form(seed: int, targets: float, raters: float) -> None:
    rng = np.random.default_rng(seed)
    x = (
        targets * rng.normal(size=(12, 1))
        + raters * rng.normal(size=(1, 4))
        + rng.normal(size=(12, 4))
    )
    closed, search = balanced_reml(mean_squares(x), 12, 4), unbalanced_reml(x)
    for name in ("target", "rater", "error"):
        assert getattr(search, name) == pytest.approx(getattr(closed, name), rel=1e-5, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_shift_and_scale_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(15, 1)) + rng.normal(size=(15, 4))
    x[rng.random(x.shape) < 0.1] = np.nan
    base = icc(x)
    other = icc(3 * x[rng.permutation(15)][:, rng.permutation(4)] - 5)
    np.testing.assert_allclose(other, base, rtol=1e-5, atol=1e-6)


def test_average_is_spearman_brown_of_single() -> None:
    found = icc(ratings("SF1979"))["icc"]
    for form in ("ICC1", "ICC2", "ICC3"):
        stepped = 4 * found[form] / (1 + 3 * found[form])
        assert found[f"{form}k"] == pytest.approx(stepped, abs=1e-12)


def test_two_raters_and_what_was_dropped() -> None:
    x = ratings("sim")
    found = icc(x, method="anova")
    assert found.attrs["n_dropped"] == 2
    assert "2 targets with missing ratings were dropped" in " ".join(found.attrs["notes"])
    assert icc(x, raters=RATERS[:2]).attrs["n_raters"] == 2


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.ones((5, 3)), {}, "All ratings are equal"),
        (np.ones((1, 3)), {}, "at least two targets"),
        (np.arange(5.0)[:, None], {}, "at least 2 items"),
        (np.array([[1, np.nan], [2, np.nan], [3, np.nan]]), {}, "rated no target"),
        (np.array([[1, np.nan], [np.nan, 2], [3, 4]]), {}, "too few ratings"),
        (np.eye(4), {"method": "remel"}, "Did you mean 'reml'"),
    ],
)
def test_refusals(data, options, message) -> None:
    with pytest.raises(InputError, match=message):
        icc(data, **options)


# --- perfect and undefined coefficients ---------------------------------------------------------

TARGETS = np.arange(6.0)[:, None]


@pytest.mark.problem(
    "pingouin, psych",
    "the interval of a perfect intraclass correlation is missing",
    "a perfect coefficient has the interval [1, 1], with missing ratings too",
)
@pytest.mark.parametrize("method", ["reml", "anova"])
@pytest.mark.parametrize("scale", [1.0, 1 / 3])
@pytest.mark.parametrize("gap", [False, True])
def test_perfect_agreement_has_the_interval_from_one_to_one(method, scale, gap) -> None:
    ratings = np.tile(TARGETS * scale, (1, 3))
    if gap:
        ratings[2, 1] = np.nan
    found = icc(pd.DataFrame(ratings), method=method)
    np.testing.assert_array_equal(found[["icc", "ci_low", "ci_high"]], np.ones((6, 3)))
    assert not any("CONVERGED" in n or "no interval" in n for n in found.attrs["notes"])


def test_raters_who_differ_by_a_constant_are_consistent_not_in_agreement() -> None:
    found = icc(pd.DataFrame(TARGETS + np.array([0.0, 1.0, 2.5])))
    assert found.loc["ICC3", ["icc", "ci_low", "ci_high"]].tolist() == [1.0, 1.0, 1.0]
    # B = 3 * 3.5, J = 6 * 1.583333, E = 0: 10.5 / (10.5 + 3 * 9.5 / 6)
    assert found.loc["ICC2", "icc"] == pytest.approx(10.5 / (10.5 + 3 * 9.5 / 6))
    assert 0 < found.loc["ICC2", "ci_low"] < found.loc["ICC2", "icc"]
    near = TARGETS + np.array([0.0, 1.0, 2.5]) + 1e-5 * np.sin(np.arange(18.0)).reshape(6, 3)
    close = icc(pd.DataFrame(near)).loc["ICC2", ["ci_low", "ci_high"]]
    np.testing.assert_allclose(found.loc["ICC2", ["ci_low", "ci_high"]], close, atol=1e-4)


@pytest.mark.problem(
    "psych",
    "an intraclass correlation of targets that do not differ is minus infinity, without a word",
    "forms that are not defined are missing, and a note says that the targets do not vary",
)
@pytest.mark.parametrize("method", ["reml", "anova"])
@pytest.mark.parametrize("gap", [False, True])
def test_targets_that_do_not_vary_leave_forms_undefined(method, gap) -> None:
    ratings = np.tile(np.array([1.0, 2, 3, 4, 5]) / 3, (30, 1))
    if gap:
        ratings[0, 0] = np.nan
    found = icc(pd.DataFrame(ratings), method=method)
    assert found["icc"].isna().tolist() == [False, False, True, True, False, True]
    assert not np.isinf(found["icc"]).any()
    (note,) = [n for n in found.attrs["notes"] if "not defined" in n]
    assert note.startswith("ICC3, ICC1k, ICC3k: ")
    assert any(n.startswith("ICC2, ICC2k: no interval") for n in found.attrs["notes"])


def test_the_hint_does_not_advise_what_was_done() -> None:
    single = pd.DataFrame({"a": [1], "b": [2]})
    with pytest.raises(InputError, match="at least two targets") as caught:
        icc(single)
    assert "reml" not in str(caught.value)
    gaps = pd.DataFrame({"a": [1, 2, None], "b": [2, None, 3]})
    with pytest.raises(InputError, match="reml"):
        icc(gaps, method="anova")
