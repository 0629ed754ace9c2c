"""Checking 1,000,000 x 21 answers into Responses, beside pandas.read_csv of the same answers."""

from __future__ import annotations

import io

import timing
from timing import Here, items, peak, race, state, survey

# isort: split
import numpy as np
import pandas as pd

from cte_metrics import Instrument, Responses, ResponseScale

LABELS = {
    1: "strongly disagree",
    2: "disagree",
    3: "rather disagree",
    4: "rather agree",
    5: "agree",
    6: "strongly agree",
}


def as_text(missing: float, texts: bool) -> str:
    """The survey as the text of a CSV file."""
    frame = survey(50_000, 20, 21, missing=missing)
    answers = items(frame).astype("Int8")
    answers = answers.astype(object).replace(LABELS) if texts else answers
    answers.insert(0, "school", frame["school"])
    answers.insert(0, "teacher", np.arange(len(frame)))
    return answers.to_csv(index=False)


def one_survey(kind: str, missing: float, texts: bool) -> None:
    """Time and memory of one survey."""
    task = f"Responses of 1,000,000 x 21, {kind}"
    if not timing.wanted(task):
        return
    text = as_text(missing, texts)
    frame = pd.read_csv(io.StringIO(text))
    names = list(items(frame))
    instrument = Instrument("long", "Long", "1", ResponseScale(1, 6, LABELS), names)

    def read() -> Responses:
        return Responses(frame, instrument, respondent="teacher", group="school")

    race(task, read, Here("pandas.read_csv", lambda: pd.read_csv(io.StringIO(text))), at_most=1)
    ratio = peak(lambda: read().keyed) / (len(frame) * len(names) * 8)
    state(f"peak memory of {task}", ratio, at_most=3, peer="raw float64 answers")


def run() -> None:
    one_survey("complete", 0.0, False)
    one_survey("10% missing", 0.1, False)
    one_survey("answers as texts", 0.1, True)


if __name__ == "__main__":
    timing.main(run)
