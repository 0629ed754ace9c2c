"""Responses: checks at the door, nothing dropped silently, the caller's frame untouched."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics import Instrument, Item, Responses, ResponseScale, Subscale

MINI = Instrument(
    "mini",
    "Mini",
    "1",
    ResponseScale(1, 5, {1: "Never", 5: "Always"}),
    [Item("a"), Item("b", reverse=True), Item("c")],
    [Subscale("s", "S", ["a", "b"]), Subscale("r", "R", ["c"])],
)


def frame(**changed):
    columns = {
        "id": [11, 12, 13],
        "school": ["x", "x", "y"],
        "wave": [1, 1, 2],
        "ses": [0.5, 0.5, -1.0],
        "a": [1, 2, 3],
        "b": [5, 4, 3],
        "c": [1, 1, 5],
    }
    return pd.DataFrame({**columns, **changed})


ROLES = {"respondent": "id", "group": "school", "wave": "wave", "covariates": ["ses"]}


def read(data, **options):
    return Responses(data, MINI, **{**ROLES, **options})


def problems(responses):
    return responses.issues[["row", "column", "value", "problem"]].to_numpy().tolist()


def test_by_hand():
    r = read(frame())
    assert r.items["b"].tolist() == [5.0, 4.0, 3.0]
    assert r.keyed["b"].tolist() == [1.0, 2.0, 3.0]
    assert r.keyed["a"].tolist() == [1.0, 2.0, 3.0]
    assert r.group.tolist() == ["x", "x", "y"]
    assert r.wave.tolist() == [1, 1, 2]
    assert r.covariates["ses"].tolist() == [0.5, 0.5, -1.0]
    assert r.respondent.tolist() == [11, 12, 13]
    assert (len(r), r.n_respondents, r.n_groups, r.waves) == (3, 3, 2, (1, 2))
    assert len(r.issues) == 0
    assert r.instrument is MINI


def test_roles_that_are_not_named_are_none():
    r = Responses(frame(), MINI)
    assert r.respondent is r.group is r.wave is r.weights is None
    assert r.covariates.shape == (3, 0)
    assert r.n_respondents == 3


def test_answers_are_stored_small_and_given_as_floats():
    r = read(frame())
    assert r.answers().dtype == np.int8
    assert set(r.items.dtypes) == {np.dtype("float64")}
    wide = Instrument("w", "W", "1", ResponseScale(0, 100), [Item("a"), Item("b", reverse=True)])
    r = Responses(pd.DataFrame({"a": [0, 100], "b": [0, 100]}), wide)
    assert r.keyed.to_numpy().tolist() == [[0, 100], [100, 0]]
    high = Instrument("w", "W", "1", ResponseScale(100, 127), [Item("a", reverse=True)])
    assert Responses(pd.DataFrame({"a": [127]}), high).keyed["a"].tolist() == [100]


@pytest.mark.parametrize("scale", [(-5, 5), (0, 1), (-128, 5), (1, 40_000), (1, 3_000_000_000)])
def test_any_range_of_whole_numbers_keeps_its_ends(scale):
    wide = Instrument("w", "W", "1", ResponseScale(*scale), [Item("a"), Item("b", reverse=True)])
    data = pd.DataFrame({"a": [*scale, np.nan], "b": [*scale, np.nan]})
    keyed = Responses(data, wide).keyed
    assert keyed["a"].tolist()[:2] == [*scale]
    assert keyed["b"].tolist()[:2] == [*scale][::-1]
    assert keyed.isna().to_numpy().sum() == 2


def test_faults_are_listed_by_row_column_and_value():
    data = frame(a=[1, 9, 3], b=[5, 2.5, np.nan], c=["always", "maybe", "5"])
    r = read(data, on_invalid="missing")
    assert problems(r) == [
        [None, "c", None, "numbers and texts in one column; both were read"],
        [1, "a", 9, "is outside 1 to 5"],
        [1, "b", 2.5, "is not a whole number"],
        [1, "c", "maybe", "labels no answer of the response scale"],
        [1, "(all items)", None, "no item was answered"],
    ]
    assert r.issues["respondent"].tolist() == [None, 12, 12, 12, 12]
    assert r.items["c"].tolist()[::2] == [5, 5]
    assert r.items.loc[1].isna().all()
    assert "3 answers could not be used and set to missing; see .issues." in r.notes


def test_faults_are_refused_with_their_place_and_the_remedy():
    with pytest.raises(cte.InputError) as caught:
        read(frame(a=[1, 9, 3], b=[5, 2.5, 2]))
    assert str(caught.value) == (
        "2 entries of the survey cannot be used. Column 'a', row 1: 9 is outside 1 to 5. "
        "Column 'b', row 1: 2.5 is not a whole number.\n\nHint: Correct the data; or name codes "
        "that stand for no answer in missing_codes; or pass on_invalid='missing' to set such "
        "answers to missing and list them in .issues."
    )


def test_many_faults_are_counted():
    data = pd.DataFrame({"a": [9] * 7, "b": [1] * 7, "c": [1] * 7})
    with pytest.raises(cte.InputError, match=r"7 entries .* There are 2 more."):
        Responses(data, MINI)


def test_infinite_and_huge_numbers_are_out_of_range():
    data = frame(a=[np.inf, -np.inf, 1e300])
    r = read(data, on_invalid="missing", max_invalid=1)
    assert r.items["a"].isna().all()
    assert r.issues["problem"].eq("is outside 1 to 5").all()


def test_a_respondent_twice_in_a_wave_is_refused_or_listed():
    with pytest.raises(cte.InputError, match="'id', row 1: 11 appears more than once in the same"):
        read(frame(id=[11, 11, 11]))
    r = read(frame(id=[11, 11, 11]), on_invalid="missing")
    assert problems(r) == [[1, "id", 11, "appears more than once in the same wave"]]
    assert len(r) == 3
    assert "1 row repeating a respondent within a wave; see .issues." in r.notes
    with pytest.raises(cte.InputError, match="11 appears more than once"):
        Responses(frame(id=[11, 12, 11]), MINI, respondent="id")


def test_empty_rows_missing_schools_waves_and_names_are_listed_and_kept():
    data = frame(a=[1, 2, None], b=[5, 4, None], c=[1, 1, None])
    data = data.assign(school=["x", None, " "], wave=[1, np.nan, 2], id=[None, None, 7])
    r = read(data)
    assert problems(r) == [
        [0, "id", None, "no respondent"],
        [1, "id", None, "no respondent"],
        [1, "school", None, "no group"],
        [1, "wave", None, "no wave"],
        [2, "(all items)", None, "no item was answered"],
        [2, "school", None, "no group"],
    ]
    assert len(r) == r.n_respondents == 3
    assert r.waves == (1.0, 2.0)


def test_missing_codes_are_set_to_missing_with_an_entry():
    data = frame(a=[-99, 2, -99], c=["N/A", "never", "n/a "])
    r = read(data, missing_codes=(-99, "N/A"))
    assert r.items["a"].isna().tolist() == [True, False, True]
    assert problems(r) == [
        [None, "a", -99, "missing code: 2 answers set to missing"],
        [None, "c", "N/A", "missing code: 1 answer set to missing"],
        [None, "c", "n/a ", "missing code: 1 answer set to missing"],
    ]


@pytest.mark.parametrize(
    ("code", "message"), [(5, "is an answer of the"), ("always", "labels an answer")]
)
def test_a_missing_code_cannot_be_an_answer(code, message):
    with pytest.raises(cte.InputError, match=f"missing_codes holds {code!r}, which {message}"):
        read(frame(), missing_codes=[code])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Never", " ALWAYS ", ""], [1, 5, None]),
        (["1", "5.0", "3"], [1, 5, 3]),
        ([1, "5", None], [1, 5, None]),
        (pd.Categorical(["Never", "Always", None]), [1, 5, None]),
        (pd.array([1, None, 3], dtype="Int8"), [1, None, 3]),
        (pd.array([1.0, None, 3.0], dtype="Float32"), [1, None, 3]),
        (np.array([1, 2, 3], dtype=np.uint64), [1, 2, 3]),
        (pd.array([1, None, 3], dtype="int64[pyarrow]"), [1, None, 3]),
        ([None, None, None], [None, None, None]),
        (pd.Categorical([1, 5, None]), [1, 5, None]),
    ],
)
def test_answers_of_every_type_are_read(values, expected):
    r = read(frame(c=values))
    assert [None if np.isnan(v) else v for v in r.items["c"]] == expected


def test_true_and_false_are_no_numbers_unless_the_scale_says_so():
    r = read(frame(c=[True, 1, 5]).astype({"c": object}), on_invalid="missing")
    assert problems(r)[0][1:] == ["c", True, "is true or false where a number is needed"]
    assert r.items["c"].tolist()[1:] == [1, 5]
    binary = Instrument("b", "B", "1", ResponseScale(0, 1), ["a"])
    data = pd.DataFrame({"a": [True, False]})
    assert Responses(data, binary).items["a"].tolist() == [1, 0]


def test_a_column_of_dates_is_refused():
    with pytest.raises(cte.InputTypeError, match="Column 'c' holds values of type Datetime"):
        read(frame(c=pd.to_datetime(["2024-01-01"] * 3)))


def test_complex_and_endless_numbers_are_listed():
    r = read(
        frame(c=pd.Series([1 + 2j, 10**400, 5], dtype=object)), on_invalid="missing", max_invalid=1
    )
    assert r.items["c"].isna().tolist() == [True, True, False]
    assert r.issues["problem"].tolist() == [
        "is of type complex, not an answer",
        "is outside 1 to 5",
    ]


def test_odd_objects_are_listed():
    r = read(frame(c=[[1], {"x": 1}, 5]), on_invalid="missing", max_invalid=1)
    assert r.items["c"].isna().tolist() == [True, True, False]
    assert len(r.issues) == 2


def test_a_close_label_is_suggested():
    with pytest.raises(cte.InputError, match=r"'Alway' labels no answer .*; did you mean 'Always'"):
        read(frame(c=["Alway", "Never", "Never"]))


def test_missing_columns_suggest_close_names():
    with pytest.raises(cte.UnknownNameError) as caught:
        read(frame().rename(columns={"a": "A", "c": "zzz"}))
    assert str(caught.value).startswith(
        "The survey has no column for 2 of the 3 items of 'mini': 'a' (did you mean 'A'?); 'c'."
    )
    assert "The survey's columns are: id, school, wave, ses, A, b, zzz." in str(caught.value)
    with pytest.raises(cte.UnknownNameError, match=r"group: .* 'scool'. Did you mean 'school'"):
        read(frame(), group="scool")
    with pytest.raises(cte.UnknownNameError, match="covariates: the survey has no column 'sess'"):
        read(frame(), covariates=["sess"])


def test_columns_map_names_or_are_listed_in_item_order():
    data = frame().rename(columns={"a": "Q1", "b": "Q2", "c": "Q3"})
    by_name = read(data, columns={"Q2": "b", "Q1": "a", "Q3": "c"})
    by_order = read(data, columns=["Q1", "Q2", "Q3"])
    partial = read(data.rename(columns={"Q3": "c"}), columns={"Q2": "b", "Q1": "a"})
    for r in (by_name, by_order, partial):
        pd.testing.assert_frame_equal(r.keyed, read(frame()).keyed)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["Q1"], "columns lists 1 columns; the instrument has 3 items: a, b, c."),
        ({"a": "Q1", "b": "Q2", "c": "Q3"}, "it must be the other way round"),
        ({"Q1": "aa"}, "columns names item 'aa', which 'mini' does not have. Did you mean 'a'?"),
        ({"Q1": "a", "Q2": "a"}, "columns gives two columns for item 'a'."),
        (["Q1", "Q1", "Q3"], "Column 'Q1' is given for two items."),
        ("Q1", "columns is a mapping of column names to item ids, or a list"),
        (["Q1", "Q2", "Q3x"], "'Q3x' for item 'c' (did you mean 'Q3'?)"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns, message):
    data = frame().rename(columns={"a": "Q1", "b": "Q2", "c": "Q3"})
    with pytest.raises(cte.CTEError) as caught:
        read(data, columns=columns)
    assert message in str(caught.value)


def test_a_column_cannot_be_item_and_school():
    with pytest.raises(cte.InputError, match="Column 'a' is item 'a' and cannot be the group"):
        read(frame(), group="a")


def test_frames_that_cannot_be_read_are_refused():
    with pytest.raises(cte.InputTypeError, match="got list"):
        Responses([[1, 2, 3]], MINI)
    with pytest.raises(cte.InputTypeError, match="Collect a lazy frame first"):
        Responses(pl.from_pandas(frame()).lazy(), MINI)
    with pytest.raises(cte.InputError, match="The survey has no rows"):
        Responses(frame()[:0], MINI)
    with pytest.raises(cte.InputError, match="two columns named 'a'"):
        Responses(pd.concat([frame(), frame()[["a"]]], axis=1), MINI)
    with pytest.raises(cte.InputError, match="on_invalid='drop' is not one of"):
        Responses(frame(), MINI, on_invalid="drop")


def test_an_instrument_is_needed():
    with pytest.raises(cte.InputTypeError, match="name or file of one; got int"):
        Responses(frame(), 3)


def test_waves_of_mixed_kinds_are_ordered():
    assert read(frame(wave=["T10", 2, "T9"])).waves == (2, "T9", "T10")


def test_weights_are_numbers_of_zero_or_more():
    assert read(frame(w=[1, 2, 0]), weights="w").weights.tolist() == [1.0, 2.0, 0.0]
    with pytest.raises(cte.InputError, match=r"Column 'ses', row 2: -1.0 is not a weight"):
        read(frame(), weights="ses")
    with pytest.raises(cte.InputError, match=r"Rows at fault: 3\."):
        read(frame(), weights="school")


def test_roles_may_be_arrays():
    r = Responses(frame(), MINI, group=np.array([1, 1, 2]), wave=[1, 1, 1])
    assert r.group.tolist() == [1, 1, 2]
    assert r.group.name == "group"
    with pytest.raises(cte.InputError, match="group has 2 entries; the survey has 3 rows"):
        Responses(frame(), MINI, group=[1, 2])


def test_the_callers_frame_is_never_changed_and_the_answers_cannot_be():
    data = frame(c=["always", "never", "-9"])
    before = data.copy(deep=True)
    r = read(data, missing_codes=[-9], on_invalid="missing")
    pd.testing.assert_frame_equal(data, before)
    items, group, covariates = r.items, r.group, r.covariates
    items["a"] = 0
    group[:] = "z"
    covariates["ses"] = 0
    assert r.items["a"].tolist() == [1, 2, 3]
    assert r.group.tolist() == ["x", "x", "y"]
    assert r.covariates["ses"].tolist() == [0.5, 0.5, -1.0]
    data.loc[0, "a"] = 5
    assert r.items["a"].tolist() == [1, 2, 3]
    with pytest.raises(AttributeError, match="Responses are frozen"):
        r.items = None


def test_responses_pickle_and_copy():
    r = read(frame(a=[1, 9, None]), on_invalid="missing")
    for again in (pickle.loads(pickle.dumps(r)), copy.deepcopy(r)):
        pd.testing.assert_frame_equal(again.keyed, r.keyed)
        pd.testing.assert_frame_equal(again.issues, r.issues)


def test_where_at_wave_and_for_subscale_keep_what_belongs_to_the_rows():
    r = read(frame(a=[9, 2, 9]), on_invalid="missing", max_invalid=1)
    part = r.where(r.group == "y")
    assert part.items.index.tolist() == [2]
    assert part.issues["row"].tolist() == [2]
    assert part.respondent.tolist() == [13]
    assert part.where([True]).issues["row"].tolist() == [2]
    assert r.at_wave(1).respondent.tolist() == [11, 12]
    sub = r.for_subscale("s")
    assert list(sub.keyed.columns) == ["a", "b"]
    assert sub.keyed["b"].tolist() == [1, 2, 3]
    assert sub.instrument.subscale_ids == ("s",)


def test_where_and_at_wave_refuse_what_makes_no_sense():
    r = read(frame())
    with pytest.raises(cte.InputTypeError, match="got values of type int64"):
        r.where([1, 0, 1])
    with pytest.raises(cte.InputError, match=r"The mask has shape \(2,\); there are 3 rows"):
        r.where([True, False])
    with pytest.raises(cte.InputError, match="leaves no row"):
        r.where([False] * 3)
    with pytest.raises(cte.UnknownNameError, match="There is no wave 3"):
        r.at_wave(3)
    with pytest.raises(cte.UnknownNameError, match="have no waves"):
        Responses(frame(), MINI).at_wave(1)
    with pytest.raises(cte.UnknownNameError, match="has no subscale 'z'"):
        r.for_subscale("z")


def test_rows_keep_the_labels_of_the_callers_frame():
    data = frame(a=[1, 9, 3])
    data.index = ["p", "q", "r"]
    r = read(data, on_invalid="missing")
    assert r.items.index.tolist() == ["p", "q", "r"]
    assert r.issues["row"].tolist() == ["q"]
    with pytest.raises(cte.InputError, match="Column 'a', row 'q': 9 is outside"):
        read(data)


def test_columns_may_be_numbers():
    data = frame().rename(columns={"a": 1, "b": 2, "c": 3})
    assert read(data, columns=[1, 2, 3]).items["a"].tolist() == [1, 2, 3]


def test_prints_say_what_the_answers_are():
    r = read(frame(a=[1, 9, 3]), on_invalid="missing")
    assert repr(r) == (
        "Responses to Mini: 3 rows x 3 items, 2 groups, 2 waves, 11.1% missing, 1 issue"
    )
    assert r._repr_html_().startswith("<pre>Responses to Mini")
    assert repr(r.as_simulated("drawn")).startswith("SIMULATED Responses")
    assert r.as_simulated("drawn").notes[0] == "drawn"


def test_to_frame_sets_everything_side_by_side():
    table = read(frame(a=[1, 2, None])).to_frame()
    assert list(table.columns) == ["id", "school", "wave", "ses", "a", "b", "c"]
    assert str(table["a"].dtype) == "Int64"
    again = read(table)
    pd.testing.assert_frame_equal(again.items, read(frame(a=[1, 2, None])).items)


def test_a_key_of_medium_certainty_is_noted():
    ctbs = cte.load_instrument("ctbs")
    r = Responses(pd.DataFrame([[5] * 12], columns=list(ctbs.item_ids)), "ctbs")
    assert any("Check" in n or "check" in n for n in r.notes)


answer = st.none() | st.sampled_from([1, 2, 3, 4, 5, 0, 6, -99])
surveys = st.lists(
    st.tuples(st.sampled_from(["x", "y", None, ""]), answer, answer, answer), min_size=1, max_size=8
)


@settings(max_examples=80, deadline=None)
@given(rows=surveys, text=st.booleans())
def test_pandas_polars_and_arrow_give_identical_responses(rows, text):
    columns = {
        "school": [r[0] for r in rows],
        "a": [r[1] for r in rows],
        "b": [r[2] for r in rows],
        "c": [None if r[3] is None else str(r[3]) for r in rows] if text else [r[3] for r in rows],
    }
    schema = {"school": pl.String, "a": pl.Int64, "b": pl.Int16}
    schema["c"] = pl.String if text else pl.Int64
    polars = pl.DataFrame(columns, schema=schema)
    frames = [pd.DataFrame(columns), polars, pa.table(columns, schema=polars.to_arrow().schema)]
    options = {"group": "school", "on_invalid": "missing", "missing_codes": [-99], "max_invalid": 1}
    first, *others = [Responses(f, MINI, **options) for f in frames]
    for other in others:
        pd.testing.assert_frame_equal(first.keyed, other.keyed)
        pd.testing.assert_series_equal(first.group, other.group)
        pd.testing.assert_frame_equal(first.issues, other.issues)
        assert first.notes == other.notes


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(answer, answer, answer), min_size=1, max_size=12))
def test_every_answer_is_kept_or_listed(rows):
    data = pd.DataFrame(rows, columns=["a", "b", "c"])
    r = Responses(data, MINI, on_invalid="missing", max_invalid=1, missing_codes=[-99])
    listed = r.issues["problem"]
    counted = listed.str.extract(r"missing code: (\d+)")[0].dropna().astype(int).sum()
    lost = int(data.notna().to_numpy().sum() - r.items.notna().to_numpy().sum())
    assert lost == listed.eq("is outside 1 to 5").sum() + counted


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(*[st.none() | st.integers(1, 5)] * 3), min_size=1, max_size=9))
def test_a_flipped_item_comes_back_through_its_key(rows):
    data = pd.DataFrame(rows, columns=["a", "b", "c"]).astype("Float64")
    flipped = data.assign(a=6 - data["a"])
    key = [Item("a", reverse=True), Item("b"), Item("c")]
    plain = Instrument("p", "P", "1", ResponseScale(1, 5), ["a", "b", "c"])
    turned = Instrument("t", "T", "1", ResponseScale(1, 5), key)
    pd.testing.assert_frame_equal(Responses(data, plain).keyed, Responses(flipped, turned).keyed)
