"""Instruments: what they hold, what they refuse and how they say so."""

from __future__ import annotations

import pickle

import pytest

import cte_metrics as cte
from cte_metrics import Instrument, Item, ResponseScale, Subscale
from cte_metrics.core.instrument.parts import Norm


def mini(**changed):
    facts = {
        "id": "mini",
        "name": "Mini scale",
        "response_scale": ResponseScale(1, 5),
        "items": [Item("a"), Item("b", reverse=True), Item("c")],
        "subscales": [Subscale("s", "S", ["a", "b"]), Subscale("r", "R", ["c"])],
    }
    return Instrument(**{**facts, **changed})


def test_item_and_reversed_ids_are_in_form_order():
    assert mini().item_ids == ("a", "b", "c")
    assert mini().reversed_ids == ("b",)


def test_positional_and_named_arguments_agree():
    assert ResponseScale(1, 4, {1: "no"}) == ResponseScale(minimum=1, maximum=4, labels={1: "no"})
    assert Subscale("s", "S", ("a",)) == Subscale(id="s", name="S", items=["a"])


def test_items_may_be_named_by_their_ids_alone():
    assert mini(items=["a", "b", "c"]).item_ids == ("a", "b", "c")


def test_level_follows_the_referent_unless_said():
    assert mini(referent="self").level == "teacher"
    assert mini(referent="group").level == "school"
    assert mini(referent="self", level="school").level == "school"


def test_models_are_frozen_and_pickle():
    with pytest.raises(ValueError, match="frozen"):
        mini().id = "other"
    assert pickle.loads(pickle.dumps(mini())) == mini()


def test_subscale_alone_is_an_instrument():
    part = mini(minimum_answered=2, norms=[Norm("s", 3.0, 1.0), Norm("total", 3, 1)])
    part = part.for_subscale("r")
    assert part.item_ids == ("c",)
    assert part.subscale_ids == ("r",)
    assert part.minimum_answered == 1
    assert part.norms == ()


def test_labels_are_compared_without_case_and_spacing():
    scale = ResponseScale(1, 2, {1: "Don’t  know", 2: "Agree"})
    assert scale.code_of("don't know") == 1
    assert scale.code_of("nothing") is None


def test_json_schema_names_every_entry():
    schema = Instrument.model_json_schema()
    assert {"id", "response_scale", "items", "subscales", "doi"} <= set(schema["properties"])
    assert "minimum" in schema["$defs"]["ResponseScale"]["properties"]


REFUSALS = [
    ({"items": ["a", "a", "b", "c"]}, "Two items have the same id 'a'."),
    ({"items": []}, "An instrument needs at least one item."),
    (
        {"subscales": [Subscale("s", "S", ["a", "b", "cc"])]},
        "Subscale 's' names item 'cc', which the instrument does not have. Did you mean 'c'?",
    ),
    (
        {"subscales": [Subscale("s", "S", ["a"])]},
        "These items belong to no subscale: b, c. Add them to one, or list them under "
        "'items_without_subscale' if they count in the total only.",
    ),
    (
        {"subscales": [Subscale("s", "S", ["a", "b", "c"]), Subscale("s", "S", ["a"])]},
        "Two subscales have the same id 's'.",
    ),
    (
        {"subscales": [Subscale("total", "T", ["a", "b"]), Subscale("r", "R", ["c"])]},
        "'total' is the name of the score over all items",
    ),
    ({"items_without_subscale": ["d"]}, "'items_without_subscale' names item 'd'"),
    ({"referent": "team"}, "'referent' is 'team'; it must be 'group', 'school' or 'self'."),
    ({"refernt": "group"}, "'refernt' is not a known entry. Did you mean 'referent'?"),
    ({"minimum_answered": 4}, "'minimum_answered' is 4; give a count from 0 to 3, or a share"),
    ({"minimum_answered": 1.5}, "'minimum_answered' is 1.5"),
    ({"id": " "}, "'id'"),
    ({"response_scale": {"minimum": 5, "maximum": 1}}, "The lowest answer (5) must be below"),
    ({"response_scale": {"minimum": 1.5, "maximum": 3}}, "'minimum' must be a whole number, not 1"),
    ({"response_scale": {"minimum": 1}}, "'response_scale': 'maximum' is missing."),
    ({"items": [{"id": "a", "revers": True}]}, "'revers' is not a known entry. Did you mean 're"),
    ({"items": 3}, "'items' must be a list, not 3."),
    ({"norms": [{"scale": "s", "mean": 3, "sd": 0}]}, "The standard deviation of a norm must be"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSALS)
def test_what_cannot_be_scored_is_refused_in_plain_words(changed, message):
    with pytest.raises(cte.InstrumentError) as caught:
        mini(**changed)
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({7: "x"}, "The label 'x' belongs to answer 7, which is outside 1 to 5."),
        ({1: "Yes", 2: "yes "}, "Two answers carry the label 'Yes'"),
        ({1: " "}, "A label of the response scale is empty."),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels, message):
    with pytest.raises(cte.InstrumentError, match=message):
        ResponseScale(1, 5, labels)


def test_a_subscale_needs_items_and_lists_none_twice():
    with pytest.raises(cte.InstrumentError, match="at least one item"):
        Subscale("s", "S", [])
    with pytest.raises(cte.InstrumentError, match="lists item 'a' twice"):
        Subscale("s", "S", ["a", "a"])


def test_unknown_names_suggest_close_ones():
    with pytest.raises(cte.UnknownNameError, match=r"'mini' has no subscale 'S'. Did you mean 's'"):
        mini().subscale("S")
    with pytest.raises(KeyError):
        mini().item("z")


def test_too_many_or_doubled_arguments_are_refused():
    with pytest.raises(cte.InstrumentError, match="takes at most 3 values; got 4"):
        ResponseScale(1, 2, {}, 4)
    with pytest.raises(cte.InstrumentError, match="got 'minimum' twice"):
        ResponseScale(1, minimum=2)


def test_model_validate_tells_faults_as_the_constructor_does():
    with pytest.raises(cte.InstrumentError, match=r"'id' is missing. 'response_scale' is missing."):
        Instrument.model_validate({"items": ["a"]})


def test_many_faults_are_counted():
    with pytest.raises(cte.InstrumentError, match=r"There are 3 more faults\."):
        mini(items=[{"id": f"a{j}", "wrong": 1} for j in range(8)])
