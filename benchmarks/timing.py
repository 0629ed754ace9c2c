"""Time a task beside a peer in one run, and print one JSON line a task.

Functions: ``race, state, shortest, peak, survey, items, serve, received, main``; classes ``Peer,
Here``. Import this module before numpy: it holds the numerical libraries to one thread.

A time is the shortest of several runs (of blocks of runs where one is short), in processor seconds
(user and system) of one process with one thread: on an idle machine the same as the clock, on a
busy one steadier. Ours are taken before and after the peer's. A peer is a process of its own that
waits until a task is asked of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import numpy as np
import pandas as pd

Task = Callable[[], Any]
FIRST, SECOND = (" + ".join(f"i{j}" for j in range(a, a + 6)) for a in (1, 7))
TWO_FACTORS = f"F1 =~ {FIRST}\nF2 =~ {SECOND}"
NOT_INSTALLED = "peer not installed"
_lines: list[dict[str, Any]] = []


def shortest(task: Task, budget: float = 1.0, block: float = 0.05) -> float:
    """Return the shortest time of a task among the blocks of runs that fit into a budget."""
    times = [spent(task)]
    total = times[0]
    while total < budget:
        runs = max(1, round(block / min(times)))
        times.append(spent(task, runs) / runs)
        total += runs * times[-1]
    return min(times[1:] or times)  # the first run, alone, is for warmth if there are others


def spent(task: Task, runs: int = 1) -> float:
    """Return the processor seconds of some runs."""
    start = time.process_time()
    for _ in range(runs):
        task()
    return time.process_time() - start


def peak(task: Task) -> int:
    """Return the most memory that a task holds beyond what there was, in bytes."""
    tracemalloc.start()
    task()
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top


@dataclass(frozen=True)
class Here:
    """A yardstick in this process: a name and a task."""

    name: str
    task: Task

    def seconds(self, _: str) -> float:
        """Return the shortest time of the yardstick."""
        return shortest(self.task)


class Peer:
    """A program beside us that has the same answers and times the task that is asked of it.

    ``Peer.r("structural", frames)`` runs structural.R; ``Peer.python("semopy", frames)`` runs
    semopy_peer.py by the Python that the variable SEMOPY_PYTHON names (by default, this one).
    """

    def __init__(self, name: str, command: Sequence[str], frames: dict[str, pd.DataFrame]) -> None:
        self.name = name
        self._known: dict[str, float] = {}
        self._folder = tempfile.TemporaryDirectory()
        for stem, frame in frames.items():
            _send(frame, Path(self._folder.name) / stem)
        try:
            self._process = subprocess.Popen(
                [*command, self._folder.name],
                cwd=Path(__file__).parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.installed = self._process.stdout.readline() == "ready\n"
        except FileNotFoundError:
            self.installed = False

    @classmethod
    def r(cls, script: str, frames: dict[str, pd.DataFrame]) -> Peer:
        """Start an R script of this folder."""
        source = f"for (file in c('peer.R', '{script}.R')) source(file)"
        return cls("R", ["Rscript", "-e", source], frames)

    @classmethod
    def python(cls, name: str, frames: dict[str, pd.DataFrame]) -> Peer:
        """Start a Python script of this folder."""
        python = os.environ.get(f"{name.upper()}_PYTHON") or sys.executable
        return cls(name, [python, f"{name}_peer.py"], frames)

    def seconds(self, task: str) -> float | None:
        """Return the peer's shortest time of a task; None if the peer is not installed."""
        if self.installed and task not in self._known:
            self._process.stdin.write(f"{task}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            if not answer:
                raise RuntimeError(f"{self.name} failed in the task {task!r}.")
            self._known[task] = float(answer)
        return self._known.get(task)


def race(
    task: str,
    ours: Task,
    peer: Peer | Here,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    asked: str | None = None,
    name: str | None = None,
) -> None:
    """Time both sides: we are ``at_least`` so many times as fast, or take ``at_most`` so long.

    ``asked`` is the peer's name of the task and ``name`` the name of the peer, where they differ.
    """
    if not wanted(task):
        return
    own = shortest(ours)
    theirs = peer.seconds(asked or task)
    own = min(own, shortest(ours))
    name = name or peer.name
    if theirs is None:
        state(
            task,
            None,
            at_least=at_least,
            at_most=at_most,
            ours=own,
            peer=f"{name}: {NOT_INSTALLED}",
        )
        return
    ratio = theirs / own if at_most is None else own / theirs
    state(task, ratio, at_least=at_least, at_most=at_most, ours=own, peer=name, theirs=theirs)


def state(
    task: str,
    ratio: float | None,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    ours: float | None = None,
    peer: str = "",
    theirs: float | None = None,
) -> None:
    """Print one line; times in seconds, the ratio as it is wanted."""
    reached = None
    if ratio is not None:
        reached = bool(ratio >= at_least if at_most is None else ratio <= at_most)
    line = {
        "task": task,
        "ours_seconds": ours,
        "peer": peer,
        "peer_seconds": theirs,
        "ratio": ratio,
        "wanted": f">= {at_least:g}" if at_most is None else f"<= {at_most:g}",
        "reached": reached,
    }
    _lines.append(line)
    print(json.dumps(line), flush=True)


def wanted(task: str) -> bool:
    """Tell whether a task is to be run: all are, or those that contain the first argument."""
    return all(word in task for word in sys.argv[1:2])


def main(run: Callable[[], None]) -> None:
    """Run the tasks of a script; exit with 1 if a wanted ratio is missed."""
    warnings.simplefilter("ignore")
    run()
    sys.exit(int(any(line["reached"] is False for line in _lines)))


def survey(
    n_schools: int, size: int, n_items: int, *, seed: int = 1, missing: float = 0.0
) -> pd.DataFrame:
    """Six-point answers to two correlated subscales, of teachers in schools.

    Columns ``school, group`` (1 to 4, by school), ``ses`` (of the school) and ``i1, i2, ...``
    (int8; float64 where answers are missing).
    """
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n_schools), size)
    ses = rng.normal(size=n_schools)
    factor = (np.arange(n_items) >= (n_items + 1) // 2).astype(int)
    between = _pairs(rng, n_schools, 0.7) + 0.35 * ses[:, None]
    within = _pairs(rng, len(school), 0.5)
    own = 0.2 * rng.normal(size=(n_schools, n_items))
    answers = {"school": school, "group": school % 4 + 1, "ses": ses[school]}
    for j in range(n_items):
        share = j / (n_items - 1)
        loading, of_school = 0.5 + 0.3 * share, 0.75 - 0.3 * share
        latent = (0.6 * of_school * between[:, factor[j]] + own[:, j])[school]
        latent += loading * within[:, factor[j]]
        latent += np.sqrt(1 - 0.5 * loading**2) * rng.normal(size=len(school))
        cuts = 1.15 * np.array([-2.6, -1.7, -0.8, 0.3, 1.5]) + 0.25 * np.sin(3 * j)
        answer = (1 + np.searchsorted(cuts, latent)).astype(np.int8)
        gap = rng.random(len(school)) < missing
        answers[f"i{j + 1}"] = np.where(gap, np.nan, answer) if missing else answer
    return pd.DataFrame(answers)


def _pairs(rng: np.random.Generator, n: int, r: float) -> np.ndarray:
    return rng.normal(size=(n, 2)) @ np.linalg.cholesky([[1, r], [r, 1]]).T


def items(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the items alone."""
    return frame.filter(regex="^i[0-9]+$")


def _send(frame: pd.DataFrame, stem: Path) -> None:
    stem.with_suffix(".names").write_text("\n".join(frame.columns) + "\n")
    frame.to_numpy(np.float64).ravel(order="F").tofile(stem.with_suffix(".values"))


def received(stem: str) -> pd.DataFrame:
    """Read, in a peer, the answers that were sent to it."""
    path = Path(sys.argv[1]) / stem
    names = path.with_suffix(".names").read_text().split()
    values = np.fromfile(path.with_suffix(".values")).reshape(len(names), -1)
    return pd.DataFrame(values.T, columns=names)


def serve(tasks: dict[str, Task]) -> None:
    """Time, in a peer, each task that is asked for, until the input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            seconds = shortest(tasks[line.strip()])
        print(seconds, flush=True)
