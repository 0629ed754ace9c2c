"""Answers with gaps and two-level factor models, beside lavaan in the same run.

Run: ``python benchmarks/casewise.py``. Prints one JSON line a task with both times and their
ratio; only the ratios count. What lavaan does in a fit (standard errors, test, unrestricted and
baseline model) is asked of both. Needs ``Rscript`` with lavaan; takes about three minutes.
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

FIRST, SECOND = (" + ".join(f"i{j}" for j in range(a, a + 6)) for a in (1, 7))
ONE_LEVEL = f"F1 =~ {FIRST}\nF2 =~ {SECOND}"
TWO_LEVELS = f"level: 1\nW1 =~ {FIRST}\nW2 =~ {SECOND}\nlevel: 2\nB1 =~ {FIRST}\nB2 =~ {SECOND}"
WANTED = {
    "fiml 2000": 15,
    "fiml mlr 2000": 15,
    "two-level balanced 20000": 10,
    "two-level unbalanced": 10,
    "two-level unbalanced mlr": 10,
    "two-level fiml 2000": 10,
}


def survey(n_schools: int, size: int, *, seed: int, gaps: float = 0.0) -> pd.DataFrame:
    """Six-point answers to 12 items of two factors of teachers and of schools."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n_schools), size)
    within = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], len(school))
    between = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], n_schools)
    own = 0.2 * rng.normal(size=(n_schools, 12))
    member = np.repeat([0, 1], 6)
    loading = np.linspace(0.8, 0.5, 12)
    latent = loading * within[:, member] + 0.6 * loading[::-1] * between[school][:, member]
    latent = latent + own[school] + 0.7 * rng.normal(size=latent.shape)
    answers = np.digitize(latent, [-2.6, -1.7, -0.8, 0.3, 1.5]) + 1.0
    answers[rng.random(answers.shape) < gaps] = np.nan
    frame = pd.DataFrame(answers, columns=[f"i{j + 1}" for j in range(12)])
    return frame.assign(school=school)


def unbalanced(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep 25 to 100 per cent of each school."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.25, 1.0, frame["school"].nunique())
    kept: pd.DataFrame = frame[rng.random(len(frame)) < share[frame["school"]]]
    return kept


def best(task: Callable[[], Any], runs: int = 5) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def whole(model: str, frame: pd.DataFrame, **options: Any) -> Callable[[], None]:
    """Fit with standard errors, test, unrestricted and baseline model."""

    def task() -> None:
        fit = sem.cfa(model, frame, identification="variance", **options)
        assert fit.fit_measures["df"] in (53, 106)
        assert np.isfinite(fit._solution.vcov).all()

    return task


def ours(frames: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Seconds of each task."""
    gaps, even, uneven = (frames[k] for k in ("gaps", "even", "uneven"))
    school = {"cluster": "school"}
    return {
        "fiml 2000": best(whole(ONE_LEVEL, gaps, missing="fiml")),
        "fiml mlr 2000": best(whole(ONE_LEVEL, gaps, missing="fiml", estimator="MLR")),
        "two-level balanced 20000": best(whole(TWO_LEVELS, even, **school)),
        "two-level unbalanced": best(whole(TWO_LEVELS, uneven, **school)),
        "two-level unbalanced mlr": best(whole(TWO_LEVELS, uneven, estimator="MLR", **school)),
        "two-level fiml 2000": best(whole(TWO_LEVELS, gaps, missing="fiml", **school), runs=2),
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
    even = survey(1000, 20, seed=1)
    frames = {"gaps": survey(100, 20, seed=2, gaps=0.1), "even": even}
    frames["uneven"] = unbalanced(even, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames.items():
            frame.to_csv(Path(folder) / f"{name}.csv", index=False)
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
