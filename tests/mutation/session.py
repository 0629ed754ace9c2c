"""The run: reach of every test, then a process a mutant, two or more at a time."""

from __future__ import annotations

import gc
import json
import os
import pickle
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.exchange import alive_in, exchange
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.reach import Reach

KILLED, SURVIVED, SLOW, REFUSED = "killed", "survived", "timed out", "no code that runs"
BROKEN = 3
MEMORY = 6 * 2**30  # bytes that a mutant may take: some grow without end
GRACE = 20.0  # seconds that a test may take beyond ten times its own


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    rooms: list[str]
    sample: int
    seed: int
    workers: int
    limit: float
    record: Path
    again: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed by which test, or survived how many of how many."""

    mutant: Mutant
    fate: str
    test: str
    tried: int
    reaching: int
    seconds: float


@dataclass
class Running:
    """A process that tries a mutant."""

    mutant: Mutant
    tests: list[str]
    reaching: int
    started: float
    limit: float
    answer: int


class Session:
    """A plugin that runs mutants in place of the collected tests."""

    def __init__(self, asked: Asked, source: Path) -> None:
        self.asked = asked
        self.source = source
        self.outcomes: list[Outcome] = []
        self.failed = ""

    def files(self) -> list[Path]:
        """Files under test."""
        chosen = [self.source / room for room in self.asked.rooms]
        return sorted(f for c in chosen for f in ([c] if c.suffix else c.rglob("*.py")))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Record reach, draw the sample, try each mutant."""
        _without_deadlines()
        self.items = {item.nodeid: item for item in session.items}
        self.reach = self._reach()
        self.alive = alive_in({str(f) for f in self.files()})
        gc.freeze()  # children share what was read
        waiting = self._waiting()
        print(f"{len(waiting)} mutants to try, {len(self.outcomes)} recorded", flush=True)
        with self.asked.record.open("a") as record:
            for outcome in self._tried(waiting):
                self.outcomes.append(outcome)
                record.write(json.dumps(asdict(outcome)) + "\n")
                record.flush()
        return True

    def _waiting(self) -> list[Mutant]:
        """The sample without what is recorded; with ``again`` the recorded survivors."""
        latest = self._recorded()
        again = self.asked.again
        kept = {m: o for m, o in latest.items() if not again or o.fate == KILLED}
        self.outcomes = list(kept.values())
        wanted = sorted(latest) if again else self._sample()
        return [mutant for mutant in wanted if mutant not in kept]

    def _sample(self) -> list[Mutant]:
        every = sorted(m for file in self.files() for m in mutants_of(file))
        wanted = self.asked.sample or len(every)
        return random.Random(self.asked.seed).sample(every, min(wanted, len(every)))

    def _recorded(self) -> dict[Mutant, Outcome]:
        """The last outcome of every mutant tried before."""
        if not self.asked.record.exists():
            return {}
        lines = [json.loads(line) for line in self.asked.record.read_text().splitlines()]
        read = [Outcome(**{**line, "mutant": _mutant(line["mutant"])}) for line in lines]
        return {outcome.mutant: outcome for outcome in read}

    def _reach(self) -> Reach:
        """Run every test once in a process of its own and note what it reaches."""
        kept = self.asked.record.with_suffix(".reach")
        watched = {str(f) for f in self.files()}
        reach = Reach(watched.__contains__)
        if kept.exists():
            reach.lines, reach.seconds = pickle.loads(kept.read_bytes())
        new = [name for name in self.items if name not in reach.seconds]
        parts = [new[i :: self.asked.workers] for i in range(self.asked.workers)]
        children = [self._fork_reach(part, reach, kept) for part in parts if part]
        for child in children:
            os.waitpid(child, 0)
            lines, seconds = pickle.loads(Path(f"{kept}.{child}").read_bytes())
            Path(f"{kept}.{child}").unlink()
            reach.seconds |= seconds
            for place, tests in lines.items():
                reach.lines[place] |= tests
        kept.write_bytes(pickle.dumps((reach.lines, reach.seconds)))
        return reach

    def _fork_reach(self, names: list[str], reach: Reach, kept: Path) -> int:
        child = os.fork()
        if child:
            return child
        _be_silent()
        for name in names:
            with reach.recording(name):
                passed = self._passes(name)
            if not passed:
                reach.seconds[name] = float("inf")  # no test of a mutant: it fails without one
        Path(f"{kept}.{os.getpid()}").write_bytes(pickle.dumps((reach.lines, reach.seconds)))
        os._exit(0)

    def _passes(self, name: str) -> bool:
        """Run one test with its fixtures; whether nothing failed."""
        reports: list[Any] = []
        item = self.items[name]
        watcher = _Watcher(reports)
        item.config.pluginmanager.register(watcher)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        item.config.pluginmanager.unregister(watcher)
        return not any(report.failed for report in reports)

    def _tried(self, waiting: list[Mutant]) -> Iterator[Outcome]:
        running: dict[int, Running] = {}
        queue = list(reversed(waiting))
        while queue or running:
            while queue and len(running) < self.asked.workers:
                mutant = queue.pop()
                tests = self._tests(mutant)
                if not tests[0]:
                    yield Outcome(mutant, SURVIVED, "", 0, 0, 0.0)
                    continue
                child, job = self._start(mutant, *tests)
                running[child] = job
            for child in list(running):
                outcome = self._outcome(child, running[child])
                if outcome:
                    del running[child]
                    yield outcome
            time.sleep(0.005)

    def _tests(self, mutant: Mutant) -> tuple[list[str], int]:
        """Tests to run, within the limit of time, and how many reach the line."""
        first, last = mutant.statement
        if mutant.function is None:  # a constant: whatever reaches the file
            first, last = 1, len(Path(mutant.file).read_text("utf-8").splitlines())
        names = self.reach.tests_of(mutant.file, range(first, last + 1))
        names = [n for n in names if n in self.items and self.reach.seconds[n] < float("inf")]
        chosen, spent = [], 0.0
        for name in names:
            spent += self.reach.seconds[name]
            if chosen and spent > self.asked.limit:
                break
            chosen.append(name)
        return chosen, len(names)

    def _start(self, mutant: Mutant, tests: list[str], reaching: int) -> tuple[int, Running]:
        limit = GRACE + 10 * sum(self.reach.seconds[name] for name in tests)
        read, write = os.pipe()
        child = os.fork()
        if child:
            os.close(write)
            return child, Running(mutant, tests, reaching, time.time(), limit, read)
        _be_silent()
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for i, name in enumerate(tests):
            os.write(write, b".")
            if i == 0:
                try:
                    exchange(mutant, self.alive)
                except Exception:
                    os._exit(BROKEN)
            if not self._passes(name):
                os._exit(1)
        os._exit(0)

    def _outcome(self, child: int, job: Running) -> Outcome | None:
        ended, status = os.waitpid(child, os.WNOHANG)
        seconds = time.time() - job.started
        if not ended and seconds < job.limit:
            return None
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        tried = len(os.read(job.answer, 100_000))
        os.close(job.answer)
        survived = bool(ended) and status == 0
        broken = bool(ended) and os.waitstatus_to_exitcode(status) == BROKEN
        fate = SURVIVED if survived else REFUSED if broken else KILLED if ended else SLOW
        test = "" if survived else job.tests[max(tried - 1, 0)]
        return Outcome(job.mutant, fate, test, tried, job.reaching, round(seconds, 2))

    def report(self) -> int:
        """Print survivors and counts; the number of survivors is the answer."""
        left = sorted((o for o in self.outcomes if o.fate == SURVIVED), key=lambda o: o.mutant)
        for outcome in left:
            mutant = outcome.mutant
            line = Path(mutant.file).read_text("utf-8").splitlines()[mutant.line - 1].strip()
            file = Path(mutant.file).relative_to(self.source)
            print(f"{file}:{mutant.line}: {mutant.change}")
            print(f"    {line}    [{outcome.tried} of {outcome.reaching} tests]")
        fates = Counter(o.fate for o in self.outcomes)
        print(f"{len(self.outcomes)} mutants: " + ", ".join(f"{n} {f}" for f, n in fates.items()))
        return len(left)


def _mutant(fields: dict[str, Any]) -> Mutant:
    return Mutant(**{**fields, "statement": tuple(fields["statement"])})


def _without_deadlines() -> None:
    from hypothesis import settings  # after pytest has begun, which rewrites its plugins

    settings.register_profile("mutation", derandomize=True, deadline=None)
    settings.load_profile("mutation")


class _Watcher:
    def __init__(self, reports: list[Any]) -> None:
        self.reports = reports

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.reports.append(report)


def _be_silent() -> None:
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(sink, 1)
    os.dup2(sink, 2)
