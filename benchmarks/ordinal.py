"""Polychoric correlations and WLSMV factor models, beside lavaan in the same run.

Run: ``python benchmarks/ordinal.py``. Prints one JSON line a task with both times and their ratio;
only the ratios count. Needs ``Rscript`` with lavaan.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from cte_metrics import sem
from cte_metrics.factor import polychoric

MODEL = "\n".join(
    f"F{f + 1} =~ " + " + ".join(f"i{j}" for j in range(6 * f + 1, 6 * f + 7)) for f in range(2)
)
WANTED = {
    "polychoric 21 x 2000": 10,
    "polychoric with acov 21 x 20000": 10,
    "cfa WLSMV 12 x 2000": 10,
    "cfa WLSMV 12 x 20000": 15,
}


def survey(n: int) -> pd.DataFrame:
    """Six-point answers to 21 items of two correlated factors (items 1-6 and 7-12 clearest)."""
    rng = np.random.default_rng(n)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)
    member = np.array([0] * 6 + [1] * 6 + [0, 1] * 4 + [0])
    loading = np.linspace(0.8, 0.5, 21)
    latent = loading * factors[:, member] + np.sqrt(1 - loading**2) * rng.normal(size=(n, 21))
    answers = np.digitize(latent, [-2.0, -1.3, -0.5, 0.4, 1.2]) + 1
    return pd.DataFrame(answers, columns=[f"i{j + 1}" for j in range(21)])


def best(task: Callable[[], Any], runs: int = 7) -> float:
    """Return the shortest of several runs, in seconds, after one that is not counted."""
    task()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def whole_cfa(frame: pd.DataFrame) -> None:
    """Fit, fit measures and the table of parameters."""
    fit = sem.cfa(MODEL, frame, identification="variance", ordered=True)
    assert fit.fit_measures["df"] == 53
    assert len(fit.parameters)


def ours(frames: dict[int, pd.DataFrame]) -> dict[str, float]:
    """Seconds of each task."""
    few = {n: frame.iloc[:, :12] for n, frame in frames.items()}
    return {
        "polychoric 21 x 2000": best(lambda: polychoric(frames[2000], standard_errors=False)),
        "polychoric with acov 21 x 20000": best(lambda: polychoric(frames[20000])),
        "cfa WLSMV 12 x 2000": best(lambda: whole_cfa(few[2000])),
        "cfa WLSMV 12 x 20000": best(lambda: whole_cfa(few[20000])),
    }


def theirs(folder: Path) -> dict[str, float]:
    """Seconds of each task in lavaan."""
    script = Path(__file__).with_suffix(".R")
    done = subprocess.run(
        ["Rscript", str(script), str(folder)], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["task"]: line["seconds"] for line in lines}


def main() -> int:
    """Print each task with the ratio that is wanted; exit with 1 if one is missed."""
    frames = {n: survey(n) for n in (2000, 20000)}
    with tempfile.TemporaryDirectory() as folder:
        for n, frame in frames.items():
            frame.to_csv(Path(folder) / f"n{n}.csv", index=False)
        peer = theirs(Path(folder))
    own = ours(frames)
    missed = 0
    for task, wanted in WANTED.items():
        ratio = peer[task] / own[task]
        missed += ratio < wanted
        line = {"task": task, "cte_metrics": own[task], "lavaan": peer[task]}
        print(json.dumps(line | {"ratio": round(ratio, 1), "wanted": wanted}))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
