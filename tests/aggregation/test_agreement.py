"""Agreement within schools: R, by hand, properties, edges, messages, rendering."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics import Instrument, Item, Responses, ResponseScale
from cte_metrics.aggregation import agreement
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError
from tests.reference_case import case

SCHOOLS = Path(__file__).parents[1] / "reference" / "schools"
R_FUNCTIONS = ("rwg", "rwg.j", "rwg.j.lindell", "ad.m", "awg")
ENTRIES = [
    pytest.param(name, entry.id, id=entry.id)
    for name in ("cohesion", "bhr2000_items", "sim_cte12", "sim_cte21", "sim_mlcfa")
    for function in R_FUNCTIONS
    for entry in case(name).entries("", function)
]


def conventional(values):
    """multilevel caps the variance at the null's, which turns values out of range into 0."""
    return np.where((values < 0) | (values > 1), 0.0, values)


@pytest.mark.parametrize(("name", "key"), ENTRIES)
def test_every_stored_value_of_multilevel(name, key):
    entry = case(name)[key]
    args, values = entry.args, entry.values
    items = [args["item"]] if "item" in args else list(args["items"])
    frame = case(name).data[[args["group"], *items]]
    found = agreement(frame, args["group"], scale=args["range"], null=args.get("vv", "uniform"))
    assert [str(g) for g in found.table.index] == values["grpid"]
    single = len(items) == 1
    if entry.function in ("rwg", "rwg.j"):
        column = "rwg" if single else "rwg_j"
        got = conventional(found.table[column].to_numpy())
        expected = values["rwg" if single else "rwg.j"]
        np.testing.assert_allclose(found.truncated[column], got)
    elif entry.function == "rwg.j.lindell":
        got, expected = found.table["rwg_star_j"], values["rwg.lindell"]
    elif entry.function == "ad.m":
        got, expected = found.table[f"ad_{args['tt']}"], values["AD.M"]
    else:
        got, expected = found.table["awg"], values["a.wg"]
    np.testing.assert_allclose(got, expected, atol=1e-10)
    np.testing.assert_array_equal(found.table["n"], values.get("gsize", values.get("nraters")))


@pytest.mark.parametrize(
    ("null", "variance"),
    [("uniform", 2), ("slight_skew", 1.34), ("moderate_skew", 0.9), ("heavy_skew", 0.44),
     ("triangular", 1.32)],
)  # fmt: skip
def test_nulls_on_other_data(null, variance):
    data = pd.read_csv(SCHOOLS / "lq2002.csv")
    known = json.loads((SCHOOLS / "reference.json").read_text())["agreement"]
    found = agreement(data, "COMPID", scale=(1, 5), null=null)
    assert found.null_variance == variance
    assert found.table["n"].tolist() == known["n"]
    star = np.array(known[f"star_{variance}"], dtype=float)
    np.testing.assert_allclose(found.table["rwg_star_j"], star, atol=1e-10)
    expected = np.array(known[f"rwg_j_{variance}"], dtype=float)
    np.testing.assert_allclose(found.truncated["rwg_j"], expected, atol=1e-10)
    for column in ("ad_mean", "ad_median", "awg"):
        np.testing.assert_allclose(
            found.table[column], np.array(known[column], dtype=float), atol=1e-10
        )
    skew = agreement(data, "COMPID", scale=(1, 5), null="slight_skew")
    np.testing.assert_allclose(found.table["rwg_j_skew"], skew.table["rwg_j"])


def test_critical_values_near_multilevels_simulation():
    known = json.loads((SCHOOLS / "reference.json").read_text())["critical"]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(1, 6, (20, 5))).assign(school=np.repeat([1, 2], 10))
    found = agreement(frame.rename(columns=str), "school", scale=(1, 5))
    table = found.critical_values(n_resamples=20_000, rng=2)
    assert table.index.tolist() == [10]
    # both sides are simulated; the standard error of a 95% point of 20,000 draws is about .006
    assert table.loc[10, "rwg_j"] == pytest.approx(known["rwg_j"], abs=0.03)
    assert table.loc[10, "ad_mean"] == pytest.approx(known["ad_mean"], abs=0.02)
    tied = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    correlated = found.critical_values(n_resamples=20_000, correlation=tied, rng=3)
    assert correlated.loc[10, "rwg_j"] == pytest.approx(known["rwg_j_correlated"], abs=0.03)
    again = found.critical_values(n_resamples=20_000, rng=2)
    pd.testing.assert_frame_equal(again, table)


