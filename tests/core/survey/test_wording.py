"""Answers as texts, as numbers beside texts, and answers that would be lost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import cte_metrics as cte
from cte_metrics import Responses
from tests.core.files.surveys import WORDS, asked, labelled

ONE = ("q1",)


def column(*values: object) -> pd.DataFrame:
    return pd.DataFrame({"q1": pd.Series(list(values), dtype=object)})


@pytest.mark.problem(
    "psych, pandas users",
    "answers arrive as texts and the instrument has no labels; all become missing",
    "labels= gives the texts in order or by code; the error names the argument",
)
@pytest.mark.parametrize(
    "labels",
    [
        WORDS,
        list(WORDS),
        {word: code for code, word in enumerate(WORDS, 1)},
        dict(enumerate(WORDS, 1)),
        {**{word: str(code) for code, word in enumerate(WORDS, 1)}, "agree!": 4},
    ],
)
def test_texts_of_answers_may_be_given(labels: object, tmp_path: Path) -> None:
    frame = column("agree", "Strongly  Disagree", "Neutral", 5, None)
    read = Responses(frame, asked(ONE), labels=labels)
    assert read.items["q1"].fillna(-1).tolist() == [4, 1, 3, 5, -1]
    texts = frame.astype(str).iloc[:3]
    assert Responses(pl.from_pandas(texts), asked(ONE), labels=labels).items["q1"].tolist() == [
        4,
        1,
        3,
    ]
    texts.to_csv(tmp_path / "s.csv", index=False)
    assert cte.read_responses(tmp_path / "s.csv", asked(ONE), labels=labels).n_items == 1
    assert read.instrument == asked(ONE)


def test_the_error_about_texts_names_the_argument() -> None:
    with pytest.raises(cte.InputError, match="'Agree' is text, not a number") as caught:
        Responses(column("Agree"), asked(ONE))
    assert "labels=" in str(caught.value)
    with pytest.raises(cte.InputError) as caught:
        Responses(column(9), asked(ONE))
    assert "labels=" not in str(caught.value)


def test_labels_join_those_of_the_instrument() -> None:
    read = Responses(
        column("Agree", "einverstanden"), labelled(items=ONE), labels={"einverstanden": 4}
    )
    assert read.items["q1"].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (WORDS[:4], "labels lists 4 texts; the answers go from 1 to 5, which are 5"),
        ({"Agree": 9}, "'Agree' the code 9, which is outside 1 to 5"),
        ({"Agree": 4, "agree ": 5}, "'agree ' would stand for two answers, 4 and 5"),
        ({"Agree": "high"}, "neither 'Agree' nor 'high' is a code"),
        ({4: " "}, "labels holds ' '"),
        (["a", "b", "c", "d", 5], "labels holds 5"),
        ("Agree", "labels is a list of texts"),
    ],
)
def test_labels_that_cannot_be_read(labels: object, message: str) -> None:
    with pytest.raises(cte.CTEError, match=message):
        Responses(column("Agree"), asked(ONE), labels=labels)


def test_labels_that_contradict_the_instrument_are_refused() -> None:
    with pytest.raises(cte.InputError, match="'Agree' would stand for two answers, 4 and 2"):
        Responses(column("Agree"), labelled(items=ONE), labels={"Agree": 2})


@pytest.mark.problem(
    "Google Forms, Qualtrics users",
    "answers such as '5 - Strongly agree' or 'Strongly agree (5)' are refused as texts",
    "they are read by the number where number and text go together",
)
@pytest.mark.parametrize(
    "form",
    [
        "{n} - {w}", "{n}-{w}", "{n} \N{EN DASH} {w}", "{n}: {w}", "{n} = {w}", "{n}. {w}",
        "{n}) {w}", "({n}) {w}", "[{n}] {w}", "{n} ({w})", "{n} | {w}", "{w} ({n})", "{w} [{n}]",
        "{w} - {n}", "{w} : {n}", "{w} = {n}", " {n} - {w} ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("instrument", [asked(ONE), labelled(items=ONE)])
def test_numbers_beside_texts(form: str, instrument: cte.Instrument) -> None:
    given = [form.format(n=n, w=WORDS[n - 1]) for n in (5, 1, 3, 5)]
    read = Responses(column(*given), instrument)
    assert read.items["q1"].tolist() == [5, 1, 3, 5]
    assert read.issues["problem"].tolist() == [
        "answers state number and text; they were read by the number"
    ]


def test_ends_with_texts_and_numbers_between() -> None:
    read = Responses(column("1 (never)", 2, "3", "5 (always)"), asked(ONE))
    assert read.items["q1"].tolist() == [1, 2, 3, 5]


def test_a_number_without_a_mark_counts_beside_a_known_label_only() -> None:
    assert Responses(column("4 Agree"), labelled(items=ONE)).items["q1"].tolist() == [4]
    with pytest.raises(cte.InputError, match="'4 days' is text, not a number"):
        Responses(column("4 days"), asked(ONE))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["5 - Agree", "4 - Agree"], "do not always go together"),
        (["5 - Agree", "5 - Disagree"], "do not always go together"),
        (["7 - Agree"], "is outside 1 to 5"),
        (["1 - 2 times"], "is text, not a number"),
        (["2-3"], "is text, not a number"),
        (["3 - more than 4 times"], "is text, not a number"),
        (["Agree (2-3)"], "is text, not a number"),
    ],
)
def test_numbers_beside_texts_that_are_not_clear(values: list[str], message: str) -> None:
    with pytest.raises(cte.InputError, match=message):
        Responses(column(*values), asked(ONE))


@pytest.mark.parametrize("answer", ["5 - Strongly disagree", "5 - Fully agree", "Neutral (5)"])
def test_numbers_that_contradict_the_labels_are_refused(answer: str) -> None:
    with pytest.raises(cte.InputError, match="contradicts the labels"):
        Responses(column(answer), labelled(items=ONE))


def test_declared_codes_beside_texts_are_missing() -> None:
    read = Responses(column("99 - no answer", "4 - Agree"), asked(ONE), missing_codes=[99])
    assert read.items["q1"].fillna(-1).tolist() == [-1, 4]


@pytest.mark.problem(
    "pandas users",
    "on_invalid='missing' may lose a whole column of texts, and alpha is computed all the same",
    "it is refused where more than half of an item's answers would be lost, unless asked",
)
def test_an_item_of_which_most_would_be_lost_is_refused() -> None:
    frame = pd.DataFrame({"q1": ["yes", "no", "yes", "3"], "q2": [1, 2, 3, 9], "q3": [1, 2, 9, 9]})
    with pytest.raises(
        cte.InputError, match="Column 'q1': 3 of 4 answers cannot be used"
    ) as caught:
        Responses(frame, asked(), on_invalid="missing")
    assert "labels=" in str(caught.value)
    assert "max_invalid=1" in str(caught.value)
    read = Responses(frame, asked(), on_invalid="missing", max_invalid=1)
    assert read.items["q1"].notna().sum() == 1
    half = Responses(frame.assign(q1=1), asked(), on_invalid="missing")
    assert half.items["q3"].isna().sum() == 2
    with pytest.raises(cte.InputError, match="Column 'q3': 2 of 4"):
        Responses(frame.assign(q1=1), asked(), on_invalid="missing", max_invalid=0.4)


def test_declared_and_blank_answers_are_not_lost() -> None:
    frame = pd.DataFrame({"q1": [-9, -9, None, 1, 2, 9]})
    read = Responses(frame, asked(ONE), on_invalid="missing", missing_codes=[-9])
    assert read.items["q1"].notna().sum() == 2


@pytest.mark.parametrize("share", [-0.1, 1.5, "half", True, None])
def test_a_share_is_between_0_and_1(share: object) -> None:
    with pytest.raises(cte.InputError, match=r"max_invalid=.* is not a share"):
        Responses(column(1), asked(ONE), max_invalid=share)


@pytest.mark.problem(
    "survey, pandas users",
    "a gap among the weights, or a school of weights 0, goes unnoticed",
    "rows without a weight and schools without any are named",
)
def test_weights_that_are_missing_or_all_0_are_named() -> None:
    frame = pd.DataFrame({"q1": [1, 2, 3, 4], "w": [1.0, None, 2.0, None], "g": list("aabb")})
    with pytest.raises(cte.InputError, match=r"'w': 2 of 4 respondents have no weight: rows 1, 3."):
        Responses(frame, asked(ONE), weights="w")
    read = Responses(frame.assign(w=[0, 0, 0.5, 0]), asked(ONE), weights="w", group="g")
    assert "All weights are 0 in 1 of 2 schools: 'a'." in read.notes
    assert Responses(frame.assign(w=1), asked(ONE), weights="w", group="g").notes == ()
