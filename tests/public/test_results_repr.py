"""Every result shows itself by its summary, not by its fields."""

from __future__ import annotations

import importlib
import pkgutil

import cte_metrics
from cte_metrics.results import Result


def test_no_result_prints_its_fields() -> None:
    for module in pkgutil.walk_packages(cte_metrics.__path__, "cte_metrics."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds, found = [Result], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found.add(kind)
    ours = {k for k in found if k.__module__.startswith("cte_metrics")}
    assert len(ours) > 25
    assert [
        k.__name__ for k in ours if k.__repr__ is not Result.__repr__ and k.__name__ != "SEMFit"
    ] == []
