"""Frozen means frozen: whatever is handed out is changed here, and nothing of it stays."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import CTEError
from cte_metrics.report.records import result_classes
from cte_metrics.results import Result
from cte_metrics.results.layout import layout
from cte_metrics.results.render.json import jsonable
from tests.public.registry import CALLS, instance, survey, wave

PASSED = (
    "again",
    "critical_values",
    "diagram",
    "plot",
    "profile_ci",
    "solution",
    "to_html",
    "to_svg",
)
"""Drawn, simulated or fitted anew at each call; the solution has a test of its own."""


def test_every_public_class_of_results_has_an_instance() -> None:
    assert set(CALLS) == set(result_classes())
    assert {type(instance(name)).__name__ for name in CALLS} == set(CALLS)


def handed_out(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what public attributes, and methods that need nothing, give."""
    known = {f.name for f in fields(thing)} if is_dataclass(thing) else set()
    for name in sorted({*dir(type(thing)), *known}):
        if name.startswith("_") or name in PASSED:
            continue
        try:
            value = getattr(thing, name)
            if inspect.ismethod(value):
                if inspect.isclass(value.__self__) or required(value):
                    continue
                value = value()
        except (CTEError, NotImplementedError):
            continue
        yield name, value


def required(method: Any) -> bool:
    """Whether a method cannot be called with nothing."""
    return any(
        p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        for p in inspect.signature(method).parameters.values()
    )


def shown(value: Any) -> str:
    """Return everything that can be seen of a value, as text."""
    if isinstance(value, pd.DataFrame | pd.Series | Mapping | tuple | list):
        return json.dumps([jsonable(value), layout(value)], default=str)
    return json.dumps(jsonable(value), default=str)


def change(value: Any) -> int:
    """Change a value wherever it lets itself be changed; return how many things were tried."""
    if isinstance(value, pd.DataFrame):
        return change_frame(value)
    if isinstance(value, pd.Series):
        if len(value):
            value.iloc[:] = other(value)
        value.index.name, value.name = "changed", "changed"
        return 1
    if isinstance(value, np.ndarray):
        with contextlib.suppress(ValueError):  # read-only
            value[...] = 0
        return 1
    return change_container(value)


def change_frame(frame: pd.DataFrame) -> int:
    for j in range(frame.shape[1] if len(frame) else 0):
        frame.iloc[:, j] = other(frame.iloc[:, j])
    frame["changed"] = 0
    frame.index.name = "changed" if frame.index.nlevels == 1 else None
    frame.attrs["changed"] = 1
    frame.pop(frame.columns[0])
    return 1


def other(column: pd.Series) -> Any:
    """Return a value of the column's type that it hardly holds."""
    if column.dtype == bool:
        return not column.iloc[0]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return 123
    return "changed"


def change_container(value: Any) -> int:
    if isinstance(value, Result):
        return sum(change(v) for _, v in handed_out(value))
    if isinstance(value, tuple):
        return sum(change(v) for v in value)
    if isinstance(value, Mapping):
        tried = sum(change(v) for v in value.values())
        if isinstance(value, dict):
            value.clear()
        else:
            with pytest.raises((TypeError, AttributeError)):
                value["changed"] = 1  # type: ignore[index]
        return tried + 1
    if isinstance(value, list):
        tried = sum(change(v) for v in value)
        value.clear()
        return tried + 1
    if is_dataclass(value) and not isinstance(value, type):
        public = [f.name for f in fields(value) if not f.name.startswith("_")]
        return sum(change(getattr(value, name)) for name in public)
    return 0


def assert_frozen(thing: Any) -> None:
    before = {name: shown(value) for name, value in handed_out(thing)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas: values of another type, many insertions
        tried = sum(change(value) for _, value in handed_out(thing))
    after = {name: shown(value) for name, value in handed_out(thing)}
    assert [name for name in before if before[name] != after[name]] == []
    assert tried > 0


@pytest.mark.parametrize("name", sorted(CALLS))
def test_nothing_done_to_what_a_result_hands_out_stays(name: str) -> None:
    assert_frozen(instance(name))


def test_the_solution_behind_a_fit_refuses_to_be_written_to() -> None:
    fit: Any = instance("SEMFit")
    solution = fit.solution
    before = fit.parameters
    for name in ("theta", "values", "information", "bread", "vcov", "flat"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(solution, name)[0] = 99
    pd.testing.assert_frame_equal(fit.parameters, before)


def test_the_solution_behind_an_efa_refuses_to_be_written_to() -> None:
    solution = instance("EFA").solution  # type: ignore[attr-defined]
    for name in ("r", "loadings", "phi", "values", "mean", "sd", "bounded"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(solution, name)[0] = 99
    solution.rotation_options["changed"] = 1
    assert "changed" not in solution.rotation_options


def test_summaries_and_surveys_are_frozen_too() -> None:
    frame = pd.DataFrame({"g": list("aabb"), "x": [1, 2, 3, 5], "y": [2, 1, 4, 4]})
    assert_frozen(cte.Moments.from_data(frame, by="g"))
    assert_frozen(wave())
    assert_frozen(cte.simulation.simulate_survey("ces_sf", n_groups=5, group_size=6, rng=1))
    assert_frozen(cte.aggregation.protect(instance("GroupScores").table, by=("group",)))  # type: ignore[attr-defined]


def test_a_frame_that_was_read_can_change_without_the_survey() -> None:
    frame = survey().to_frame()
    read = cte.Responses(frame, "ces_sf", group="school", covariates=["ses"])
    before = read.keyed, read.covariates, read.group
    frame.loc[:, "ces1"] = 1
    frame.loc[:, "ses"] = 0.0
    frame.loc[:, "school"] = "x"
    pd.testing.assert_frame_equal(before[0], read.keyed)
    pd.testing.assert_frame_equal(before[1], read.covariates)
    assert before[2].equals(read.group)


def test_nothing_writes_into_another_object() -> None:
    """``object.__setattr__`` serves an object's own making, and ``__dict__`` nothing."""
    source = Path(cte.__file__).parent
    found = [
        f"{path.relative_to(source)}: {line.strip()}"
        for path in sorted(source.rglob("*.py"))
        for line in path.read_text().splitlines()
        if re.search(r"\.__dict__|object\.__setattr__\((?!self, )", line)
    ]
    assert found == []
