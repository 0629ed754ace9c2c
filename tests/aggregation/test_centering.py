"""Centring and contextual effects: R, by hand, messages."""

import numpy as np
import pandas as pd
import pytest

from cte_metrics.aggregation import center, contextual_effect, mixed_model
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError
from tests.reference_case import case


@pytest.mark.parametrize("name", ["sim_cte12", "bhr2000_items", "bh1996_scales", "demo_twolevel"])
def test_centring_equals_ave(name):
    entry = case(name)["centring"]
    variable, known = entry.args["var"], entry.values
    data = case(name).data
    found = center(data, variable, entry.args["group"])
    for column, stored in (("mean", "group_mean"), ("within", "cwc"), ("grand", "cgm")):
        head = np.asarray(known[stored]["head"], dtype=float).ravel()
        got = found[f"{variable}_{column}"].to_numpy()[: len(head)]
        np.testing.assert_allclose(got, head, atol=1e-10)
    assert found[f"{variable}_grand"].mean() == pytest.approx(0, abs=1e-10)


def test_by_hand_with_missing_values_and_groups():
    frame = pd.DataFrame({"g": ["a", "a", "a", "b", None], "x": [1.0, np.nan, 5, 7, 3]})
    found = center(frame, ["x"], "g")
    assert found["x_mean"].tolist()[:4] == [3, 3, 3, 7]
    assert found["x_within"].tolist()[::2][:2] == [-2, 2]
    assert np.isnan(found.loc[1, "x_within"])
    assert np.isnan(found.loc[4, "x_mean"])
    assert found["x_mean_grand"].tolist()[:4] == [-1, -1, -1, 3]
    assert list(frame) == ["g", "x"]  # untouched


def test_contextual_effect_is_between_minus_within():
    data = center(case("sim_cte12").data, "experience", "school")
    model = mixed_model("achievement ~ experience_within + experience_mean", data, "school")
    found = contextual_effect(model, "experience")
    assert found.index.tolist() == ["within", "between", "contextual"]
    assert found.loc["contextual", "est"] == pytest.approx(
        found.loc["between", "est"] - found.loc["within", "est"]
    )
    np.testing.assert_allclose(found.loc["within"], model.fixed.loc["experience_within"])
    raw = mixed_model("achievement ~ experience + experience_mean", data, "school")
    np.testing.assert_allclose(found.loc["contextual"], raw.fixed.loc["experience_mean"], rtol=1e-5)
    centred = mixed_model("achievement ~ experience_within + experience_mean_grand", data, "school")
    again = contextual_effect(centred, "experience")
    np.testing.assert_allclose(again.loc["contextual"], found.loc["contextual"], rtol=1e-6)


@pytest.mark.parametrize(
    ("columns", "group", "error", "message"),
    [
        ("y", "g", UnknownNameError, "no column 'y'"),
        ("t", "g", InputTypeError, "not numeric"),
        (None, "g", InputTypeError, "columns takes names of columns; got NoneType None"),
        ([None], "g", InputTypeError, r"columns takes names of columns; got list \[None\]"),
        ([3], "g", UnknownNameError, "no column '3'"),
        ("x", None, InputError, "group has shape"),
        ("x", 5, UnknownNameError, "no column 5"),
        ("inf", "g", InputError, "'inf' is not finite in row 1"),
        ("big", "g", InputError, "too large to be squared"),
        ("c", "g", InputTypeError, "not numeric"),
        ("x", "h", UnknownNameError, "group: there is no column 'h'"),
        ("x", [1], InputError, r"group has shape \(1,\)"),
        ("z", "g", InputError, "has a column z_mean already"),
    ],
)
def test_refusals(columns, group, error, message):
    frame = pd.DataFrame({"g": [1, 2], "x": [1.0, 2], "t": ["a", "b"], "z": [1, 2], "z_mean": 0})
    frame = frame.assign(inf=[1, np.inf], big=[1, 1e200], c=[1j, 2])
    with pytest.raises(error, match=message):
        center(frame, columns, group)
