"""What callers are told holds: two type checkers read a program and a page of mistakes.

They are run as another application would run them: strict, without plugins or settings of ours.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM, MISTAKES = HERE / "program.py", HERE / "mistakes.py"

Refusals = dict[tuple[str, int], str]


def mypy() -> Refusals:
    """Return what mypy refuses, by file and line."""
    said = _run("mypy", "--strict", "--config-file=", "--output=json")
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {
        (Path(f["file"]).name, f["line"]): f["message"] for f in found if f["severity"] == "error"
    }


def pyright() -> Refusals:
    """Return what pyright refuses, by file and line."""
    said = json.loads(_run("pyright", "--outputjson", "--pythonpath", sys.executable))
    assert said["summary"]["filesAnalyzed"] == 2
    return {
        (Path(f["file"]).name, f["range"]["start"]["line"] + 1): f["message"]
        for f in said["generalDiagnostics"]
        if f["severity"] == "error"
    }


def _run(tool: str, *options: str) -> str:
    """Return what a tool prints; 0 and 1 are its answers, anything else a failure to run."""
    done = subprocess.run(
        [sys.executable, "-m", tool, *options, str(PROGRAM), str(MISTAKES)],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mistakes() -> list[int]:
    """Return the lines of the statements that are mistakes."""
    tree = ast.parse(MISTAKES.read_text(encoding="utf-8"))
    body = next(n.body for n in tree.body if isinstance(n, ast.FunctionDef))
    return [statement.lineno for statement in body[1:]]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_program_passes_and_every_mistake_is_refused(checker: Callable[[], Refusals]) -> None:
    pytest.importorskip(checker.__name__)
    found = checker()
    wanted = {(MISTAKES.name, n) for n in mistakes()}
    lines = MISTAKES.read_text(encoding="utf-8").splitlines()
    passed = [lines[n - 1].strip() for _, n in sorted(wanted - set(found))]
    others = {place: message for place, message in found.items() if place not in wanted}
    assert (passed, others) == ([], {})