def frame_of(values, groups):
    columns = {f"q{j}": np.asarray(values)[:, j] for j in range(np.shape(values)[1])}
    return pd.DataFrame({"school": groups, **columns})


def test_by_hand():
    # school a: item variances 1/3 and 0 -> S = 1/6, V = 2, ratio 1/12
    found = agreement(frame_of([[4, 5], [4, 5], [5, 5], [1, 1], [5, 5]], list("aaabb")), "school",
                      scale=(1, 5))  # fmt: skip
    a, b = found.table.loc["a"], found.table.loc["b"]
    assert a["rwg_star_j"] == pytest.approx(11 / 12)
    assert a["rwg_j"] == pytest.approx((2 * 11 / 12) / (2 * 11 / 12 + 1 / 12))
    assert a["ad_mean"] == pytest.approx((4 / 9 + 0) / 2)
    assert a["ad_median"] == pytest.approx((1 / 3 + 0) / 2)
    assert a["sd"] == pytest.approx(np.std([4.5, 4.5, 5], ddof=1))
    # school b: S = 8, ratio 4 -> J (1 - 4) / (J (1 - 4) + 4) = -6 / -2
    assert b["rwg_star_j"] == pytest.approx(-3)
    assert b["rwg_j"] == pytest.approx(3)
    assert any("rwg_j lies outside 0 to 1 in 1 of 2 groups" in n for n in found.notes)
    assert found.truncated.loc["b", "rwg_j"] == 0
    assert found.overview.loc["rwg_j", "out_of_range"] == 1
    assert found.overview.loc["rwg_j", "mean_truncated"] == pytest.approx(a["rwg_j"] / 2)
    assert found.overview.loc["rwg_j", "mean"] == pytest.approx((a["rwg_j"] + 3) / 2)
    assert found.overview.loc["ad_mean", "mean_truncated"] == found.overview.loc["ad_mean", "mean"]
    assert found.overview.loc["rwg_j", "share_meeting"] == 0.5


def test_the_pole_is_undefined_and_read_as_no_agreement():
    # two items of variance 4, V = 2: S/V = J/(J - 1) = 2
    root = 2 * np.sqrt(2)
    found = agreement(frame_of([[1, 1], [1 + root, 1 + root]], [1, 1]), "school", scale=(1, 5))
    assert np.isnan(found.table["rwg_j"].iloc[0])
    assert found.table["rwg_star_j"].iloc[0] == pytest.approx(-1)
    assert found.truncated["rwg_j"].iloc[0] == 0


def test_everyone_agrees():
    found = agreement(frame_of([[4, 5]] * 3 + [[5, 5]] * 2, list("aaabb")), "school", scale=(1, 5))
    assert (found.table[["rwg_j", "rwg_star_j"]] == 1).all().all()
    assert (found.table[["ad_mean", "ad_median", "sd"]] == 0).all().all()
    assert found.table.loc["b", "awg"] == 1


def test_one_respondent_has_no_agreement():
    found = agreement(frame_of([[4, 5], [3, 2], [3, 4]], list("abb")), "school", scale=(1, 5))
    assert found.table.loc["a"].drop("n").isna().all()
    assert any("1 group(s) with one respondent" in n for n in found.notes)
    assert found.critical_values(n_resamples=200, rng=1).index.tolist() == [2]


def test_missing_answers_and_groups_are_told():
    data = frame_of([[4, np.nan], [4, 4], [3, 5], [1, np.nan], [2, 2]], ["a", "a", "a", "b", None])
    found = agreement(data, "school", scale=(1, 5))
    assert found.table.index.tolist() == ["a"]
    assert found.table.loc["a", "n"] == 2
    assert found.provenance.n_dropped == 3
    assert found.notes[:2] == (
        "2 of 5 rows with missing answers were dropped.",
        "1 of 5 rows without a group were dropped.",
    )
    assert "No complete row in 1 group(s): b" in found.notes[2]


