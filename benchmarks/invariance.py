"""Measurement invariance in four groups, modification indices and reliability, beside lavaan.

Run: ``python benchmarks/invariance.py``. Prints one JSON line a task with both times and their
ratio; only the ratios count. Needs ``Rscript`` with lavaan and semTools.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from cte_metrics import sem
from cte_metrics.factor import invariance
from cte_metrics.reliability import composite_reliability

MODEL = "\n".join(
    f"F{f + 1} =~ " + " + ".join(f"i{j}" for j in range(6 * f + 1, 6 * f + 7)) for f in range(2)
)
WANTED = {
    "invariance ML": 10,
    "invariance MLR": 10,
    "invariance WLSMV 2 groups": 10,
    "modification indices": 3,
    "composite reliability": 5,
}


def survey(n: int = 2000) -> pd.DataFrame:
    """Six-point answers to 12 items of two correlated factors, in four groups."""
    rng = np.random.default_rng(7)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)
    loading = np.linspace(0.8, 0.5, 12)
    latent = loading * np.repeat(factors, 6, axis=1)
    latent += np.sqrt(1 - loading**2) * rng.normal(size=(n, 12))
    answers = np.digitize(latent, [-2.0, -1.3, -0.5, 0.4, 1.2]) + 1
    frame = pd.DataFrame(answers, columns=[f"i{j + 1}" for j in range(12)])
    return frame.assign(group=np.arange(n) % 4 + 1)


def best(task: Callable[[], Any], runs: int = 7) -> float:
    """Return the shortest of several runs, in seconds, after one that is not counted."""
    task()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(data: pd.DataFrame) -> dict[str, float]:
    """Seconds of each task."""
    warnings.simplefilter("ignore")
    halves = data.assign(group=data.group % 2)
    fit = sem.cfa(MODEL, data)
    return {
        "invariance ML": best(lambda: invariance(data, MODEL, group="group")),
        "invariance MLR": best(lambda: invariance(data, MODEL, group="group", estimator="MLR")),
        "invariance WLSMV 2 groups": best(
            lambda: invariance(halves, MODEL, group="group", ordered=True), runs=3
        ),
        "modification indices": best(fit.modification_indices),
        "composite reliability": best(lambda: composite_reliability(fit)),
    }


def theirs(folder: Path) -> dict[str, float]:
    """Seconds of each task in R."""
    script = Path(__file__).with_suffix(".R")
    done = subprocess.run(
        ["Rscript", str(script), str(folder)], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["task"]: line["seconds"] for line in lines}


def main() -> int:
    """Print each task with the ratio that is wanted; exit with 1 if one is missed."""
    data = survey()
    with tempfile.TemporaryDirectory() as folder:
        data.to_csv(Path(folder) / "survey.csv", index=False)
        peer = theirs(Path(folder))
    own = ours(data)
    missed = 0
    for task, wanted in WANTED.items():
        ratio = peer[task] / own[task]
        missed += ratio < wanted
        line = {"task": task, "cte_metrics": own[task], "lavaan": peer[task]}
        print(json.dumps(line | {"ratio": round(ratio, 1), "wanted": wanted}))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
