"""School scores: R, by hand, weights and corrections, evidence, edges, messages, rendering."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics import Instrument, Item, Responses, ResponseScale, Subscale
from cte_metrics.aggregation import aggregate, agreement, variance_components
from cte_metrics.aggregation.evidence import composition_of, verdict
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError
from cte_metrics.kernels.numerics.distributions import t_quantile
from tests.reference_case import case

ITEMS = [f"c{j:02d}" for j in range(1, 13)]


def instrument(**changes):
    return Instrument(
        id="cte", response_scale=ResponseScale(1, 9), items=ITEMS,
        subscales=[Subscale("F1", "", ITEMS[:6]), Subscale("F2", "", ITEMS[6:])], **changes,
    )  # fmt: skip


def survey(**options):
    """R's row means take one answer for a score."""
    own = instrument(minimum_answered=1)
    return Responses(case("sim_cte12").data, own, group="school", **options)


def test_means_equal_aggregate_of_row_means():
    data = case("sim_cte12").data
    found = aggregate(survey(), minimum_group_size=0).table
    for scale, items in {"F1": ITEMS[:6], "F2": ITEMS[6:], "total": ITEMS}.items():
        score = data[items].mean(axis=1)
        by_school = score.groupby(data["school"])
        got = found.xs(scale, level="scale")
        np.testing.assert_allclose(got["mean"], by_school.mean(), atol=1e-12)
        np.testing.assert_allclose(got["sd"], by_school.std(), atol=1e-12)
        np.testing.assert_allclose(got["se"], by_school.sem(), atol=1e-12)
        assert got["n"].tolist() == by_school.count().tolist()
        half = t_quantile(0.975, by_school.count() - 1) * by_school.sem()
        np.testing.assert_allclose(got["ci_high"] - got["mean"], half, atol=1e-12)


def test_reference_aggregate():
    entry = case("sim_cte12")["cte.aggregate"]
    found = aggregate(survey(), minimum_group_size=0).table.xs("total", level="scale")
    np.testing.assert_allclose(found["mean"], entry.values["cte_total"], atol=1e-10)


def test_shrinkage_equals_gmeanrel_and_lmer():
    entry = case("sim_cte12")["cte.gmeanrel.cte_total"]
    found = aggregate(survey(), minimum_group_size=0).table.xs("total", level="scale")
    np.testing.assert_allclose(found["reliability"], entry.values["mean_rel"], atol=2e-6)
    reml = variance_components(
        case("sim_cte12").data[ITEMS].mean(axis=1), case("sim_cte12").data["school"], method="reml"
    )
    expected = reml.mean + found["reliability"] * (found["mean"] - reml.mean)
    np.testing.assert_allclose(found["shrunken"], expected, atol=1e-12)
    assert aggregate(survey(), shrink=False).table["shrunken"].isna().all()


def test_evidence_equals_the_single_analyses():
    responses = survey()
    evidence = aggregate(responses).evidence
    data = case("sim_cte12").data
    total = variance_components(data[ITEMS].mean(axis=1), data["school"])
    row = evidence.loc["total"]
    for name in ("icc1", "icc2", "f", "p", "mean_group_size"):
        assert row[name] == pytest.approx(getattr(total, name), rel=1e-12)
    assert (row["icc1_low"], row["icc1_high"]) == tuple(total.icc1_ci)
    agreed = agreement(data[[*ITEMS, "school"]], "school", scale=(1, 9))
    assert row["median_rwg_j"] == pytest.approx(agreed.overview.loc["rwg_j", "median"])
    assert row["share_above_70"] == pytest.approx(agreed.overview.loc["rwg_j", "share_meeting"])
    shown = aggregate(responses, minimum_group_size=0).table.xs("total", level="scale")
    known = agreed.table["rwg_j"].reindex(shown.index)
    np.testing.assert_allclose(shown["rwg_j"], known, atol=1e-12)
    assert row["verdict"].startswith("School scores are justified: teachers agree")
    assert "Chan (1998)" in row["source"]


def tiny(rows, **options):
    frame = pd.DataFrame(rows, columns=["school", "a", "b"])
    mini = Instrument(
        id="m",
        response_scale=ResponseScale(1, 5),
        items=[Item("a"), Item("b")],
        minimum_answered=1,
    )
    return Responses(frame, mini, group="school", **options)


