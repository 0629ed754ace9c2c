"""Items with a response range of their own: read, reversed, scored and described by it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.aggregation import aggregate
from cte_metrics.errors import InputError
from cte_metrics.scoring import item_analysis, score

WIDE = cte.ResponseScale(0, 10)
ITEMS = [
    cte.Item("a"),
    cte.Item("b", reverse=True, response_scale=WIDE),
    cte.Item("c", response_scale=WIDE),
]
PARTS = [cte.Subscale("narrow", "", ["a"]), cte.Subscale("wide", "", ["b", "c"])]
MIXED = cte.Instrument(id="m", response_scale=cte.ResponseScale(1, 5), items=ITEMS, subscales=PARTS)
FRAME = pd.DataFrame({"a": [1, 5, 3, 2], "b": [10, 0, 4, 9], "c": [0, 10, 7, 2], "g": [1, 1, 2, 2]})


def test_each_item_is_read_and_reversed_by_its_own_range() -> None:
    survey = cte.Responses(FRAME, MIXED, group="g")
    assert survey.keyed["b"].tolist() == [0, 10, 6, 1]
    with pytest.raises(InputError, match="7 is outside 1 to 5"):
        cte.Responses(FRAME.assign(a=[1, 5, 7, 2]), MIXED)
    with pytest.raises(InputError, match="11 is outside 0 to 10"):
        cte.Responses(FRAME.assign(c=[0, 11, 7, 2]), MIXED)
    with pytest.raises(InputError, match="missing_codes holds 9"):
        cte.Responses(FRAME, MIXED, missing_codes=[9])


@pytest.mark.problem(
    "psych",
    "items of different response ranges are reversed and scored by one range",
    "each item is reversed by its own range, pomp takes each item's, and sums say that they mix",
)
def test_scores_of_mixed_ranges() -> None:
    survey = cte.Responses(FRAME, MIXED)
    pomp = score(survey, method="pomp")
    # a: 100 (x - 1) / 4; b, c: 10 x
    assert pomp.table["total"].tolist() == pytest.approx([0, 100, (50 + 60 + 70) / 3, 55 / 3])
    assert not any("different response ranges" in note for note in pomp.notes)
    plain = score(survey)
    assert plain.table["wide"].tolist() == [0, 10, 6.5, 1.5]
    assert any(n.startswith("total: items with different response ranges") for n in plain.notes)


def test_what_needs_one_range_takes_it_where_there_is_one() -> None:
    survey = cte.Responses(FRAME, MIXED, group="g")
    whole = item_analysis(survey)
    assert whole.table["floor"].isna().all()
    wide = item_analysis(survey.for_subscale("wide"))
    assert wide.table.loc["c", ["floor", "ceiling"]].tolist() == [0.25, 0.25]
    groups = aggregate(survey, minimum_group_size=2).table["rwg_j"]
    assert groups.xs("total", level="scale").isna().all()
    assert groups.xs("wide", level="scale").notna().any()


def test_ranges_are_kept_in_files(tmp_path) -> None:
    MIXED.to_file(tmp_path / "m.yaml")
    again = cte.Instrument.from_file(tmp_path / "m.yaml")
    assert again == MIXED
    assert again.scale_of("b") == WIDE
    assert again.common_scale() is None
    assert "(0 to 10)" in again.summary()
    assert again.widest_scale() == cte.ResponseScale(0, 10)
    assert np.array_equal(
        cte.Responses(FRAME, again).answers(), cte.Responses(FRAME, MIXED).answers()
    )
    with pytest.raises(InputError, match="cannot be simulated together"):
        cte.simulate_responses(MIXED, n_groups=5, group_size=10, rng=1)
