"""Retest, stratified alpha, HTMT, two formulas, and the table of a survey."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics import reliability, sem
from cte_metrics.errors import InputError, UnknownNameError
from cte_metrics.kernels.reliability.retest import pair_correlation, profile_agreement
from cte_metrics.reliability import (
    composite_reliability,
    cronbach_alpha,
    guttman_lambdas,
    htmt,
    htmt_intervals,
    mcdonald_omega,
    reliability_table,
    spearman_brown,
    split_half,
    standard_error_of_measurement,
    stratified_alpha,
)
from tests.reference_case import case
from tests.reliability.test_alpha import survey

SAI = ["s01", "s02", "s03", "s04", "s05"]
SAI_NEGATIVE = ["s06", "s07", "s08", "s09", "s10"]


def occasion(t: int) -> pd.DataFrame:
    data = case("sai_retest").data[[f"{n}_{t}" for n in SAI + SAI_NEGATIVE]]
    data.columns = SAI + SAI_NEGATIVE
    ends = np.nanmax(data.to_numpy()) + np.nanmin(data.to_numpy())
    return data.assign(**{n: ends - data[n] for n in SAI})


def two_scales() -> cte.Responses:
    data = survey(k=8, n=120, missing=0.05)
    instrument = cte.Instrument(
        id="two",
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item(c) for c in data],
        subscales=[
            cte.Subscale("first", "First", ["q1", "q2", "q3", "q4"]),
            cte.Subscale("second", "Second", ["q5", "q6", "q7", "q8"]),
        ],
    )
    return cte.Responses(data, instrument)


# --- test and retest ----------------------------------------------------------------------------


def test_retest_equals_psych() -> None:
    values = case("sai_retest")["testRetest.state"].values
    found = reliability.test_retest(occasion(1), occasion(2))
    assert found.r == pytest.approx(values["r12"], abs=1e-12)
    assert found.alpha_first == pytest.approx(values["alpha"].loc["x", "raw G3"], abs=1e-12)
    assert found.alpha_second == pytest.approx(values["alpha"].loc["y", "raw G3"], abs=1e-12)
    assert found.profile == pytest.approx(values["rqq"]["mean"], abs=1e-12)
    np.testing.assert_allclose(found.scores["profile"].head(10), values["rqq"]["head"], atol=1e-12)
    theirs = values["item_stats"]["rii"]
    np.testing.assert_allclose(found.items.loc[theirs.index, "r"], theirs, atol=1e-12)


def test_retest_of_scores_equals_r() -> None:
    values = case("sai_retest")["retest_r.state"].values
    data = case("sai_retest").data
    scores = [data[[f"{n}_{t}" for n in SAI + SAI_NEGATIVE]].mean(axis=1) for t in (1, 2)]
    found = reliability.test_retest(*scores)
    assert found.r == pytest.approx(values["r"], abs=1e-12)
    assert tuple(found.ci) == pytest.approx(tuple(values["ci95_fisher"]), abs=1e-10)
    assert found.n_respondents == values["n"]


def test_retest_on_other_data() -> None:
    entry = case("reliability")["testRetest"]
    data, values = case("reliability").data, entry.values
    second = data[entry.args["second"]].set_axis(entry.args["first"], axis=1)
    found = reliability.test_retest(data[entry.args["first"]], second)
    assert found.r == pytest.approx(values["r12"], abs=1e-12)
    assert found.profile == pytest.approx(values["rqq_mean"], abs=1e-12)
    np.testing.assert_allclose(found.items["r"], values["rii"], atol=1e-12)
    np.testing.assert_allclose(found.scores["distance"].head(12), values["dxy"], atol=1e-12)


def test_responses_are_matched_by_respondent() -> None:
    instrument = cte.Instrument(
        id="m", response_scale=cte.ResponseScale(1, 5), items=[cte.Item("a"), cte.Item("b")]
    )
    one = pd.DataFrame({"who": list("pqrst"), "a": [1, 2, 3, 4, 5], "b": [1, 3, 2, 5, 4]})
    two = one.iloc[[3, 1, 0, 2]].assign(a=[5, 2, 1, 3])
    found = reliability.test_retest(
        cte.Responses(one, instrument, respondent="who"),
        cte.Responses(two, instrument, respondent="who"),
    )
    assert found.n_respondents == 4
    assert "1 respondents took part on one occasion only" in " ".join(found.notes)
    scores = found.scores
    assert scores.loc["q", "first"] == scores.loc["q", "second"] == 2.5


def test_pair_correlation_skips_gaps() -> None:
    x = np.array([[1.0, 5.0], [2.0, np.nan], [4.0, 6.0], [np.nan, 9.0]])
    y = np.array([[2.0, 1.0], [3.0, 4.0], [1.0, 1.0], [8.0, 1.0]])
    direct = np.corrcoef([1, 2, 4], [2, 3, 1])[0, 1]
    found = pair_correlation(x, y)
    assert found[0] == pytest.approx(direct, abs=1e-14)
    assert np.isnan(found[1])
    assert profile_agreement(x, y)[1].tolist() == [8.5, 1.0, 17.0, 64.0]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (survey(), survey(n=70), "80 and 70 rows"),
        (survey(), survey().rename(columns={"q1": "z"}), "different items: q1, z"),
        (survey(), survey().set_axis(range(1, 81)), "different labels"),
        (survey(n=2), survey(n=2), "at least three"),
        (pd.Series([1.0, 1, 1]), pd.Series([1.0, 2, 3]), "first occasion are all equal"),
    ],
)
def test_retest_refusals(first, second, message) -> None:
    with pytest.raises(InputError, match=message):
        reliability.test_retest(first, second)


# --- stratified alpha ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_cte12"])
def test_stratified_alpha_by_formula(name: str) -> None:
    entry = case(name)["alpha_stratified"]
    scales, data = entry.args["scales"], case(name).data
    for keys in scales.values():
        for k in keys:
            if k.startswith("-"):
                data[k[1:]] = entry.args["min"] + entry.args["max"] - data[k[1:]]
    subscales = {s: [k.lstrip("-") for k in keys] for s, keys in scales.items()}
    found = stratified_alpha(data, subscales)
    assert float(found) == pytest.approx(entry.values["stratified_alpha"], abs=1e-12)
    assert found.plain_alpha == pytest.approx(entry.values["alpha_all"], abs=1e-12)
    assert found.n_respondents == entry.values["n"]
    strata = list(entry.values["alpha_strata"].values())
    np.testing.assert_allclose(found.strata["alpha"], strata, atol=1e-12)
    again = stratified_alpha(data, subscales, interval="bootstrap", rng=1)
    assert tuple(again.ci) == pytest.approx(tuple(found.ci), abs=0.015)


def test_one_stratum_is_alpha() -> None:
    data = survey(n=200)
    found = stratified_alpha(data, {"all": list(data)})
    alpha = cronbach_alpha(data, interval="duhachek")
    assert found.alpha == pytest.approx(alpha.alpha, abs=1e-12)
    # the delta method of a function of C is Duhachek's variance
    assert tuple(found.ci) == pytest.approx(tuple(alpha.ci), abs=1e-5)


def test_subscales_come_from_the_instrument() -> None:
    assert list(stratified_alpha(two_scales()).strata.index) == ["first", "second"]


def test_stratified_refusals() -> None:
    with pytest.raises(InputError, match="'b' has fewer than two items"):
        stratified_alpha(survey(), {"a": ["q1", "q2"], "b": ["q3"]})
    with pytest.raises(InputError, match="'q2' belongs to 'a' and to 'b'"):
        stratified_alpha(survey(), {"a": ["q1", "q2"], "b": ["q2", "q3"]})
    with pytest.raises(UnknownNameError, match="Did you mean 'q1'"):
        stratified_alpha(survey(), {"a": ["q1", "Q11"]})
    with pytest.raises(InputError, match="name no subscales"):
        stratified_alpha(survey())


# --- HTMT ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_cte18"])
def test_htmt_equals_semtools(name: str) -> None:
    for entry in case(name).entries("cfa.", function="htmt"):
        lines = [line.split("=~") for line in entry.args["model"].split("\n")]
        factors = {a.strip(): [i.strip() for i in b.split("+")] for a, b in lines}
        items = [i for f in factors.values() for i in f]
        data = case(name).data
        data = data.dropna(subset=[*items, *(["gender"] if name == "bfi_ac" else [])])
        found = htmt(
            data,
            factors,
            method="geometric" if entry.args["hh"] else "arithmetic",
            absolute=entry.args["aa"],
        )
        np.testing.assert_allclose(found, entry.values, atol=1e-12)


@pytest.mark.parametrize("method", ["geometric", "arithmetic"])
def test_htmt_on_other_data(method: str) -> None:
    factors = {"A": [f"a{j}" for j in range(1, 7)], "B": [f"b{j}" for j in range(1, 9)]}
    for absolute in (True, False):
        entry = case("reliability")[f"htmt.{method}.{str(absolute).upper()}"]
        found = htmt(case("reliability").data, factors, method=method, absolute=absolute)
        assert found.loc["A", "B"] == pytest.approx(entry.values["htmt"], abs=1e-12)


def test_htmt_intervals_agree() -> None:
    data = case("hs1939").data
    factors = {"v": ["x1", "x2", "x3"], "t": ["x4", "x5", "x6"]}
    table = htmt(data, factors)
    delta = htmt_intervals(data, factors)
    bootstrap = htmt_intervals(data, factors, interval="bootstrap", rng=1)
    assert delta.loc[("v", "t"), "htmt"] == pytest.approx(table.loc["v", "t"], abs=1e-12)
    np.testing.assert_allclose(bootstrap["se"], delta["se"], rtol=0.35)


def test_htmt_refusals_and_undefined_ratios() -> None:
    data = survey(k=4, n=200)
    with pytest.raises(InputError, match="'b' has fewer than two items"):
        htmt(data, {"a": ["q1", "q2"], "b": ["q3"]})
    data["q2"] = 6 - data["q2"]
    found = htmt(data, {"a": ["q1", "q2"], "b": ["q3", "q4"]}, method="arithmetic", absolute=False)
    assert np.isnan(found.loc["a", "b"])
    assert "first suspect the keying" in found.attrs["notes"][0]
    with pytest.raises(InputError, match="two factors"):
        htmt_intervals(data, {"a": ["q1", "q2"]})


# --- formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_cte12"])
def test_spearman_brown_equals_the_formula(name: str) -> None:
    for entry in case(name).entries("spearman_brown."):
        r = entry.values["reliability"]
        assert spearman_brown(r, 2) == pytest.approx(entry.values["doubled"], abs=1e-14)
        assert spearman_brown(r, 0.5) == pytest.approx(entry.values["halved"], abs=1e-14)
        length = entry.values["length_factor_for_.90"]
        assert spearman_brown(r, length) == pytest.approx(0.9, abs=1e-12)


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_cte12"])
def test_standard_error_equals_the_formula(name: str) -> None:
    for entry in case(name).entries("sem_measurement."):
        values = entry.values
        found = standard_error_of_measurement(values["sd_total"], values["alpha"])
        assert found == pytest.approx(values["sem_total"], abs=1e-12)


@settings(max_examples=30)
@given(st.floats(0.01, 0.99), st.floats(0.1, 10), st.floats(0.1, 10))
def test_lengthening_twice_is_lengthening_once(r: float, a: float, b: float) -> None:
    assert spearman_brown(spearman_brown(r, a), b) == pytest.approx(
        spearman_brown(r, a * b), abs=1e-9
    )


def test_formula_refusals() -> None:
    for call, message in [
        (lambda: spearman_brown(1.2, 2), "above 1"),
        (lambda: spearman_brown(0.5, 0), "above 0"),
        (lambda: spearman_brown(-0.9, 5), "no positive variance"),
        (lambda: standard_error_of_measurement(-1, 0.5), "not negative"),
        (lambda: standard_error_of_measurement(1, 1.5), "above 1"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
    assert spearman_brown(np.array([0.5, 0.8]), 2).tolist() == pytest.approx([2 / 3, 1.6 / 1.8])


# --- the table ----------------------------------------------------------------------------------


def test_table_repeats_the_single_results() -> None:
    responses = two_scales()
    table = reliability_table(responses)
    assert list(table.index) == ["first", "second", "total"]
    part = responses.for_subscale("second")
    alpha, omega = cronbach_alpha(part), mcdonald_omega(part)
    row = table.loc["second"]
    assert row["alpha"] == alpha.alpha
    assert (row["alpha_ci_low"], row["alpha_ci_high"]) == tuple(alpha.ci)
    assert row["omega"] == omega.omega
    assert row["sem"] == alpha.sem
    assert row["n"] == 120
    assert row["n_omega"] == omega.n_respondents < 120
    assert "rows with missing answers" in row["note"]


def test_table_keeps_a_scale_without_coefficients() -> None:
    data = survey(k=3).assign(q2=3.0)
    row = reliability_table(data).loc["total"]
    assert np.isnan(row["alpha"])
    assert "q2 is constant" in row["note"]
    assert row["n_omega"] == 0
    assert row["n_items"] == 3


def test_single_scale_instruments_have_one_row() -> None:
    part = two_scales().for_subscale("first")
    assert list(reliability_table(part).index) == ["first"]


# --- one survey, one alpha ----------------------------------------------------------------------


@pytest.mark.problem(
    "psych, semTools",
    "two functions give two alphas of one survey",
    "each that reports alpha says what it is over all answers and over complete rows",
)
def test_every_alpha_of_a_survey_with_gaps_names_both_rules() -> None:
    data = survey(n=200, missing=0.06)
    pairwise = cronbach_alpha(data)
    listwise = cronbach_alpha(data, missing="listwise")
    said = (
        f"Alpha is {pairwise.alpha:.4f} over all answers (missing='pairwise') and "
        f"{listwise.alpha:.4f} over the {listwise.n_respondents} complete rows "
        "(missing='listwise')."
    )
    halves = {"a": ["q1", "q2"], "b": ["q3", "q4", "q5"]}
    raw = [
        pairwise,
        listwise,
        guttman_lambdas(data, matrix="covariance"),
        split_half(data, matrix="covariance"),
        stratified_alpha(data, halves),
    ]
    assert all(said in found.notes for found in raw)
    assert said in reliability_table(data).loc["total", "note"]
    standardized = (
        f"Standardized alpha is {pairwise.standardized_alpha:.4f} over all answers "
        f"(missing='pairwise') and {listwise.standardized_alpha:.4f} over"
    )
    for found in (guttman_lambdas(data), split_half(data)):
        assert any(note.startswith(standardized) for note in found.notes)
    whole = data.dropna()
    assert not any(" is 0." in n and "missing=" in n for n in cronbach_alpha(whole).notes)


def test_composite_reliability_says_on_which_answers_alpha_rests() -> None:
    data = survey(n=200, missing=0.06)
    text = "f =~ q1 + q2 + q3 + q4 + q5"
    listwise = composite_reliability(sem.cfa(text, data))
    assert listwise.loc["f", "alpha"] == pytest.approx(
        cronbach_alpha(data, missing="listwise").alpha, abs=1e-9
    )
    assert any("missing='listwise'" in note for note in listwise.attrs["notes"])
    fiml = composite_reliability(sem.cfa(text, data, missing="fiml"))
    assert f"and {cronbach_alpha(data).alpha:.4f} by pairwise ones" in fiml.attrs["notes"][-1]
    assert composite_reliability(sem.cfa(text, data.dropna())).attrs["notes"] == ()


def test_intervals_of_ratios_name_their_method() -> None:
    factors = {"a": ["q1", "q2"], "b": ["q3", "q4"]}
    for method in ("delta", "bootstrap"):
        found = htmt_intervals(survey(), factors, interval=method, n_resamples=50, rng=1)
        assert found.attrs["interval"] == method
        assert (found["ci_low"] < found["htmt"]).all()
