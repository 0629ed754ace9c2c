"""Lazy packages: names load on first use, and a function wins over a module of its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cte_metrics as cte


@pytest.mark.parametrize(
    "first",
    [
        "import cte_metrics.aggregation.agreement",
        "from cte_metrics.aggregation.agreement import Agreement",
        "cte_metrics.aggregation.agreement",
        "from cte_metrics.aggregation import agreement",
    ],
)
def test_the_function_wins_over_its_module(first: str) -> None:
    code = f"import cte_metrics\n{first}\nassert callable(cte_metrics.aggregation.agreement), 1"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_listed_and_found() -> None:
    for name in dir(cte):
        assert getattr(cte, name) is not None
    assert "Responses" in dir(cte)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'alfa'"):
        cte.alfa
