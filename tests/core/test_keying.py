"""The sentence that names items running against their scale."""

from __future__ import annotations

from cte_metrics.core.keying import keying_notes


def test_silence_when_all_run_together() -> None:
    assert keying_notes(["a", "b"], [0.0, 0.4]) == ()
    assert keying_notes(["a", "b"], [float("nan"), 0.4]) == ()


def test_a_reversed_item_was_turned_twice() -> None:
    (text,) = keying_notes(["a", "b"], [-0.3, 0.4], reversed_ids={"a"}, scale="first")
    assert "Item a correlates negatively with the rest of first (r_drop -0.30)" in text
    assert "the key reverse-scores a" in text
    assert "turned twice" in text
    assert "item order of another form" in text
    assert text.endswith("Nothing was reversed here.")


def test_a_plain_item_may_be_worded_negatively() -> None:
    (text,) = keying_notes(["a", "b", "c"], [-0.3, 0.4, -0.1], reversed_ids=())
    assert "Items a (r_drop -0.30), c (r_drop -0.10) correlate" in text
    assert "the key does not reverse-score a, c" in text