def test_a_teachers_score_needs_half_of_the_items_and_two_answers():
    frame = pd.DataFrame({"school": [1, 1, 2, 2], "a": [5, 3, 2, 1], "b": [4, None, 2, 4]})
    mini = Instrument(id="m", response_scale=ResponseScale(1, 5), items=[Item("a"), Item("b")])
    found = aggregate(Responses(frame, mini, group="school"), minimum_group_size=0)
    assert found.table.loc[(1, "total"), ["n", "mean"]].tolist() == [1, 4.5]
    assert any("too few answers" in note for note in found.notes)


def test_two_rules_by_hand():
    responses = tiny([(1, 5, 4), (1, 3, None), (2, 2, 2), (2, 1, 4)])
    teachers = aggregate(responses, minimum_group_size=0).table
    items = aggregate(responses, minimum_group_size=0, rule="item_means").table
    assert teachers.loc[(1, "total"), "mean"] == pytest.approx((4.5 + 3) / 2)
    assert items.loc[(1, "total"), "mean"] == pytest.approx((4 + 4) / 2)
    assert teachers.loc[(2, "total"), "mean"] == items.loc[(2, "total"), "mean"] == 2.25
    # complete answers: the linearised standard error is s / sqrt(n)
    assert items.loc[(2, "total"), "se"] == pytest.approx(teachers.loc[(2, "total"), "se"])


def test_rules_agree_on_complete_answers():
    data = case("sim_cte12").data.dropna(subset=ITEMS)
    responses = Responses(data, instrument(), group="school")
    a = aggregate(responses, minimum_group_size=0).table
    b = aggregate(responses, minimum_group_size=0, rule="item_means").table
    pd.testing.assert_frame_equal(a, b, atol=1e-12)


def test_weights_by_hand():
    frame = pd.DataFrame({"school": [1, 1, 1, 2, 2], "a": [1, 3, 5, 2, 4], "w": [2.0, 1, 1, 1, 1]})
    mini = Instrument(id="m", response_scale=ResponseScale(1, 5), items=["a"])
    found = aggregate(Responses(frame, mini, group="school", weights="w"), minimum_group_size=0)
    first = found.table.loc[(1, "total")]
    assert first["mean"] == pytest.approx((2 * 1 + 3 + 5) / 4)
    influence = np.array([2 * (1 - 2.5), 3 - 2.5, 5 - 2.5]) / 4
    assert first["se"] == pytest.approx(np.sqrt(3 / 2 * influence @ influence))
    assert found.provenance.settings["weighted"]
    plain = aggregate(Responses(frame, mini, group="school"), minimum_group_size=0)
    again = aggregate(Responses(frame, mini, group="school"), minimum_group_size=0,
                      weights=np.full(5, 7.0))  # fmt: skip
    pd.testing.assert_frame_equal(again.table, plain.table)


def test_finite_population_by_hand():
    responses = tiny([(1, 5, 5), (1, 3, 3), (1, 4, 4), (2, 2, 2), (2, 3, 3)])
    plain = aggregate(responses, minimum_group_size=0).table
    found = aggregate(responses, minimum_group_size=0, staff_size={1: 4, 2: 2}).table
    ratio = found["se"] / plain["se"]
    assert ratio[(1, "total")] == pytest.approx(np.sqrt(1 - 3 / 4))
    assert found.loc[(2, "total"), "se"] == 0  # everyone answered
    assert found.loc[(2, "total"), "reliability"] == 1
    part = aggregate(responses, minimum_group_size=0, staff_size={1: 4}).table
    assert part.loc[(2, "total"), "se"] == plain.loc[(2, "total"), "se"]


def test_shrinkage_with_a_finite_staff_by_hand():
    """The variance of a school's mean is sigma2 / n times 1 - n / N, the se's factor squared."""
    rows = [(1, 5, 5), (1, 4, 4), (1, 5, 4), (2, 1, 2), (2, 2, 3), (3, 3, 3), (3, 4, 3), (3, 3, 2)]
    plain = aggregate(tiny(rows), minimum_group_size=0).table.xs("total", level="scale")
    found = aggregate(tiny(rows), minimum_group_size=0, staff_size={1: 4, 2: 5, 3: 12})
    found = found.table.xs("total", level="scale")
    noise = (1 - plain["reliability"]) / plain["reliability"]  # sigma2 / (n tau2)
    assert ((noise > 0.05) & (noise < 1)).all()
    left = 1 - np.array([3 / 4, 2 / 5, 3 / 12])
    expected = 1 / (1 + noise * left)
    np.testing.assert_allclose(found["reliability"], expected, rtol=1e-10)
    r, mean = plain["reliability"], plain["mean"]
    grand = ((plain["shrunken"] - r * mean) / (1 - r)).to_numpy()
    np.testing.assert_allclose(grand, grand[0], rtol=1e-8)
    shrunken = expected * mean + (1 - expected) * grand[0]
    np.testing.assert_allclose(found["shrunken"], shrunken, rtol=1e-8)


