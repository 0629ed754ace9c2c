"""The dossier: decisions follow from the figures; the page is self-contained, escaped, guarded."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError


@pytest.fixture(scope="module")
def survey() -> cte.Responses:
    return cte.load_example()


@pytest.fixture(scope="module")
def dossier(survey: cte.Responses) -> cte.Validation:
    return cte.validate(survey, outcome="achievement")


@pytest.fixture(scope="module")
def page(dossier: cte.Validation) -> str:
    return dossier.to_html()


def decision(dossier: cte.Validation, start: str) -> object:
    return next(d for d in dossier.decisions if d.question.startswith(start))


def test_decisions_carry_the_figures_of_the_analyses(
    survey: cte.Responses, dossier: cte.Validation
) -> None:
    wave = survey.at_wave(3)
    alpha = cte.reliability.cronbach_alpha(wave).alpha
    assert decision(dossier, "Are the scales reliable").figures["alpha, total"] == alpha
    evidence = cte.aggregation.aggregate(wave).evidence.loc["total"]
    found = decision(dossier, "May teacher answers become a school score: total")
    assert found.figures["ICC(2)"] == evidence["icc2"]
    assert found.verdict == evidence["verdict"]
    assert found.level == "good"


def test_the_last_wave_is_examined_and_it_says_so(dossier: cte.Validation) -> None:
    assert dossier.provenance.settings["wave"] == 3
    assert "wave 3" in dossier.subtitle
    assert dossier.tables["Means by wave"].loc["total"].index.tolist() == [1, 2, 3]


def test_simulated_answers_are_announced_everywhere(dossier: cte.Validation, page: str) -> None:
    banner = "These answers are simulated; they describe no real school."
    assert banner in page
    assert banner in dossier.summary()
    assert banner in dossier.to_dict()["banners"]


def test_the_outcome_is_set_beside_the_scores(
    survey: cte.Responses, dossier: cte.Validation
) -> None:
    beside = dossier.tables["School scores beside achievement"].loc["total"]
    wave = survey.at_wave(3)
    means = cte.aggregation.aggregate(wave).table["mean"].unstack("scale")["total"]
    achievement = wave.covariates["achievement"].groupby(np.asarray(wave.group)).mean()
    both = pd.concat([means, achievement], axis=1).dropna()
    assert beside["n_groups"] == len(both)
    assert beside["r"] == pytest.approx(both.corr().iloc[0, 1], abs=1e-12)
    assert beside["ci_low"] < beside["r"] < beside["ci_high"]


class Page(HTMLParser):
    """Collects what a browser would fetch, and tags left open."""

    void = {"meta", "link", "img", "br", "hr", "input", "use", "path", "stop"}

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value and not value.startswith("#"):
                self.fetched.append(value)
        if tag in ("script", "iframe", "link", "object"):
            self.fetched.append(tag)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag


def test_the_page_asks_nothing_of_the_outside(page: str) -> None:
    reader = Page()
    reader.feed(page)
    assert reader.fetched == []
    assert reader.open == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_the_page_fits_a_phone_and_paper(page: str) -> None:
    assert 'name="viewport" content="width=device-width' in page
    assert "@media print" in page
    assert "overflow-x: auto" in page


def test_labels_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    instrument = cte.Instrument(
        id="evil",
        name=evil,
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item(f"q<{j}>", evil) for j in range(4)],
        citation=evil,
    )
    rng = np.random.default_rng(1)
    person = rng.normal(size=(60, 1))
    answers = np.clip(np.round(3 + person + rng.normal(size=(60, 4))), 1, 5)
    frame = pd.DataFrame(answers, columns=instrument.item_ids)
    frame["school"] = [f"<b>{j % 6}</b>" for j in range(60)]
    found = cte.validate(cte.Responses(frame, instrument, group="school"), title=evil).to_html()
    assert "<script>" not in found
    assert "<b>" not in found
    assert "&lt;script&gt;" in found


def test_suppressed_schools_appear_in_no_table_or_figure(survey: cte.Responses) -> None:
    wave = survey.at_wave(3)
    group = np.asarray(wave.group)
    small = group == "school_07"
    keep = ~small
    keep[np.flatnonzero(small)[:3]] = True
    found = cte.validate(wave.where(keep))
    table = found.tables["School scores"].loc["school_07"]
    assert table["suppressed"].all()
    assert table[["mean", "sd", "se", "shrunken", "rwg_j"]].isna().all(axis=None)
    body = json.loads(found.to_json())
    text = json.dumps(body["sections"])
    mean = cte.scoring.score(wave.where(small & keep)).table["total"].mean()
    assert f"{mean:.10f}"[:10] not in text
    shown = (~found.tables["School scores"].xs("total", level="scale")["suppressed"]).sum()
    assert (found.tables["Agreement over schools"]["n_groups"] == shown).all()


def test_json_is_strict_and_complete(dossier: cte.Validation, tmp_path: Path) -> None:
    dossier.to_json(tmp_path / "dossier.json")
    body = json.loads((tmp_path / "dossier.json").read_text())
    assert len(body["decisions"]) == len(dossier.decisions)
    assert {s["id"] for s in body["sections"]} == {
        "answers", "items", "reliability", "structure", "schools", "waves",
    }  # fmt: skip
    assert "NaN" not in (tmp_path / "dossier.json").read_text()


def test_a_wrong_key_is_said_first(survey: cte.Responses) -> None:
    wave = survey.at_wave(3)
    unkeyed = wave.instrument.model_copy(
        update={
            "items": tuple(i.model_copy(update={"reverse": False}) for i in wave.instrument.items)
        }
    )
    found = decision(cte.validate(cte.Responses(wave.items, unkeyed)), "Does the scoring key")
    assert found.level == "stop"
    assert "First suspect the key" in found.verdict


def test_progress_is_told(survey: cte.Responses) -> None:
    told: list[tuple[str, float]] = []
    cte.validate(survey.at_wave(1), progress=lambda step, share: told.append((step, share)))
    assert told[0][0] == "Answers"
    assert all(0 <= share < 1 for _, share in told)


def test_a_survey_without_schools_has_no_school_section(survey: cte.Responses) -> None:
    alone = cte.Responses(survey.at_wave(1).items, survey.instrument)
    assert {s.id for s in cte.validate(alone).sections} == {
        "answers", "items", "reliability", "structure",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"outcome": "achievment"}, UnknownNameError, "Did you mean 'achievement'"),
        ({"wave": 9}, UnknownNameError, "no wave 9"),
    ],
)
def test_refusals(
    survey: cte.Responses, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cte.validate(survey, **options)


def test_a_frame_is_refused() -> None:
    with pytest.raises(InputTypeError, match="validate needs Responses"):
        cte.validate(pd.DataFrame({"a": [1]}))


def test_a_wave_needs_waves(survey: cte.Responses) -> None:
    alone = cte.Responses(survey.at_wave(1).items, survey.instrument)
    with pytest.raises(InputError, match="no waves"):
        cte.validate(alone, wave=1)


def poor(name: str) -> cte.Responses:
    """Surveys of which some part of the dossier cannot be computed."""
    rng = np.random.default_rng(3)
    schools = {"g": list("abcdef") * 10}
    answered = {c: rng.integers(1, 6, 60) for c in "vwxyz"}
    frames = {
        "one item": {"v": [1, 2, 3, 4, 5] * 12},
        "an empty item": {"v": [1, 2, 3, 4, 5] * 12, "w": np.nan},
        "equal answers": dict.fromkeys("vwxyz", 3),
        "an item without variance": {**answered, "v": 3},
        "no common respondent": {"v": [1, 2] * 15 + [None] * 30, "w": [None] * 30 + [1, 2] * 15},
        "no answers": dict.fromkeys("vwxyz", np.nan),
        "a scale without answers": {**answered, "y": np.nan, "z": np.nan},
    }
    frame = pd.DataFrame({**frames[name], **schools})
    items = [c for c in frame.columns if c != "g"]
    parts = {"s": items[:3], "r": items[3:]}
    instrument = cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item(i) for i in items],
        subscales=[cte.Subscale(n, n, part) for n, part in parts.items() if part],
    )
    return cte.Responses(frame, instrument, group="g")


@pytest.mark.problem(
    "REDCapR users",
    "a survey in which no scale has an alpha takes the whole report down",
    "the parts that cannot be made say why, the others stand",
)
@pytest.mark.parametrize(
    "name",
    [
        "one item", "an empty item", "equal answers", "an item without variance",
        "no common respondent", "no answers", "a scale without answers",
    ],
)  # fmt: skip
def test_poor_surveys_still_have_a_dossier(name: str) -> None:
    dossier = cte.validate(poor(name), rng=1)
    told = {d.question: d for d in dossier.decisions}
    reliable = told.get("Are the scales reliable between teachers?")
    assert {"answers", "items", "reliability", "schools"} <= {s.id for s in dossier.sections}
    assert "unexpected fault" not in str([s.notes for s in dossier.sections])
    if reliable is not None:
        assert reliable.level != "good"
    assert "<html" in dossier.to_html()
    assert dossier.to_json()


def test_scales_without_alpha_are_named() -> None:
    dossier = cte.validate(poor("one item"), rng=1)
    told = {d.question: d for d in dossier.decisions}
    reliable = told["Are the scales reliable between teachers?"]
    assert (reliable.level, reliable.verdict) == ("info", "It cannot be said: s have no alpha.")
    key = told["Does the scoring key fit these answers?"]
    assert (key.level, key.verdict) == (
        "info",
        "It cannot be said: v have no correlation with the rest.",
    )


def test_a_weak_scale_does_not_hide_those_without_alpha() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(1, 6, (60, 4)), columns=["a", "b", "c", "d"]).assign(d=3)
    asked = cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(1, 5),
        items=list("abcd"),
        subscales=[
            cte.Subscale(id="first", name="first", items=("a", "b")),
            cte.Subscale(id="second", name="second", items=("c", "d")),
        ],
    )
    dossier = cte.validate(cte.Responses(frame, asked), rng=1)
    told = {d.question: d for d in dossier.decisions}["Are the scales reliable between teachers?"]
    assert told.level == "stop"
    assert told.verdict.endswith("Of second, total it cannot be said: there is no alpha.")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (InputError("no such figure."), "This part could not be made: no such figure."),
        (
            ZeroDivisionError("0/0"),
            "an unexpected fault, please report it (ZeroDivisionError: 0/0)",
        ),
    ],
)
def test_a_part_that_fails_says_why_and_the_others_stand(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str
) -> None:
    from cte_metrics.report import sections

    def fails(responses: cte.Responses) -> None:
        raise fault

    monkeypatch.setattr(sections, "reliability", fails)
    dossier = cte.validate(poor("an item without variance"), rng=1)
    failed = next(s for s in dossier.sections if s.id == "reliability")
    assert said in failed.notes[0]
    assert failed.decisions[0].level == "caution"
    assert len(dossier.sections) > 3
    assert said in str(dossier.to_html())


def test_an_outcome_of_texts_is_refused_before_anything_is_computed() -> None:
    responses = poor("an item without variance")
    frame = responses.to_frame().assign(kind="public")
    again = cte.Responses(frame, responses.instrument, group="g", covariates="kind")
    with pytest.raises(cte.InputTypeError, match="'kind' holds no numbers, for example 'public'"):
        cte.validate(again, outcome="kind")


def test_a_wave_that_cannot_be_modelled_leaves_the_others() -> None:
    frame = poor("an item without variance").to_frame().drop(columns="g")
    frame = frame.assign(g=list("abcdef") * 10, v=frame["w"], wave=[1] * 30 + [2] * 30)
    items = ["v", "w", "x", "y", "z"]
    frame.loc[frame["wave"] == 2, items] = 3
    survey = cte.Responses(
        frame, poor("an item without variance").instrument, group="g", wave="wave"
    )
    waves = next(s for s in cte.validate(survey, rng=1).sections if s.id == "waves")
    assert waves.tables["Means by wave"].index.unique("wave").tolist() == [1]
    assert any(note.startswith("Mean of total at wave 2: ") for note in waves.notes)
