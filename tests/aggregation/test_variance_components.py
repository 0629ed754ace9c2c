"""ICC(1), ICC(2) and components: R, by hand, edges, messages, rendering."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cte_metrics import Instrument, Responses, ResponseScale
from cte_metrics.aggregation import item_variance_components, variance_components
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.results import Status
from tests.reference_case import case

SCHOOLS = Path(__file__).parents[1] / "reference" / "schools"
SETS = ("sim_cte12", "bhr2000_items", "bh1996_scales", "demo_twolevel", "sim_mlcfa")


def data_of(name):
    data = case(name).data
    if name == "sim_cte12":
        data["cte_total"] = data[[f"c{j:02d}" for j in range(1, 13)]].mean(axis=1)
    if name == "sim_mlcfa":
        data["F1"] = data[["m01", "m02", "m03"]].mean(axis=1)
        data["F2"] = data[["m04", "m05", "m06"]].mean(axis=1)
    return data


def entries(function):
    return [
        pytest.param(name, e.id, id=e.id) for name in SETS for e in case(name).entries("", function)
    ]


@pytest.mark.parametrize(("name", "key"), entries("ICC1"))
def test_mean_squares_equal_multilevel(name, key):
    entry, data = case(name)[key], data_of(name)
    known = entry.values
    found = variance_components(data[entry.args["var"]], data[entry.args["group"]])
    pairs = {
        "ICC1": found.icc1, "ICC2": found.icc2, "MSB": found.ms_between, "MSW": found.ms_within,
        "F": found.f, "p": found.p, "mean_group_size": found.mean_group_size, "n0": found.n0,
        "eta2": found.eta_squared, "omega2": found.omega_squared,
        "design_effect_mean_n": found.design_effect, "effective_n": found.effective_n,
        "n_groups": found.n_groups,
    }  # fmt: skip
    for name_in_r, got in pairs.items():
        assert got == pytest.approx(known[name_in_r], rel=1e-9), name_in_r
    assert found.df == (known["df1"], known["df2"])
    corrected = variance_components(
        data[entry.args["var"]], data[entry.args["group"]], group_size="n0"
    )
    assert corrected.icc1 == pytest.approx(known["ICC1_n0"], rel=1e-9)
    assert corrected.icc2 == found.icc2


@pytest.mark.parametrize(("name", "key"), entries("gmeanrel"))
def test_reliability_of_each_group_equals_gmeanrel(name, key):
    entry, data = case(name)[key], data_of(name)
    found = variance_components(data[entry.args["var"]], data[entry.args["group"]], method="reml")
    # nlme stops its search at about 1e-5
    assert found.icc1 == pytest.approx(entry.values["ICC"], abs=2e-5)
    np.testing.assert_allclose(found.group_reliability, entry.values["mean_rel"], atol=2e-5)
    assert [str(g) for g in found.group_reliability.index] == [
        str(g) for g in entry.values["group"]
    ]


@pytest.mark.parametrize("name", SETS)
def test_reml_components_equal_lmer(name):
    entry, data = case(name)["lmer.null.REML"], data_of(name)
    args = entry.args
    used = [args[k] for k in ("group", "y", "x", "level2") if args.get(k)]
    data = data[used].dropna()
    found = variance_components(data[args["y"]], data[args["group"]], method="reml")
    between, within = entry.values["varcomp"]["vcov"]
    assert found.between == pytest.approx(between, rel=1e-6, abs=1e-9)
    assert found.within == pytest.approx(within, rel=1e-7)
    assert found.mean == pytest.approx(
        entry.values["fixed"]["Estimate"].iloc[0], rel=1e-7, abs=1e-8
    )


@pytest.mark.parametrize("name", SETS)
def test_all_items_at_once_equal_mult_icc(name):
    entry, data = case(name)["mult_icc"], data_of(name)
    group, names = entry.args["group"], list(entry.args["vars"])
    found = item_variance_components(data[[group, *names]], group, method="reml")
    assert found.index.tolist() == names
    expected = entry.values["ICC1"]
    # nlme leaves 7e-5 where the variance is 0 (bhr2000_items, RELIG)
    np.testing.assert_allclose(found["icc1"], expected, atol=1e-4)
    for item in names:
        single = variance_components(data[item], data[group], method="reml")
        assert found.loc[item, "icc1"] == pytest.approx(single.icc1, abs=1e-13)
        assert found.loc[item, "icc2"] == pytest.approx(single.icc2, abs=1e-13)


def test_scores_of_other_data():
    known = json.loads((SCHOOLS / "reference.json").read_text())["school"]
    data = pd.read_csv(SCHOOLS / "lq2002.csv")
    score = data.drop(columns="COMPID").mean(axis=1)
    found = variance_components(score, data["COMPID"])
    assert found.icc1 == pytest.approx(known["icc1"], rel=1e-9)
    assert found.icc2 == pytest.approx(known["icc2"], rel=1e-9)
    reml = variance_components(score, data["COMPID"], method="reml")
    assert reml.icc1 == pytest.approx(known["reml_icc"], abs=1e-6)
    np.testing.assert_allclose(reml.group_reliability, known["reliability"], atol=1e-5)


VALUES, GROUPS = [1.0, 2, 3, 4, 5, 6, 7, 9], list("aaabbbcc")


def test_by_hand():
    found = variance_components(VALUES, GROUPS)
    # means 2, 5, 8; grand 37/8; SSB = 3(21/8)^2 + 3(3/8)^2 + 2(27/8)^2, SSW = 2 + 2 + 2
    between = (3 * (21 / 8) ** 2 + 3 * (3 / 8) ** 2 + 2 * (27 / 8) ** 2) / 2
    within = 6 / 5
    assert found.f == pytest.approx(between / within)
    assert found.icc1 == pytest.approx((between - within) / (between + (8 / 3 - 1) * within))
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((between - within) / (8 / 3))
    assert found.group_reliability["c"] == pytest.approx(2 * found.icc1 / (1 + found.icc1))
    low, high = found.icc1_ci
    assert low < found.icc1 < high
    assert found.icc1_ci.level == 0.95
    assert found.status is Status.OK


def test_intervals_are_the_classical_ones_for_equal_groups():
    values, groups = VALUES[:6], GROUPS[:6]
    exact = variance_components(values, groups, confidence=0.9)
    plain = variance_components(values, groups, confidence=0.9, interval="f")
    np.testing.assert_allclose(list(exact.icc1_ci), list(plain.icc1_ci), atol=1e-12)
    # psych::ICC's ICC1k interval: 1 - 1/F_L
    from cte_metrics.kernels.numerics.distributions import f_quantile

    low = 1 - f_quantile(0.95, 1, 4) / exact.f
    assert exact.icc2_ci.low == pytest.approx(low)


def test_shift_scale_and_order_do_not_matter():
    order = np.random.default_rng(1).permutation(8)
    a = variance_components(VALUES, GROUPS, method="reml")
    b = variance_components(
        10 * np.array(VALUES)[order] - 3, np.array(GROUPS)[order], method="reml"
    )
    assert b.icc1 == pytest.approx(a.icc1, abs=1e-12)
    assert b.between == pytest.approx(100 * a.between)


def test_one_group_is_explained():
    found = variance_components([1.0, 2, 3], ["a"] * 3)
    assert found.status is Status.UNDEFINED
    assert "one group" in found.notes[0]
    assert np.isnan([found.icc1, found.icc2, found.f, found.p, *found.icc1_ci]).all()


def test_one_respondent_each_is_explained():
    found = variance_components([1.0, 2, 3], ["a", "b", "c"], method="reml")
    assert found.status is Status.UNDEFINED
    assert "Every group has one respondent" in found.notes[0]
    assert np.isnan(found.icc1)


def test_no_variance_is_explained():
    for method in ("anova", "reml"):
        found = variance_components([2.0] * 6, list("aabbcc"), method=method)
        assert found.status is Status.UNDEFINED
        assert "All values are equal" in found.notes[0]
        assert np.isnan(found.icc1)


def test_full_agreement_within_groups():
    for method in ("anova", "reml"):
        found = variance_components([1.0, 1, 2, 2, 4, 4], list("aabbcc"), method=method)
        assert found.icc1 == 1
        assert found.icc2 == 1
        assert tuple(found.icc1_ci) == tuple(found.icc2_ci) == (1.0, 1.0)
        assert found.f == np.inf
        assert found.p == 0
        assert "F is infinite" in found.notes[0]


def test_less_than_chance_between_groups():
    values = [1.0, 3, 1, 3, 1, 3]
    anova = variance_components(values, list("aabbcc"))
    assert anova.between == pytest.approx(-1)  # (0 - 2) / 2
    assert "negative and reported as they are" in anova.notes[0]
    reml = variance_components(values, list("aabbcc"), method="reml")
    assert reml.between == 0
    assert "estimated as 0" in reml.notes[0]


def test_missing_values_and_other_tables():
    frame = pd.DataFrame({"school": [*GROUPS, "a"], "y": [*VALUES, np.nan]})
    expected = variance_components(VALUES, GROUPS)
    for given in (frame, pl.DataFrame(frame)):
        found = variance_components(given, "school")
        assert found.icc1 == pytest.approx(expected.icc1)
        assert found.provenance.n_dropped == 1
        assert found.notes == ("1 of 9 rows with missing answers were dropped.",)


def test_a_survey_is_its_teachers_means():
    frame = pd.DataFrame({"s": [1, 1, 2, 2], "a": [1, 2, 4, 5], "b": [2, 2, 5, np.nan]})
    mini = Instrument(id="m", response_scale=ResponseScale(1, 5), items=["a", "b"])
    found = variance_components(Responses(frame, mini, group="s"))
    expected = variance_components([1.5, 2, 4.5, 5], [1, 1, 2, 2])
    assert found.icc1 == expected.icc1


@pytest.mark.parametrize(
    ("values", "group", "options", "error", "message"),
    [
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), [1], {}, InputTypeError, "takes one variable"),
        (VALUES, GROUPS, {"method": "ml"}, InputError, "method='ml' is not one of"),
        (VALUES, GROUPS, {"group_size": "median"}, InputError, "group_size='median'"),
        (VALUES, GROUPS, {"interval": "t"}, InputError, "interval='t'"),
        (VALUES, GROUPS, {"confidence": 95}, InputError, "confidence=95"),
        (VALUES, None, {}, InputError, "needs groups"),
        ([np.nan, np.nan], [1, 2], {}, InputError, "No row has a group"),
        (["a", "b"], [1, 2], {}, InputTypeError, "not numeric"),
    ],
)
def test_refusals(values, group, options, error, message):
    with pytest.raises(error, match=message):
        variance_components(values, group, **options)


def test_rendering():
    found = variance_components(VALUES, GROUPS)
    text = found.summary()
    assert "Variance between and within groups" in text
    assert "icc1_ci_low" in text
    assert json.loads(json.dumps(found.to_dict()))["df"] == [2, 5]
    assert found.to_frame().loc[0, "icc1"] == found.icc1