def test_answers_that_are_no_whole_numbers_take_the_other_route():
    rng = np.random.default_rng(4)
    whole = rng.integers(1, 6, (40, 3)).astype(float)
    groups = rng.integers(0, 5, 40)
    a = agreement(frame_of(whole, groups), "school", scale=(1, 5)).table
    half = agreement(frame_of(whole / 2, groups), "school", scale=(0.5, 2.5), null=0.5).table
    np.testing.assert_allclose(half["rwg_j"], a["rwg_j"], atol=1e-12)
    np.testing.assert_allclose(2 * half["ad_median"], a["ad_median"], atol=1e-12)
    np.testing.assert_allclose(half["awg"], a["awg"], atol=1e-9)


def test_responses_bring_key_range_and_group():
    data = frame_of([[4, 2], [5, 1], [2, 4], [2, 5]], [1, 1, 2, 2])
    mini = Instrument("m", "M", "1", ResponseScale(1, 5), [Item("q0"), Item("q1", "", True)])
    found = agreement(Responses(data, mini, group="school"))
    flipped = data.assign(q1=6 - data["q1"])
    expected = agreement(flipped, "school", scale=ResponseScale(1, 5))
    pd.testing.assert_frame_equal(found.table, expected.table)
    assert found.scale == (1, 5)


def test_polars_and_arrays_give_the_same():
    data = frame_of([[4, 2], [5, 1], [2, 4], [2, 5]], [1, 1, 2, 2])
    expected = agreement(data, "school", scale=(1, 5)).table
    pd.testing.assert_frame_equal(agreement(pl.DataFrame(data), "school", scale=(1, 5)).table,
                                  expected)  # fmt: skip
    values = data[["q0", "q1"]].to_numpy()
    pd.testing.assert_frame_equal(agreement(values, [1, 1, 2, 2], scale=(1, 5)).table, expected)
    one = agreement(data["q0"], data["school"], scale=(1, 5)).table
    assert one["rwg"].tolist() == agreement(data[["q0", "school"]], "school",
                                            scale=(1, 5)).table["rwg"].tolist()  # fmt: skip


def test_unknown_scale_takes_the_observed_range_and_says_so():
    found = agreement(frame_of([[2, 3], [4, 2]], [1, 1]), "school")
    assert found.scale == (2, 4)
    assert any("observed range 2 to 4" in n for n in found.notes)


def test_rare_numbers_of_categories_are_told():
    found = agreement(frame_of([[2, 3], [4, 2]], [1, 1]), "school", scale=(1, 4), null="heavy_skew")
    assert any("tabled for 5 to 11 categories" in n for n in found.notes)
    assert found.null_variance == pytest.approx(0.44 / 2 * 1.25)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_names_and_reflection_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    data = frame_of(rng.integers(1, 7, (30, 3)), rng.integers(0, 6, 30))
    base = agreement(data, "school", scale=(1, 6)).table
    shuffled = data.sample(frac=1, random_state=int(seed % 1000))[["q2", "school", "q0", "q1"]]
    pd.testing.assert_frame_equal(agreement(shuffled, "school", scale=(1, 6)).table, base)
    mirrored = data.assign(**{c: 7 - data[c] for c in ("q0", "q1", "q2")})
    pd.testing.assert_frame_equal(agreement(mirrored, "school", scale=(1, 6)).table, base,
                                  atol=1e-12, rtol=0)  # fmt: skip
    shifted = data.assign(**{c: data[c] + 4 for c in ("q0", "q1", "q2")})
    pd.testing.assert_frame_equal(agreement(shifted, "school", scale=(5, 10)).table, base,
                                  atol=1e-9, rtol=0)  # fmt: skip
    renamed = data.assign(school=data["school"].map(lambda g: f"s{g}"))
    np.testing.assert_allclose(agreement(renamed, "school", scale=(1, 6)).table, base)
    empty = pd.concat([data, pd.DataFrame({"school": [0]})], ignore_index=True)
    pd.testing.assert_frame_equal(agreement(empty, "school", scale=(1, 6)).table, base)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"scale": (1, 4)}, InputError, r"Column 'q0', row 1: the answer 5 lies outside .* 1 to 4"),
        ({"scale": (5, 1)}, InputError, r"the minimum must lie below the maximum"),
        ({"scale": "1-5"}, InputTypeError, r"is no response scale"),
        ({"null": "flat"}, InputError, r"null='flat' is not one of"),
        ({"null": 0}, InputError, r"null variance must be positive"),
        ({"null": None}, InputTypeError, r"neither a name nor a variance"),
        ({"group": "scool"}, UnknownNameError, r"no column 'scool'.*Did you mean 'school'"),
        ({"group": None}, InputError, r"needs groups, and the data name none"),
        ({"group": [1, 2]}, InputError, r"one entry for each of 3 rows"),
    ],
)
def test_refusals(change, error, message):
    data = frame_of([[4, 2], [5, 1], [2, 4]], [1, 1, 2])
    options = {"scale": (1, 5), **change}
    group = options.pop("group", "school")
    with pytest.raises(error, match=message):
        agreement(data, group, **options)