def test_disagreement_beyond_the_pole_is_no_agreement():
    """Two items at both ends: S / V = 8 / 2 = 4, rwg(j) = 2 (1 - 4) / (2 (1 - 4) + 4) = 3."""
    responses = tiny([(1, 1, 5), (1, 5, 1), (2, 3, 4), (2, 3, 4)])
    found = aggregate(responses, minimum_group_size=0)
    assert found.table["rwg_j"].tolist() == pytest.approx([3.0, 1.0])
    assert found.evidence.loc["total", "share_above_70"] == 0.5
    frame = pd.DataFrame({"school": [1, 1, 2, 2], "a": [1, 5, 3, 3], "b": [5, 1, 4, 4]})
    overview = agreement(frame, "school", scale=(1, 5)).overview
    assert overview.loc["rwg_j", "share_meeting"] == 0.5


@pytest.mark.parametrize(("share", "n"), [(0.5, 2), (0.34, 2), (1 / 3, 3), (1.0, 1)])
def test_a_share_of_the_items_is_rounded_up(share, n):
    frame = pd.DataFrame(
        {"school": [1, 1, 1], "a": [5, 4, 3], "b": [1, 2, None], "c": [3, None, None]}
    )
    three = Instrument(id="m", response_scale=ResponseScale(1, 5), items=["a", "b", "c"],
                       minimum_answered=share)  # fmt: skip
    found = aggregate(Responses(frame, three, group="school"), minimum_group_size=0).table
    assert found.loc[(1, "total"), "n"] == n


def test_reverse_items_and_minimum_answered_are_respected():
    frame = pd.DataFrame({"school": [1, 1], "a": [5, 4], "b": [1, None]})
    keyed = Instrument(id="m", response_scale=ResponseScale(1, 5),
                       items=[Item("a"), Item("b", "", True)], minimum_answered=2)  # fmt: skip
    found = aggregate(Responses(frame, keyed, group="school"), minimum_group_size=0)
    assert found.table.loc[(1, "total"), "mean"] == 5
    assert found.table.loc[(1, "total"), "n"] == 1
    assert any("too few answers" in n for n in found.notes)
    assert found.provenance.n_dropped == 1


@pytest.mark.parametrize(
    ("figures", "referent", "start"),
    [
        ((0.9, 0.2, 0.001, 0.8), "group", "School scores are justified: teachers agree"),
        ((0.9, 0.2, 0.001, 0.5), "school", "School scores are justified, but uncertain"),
        ((0.9, 0.0, 0.4, 0.1), "group", "Teachers agree, but schools do not differ"),
        ((0.5, 0.2, 0.001, 0.8), "group", "Not shared"),
        ((0.5, 0.0, 0.4, 0.1), "group", "School scores are not justified"),
        ((0.9, 0.2, 0.001, 0.8), "self", "The school mean may stand for a shared property"),
        ((0.5, 0.2, 0.001, 0.8), "self", "The school mean describes the average teacher"),
        ((0.5, 0.0, 0.4, 0.1), "self", "No school property"),
        ((np.nan, 0.2, 0.1, 0.1), "group", "Undecided"),
    ],
)
def test_the_referent_decides_what_decides(figures, referent, start):
    row = dict(zip(("median_rwg_j", "icc1", "p", "icc2"), figures, strict=True))
    assert verdict(row, composition_of(referent)).startswith(start)


def test_composition_is_named():
    found = aggregate(survey())
    assert found.composition == "referent shift consensus"
    own = Responses(case("sim_cte12").data, instrument(referent="self"), group="school")
    told = aggregate(own)
    assert told.composition == "direct consensus"
    assert told.evidence["decided_by"].unique().tolist() == ["median_rwg_j"]
    assert told.evidence["rule"].iloc[0].startswith("Direct consensus")


def waves_frame():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"teacher": np.tile(np.arange(40), 2), "wave": np.repeat([1, 2], 40)})
    frame["school"] = frame["teacher"] % 4
    frame["a"], frame["b"] = rng.integers(1, 6, 80), rng.integers(1, 6, 80)
    return frame


def test_waves():
    mini = Instrument(id="m", response_scale=ResponseScale(1, 5), items=["a", "b"])
    responses = Responses(waves_frame(), mini, group="school", wave="wave", respondent="teacher")
    latest = aggregate(responses)
    assert any("There are 2 waves; wave 2 is scored" in n for n in latest.notes)
    pd.testing.assert_frame_equal(latest.table, aggregate(responses.at_wave(2)).table)
    each = aggregate(responses, wave="all")
    assert each.table.index.names == ["group", "scale", "wave"]
    pd.testing.assert_frame_equal(each.table.xs(1, level="wave"),
                                  aggregate(responses, wave=1).table)  # fmt: skip
    assert each.evidence.index.names == ["scale", "part"]
    assert each.evidence.loc[("total", 2), "icc1"] == latest.evidence.loc["total", "icc1"]


