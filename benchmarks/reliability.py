"""Reliability beside psych, lavaan and semTools in the same run.

Run: ``python benchmarks/reliability.py [large]``. Prints one JSON line a task with both times and
their ratio; only the ratios count. ``large`` adds psych::alpha on a million rows (half a minute).
Needs ``Rscript`` with psych, lavaan, semTools and GPArotation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from cte_metrics.reliability import cronbach_alpha, hierarchical_omega, mcdonald_omega

WANTED = {
    "alpha 21 x 2000": 20,
    "alpha bootstrap 21 x 2000": 40,
    "omega hierarchical 21 x 2000": 5,
    "ordinal omega 21 x 2000": 10,
    "omega bootstrap 100 12 x 2000": 20,
    "alpha 21 x 1000000": 150,
}
CROSS_PRODUCTS = 6
MEMORY = 3


def survey(n: int) -> pd.DataFrame:
    """Six-point answers to 21 items of a general and three group factors."""
    rng = np.random.default_rng(n)
    latent = 0.6 * rng.normal(size=(n, 1)) + 0.4 * np.repeat(rng.normal(size=(n, 3)), 7, axis=1)
    latent += 0.69 * rng.normal(size=(n, 21))
    answers = np.digitize(latent, [-1.4, -0.8, -0.1, 0.5, 1.2]) + 1
    return pd.DataFrame(answers.astype(np.int8), columns=[f"i{j + 1}" for j in range(21)])


def best(task: Callable[[], Any], runs: int = 9) -> float:
    """Return the shortest of several runs, in seconds, after one that is not counted."""
    task()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(small: pd.DataFrame, large: pd.DataFrame | None) -> dict[str, float]:
    """Seconds of each task."""
    twelve = small.iloc[:, :12]
    times = {
        "alpha 21 x 2000": best(lambda: cronbach_alpha(small)),
        "alpha bootstrap 21 x 2000": best(lambda: cronbach_alpha(small, interval="bootstrap")),
        "omega hierarchical 21 x 2000": best(lambda: hierarchical_omega(small, 3)),
        "ordinal omega 21 x 2000": best(lambda: mcdonald_omega(small, ordinal=True)),
        "omega bootstrap 100 12 x 2000": best(
            lambda: mcdonald_omega(twelve, interval="bootstrap", n_resamples=100)
        ),
    }
    if large is not None:
        times["alpha 21 x 1000000"] = best(lambda: cronbach_alpha(large), 4)
    return times


def theirs(small: pd.DataFrame, large: pd.DataFrame | None) -> dict[str, float]:
    """Seconds of each task in R."""
    script = Path(__file__).with_suffix(".R")
    with tempfile.TemporaryDirectory() as folder:
        small.to_numpy().tofile(Path(folder) / "small")
        if large is not None:
            large.to_numpy().tofile(Path(folder) / "large")
        command = ["Rscript", str(script), folder, *(["large"] if large is not None else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["task"]: line["seconds"] for line in lines}


def physical(rows: int = 1_000_000) -> int:
    """Alpha with its item table against one cross-product of the same matrix, and its memory."""
    frame = survey(rows)
    matrix = np.ascontiguousarray(frame.to_numpy(dtype=np.float64))
    product = best(lambda: matrix.T @ matrix, 5)
    missed = 0
    for kind, data in {"int8 frame": frame, "float64 frame": frame.astype(float)}.items():
        seconds = best(lambda data=data: cronbach_alpha(data), 5)
        tracemalloc.start()
        cronbach_alpha(data)
        peak = tracemalloc.get_traced_memory()[1] / matrix.nbytes
        tracemalloc.stop()
        missed += seconds > CROSS_PRODUCTS * product or peak > MEMORY
        line = {"task": f"alpha {rows} x 21, {kind}", "seconds": seconds, "cross_product": product}
        measured = {"products": round(seconds / product, 2), "memory": round(peak, 3)}
        print(json.dumps(line | measured | {"wanted": CROSS_PRODUCTS}))
    return missed


def main() -> int:
    """Print each task with the ratio that is wanted; exit with 1 if one is missed."""
    small = survey(2000)
    large = survey(1_000_000) if "large" in sys.argv[1:] else None
    peer, own = theirs(small, large), ours(small, large)
    missed = 0
    for task, seconds in own.items():
        ratio = peer[task] / seconds
        missed += ratio < WANTED[task]
        line = {"task": task, "cte_metrics": seconds, "r": peer[task], "ratio": round(ratio, 1)}
        print(json.dumps(line | {"wanted": WANTED[task]}))
    return int(missed + physical() > 0)


if __name__ == "__main__":
    sys.exit(main())
