"""Instruments as files: nothing is lost, and a faulty file is named."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics import Instrument, Item, ResponseScale, Subscale
from cte_metrics.core.instrument.parts import Fact, Norm

FORMATS = ["yaml", "yml", "toml", "json"]
text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=12
).filter(lambda t: t.strip())
loose = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def instruments(draw):
    low = draw(st.integers(-3, 3))
    high = low + draw(st.integers(1, 8))
    labels = draw(st.dictionaries(st.integers(low, high), st.just("")))
    labels = {code: f"{draw(loose)} {code}" for code in labels}
    ids = draw(st.lists(text, min_size=2, max_size=6, unique=True))
    items = [Item(i, draw(loose), draw(st.booleans())) for i in ids]
    cut = draw(st.integers(1, len(ids) - 1))
    subscales = draw(st.sampled_from([[], [Subscale("s1", draw(loose), ids[:cut])]]))
    return Instrument(
        id=draw(text),
        name=draw(loose),
        version=draw(st.sampled_from(["1", "1.0", "2020-01-01", "1e3", "yes", "null"])),
        response_scale=ResponseScale(low, high, labels),
        items=items,
        subscales=subscales,
        items_without_subscale=ids[cut:] if subscales else [],
        referent=draw(st.sampled_from(["group", "school", "self"])),
        doi=draw(st.none() | loose),
        minimum_answered=draw(st.none() | st.integers(0, len(ids)) | st.sampled_from([0.5, 1.0])),
        norms=[Norm("total", draw(st.floats(-1e9, 1e9)), 0.1, draw(loose))],
        facts={draw(text): Fact("confirmed", draw(loose))},
        notes=draw(st.lists(loose, max_size=2)),
    )


@pytest.mark.parametrize("suffix", FORMATS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(instrument=instruments())
def test_a_file_holds_an_instrument_without_loss(tmp_path, suffix, instrument):
    path = tmp_path / f"own.{suffix}"
    instrument.to_file(path)
    read = Instrument.from_file(path)
    assert read == instrument
    assert type(read.minimum_answered) is type(instrument.minimum_answered)


def test_yaml_written_by_hand_keeps_yes_no_and_dates_as_text(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "id: own\nversion: 2024-05-01\nresponse_scale:\n  minimum: 0\n  maximum: 1\n"
        "  labels: {0: no, 1: yes}\nitems: [q1, {id: q2, reverse: true}]\n"
    )
    read = Instrument.from_file(path)
    assert read.response_scale.labels == {0: "no", 1: "yes"}
    assert read.version == "2024-05-01"
    assert read.reversed_ids == ("q2",)


def test_toml_written_by_hand_may_use_tables(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'id = "own"\n[response_scale]\nminimum = 1\nmaximum = 3\n'
        '[response_scale.labels]\n1 = "no"\n'
        '[[items]]\nid = "q1"\n[[items]]\nid = "q2"\nreverse = true\n'
    )
    assert Instrument.from_file(path).reversed_ids == ("q2",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.yaml", "id: [", "cannot be read"),
        ("x.toml", "id = ", "cannot be read"),
        ("x.json", "{", "cannot be read"),
        ("x.json", "[1]", "holds no instrument"),
        ("x.yaml", "id: x\nitems: [a]\n", "'response_scale' is missing"),
    ],
)
def test_a_faulty_file_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(cte.InstrumentError, match=message) as caught:
        Instrument.from_file(path)
    assert name in str(caught.value)


def test_unknown_suffixes_and_absent_files_are_refused(tmp_path):
    with pytest.raises(cte.InstrumentError, match=r"ends in .yaml, .yml, .toml or .json"):
        Instrument.from_file(tmp_path / "x.csv")
    with pytest.raises(cte.InstrumentError, match="There is no file"):
        Instrument.from_file(tmp_path / "x.yaml")
    with pytest.raises(cte.InstrumentError, match="ends in"):
        cte.load_instrument("ces_sf").to_file(tmp_path / "x.xml")


def test_a_mark_of_byte_order_does_not_disturb(tmp_path):
    path = tmp_path / "own.json"
    cte.load_instrument("ces_sf").to_file(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Instrument.from_file(path) == cte.load_instrument("ces_sf")
