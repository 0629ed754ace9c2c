"""Results: frozen, readable as text, HTML, frame and JSON."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import InputTypeError
from cte_metrics.reliability import cronbach_alpha
from cte_metrics.results import Interval, Provenance, Result, Status, read_only
from cte_metrics.summaries import Moments


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Demo(Result):
    """A result for these tests."""

    _title = "Demo <result>"
    estimate: float
    ci: Interval
    items: pd.DataFrame


def demo(status: Status = Status.OK) -> Demo:
    return Demo(
        estimate=0.123456,
        ci=Interval(0.1, float("nan"), 0.95),
        items=pd.DataFrame(
            {"n": [3, 4], "r": [0.5, np.nan]}, index=pd.Index(["a<b", "c"], name="item")
        ),
        provenance=Provenance(method="By hand", n_used=4, n_dropped=1, settings={"k": 2}),
        status=status,
        notes=("One row was dropped.",),
    )


def test_results_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        demo().estimate = 1.0  # type: ignore[misc]


def test_to_dict_is_json_and_keeps_full_precision() -> None:
    body = json.loads(json.dumps(demo().to_dict(), allow_nan=False))
    assert body["result"] == "Demo"
    assert body["estimate"] == 0.123456
    assert body["ci"] == {"low": 0.1, "high": None, "level": 0.95}
    assert body["items"] == {"item": ["a<b", "c"], "n": [3, 4], "r": [0.5, None]}
    assert body["status"] == "ok"
    assert body["provenance"]["settings"] == {"k": 2}


def test_summary_shows_figures_tables_and_notes() -> None:
    text = demo().summary()
    assert "estimate  0.123" in text
    assert "a<b   3  0.500" in text
    assert "Note: One row was dropped." in text
    assert "By hand; n = 4, 1 dropped." in text


def test_a_terminal_shows_the_summary() -> None:
    assert repr(demo()) == demo().summary()


def test_an_improper_status_is_shouted_first() -> None:
    assert "IMPROPER SOLUTION" in demo(Status.IMPROPER).summary().splitlines()[2]
    assert "IMPROPER" not in demo().summary()


def test_html_escapes_every_text() -> None:
    page = demo()._repr_html_()
    assert "Demo &lt;result&gt;" in page
    assert "a&lt;b" in page
    assert "<result>" not in page


def test_to_frame_is_one_tidy_row() -> None:
    assert demo().to_frame().columns.tolist() == ["estimate", "ci_low", "ci_high"]


def test_results_survive_pickle_and_copy() -> None:
    for again in (pickle.loads(pickle.dumps(demo())), copy.deepcopy(demo())):
        assert again.to_dict() == demo().to_dict()


def test_a_result_without_a_picture_says_so() -> None:
    with pytest.raises(InputTypeError, match="There is no picture of a Demo"):
        demo().plot()


def test_intervals_unpack_and_contain() -> None:
    interval = Interval(-1.0, 2.0, 0.9)
    low, high = interval
    assert (low, high, interval.width, len(interval), interval[1]) == (-1.0, 2.0, 3.0, 2, 2.0)
    assert 0 in interval
    assert 3 not in interval


def test_read_only_arrays_refuse_and_leave_the_callers_alone() -> None:
    mine = np.ones(2)
    with pytest.raises(ValueError, match="read-only"):
        read_only(mine)[0] = 5
    mine[0] = 2


def test_moments_by_group_add_up() -> None:
    frame = pd.DataFrame({"g": list("aabb"), "x": [1, 2, 3, 5], "y": [2, 1, 4, 4]})
    whole = Moments.from_data(frame, ["x", "y"], by="g")
    assert whole.groups == ("a", "b")
    merged = whole.group("a") + whole.group("b")
    pd.testing.assert_frame_equal(merged.covariance, whole.covariance)
    split = Moments.from_data(frame[:3], by="g") + Moments.from_data(frame[3:], by="g")
    pd.testing.assert_series_equal(split.group("b").mean, whole.group("b").mean)
    with pytest.raises(AttributeError, match="frozen"):
        whole.items = ()  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(whole)).n == 4


def test_many_moments_are_summed_and_dropped_rows_stay_known() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 5, None], "y": [2, 1, 4, 4, 3]})
    total = sum(Moments.from_data(frame[i : i + 2]) for i in (0, 2, 4) if i < 4)
    assert isinstance(total, Moments)
    assert total.n == 4
    found = cronbach_alpha(Moments.from_data(frame))
    assert found.provenance.n_dropped == 1
    assert "leave out 1 rows" in found.notes[0]