def test_profile_has_a_column_a_scale():
    found = aggregate(survey(), minimum_group_size=0)
    profile = found.profile()
    assert profile.columns.tolist() == ["F1", "F2", "total"]
    assert profile.loc[3, "F2"] == found.table.loc[(3, "F2"), "mean"]
    with pytest.raises(UnknownNameError, match="Did you mean 'mean'"):
        found.profile("maen")


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_row_order_and_labels_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    data = case("sim_cte12").data
    base = aggregate(survey()).table
    shuffled = data.iloc[rng.permutation(len(data))]
    other = aggregate(Responses(shuffled, instrument(minimum_answered=1), group="school")).table
    pd.testing.assert_frame_equal(other, base, atol=1e-12)
    named = data.assign(school=data["school"].map(lambda s: f"school {s:02d}"))
    renamed = aggregate(Responses(named, instrument(minimum_answered=1), group="school")).table
    np.testing.assert_allclose(renamed["mean"], base["mean"])


def test_one_school_and_one_teacher_each():
    one = aggregate(tiny([(1, 5, 5), (1, 3, 3)]), minimum_group_size=0)
    assert one.table.loc[(1, "total"), "mean"] == 4
    assert one.evidence.loc["total", "verdict"].startswith("Undecided")
    assert any("cannot be estimated" in n for n in one.notes)
    single = aggregate(tiny([(1, 5, 5), (2, 3, 3)]), minimum_group_size=0)
    assert single.table["se"].isna().all()
    assert single.table["mean"].tolist() == [5, 3]


def test_no_variance_and_full_agreement():
    flat = aggregate(tiny([(1, 3, 3), (1, 3, 3), (2, 3, 3), (2, 3, 3)]), minimum_group_size=0)
    assert (flat.table["se"] == 0).all()
    assert np.isnan(flat.evidence.loc["total", "icc1"])
    agreed = aggregate(tiny([(1, 3, 3), (1, 3, 3), (2, 5, 5), (2, 5, 5)]), minimum_group_size=0)
    assert agreed.evidence.loc["total", "icc1"] == 1
    assert (agreed.table["rwg_j"] == 1).all()
    assert (agreed.table["shrunken"] == agreed.table["mean"]).all()


def test_rows_without_a_school_are_told():
    found = aggregate(tiny([(1, 3, 4), (1, 4, 4), (None, 3, 3), (2, 5, 4), (2, 1, 2)]),
                      minimum_group_size=0)  # fmt: skip
    assert any("1 rows without a school" in n for n in found.notes)
    assert found.provenance.n_dropped == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rule": "median"}, InputError, "rule='median' is not one of"),
        ({"confidence": 1.0}, InputError, "confidence=1.0 is not between 0 and 1"),
        ({"minimum_group_size": -1}, InputError, "minimum=-1"),
        ({"by": "sex"}, UnknownNameError, "by='sex' is no covariate"),
        ({"weights": [1.0]}, InputError, r"weights has shape \(1,\)"),
        ({"staff_size": {1: 0}}, InputError, "not positive"),
        ({"staff_size": "staff"}, UnknownNameError, "staff_size='staff' is no covariate"),
        ({"wave": 3}, UnknownNameError, "no waves"),
        ({"wave": "all", "by": "sex"}, InputError, "cannot be combined"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        aggregate(tiny([(1, 3, 4), (1, 4, 4), (2, 5, 4)]), **options)


def test_what_is_no_survey_is_refused():
    with pytest.raises(InputTypeError, match="aggregate takes Responses; got DataFrame"):
        aggregate(pd.DataFrame({"a": [1]}))
    frame = pd.DataFrame({"a": [1, 2]})
    mini = Instrument(id="m", response_scale=ResponseScale(1, 5), items=["a"])
    with pytest.raises(InputError, match="have no group"):
        aggregate(Responses(frame, mini))


def test_rendering():
    found = aggregate(survey())
    text = found.summary()
    assert "Evidence (referent shift consensus)" in text
    assert "School scores are justified" in text
    assert "suppressed" in text
    body = json.loads(json.dumps(found.to_dict()))
    assert body["composition"] == "referent shift consensus"
    assert found.to_frame().equals(found.table)
