"""Mutation testing of the formulas: ``python -m tests.mutation --sample 1500 --seed 8``.

Every fault of a seeded sample is put into the running library, in a process of its own, and the
tests that reach its line run, quickest first, until one fails. A fault that none of them sees is
printed: it wants a test, or a reason in ``survivors.md``. Files and folders below
``src/cte_metrics`` choose what is tried (``kernels scoring`` unless told otherwise).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.mutation.session import Asked, Session

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Read the command line, collect the tests, try the mutants."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", default=["kernels", "scoring"])
    parser.add_argument("--sample", type=int, default=1500, help="how many faults (0: all)")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds of tests a fault")
    parser.add_argument("--tests", nargs="*", default=["tests"])
    parser.add_argument("--record", type=Path, default=Path("mutation.jsonl"), help="goes on there")
    parser.add_argument("--again", action="store_true", help="only the recorded survivors")
    options = parser.parse_args()
    os.environ["CI"] = "true"
    os.chdir(ROOT)
    asked = Asked(**{k: v for k, v in vars(options).items() if k != "tests"})
    plugin = Session(asked, ROOT / "src" / "cte_metrics")
    silent = [
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-s",
        "--tb=no",
    ]
    pytest.main([*silent, *options.tests], plugins=[plugin])
    return plugin.report()


if __name__ == "__main__":
    sys.exit(main())