def test_nobody_complete_is_refused():
    with pytest.raises(InputError, match="No row has a group and an answer to every item"):
        agreement(frame_of([[np.nan, 2], [5, np.nan]], [1, 1]), "school", scale=(1, 5))


def test_critical_value_refusals():
    found = agreement(frame_of([[4, 2], [5, 1]], [1, 1]), "school", scale=(1, 5))
    with pytest.raises(InputError, match="at least 100"):
        found.critical_values(n_resamples=5)
    with pytest.raises(InputError, match="symmetric 2 x 2"):
        found.critical_values(correlation=np.eye(3))
    with pytest.raises(InputError, match="negative eigenvalue"):
        found.critical_values(correlation=[[1, 2], [2, 1]])


def test_rendering():
    found = agreement(frame_of([[4, 2], [5, 1], [2, 4]], ["<a>", "<a>", "b"]), "school",
                      scale=(1, 5))  # fmt: skip
    text = found.summary()
    assert text.startswith("Agreement within groups")
    assert "Over groups" in text
    assert "James, Demaree & Wolf (1984)" in text
    assert "&lt;a&gt;" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["n_items"] == 2
    assert found.to_frame().equals(found.table)


def test_of_several_waves_the_last_is_analysed_and_pooled_ones_are_told():
    data = frame_of([[4, 2], [5, 1], [2, 4], [2, 5]], [1, 1, 2, 2]).assign(wave=[1, 2, 1, 2])
    mini = Instrument("m", "M", "1", ResponseScale(1, 5), [Item("q0"), Item("q1")])
    survey = Responses(data, mini, group="school", wave="wave")
    last = agreement(survey)
    assert any("the last, 2, was analysed (2 of 4 rows)" in n for n in last.notes)
    assert last.table["n"].tolist() == [1, 1]
    pooled = agreement(survey.pooled())
    assert any("2 waves were pooled, as asked" in n for n in pooled.notes)
    assert pooled.table["n"].tolist() == [2, 2]
    assert not any("pooled" in n for n in agreement(survey.at_wave(1)).notes)


def test_a_group_column_of_texts_is_found_in_every_frame_and_its_absence_is_told():
    frame = pd.DataFrame({"a": [1, 2, 4, 5], "b": [2, 2, 4, 4], "school": ["x", "x", "y", "y"]})
    expected = agreement(frame, "school", scale=(1, 5)).table
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        pd.testing.assert_frame_equal(agreement(other, "school", scale=(1, 5)).table, expected)
    with pytest.raises(UnknownNameError, match=r"no column 'scool'\. Did you mean 'school'"):
        agreement(frame, "scool", scale=(1, 5))


def test_critical_values_refuse_a_confidence_that_is_no_share():
    found = agreement(frame_of([[4, 5], [4, 5]], list("aa")), "school", scale=(1, 5))
    with pytest.raises(InputError, match=r"confidence=95 is not between 0 and 1"):
        found.critical_values(confidence=95)
