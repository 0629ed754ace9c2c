"""Reading 1,000,000 x 21 answers into Responses, beside pandas.read_csv of the same answers.

Run: ``python benchmarks/responses.py [rows]``. Prints one JSON line a task; only the ratios count.
"""

from __future__ import annotations

import io
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics import Instrument, Responses, ResponseScale

ITEMS = [f"q{j + 1}" for j in range(21)]
ROUNDS = 3


LABELS = {
    1: "strongly disagree",
    2: "disagree",
    3: "rather disagree",
    4: "rather agree",
    5: "agree",
    6: "strongly agree",
}


def survey(n: int, missing: float, texts: bool) -> tuple[str, pd.DataFrame]:
    """Return the survey as CSV text and as pandas reads it."""
    rng = np.random.default_rng(1)
    answers = rng.integers(1, 7, size=(n, len(ITEMS))).astype(float)
    answers[rng.random(answers.shape) < missing] = np.nan
    frame = pd.DataFrame(answers, columns=ITEMS)
    frame = frame.astype("Int64") if missing else frame.astype("int64")
    frame = frame.astype(object).replace(LABELS) if texts else frame
    frame.insert(0, "school", rng.integers(0, n // 20, size=n))
    frame.insert(0, "teacher", np.arange(n))
    text = frame.to_csv(index=False)
    return text, pd.read_csv(io.StringIO(text))


def best(task: Callable[[], Any]) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def peak(task: Callable[[], Any]) -> int:
    """Return the most memory that a task holds beyond what there was, in bytes."""
    tracemalloc.start()
    task()
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top


def report(n: int, missing: float, texts: bool) -> dict[str, float]:
    """Return times and peak memory of one survey."""
    instrument = Instrument("long", "Long", "1", ResponseScale(1, 6, LABELS), ITEMS)
    text, frame = survey(n, missing, texts)
    raw = n * len(ITEMS) * 8

    def read() -> Responses:
        return Responses(frame, instrument, respondent="teacher", group="school")

    responses = read()
    csv, checked = best(lambda: pd.read_csv(io.StringIO(text))), best(read)
    return {
        "rows": n,
        "missing": missing,
        "texts": texts,
        "read_csv_s": csv,
        "responses_s": checked,
        "ratio_to_read_csv": checked / csv,
        "keyed_frame_s": best(lambda: responses.keyed),
        "peak_over_raw_float64": peak(read) / raw,
        "peak_with_keyed_over_raw_float64": peak(lambda: read().keyed) / raw,
    }


def main(n: int) -> None:
    """Print complete, incomplete and textual answers, one line each."""
    for missing, texts in ((0.0, False), (0.1, False), (0.1, True)):
        print(json.dumps({k: round(v, 3) for k, v in report(n, missing, texts).items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
