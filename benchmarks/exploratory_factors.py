"""EFA and parallel analysis beside psych and factor_analyzer, 21 items, N = 2,000.

Run: ``python benchmarks/exploratory_factors.py``. Needs ``Rscript`` with psych for R's rows, and
for factor_analyzer's a Python whose scikit-learn is below 1.8 (its ``fit`` fails with later ones)
in the variable ``FACTOR_ANALYZER_PYTHON``. Peers run between ours, so only the ratios count.
Prints one JSON line a task.
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

import numpy as np
import pandas as pd

from cte_metrics.factor import efa, n_factors

N, ITEMS, RESAMPLES = 2_000, 21, 1_000

PSYCH = """
suppressMessages(library(psych)); x <- as.matrix(read.csv("{csv}"))
timed <- function(f, n) {{
  t <- Sys.time(); for (i in 1:n) suppressMessages(suppressWarnings(f()))
  as.numeric(Sys.time() - t, units = "secs") / n
}}
one <- function() fa(x, 2, fm = "minres", rotate = "oblimin")
efa <- min(sapply(1:5, function(i) timed(one, 15)))
sink("/dev/null")
parallel <- timed(function() fa.parallel(x, n.iter = {draws}, fa = "both", plot = FALSE), 1)
sink(); cat(efa, parallel)
"""
FACTOR_ANALYZER = """
import sys, time, pandas as pd, warnings; warnings.simplefilter("ignore")
from factor_analyzer import FactorAnalyzer
x = pd.read_csv("{csv}"); best = 9.0
for _ in range(60):
    t = time.perf_counter(); FactorAnalyzer(2, method="minres", rotation="oblimin").fit(x)
    best = min(best, time.perf_counter() - t)
print(best)
"""


def survey() -> pd.DataFrame:
    """Return ordinal answers to two correlated subscales of teachers in schools."""
    rng = np.random.default_rng(1)
    factor = (np.arange(ITEMS) > ITEMS // 2).astype(int)
    school = rng.normal(size=(100, 2)) @ np.linalg.cholesky([[1, 0.7], [0.7, 1]]).T
    person = rng.normal(size=(N, 2)) @ np.linalg.cholesky([[1, 0.5], [0.5, 1]]).T
    latent = 0.4 * np.repeat(school, N // 100, axis=0)[:, factor] + 0.65 * person[:, factor]
    latent = latent + 0.75 * rng.normal(size=(N, ITEMS))
    answers = 1 + np.digitize(latent, [-2.2, -1.2, -0.4, 0.5, 1.5])
    return pd.DataFrame(answers, columns=[f"i{j + 1}" for j in range(ITEMS)])


def best(task: Callable[[], Any], rounds: int) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def ran(command: list[str]) -> list[float]:
    """Return the numbers that a peer printed; nothing when it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Print our times, the peers' and the ratios."""
    data = survey()
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "answers.csv"
        data.to_csv(csv, index=False)
        before = best(lambda: efa(data, 2), 60)
        psych = ran(["Rscript", "-e", PSYCH.format(csv=csv, draws=draws)])
        other = os.environ.get("FACTOR_ANALYZER_PYTHON", sys.executable)
        peer = ran([other, "-c", FACTOR_ANALYZER.format(csv=csv)])
    ours = min(before, best(lambda: efa(data, 2), 60))
    parallel = best(lambda: n_factors(data, methods=("parallel",), n_resamples=RESAMPLES, rng=1), 5)
    report("efa minres oblimin, answers", ours, {"psych": psych[:1], "factor_analyzer": peer})
    scaled = [seconds * RESAMPLES / draws for seconds in psych[1:]]
    report(f"parallel analysis, both, {RESAMPLES} resamples", parallel, {"psych": scaled})


def report(task: str, ours: float, peers: dict[str, list[float]]) -> None:
    """Print one line: seconds of ours and of the peers, and how many times faster ours is."""
    line: dict[str, Any] = {"task": task, "ours": ours}
    for name, seconds in peers.items():
        if seconds:
            line |= {name: seconds[0], f"times_{name}": round(seconds[0] / ours, 1)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
