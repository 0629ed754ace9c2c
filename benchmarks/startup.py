"""Starting Python and importing cte_metrics, beside a bare Python."""

from __future__ import annotations

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage

import timing
from timing import state


def spent() -> float:
    """Processor seconds of the processes that were started and have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(code: str) -> float:
    """Processor seconds of one start."""
    before = spent()
    subprocess.run([sys.executable, "-c", code], check=True)
    return spent() - before


def run() -> None:
    pairs = [(start("pass"), start("import cte_metrics")) for _ in range(20)]
    bare, ours = (min(times) for times in zip(*pairs, strict=True))
    state(
        "import cte_metrics, milliseconds over a bare Python",
        1000 * (ours - bare),
        at_most=50,
        ours=ours,
        peer="bare Python",
        theirs=bare,
    )


if __name__ == "__main__":
    timing.main(run)
