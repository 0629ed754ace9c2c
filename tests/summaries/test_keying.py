"""Signs against the key are noticed by one mechanism, everywhere that sums or relates items."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics import aggregation, factor, reliability, scoring, sem
from cte_metrics.summaries.keying import keying_check, survey_keying

ITEMS = [f"q{j}" for j in range(1, 9)]
HALVES = {"one": ITEMS[:4], "two": ITEMS[4:]}


def answers(seed: int = 1, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    school = np.repeat(rng.normal(size=12) * 0.4, n // 12)
    one, two = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n).T + school
    latent = np.column_stack([one] * 4 + [two] * 4) + rng.normal(size=(n, 8))
    return pd.DataFrame(np.clip(np.rint(3 + latent), 1, 5).astype(int), columns=ITEMS)


def survey(turned: tuple[str, ...] = (), seed: int = 1) -> cte.Responses:
    """Answers of which some are reverse-scored by the key although they were not worded so."""
    instrument = cte.Instrument(
        id="m",
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item(i, reverse=i in turned) for i in ITEMS],
        subscales=[cte.Subscale(name, name, items) for name, items in HALVES.items()],
    )
    frame = answers(seed).assign(school=np.repeat(np.arange(12), 20), who=np.arange(240))
    return cte.Responses(frame, instrument, group="school", respondent="who")


def composite(data: Any) -> Any:
    return reliability.composite_reliability(factor.cfa(data))


CALLS: dict[str, Callable[[Any], Any]] = {
    "cronbach_alpha": reliability.cronbach_alpha,
    "mcdonald_omega": reliability.mcdonald_omega,
    "ordinal omega": lambda d: reliability.mcdonald_omega(d, ordinal=True),
    "hierarchical_omega": lambda d: reliability.hierarchical_omega(d, 2),
    "guttman_lambdas": reliability.guttman_lambdas,
    "split_half": reliability.split_half,
    "greatest_lower_bound": reliability.greatest_lower_bound,
    "stratified_alpha": reliability.stratified_alpha,
    "multilevel_reliability": reliability.multilevel_reliability,
    "htmt": reliability.htmt,
    "htmt_intervals": reliability.htmt_intervals,
    "test_retest": lambda d: reliability.test_retest(d, d),
    "composite_reliability": composite,
    "item_analysis": scoring.item_analysis,
    "score": scoring.score,
    "aggregate": aggregation.aggregate,
    "cfa": factor.cfa,
    "sem.cfa": lambda d: sem.cfa("f =~ q1 + q2 + q3 + q4", d),
}


@pytest.mark.problem(
    "psych, lavaan, pingouin",
    "an item that was not reverse-scored lowers every figure, and nothing says so",
    "every function that sums or relates items names it, by one mechanism",
)
@pytest.mark.parametrize("name", CALLS)
def test_an_item_against_its_key_is_named(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an item against its key may make a fit improper
        wrong, right = CALLS[name](survey(("q3",))), CALLS[name](survey())
    notes = wrong.notes if hasattr(wrong, "notes") else wrong.attrs["notes"]
    said = [n for n in notes if "suspect" in n or "Likely cause" in n]
    assert any("q3" in note for note in said), notes
    notes = right.notes if hasattr(right, "notes") else right.attrs["notes"]
    assert not any("suspect" in n or "Likely cause" in n for n in notes)


def test_the_key_is_named_as_the_likely_cause() -> None:
    (note,) = survey_keying(survey(("q3",)))
    assert "rest of one" in note
    assert "the key reverse-scores q3" in note
    assert survey_keying(survey()) == ()


def test_scales_are_checked_apart_and_gaps_passed_over() -> None:
    c = np.array([[1, 0.5, -0.4], [0.5, 1, np.nan], [-0.4, np.nan, 1]])
    assert keying_check(c, ["a", "b", "c"]) == ()
    (note,) = keying_check(c, ["a", "b", "c"], scales={"x": ["a", "b"], "y": ["a", "c"]})
    assert note.startswith("Items a (r_drop -0.40), c (r_drop -0.40) correlate negatively")
    (late,) = keying_check(c[[0, 2]][:, [0, 2]], ["a", "c"], when="on the second occasion")
    assert "rest of the scale on the second occasion" in late


def test_what_a_model_means_to_be_negative_is_not_named() -> None:
    data = answers()
    text = "one =~ q1 + q2 + q3 + q4 + q5\ntwo =~ q5 + q6 + q7 + q8"
    assert not any("against its other" in n for n in sem.cfa(text, data).notes)
    turned = data.assign(q1=-data["q1"], q2=-data["q2"], q3=-data["q3"], q4=-data["q4"])
    assert not any(
        "against its other" in n for n in sem.cfa("f =~ q1 + q2 + q3 + q4", turned).notes
    )
    marker = sem.cfa("f =~ q1 + q2 + q3 + q4", data.assign(q1=-data["q1"]))
    assert any(n.startswith("q1 loads on f against its other items") for n in marker.notes)
