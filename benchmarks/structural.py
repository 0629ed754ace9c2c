"""Confirmatory factor analysis beside lavaan and semopy.

Run: ``python benchmarks/structural.py [PYTHON_WITH_SEMOPY]``. Prints one JSON line a task with the
times and their ratio; only the ratios count. Needs ``Rscript`` with lavaan; semopy is left out
unless a Python that has it is named.
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

MODEL = "\n".join(
    f"F{f + 1} =~ " + " + ".join(f"i{j}" for j in range(6 * f + 1, 6 * f + 7)) for f in range(2)
)
WANTED = {
    "CFA ML with fit measures and tables, N = 2,000": 6,
    "CFA MLR, N = 20,000": 8,
    "CFA FIML, 10% missing, N = 2,000": 15,
    "CFA FIML-MLR, 10% missing, N = 2,000": 15,
}
WANTED_SEMOPY = 3


def survey(n: int, missing: float = 0.0) -> pd.DataFrame:
    """Six-point answers to 12 items of two correlated factors."""
    rng = np.random.default_rng(7)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)
    loading = np.linspace(0.8, 0.5, 12)
    latent = loading * np.repeat(factors, 6, axis=1)
    latent += np.sqrt(1 - loading**2) * rng.normal(size=(n, 12))
    answers = np.digitize(latent, [-2.0, -1.3, -0.5, 0.4, 1.2]) + 1
    frame = pd.DataFrame(answers, columns=[f"i{j + 1}" for j in range(12)])
    return frame.mask(rng.random(frame.shape) < missing) if missing else frame


def best(task: Callable[[], Any], runs: int = 15) -> float:
    """Return the shortest of several runs, in seconds, after one that is not counted."""
    task()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def whole(data: pd.DataFrame, **options: Any) -> None:
    """Fit, and ask for fit measures and the table of parameters."""
    fit = sem.cfa(MODEL, data, identification="variance", **options)
    _ = fit.fit_measures, fit.parameters


def ours(data: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Seconds of each task."""
    tasks = list(WANTED)
    return {
        tasks[0]: best(lambda: whole(data["small"])),
        tasks[1]: best(lambda: whole(data["large"], estimator="MLR")),
        tasks[2]: best(lambda: whole(data["gaps"], missing="fiml"), runs=7),
        tasks[3]: best(lambda: whole(data["gaps"], missing="fiml", estimator="MLR"), runs=7),
    }


def theirs(command: list[str]) -> dict[str, float]:
    """Seconds of each task of a peer."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["task"]: line["seconds"] for line in lines}


def main() -> int:
    """Print each task with the ratio that is wanted; exit with 1 if one is missed."""
    data = {"small": survey(2000), "large": survey(20_000), "gaps": survey(2000, 0.1)}
    here = Path(__file__)
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in data.items():
            frame.to_csv(Path(folder) / f"{name}.csv", index=False)
        peers = {"lavaan": theirs(["Rscript", str(here.with_suffix(".R")), folder])}
        if len(sys.argv) > 1:
            script = here.with_name("structural_semopy.py")
            peers["semopy"] = theirs([sys.argv[1], str(script), folder])
    own = ours(data)
    missed = 0
    for peer, times in peers.items():
        for task, seconds in times.items():
            ratio = seconds / own[task]
            wanted = WANTED[task] if peer == "lavaan" else WANTED_SEMOPY
            missed += ratio < wanted
            line = {"task": task, "cte_metrics": own[task], peer: seconds}
            print(json.dumps(line | {"ratio": round(ratio, 1), "wanted": wanted}))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
