"""Which wave is the last: by the declared order, by numbers in texts, else by the alphabet."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from cte_metrics import (
    Instrument,
    Item,
    Responses,
    ResponseScale,
    reliability,
    simulate_responses,
)
from cte_metrics.factor.repeated_measures import side_by_side
from cte_metrics.scoring import local_norms, score

MINI = Instrument("mini", "Mini", "1", ResponseScale(1, 5), [Item("a"), Item("b")])
TERMS = ["spring", "summer", "autumn"]


def survey(labels: list[object], wave: object = "w") -> Responses:
    rows = [(k % 5 + 1, (k + w) % 5 + 1, k, t) for w, t in enumerate(labels) for k in range(6)]
    frame = pd.DataFrame(rows, columns=["a", "b", "r", "w"])
    if wave == "declared":
        frame["w"] = pd.Categorical(frame["w"], categories=labels, ordered=True)
    return Responses(frame, MINI, respondent="r", wave="w")


@pytest.mark.problem(
    "this library: surveys with waves",
    "the last of the waves '1', '2', '10' is '2', and a declared order of terms is not read",
    "waves have the order that their type declares, else numbers in texts count as numbers",
)
@pytest.mark.parametrize(
    ("labels", "how", "last"),
    [
        (["1", "2", "10"], "w", "10"),
        (["T9", "T10"], "w", "T10"),
        (["year 2 term 10", "year 10 term 2"], "w", "year 10 term 2"),
        ([9, 10], "w", 10),
        ([2020.5, 2021.0], "w", 2021.0),
        (TERMS, "w", "summer"),
        (TERMS, "declared", "autumn"),
    ],
)
def test_the_last_wave(labels: list[object], how: object, last: object) -> None:
    found = survey(labels, how)
    assert found.waves[-1] == last
    assert set(found.waves) == set(labels)
    assert found.analysed().waves == (last,)
    shown = tuple(str(w).removesuffix(".0") for w in found.waves)
    assert side_by_side(found, ["a", "b"])[1] == shown


def test_the_declared_order_of_other_frames_and_of_an_array_is_read() -> None:
    rows = {"a": [1, 2, 3], "b": [2, 3, 4], "w": TERMS}
    declared = pl.DataFrame(rows, schema_overrides={"w": pl.Enum(TERMS)})
    assert Responses(declared, MINI, wave="w").waves == tuple(TERMS)
    array = pd.Categorical(TERMS, categories=TERMS, ordered=True)
    frame = pd.DataFrame(rows).drop(columns="w")
    for given in (array, pd.Series(array), pd.CategoricalIndex(array)):
        assert Responses(frame, MINI, wave=given).waves == tuple(TERMS)


@pytest.mark.problem(
    "this library: local_norms",
    "rows of several waves of one respondent count as several respondents, without a word",
    "a note names rows and respondents, and the way to norms of one wave",
)
def test_norms_of_several_waves_say_so() -> None:
    found = survey([1, 2, 3])
    assert any("18 rows come from 6 respondents" in n for n in local_norms(score(found)).notes)
    one = local_norms(score(found.at_wave(2)))
    assert not any("rows come from" in note for note in one.notes)


def test_a_retest_passes_on_what_the_surveys_say() -> None:
    drawn = simulate_responses("tses_short", n_groups=3, group_size=8, n_waves=2, rng=1)
    found = reliability.test_retest(drawn.at_wave(1), drawn.at_wave(2))
    assert any("Simulated" in note for note in found.notes)
