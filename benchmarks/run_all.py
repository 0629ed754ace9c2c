"""Run every benchmark in sequence, then print the machine and one table; exit with 1 on a miss."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

SCRIPTS = [
    "startup",
    "responses",
    "reliability",
    "exploratory_factors",
    "ordinal",
    "structural",
    "casewise",
    "invariance",
    "schools",
]
PYTHON_PACKAGES = ["cte-metrics", "numpy", "scipy", "pandas"]
R_PACKAGES = ["psych", "lavaan", "semTools", "GPArotation", "multilevel", "lme4"]


def lines_of(script: str) -> tuple[list[dict], bool]:
    """Run a script, repeat its lines, and return them and whether it ran to its end."""
    path = Path(__file__).with_name(f"{script}.py")
    rows = []
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            rows.append(json.loads(line))
    missed = any(row["reached"] is False for row in rows)
    return rows, process.returncode == int(missed)


def machine() -> str:
    """Date, processor and versions."""
    ask = "cat(R.version.string); for (p in c({})) cat(',', p, format(packageVersion(p)))"
    names = ", ".join(f"'{name}'" for name in R_PACKAGES)
    try:
        r = subprocess.run(
            ["Rscript", "-e", ask.format(names)], capture_output=True, text=True
        ).stdout
    except FileNotFoundError:
        r = "no R"
    python = ", ".join(f"{name} {version(name)}" for name in PYTHON_PACKAGES)
    cores = f"{platform.machine()}, {os.cpu_count()} cores, one thread"
    return (
        f"{time.strftime('%Y-%m-%d')}; {cores}; Python {platform.python_version()}, {python}; {r}"
    )


def text(value: float | None, unit: float = 1.0) -> str:
    """A figure with three digits."""
    if value is None:
        return ""
    value *= unit
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def table(rows: list[dict]) -> str:
    """Return the lines as a table; times in milliseconds."""
    out = [
        "| task | ours, ms | peer | peer, ms | ratio | wanted | reached |",
        "|---|--:|---|--:|--:|--:|---|",
    ]
    for row in rows:
        reached = {True: "yes", False: "NO", None: ""}[row["reached"]]
        figures = [text(row[name], 1000) for name in ("ours_seconds", "peer_seconds")]
        cells = [row["task"], figures[0], row["peer"], figures[1], text(row["ratio"])]
        out.append("| " + " | ".join([*cells, row["wanted"], reached]) + " |")
    return "\n".join(out)


def main() -> int:
    """Run all; 1 if a wanted ratio is missed or a script failed."""
    found = {script: lines_of(script) for script in SCRIPTS}
    rows = [row for lines, _ in found.values() for row in lines]
    print(f"\n{machine()}\n\n{table(rows)}")
    failed = [script for script, (_, whole) in found.items() if not whole]
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return int(bool(failed) or any(row["reached"] is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
