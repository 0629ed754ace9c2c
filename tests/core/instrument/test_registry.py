"""Every shipped key is held against the table of the published instruments."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cte_metrics as cte
from cte_metrics.core.instrument import registry

REFERENCE = Path(__file__).parents[2] / "reference" / "instruments"


def rows(name):
    with (REFERENCE / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def numbers(text):
    """Read "1-3, 7" as [1, 2, 3, 7]."""
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


KEYED, UNKEYED = rows("table.csv"), rows("unkeyed.csv")


@pytest.mark.parametrize("row", KEYED, ids=lambda r: r["id"])
def test_key_equals_the_table(row):
    loaded = cte.load_instrument(row["id"])
    n, first = int(row["items"]), int(row["first"])
    prefix = loaded.item_ids[0].removesuffix(str(first))
    assert loaded.item_ids == tuple(f"{prefix}{first + j}" for j in range(n))
    scale = loaded.response_scale
    assert (scale.minimum, scale.maximum) == (int(row["minimum"]), int(row["maximum"]))
    assert loaded.referent == row["referent"]
    assert loaded.key_certainty == row["certainty"]
    assert list(loaded.reversed_ids) == [f"{prefix}{j}" for j in numbers(row["reversed"])]
    expected = [[f"{prefix}{j}" for j in numbers(s)] for s in row["subscales"].split("|")]
    assert [list(s.items) for s in loaded.subscales] == expected


@pytest.mark.parametrize("row", KEYED, ids=lambda r: r["id"])
def test_subscales_share_out_every_item_once(row):
    loaded = cte.load_instrument(row["id"])
    housed = [i for s in loaded.subscales for i in s.items]
    assert sorted(housed) == sorted(loaded.item_ids)


@pytest.mark.parametrize("row", KEYED, ids=lambda r: r["id"])
def test_every_fact_says_how_sure_it_is_and_uncertain_keys_say_what_to_check(row):
    loaded = cte.load_instrument(row["id"])
    assert {"items", "item_order", "response_scale", "subscales", "reversals"} <= set(loaded.facts)
    sourced = [f for f in loaded.facts.values() if f.certainty == "confirmed"]
    assert all(f.source for f in sourced)
    assert loaded.rights
    assert loaded.citation
    if loaded.key_certainty == "medium":
        assert any("heck" in note for note in loaded.notes)


@pytest.mark.parametrize("row", UNKEYED, ids=lambda r: r["id"])
def test_an_instrument_without_key_says_what_is_missing_and_how_to_supply_it(row):
    with pytest.raises(cte.InstrumentError) as caught:
        cte.load_instrument(row["id"])
    said = str(caught.value)
    assert "is listed without a scoring key" in said
    assert "Not confirmed and so missing: " in said
    assert "Hint: Write the key of the form that you used into a YAML file" in said


@pytest.mark.parametrize("row", UNKEYED, ids=lambda r: r["id"])
def test_unconfirmed_numbers_are_not_shipped(row):
    listing = registry._listing(row["id"])
    assert (listing.doi or "") == row["doi"]
    assert listing.n_items == (int(row["items"]) if row["known_items"] == "yes" else None)


def test_every_file_is_in_the_table_and_the_other_way_round():
    assert sorted(r["id"] for r in KEYED) == list(registry._keyed_ids())
    assert sorted(r["id"] for r in UNKEYED) == list(registry._unkeyed_ids())


@pytest.mark.parametrize("row", rows("glosses.csv"), ids=lambda r: f"{r['id']}-{r['item']}")
def test_glosses_facets_and_signs_equal_the_table(row):
    loaded = cte.load_instrument(row["id"])
    item = loaded.items[int(row["item"]) - 1]
    facets = {"GC": "group_competence", "TA": "task_analysis"} | {
        "IS": "instructional_strategies",
        "SD": "student_discipline",
    }
    assert item.label == row["gloss"]
    assert item.reverse == (row["sign"] == "-")
    assert item.id in loaded.subscale(facets[row["facet"]]).items


def test_glosses_are_short():
    for row in KEYED:
        for item in cte.load_instrument(row["id"]).items:
            assert 1 <= len(item.label.replace(",", "").split()) <= 6


def test_only_norms_that_were_seen_in_a_source_are_shipped():
    shipped = {
        (row["id"], norm.scale): (norm.mean, norm.sd)
        for row in KEYED
        for norm in cte.load_instrument(row["id"]).norms
    }
    seen = {(r["id"], r["scale"]): (float(r["mean"]), float(r["sd"])) for r in rows("norms.csv")}
    assert shipped == seen
    norms = [n for r in KEYED for n in cte.load_instrument(r["id"]).norms]
    assert all(n.certainty == "confirmed" and n.source for n in norms)


def test_the_two_orders_of_the_short_form_differ_only_in_three_items():
    now, older = cte.load_instrument("tses_short"), cte.load_instrument("tses_short_older")
    assert now.form == "current order"
    assert older.form == "older order"
    assert [s.items[1].split("_")[1] for s in now.subscales] == ["4", "9", "3"]
    assert [s.items[1].split("_")[1] for s in older.subscales] == ["3", "9", "6"]


@pytest.mark.parametrize("name", ["CES-SF", "ces sf", "Ces_SF", "CE short form"])
def test_names_are_found_whatever_their_case_and_marks(name):
    assert cte.load_instrument(name).id == "ces_sf"


def test_a_misspelt_name_suggests_close_ones():
    with pytest.raises(cte.UnknownNameError, match=r"no instrument 'ctps'. Did you mean 'ctbs'"):
        cte.load_instrument("ctps")


def test_a_path_loads_an_own_instrument(tmp_path):
    path = tmp_path / "own.toml"
    cte.load_instrument("ctbs").to_file(path)
    assert cte.load_instrument(path) == cte.load_instrument("ctbs")
    assert cte.load_instrument(str(path)).id == "ctbs"


def test_list_shows_every_instrument():
    table = cte.list_instruments()
    assert len(table) == len(KEYED) + len(UNKEYED)
    assert table["id"].is_unique
    assert table["keyed"].sum() == len(KEYED)
    assert table.loc["ce_scale_21", "n_reversed"] == 10
    assert "which items are reversed" in table.loc["ec_ctes", "missing"]
    assert table.loc["ec_ctes", "citation"].startswith("Donohoo")


@pytest.mark.parametrize("row", KEYED, ids=lambda r: r["id"])
def test_no_published_wording_is_shipped(row):
    """Glosses carry no sentence: no pronoun of the group, no full stop."""
    for item in cte.load_instrument(row["id"]).items:
        words = set(item.label.lower().split())
        assert not words & {"we", "our", "i", "my", "teachers", "how", "you"}
        assert not item.label.endswith((".", "?"))


def test_summary_shows_key_certainty_and_notes():
    said = cte.load_instrument("ce_scale_21").summary()
    assert "Certainty of the key: medium" in said
    assert "  ce10  task_analysis     reversed  materials lacking" in said
    assert "  reversals: unconfirmed (3, 4, 8, 10, 11, 12 by their content" in said
    assert "Norms: none supplied" in said
    assert "Note: The key of the 21-item CE-Scale is of medium certainty" in said
    assert "Answers: 1 to 4 (1 not at all true" in cte.load_instrument("ctse_12").summary()
