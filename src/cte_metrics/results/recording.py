"""The decorator that writes into a result how it was asked for.

Functions: ``recorded``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from cte_metrics.core.arguments import check_arguments
from cte_metrics.core.randomness import Opened, watched
from cte_metrics.results.base import Result
from cte_metrics.results.provenance import InstrumentIdentity

P = ParamSpec("P")
R = TypeVar("R", bound="Result")
LONGEST = 200
"""Sequences of more entries than this are described, not kept."""


def recorded(function: Callable[P, R]) -> Callable[P, R]:
    """Let a public function write into its result's provenance how it was called.

    The settings become the call's options, defaults included, with what the function itself wrote
    in their place where it settled one; instrument and seed are added. Arguments of another kind
    than the signature says are refused first. Every public function that
    answers with a result carries this decorator, and a test asks for it.
    """
    parameters = inspect.signature(function).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    defaults = {
        p.name: _described(p.default)
        for p in parameters
        if p.default is not p.empty and p.name != "rng"
    }

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = dict(zip(positional, args, strict=False)) | kwargs
        check_arguments(function, given)
        with watched() as opened:
            result = function(*args, **kwargs)
        asked = {n: d for n, d in defaults.items() if n not in given} | {
            name: _described(value)
            for name, value in given.items()
            if name not in ("self", "rng") and not (name in positional and _table(value))
        }
        return _signed(result, asked, opened, given)

    return call


def _signed(
    result: R, settings: dict[str, Any], opened: list[Opened], given: Mapping[str, Any]
) -> R:
    data = [v for name, v in given.items() if name != "self" and _table(v)] or given.values()
    instrument = next(filter(None, map(_instrument, data)), None)
    old = result.provenance
    new = replace(
        old,
        settings=settings | dict(old.settings),
        instrument=old.instrument or instrument,
        seed=old.seed if old.seed is not None else _seed(opened),
    )
    values = {f.name: object.__getattribute__(result, f.name) for f in fields(result)}
    if new.instrument is not None:
        values |= _parts(values, new.instrument)
    return type(result)(**values | {"provenance": new})


def _parts(values: dict[str, Any], instrument: InstrumentIdentity) -> dict[str, Any]:
    """Let results inside a result (the fits of a series) name the instrument too."""
    return {
        name: {k: _naming(part, instrument) for k, part in value.items()}
        for name, value in values.items()
        if isinstance(value, dict) and any(map(_is_result, value.values()))
    }


def _is_result(value: Any) -> bool:
    return hasattr(type(value), "provenance")  # asked of the class: frames look up columns


def _is_survey(value: Any) -> bool:
    return hasattr(type(value), "keyed")


def _naming(part: Any, instrument: InstrumentIdentity) -> Any:
    if not _is_result(part) or part.provenance.instrument is not None:
        return part
    return replace(part, provenance=replace(part.provenance, instrument=instrument))


def _instrument(value: Any) -> InstrumentIdentity | None:
    """Identify the instrument behind an argument: answers, or a result about answers."""
    if _is_result(value):
        return value.provenance.instrument
    if not _is_survey(value):
        return None
    asked = value.instrument
    return InstrumentIdentity(id=asked.id, version=asked.version, form=asked.form)


def _seed(opened: list[Opened]) -> int | str | None:
    """Name the first source that random numbers were drawn from."""
    used = [source.rng for source in opened if source.used]
    if not used:
        return None
    first = used[0]
    if isinstance(first, int | np.integer):
        return int(first)
    if isinstance(first, np.random.Generator | np.random.BitGenerator):
        return "generator"
    return "none" if first is None else str(first)


def _table(value: Any) -> bool:
    """Whether an argument is the data: answers, a frame, a matrix, moments, another result."""
    return _is_result(value) or hasattr(type(value), "arrays") or len(_shape(value)) > 1


def _shape(value: Any) -> tuple[int, ...]:
    if _is_survey(value):
        return (len(value), value.n_items)
    shape = getattr(value, "shape", ())
    return shape if isinstance(shape, tuple) else ()


def _described(value: Any) -> Any:
    """Return an option as it was given, or in words where it is data, a function or an object."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return value.item()
    if isinstance(value, Mapping) and len(value) <= LONGEST:
        return {k: _described(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range) and len(value) <= LONGEST:
        return tuple(_described(v) for v in value)
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    shape = _shape(value) or ((len(value),) if hasattr(value, "__len__") else ())
    if shape:
        return f"{' x '.join(map(str, shape))} values"
    return str(value)
