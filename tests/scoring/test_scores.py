"""Scores: by hand, against psych::scoreItems, and what must be said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError
from cte_metrics.scoring import item_analysis, score, standard_score
from tests.reference_case import Entry, case

CASES = ["bfi_ac", "sim_cte12", "sim_cte21"]
RULES = {"none": "prorate", "mean": "item_mean", "median": "item_median"}
ENTRIES = [(n, e.id) for n in CASES for e in case(n).entries("scoreItems.")]


def responses(name: str, entry: Entry) -> cte.Responses:
    args = entry.args
    keys = {s: [k] if isinstance(k, str) else k for s, k in args["keys"].items()}
    reversed_ids = {k[1:] for v in keys.values() for k in v if k.startswith("-")}
    items = [k.lstrip("-") for v in keys.values() for k in v]
    instrument = cte.Instrument(
        id=name,
        response_scale=cte.ResponseScale(args["mn"], args["mx"]),
        items=[cte.Item(i, reverse=i in reversed_ids) for i in items],
        subscales=[cte.Subscale(s, s, [k.lstrip("-") for k in v]) for s, v in keys.items()],
    )
    return cte.Responses(case(name).data[items], instrument)


def mini(frame: dict, reverse: tuple[str, ...] = (), **options) -> cte.Responses:
    items = [cte.Item(c, reverse=c in reverse) for c in frame]
    instrument = cte.Instrument(
        id="mini", response_scale=cte.ResponseScale(1, 5), items=items, **options
    )
    return cte.Responses(pd.DataFrame(frame), instrument)


FOUR = {"a": [1, 5, 3, 4], "b": [2, 4, None, 4], "c": [5, 1, 2, None], "d": [2, 5, None, None]}


# --- by hand ------------------------------------------------------------------------------------


def test_methods_by_hand() -> None:
    survey = mini(FOUR, ("c",))
    mean = [(1 + 2 + 1 + 2) / 4, (5 + 4 + 5 + 5) / 4, (3 + 4) / 2, 4.0]
    assert score(survey).table["total"].tolist() == pytest.approx(mean)
    total = score(survey, method="sum").table["total"]
    assert total.tolist() == pytest.approx([4 * m for m in mean])
    pomp = score(survey, method="pomp").table["total"]
    assert pomp.tolist() == pytest.approx([25 * (m - 1) for m in mean])
    z = (np.array(mean) - np.mean(mean)) / np.std(mean, ddof=1)
    assert score(survey, method="z").table["total"].tolist() == pytest.approx(z.tolist())
    t = score(survey, method="t").table["total"]
    assert t.tolist() == pytest.approx((50 + 10 * z).tolist())


@pytest.mark.parametrize(("low", "high"), [(0, 4), (2, 8), (-2, 3)])
def test_pomp_starts_at_the_end_of_any_scale(low: int, high: int) -> None:
    instrument = cte.Instrument(
        id="mini", response_scale=cte.ResponseScale(low, high), items=[cte.Item("a"), cte.Item("b")]
    )
    frame = pd.DataFrame({"a": [low, high, low], "b": [low, high, low + 1]})
    pomp = score(cte.Responses(frame, instrument), method="pomp").table["total"]
    assert pomp.tolist() == pytest.approx([0, 100, 100 * 0.5 / (high - low)])


@pytest.mark.parametrize(
    ("minimum", "scored"),
    [(None, 4), (2, 4), (3, 2), (4, 2), (0.5, 4), (0.51, 2), (1.0, 2), (1, 4)],
)
def test_answers_needed(minimum: float | None, scored: int) -> None:
    found = score(mini(FOUR), min_answered=minimum)
    assert found.table["total"].notna().sum() == scored
    assert found.answered["total"].tolist() == [4, 4, 2, 2]


def test_the_instruments_own_minimum_is_the_default() -> None:
    found = score(mini(FOUR, minimum_answered=0.75))
    assert found.required == {"total": 3}
    assert found.table["total"].notna().tolist() == [True, True, False, False]
    assert "(fewer answers than needed: 3 of 4 items): total 2" in " ".join(found.notes)


@pytest.mark.problem(
    "psych",
    "one answer out of many items is a score",
    "a score needs half of the items and two answers, said in the notes; min_answered changes it",
)
@pytest.mark.parametrize(("k", "needed"), [(2, 2), (3, 2), (4, 2), (5, 3), (8, 4)])
def test_a_score_needs_half_of_the_items_by_default(k: int, needed: int) -> None:
    frame = {f"i{j}": [5 if n > j else None for n in range(k + 1)] for j in range(k)}
    found = score(mini(frame))
    assert found.required == {"total": needed}
    assert found.table["total"].notna().sum() == k + 1 - needed
    assert "at least half of its items, and to two" in " ".join(found.notes)
    psych = score(mini(frame), min_answered=1)
    assert psych.table["total"].notna().sum() == k
    assert "half of its items" not in " ".join(psych.notes)


def test_a_subscale_has_its_own_minimum() -> None:
    parts = [
        cte.Subscale("ab", "", ["a", "b"], minimum_answered=1),
        cte.Subscale("cd", "", ["c", "d"]),
    ]
    survey = mini(FOUR, subscales=parts, minimum_answered=3)
    assert score(survey).required == {"ab": 1, "cd": 2, "total": 3}
    told = score(survey, min_answered={"cd": 1, "total": 0.5})
    assert told.required == {"ab": 1, "cd": 1, "total": 2}
    with pytest.raises(UnknownNameError, match="no scale 'ac'"):
        score(survey, min_answered={"ac": 1})
    with pytest.raises(cte.CTEError, match="'minimum_answered' of 'ab' is 3"):
        mini(FOUR, subscales=[cte.Subscale("ab", "", ["a", "b"], minimum_answered=3), parts[1]])


def test_listwise_needs_every_item_of_the_instrument() -> None:
    survey = mini(
        FOUR,
        subscales=[cte.Subscale("ab", "", ["a", "b"]), cte.Subscale("cd", "", ["c", "d"])],
    )
    found = score(survey, missing="listwise")
    assert found.table.notna().all(axis=1).tolist() == [True, True, False, False]
    assert list(found.table.columns) == ["ab", "cd", "total"]
    assert np.isnan(found.table.loc[3, "ab"])


# --- reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "entry_id"), ENTRIES)
def test_scores_equal_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    survey, rule = responses(name, entry), RULES.get(entry.args.get("imp", ""), "listwise")
    total = entry.args.get("tot", False)
    if total and rule == "prorate":
        pytest.skip("psych sums the answers given; a prorated sum is k times their mean")
    asked = {"method": "sum" if total else "mean", "missing": rule}
    table = score(survey, min_answered=1, **asked).table
    table = table.dropna() if rule == "listwise" else table
    expected = entry.raw["scores"]
    head, columns = np.array(expected["head"]["data"]), list(expected["mean"])
    np.testing.assert_allclose(table[columns].head(len(head)), head.reshape(-1, len(columns)))
    for scale in columns:
        assert table[scale].mean() == pytest.approx(expected["mean"][scale], abs=1e-9)
        assert table[scale].std() == pytest.approx(expected["sd"][scale], abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_prorating_equals_r(name: str) -> None:
    survey = responses(name, case(name)["scoreItems.listwise"])
    for subscale in survey.instrument.subscales:
        values = case(name)[f"rowsum_mean.{subscale.id}"].values
        for share, key in ((0.5, "mean_if_half_valid"), (0.8, "mean_if_80pct_valid")):
            found = score(survey, min_answered=share).table[subscale.id]
            assert found.notna().sum() == values[key]["n_valid"]
            assert found.mean() == pytest.approx(values[key]["mean"], abs=1e-9)
        sums = score(survey, method="sum", min_answered=0.5).table[subscale.id]
        assert sums.mean() == pytest.approx(values["prorated_sum_if_half"]["mean"], abs=1e-9)
        complete = score(survey, method="sum", min_answered=1.0).table[subscale.id]
        assert complete.mean() == pytest.approx(values["sum_listwise"]["mean"], abs=1e-9)


# --- properties ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_row_order_polars_and_flipped_items_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.integers(1, 6, size=(12, 3)), columns=list("abc")).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    instrument = mini({c: [1] for c in "abc"}).instrument
    base = score(cte.Responses(x, instrument)).table["total"]
    order = rng.permutation(12)
    shuffled = score(cte.Responses(x.iloc[order], instrument)).table["total"]
    pd.testing.assert_series_equal(shuffled.sort_index(), base, check_names=False)
    turned = mini({c: [1] for c in "abc"}, ("b",)).instrument
    flipped = score(cte.Responses(x.assign(b=6 - x["b"]), turned)).table["total"]
    pd.testing.assert_series_equal(flipped, base)
    pl = pytest.importorskip("polars")
    other = score(cte.Responses(pl.from_pandas(x), instrument)).table["total"]
    np.testing.assert_allclose(other, base)


def test_index_is_the_respondent() -> None:
    frame = pd.DataFrame({"who": ["x", "y"], "a": [1, 2], "b": [3, 4]})
    instrument = mini({"a": [1], "b": [1]}).instrument
    table = score(cte.Responses(frame, instrument, respondent="who")).table
    assert table.index.name == "respondent"
    assert table.loc["y", "total"] == 3.0


# --- what must be said, and refused -------------------------------------------------------------


def test_the_keying_check_names_the_item_and_turns_nothing() -> None:
    rng = np.random.default_rng(1)
    x = np.clip(np.rint(3 + rng.normal(size=(60, 1)) + 0.7 * rng.normal(size=(60, 4))), 1, 5)
    frame = dict(zip("abcd", x.T, strict=True))
    text = " ".join(score(mini(frame, ("b",))).notes)
    assert "Item b correlates negatively with the rest of the scale" in text
    assert "turned twice" in text
    assert "Nothing was reversed" in text
    assert score(mini(frame)).notes == ()


@pytest.mark.problem(
    "psych",
    "a z score that does not exist is blamed on missing answers",
    "a scale without variance has no z and T scores, and the note names its standard deviation",
)
@pytest.mark.parametrize("method", ["z", "t"])
@pytest.mark.parametrize("values", [[3, 3, 3], [1, 2, 2]])
def test_no_variance_is_not_blamed_on_missing_answers(method, values) -> None:
    flat = {f"i{k}": [v] * 5 for k, v in enumerate(values)}
    survey = mini(
        flat | {"x": [1, 2, 3, 4, 5]},
        subscales=[cte.Subscale("A", "A", list(flat)), cte.Subscale("B", "B", ["x"])],
    )
    found = score(survey, method=method)
    assert found.table["A"].isna().all()
    assert found.table["B"].notna().all()
    (note,) = [n for n in found.notes if n.startswith("A:")]
    assert "standard deviation is 0" in note
    assert not any("fewer answers" in n for n in found.notes)
    assert found.provenance.n_used == 5


def test_one_respondent_has_no_z_score_and_gaps_are_counted_apart() -> None:
    found = score(mini({"a": [3, None], "b": [4, None]}), method="z")
    text = " ".join(found.notes)
    assert "one respondent's score" in text
    assert "total 1." in text
    assert found.provenance.n_dropped == 1


def test_relative_scores_of_several_waves_say_to_what_they_are_relative() -> None:
    survey = cte.load_example()
    assert any("all 3 waves together" in note for note in score(survey, method="z").notes)
    assert not any("waves together" in note for note in score(survey).notes)
    assert not any("waves together" in n for n in score(survey.at_wave(1), method="t").notes)


def test_the_instruments_own_rule_is_named() -> None:
    notes = score(mini(FOUR, scoring="sum")).notes
    assert "own scoring rule is 'sum'; these are 'mean' scores" in " ".join(notes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "men"}, InputError, "Did you mean 'mean'"),
        ({"missing": "prorated"}, InputError, "Did you mean 'prorate'"),
        ({"min_answered": 1.5}, InputError, "out of range"),
        ({"min_answered": -1}, InputError, "out of range"),
        ({"min_answered": "half"}, InputTypeError, "neither a number of items nor a share"),
        ({"min_answered": True}, InputTypeError, "neither a number of items nor a share"),
    ],
)
def test_refusals(options, error, message) -> None:
    with pytest.raises(error, match=message):
        score(mini(FOUR), **options)


def test_a_bare_frame_has_no_key() -> None:
    with pytest.raises(InputTypeError, match="needs a Responses"):
        score(pd.DataFrame(FOUR))


def test_the_provenance_counts_who_was_scored() -> None:
    # b and c leave the third without a score where both are needed, the fourth has neither
    survey = mini({"a": [1, 5, 3, None], "b": [2, 4, None, None]})
    found = score(survey, min_answered=2)
    assert (found.provenance.n_used, found.provenance.n_dropped) == (2, 2)
    assert found.provenance.settings["min_answered"] == 2
    assert found.provenance.method == "Mean of the items, missing answers: prorate"


# --- standard scores ----------------------------------------------------------------------------


def test_standard_scores() -> None:
    found = score(
        mini(
            FOUR, subscales=[cte.Subscale("ab", "", list("ab"))], items_without_subscale=["c", "d"]
        ),
        min_answered=1,
    )
    by_scale = standard_score(found, norm_mean={"ab": 3.0}, norm_sd={"ab": 0.5})
    assert by_scale["ab"].tolist() == pytest.approx([200, 800, 500, 700])
    assert list(by_scale.columns) == ["ab"]
    named = found.table.set_axis(["w", "x", "y", "z"])
    assert standard_score(named, norm_mean={"ab": 3.0}, norm_sd={"ab": 0.5}).index.tolist() == list(
        "wxyz"
    )
    assert standard_score(named, norm_mean={}, norm_sd={}).index.tolist() == list("wxyz")
    all_scales = standard_score(found, norm_mean=3.0, norm_sd=0.5, mean=50, sd=10)
    assert list(all_scales.columns) == ["ab", "total"]
    assert standard_score([3.0, 3.5], norm_mean=3, norm_sd=0.5).tolist() == [500, 600]
    assert standard_score(found.table["ab"], norm_mean=3, norm_sd=1).iloc[0] == 350


def test_standard_score_refusals() -> None:
    found = score(mini(FOUR))
    with pytest.raises(InputError, match="norm_sd=0"):
        standard_score(found, norm_mean=3, norm_sd=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'total'"):
        standard_score(found, norm_mean={"totl": 3}, norm_sd=1)
    with pytest.raises(UnknownNameError, match="only one of"):
        standard_score(found, norm_mean={"total": 3}, norm_sd={})
    with pytest.raises(InputTypeError, match="table of scores"):
        standard_score(4.0, norm_mean={"total": 3}, norm_sd=1)


# --- rendering ----------------------------------------------------------------------------------


def test_rendering() -> None:
    found = score(mini(FOUR), min_answered=3)
    text = found.summary()
    assert "mean of the items" in text
    assert "Respondents without a score" in text
    assert found.to_frame().equals(found.table)
    assert "<table" in found._repr_html_()
    assert found.to_dict()["required"] == {"total": 3}
    assert "Item analysis" in item_analysis(mini(FOUR)).summary()
