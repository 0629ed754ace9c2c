"""The import budget, as modules loaded: a bare import brings nothing heavy with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "pydantic",
    "narwhals",
    "scipy.stats",
    "sklearn",
    "statsmodels",
    "seaborn",
    "matplotlib",
    "pingouin",
    "factor_analyzer",
)
SLOW = HEAVY[5:]


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_a_bare_import_loads_nothing_heavy() -> None:
    assert loaded_after("import cte_metrics").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "name",
    [
        "scoring.score",
        "reliability.cronbach_alpha",
        "factor.efa",
        "sem.fit",
        "aggregation.agreement",
    ],
)
def test_no_analysis_loads_the_slow_statistics_packages(name: str) -> None:
    loaded = loaded_after(f"import cte_metrics\ncte_metrics.{name}")
    assert loaded.isdisjoint(SLOW)
