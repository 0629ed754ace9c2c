"""The promises: public names, their arguments and the fields of what they return.

``promises.json`` lists for each public callable the arguments that others rely on, and for
each result the fields. More may be added; none of these may go or change its name.
"""

from __future__ import annotations

import inspect
import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import cte_metrics as cte

PROMISES = json.loads((Path(__file__).parent / "promises.json").read_text())


def find(name: str) -> Any:
    return reduce(getattr, name.split("."), cte)


@pytest.mark.parametrize("name", PROMISES["arguments"])
def test_arguments_are_kept(name: str) -> None:
    parameters = inspect.signature(find(name)).parameters
    for argument, default in PROMISES["arguments"][name].items():
        assert argument in parameters, f"{name} lost its argument {argument}"
        if default != "any":
            found = parameters[argument].default
            shown = "required" if found is inspect.Parameter.empty else repr(found)
            assert shown == default, f"{name}({argument}=) is {shown}"


@pytest.mark.parametrize("name", PROMISES["positional"])
def test_at_most_these_are_positional(name: str) -> None:
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY
    found = [p.name for p in inspect.signature(find(name)).parameters.values() if p.kind in kinds]
    assert found[: len(PROMISES["positional"][name])] == PROMISES["positional"][name]
    assert len(found) <= 3, f"{name} takes {len(found)} positional arguments"


@pytest.mark.parametrize("name", PROMISES["fields"])
def test_fields_are_kept(name: str) -> None:
    kind = find(name)
    known = set(dir(kind)) | set(getattr(kind, "__dataclass_fields__", {}))
    known |= set(getattr(kind, "model_fields", {}))
    missing = [f for f in PROMISES["fields"][name] if f not in known]
    assert not missing, f"{name} lost {missing}"
