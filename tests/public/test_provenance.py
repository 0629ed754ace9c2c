"""Every result says where it came from: instrument, version, seed, and every option of the call."""

from __future__ import annotations

import inspect
from dataclasses import fields
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.results import InstrumentIdentity, Provenance, Result, recorded
from tests.public.registry import CALLS, instance, public_function, survey, wave

EVERY = pytest.mark.parametrize("name", sorted(CALLS))
SHORT_FORM = InstrumentIdentity(id="ces_sf", version="1")
RANDOM = {"Alpha": 7, "Retention": 1, "Validation": 1}


def inside(result: Result) -> list[Result]:
    """Return a result and those inside it."""
    values = [getattr(result, f.name) for f in fields(result) if not f.name.startswith("_")]
    parts = [p for v in values if isinstance(v, dict) for p in v.values() if isinstance(p, Result)]
    return [result, *parts]


@EVERY
def test_the_instrument_and_the_version_are_named(name: str) -> None:
    for result in inside(instance(name)):
        assert result.provenance.instrument == (SHORT_FORM if CALLS[name].asked else None)
        assert result.provenance.version == metadata.version("cte_metrics")
    record = instance(name).to_dict()["provenance"]
    asked = {"id": "ces_sf", "version": "1", "form": ""} if CALLS[name].asked else None
    assert record["instrument"] == asked
    assert record["version"] == metadata.version("cte_metrics")


@EVERY
def test_the_seed_is_named_where_something_was_drawn(name: str) -> None:
    assert instance(name).provenance.seed == RANDOM.get(name)


@EVERY
def test_every_option_of_the_call_is_among_the_settings(name: str) -> None:
    parameters = inspect.signature(public_function(name)).parameters.values()
    options = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} - {"rng"}
    settings = instance(name).provenance.settings
    assert options - set(settings) == set()
    assert set(instance(name).to_dict()["provenance"]["settings"]) == set(settings)


@EVERY
def test_settings_hold_no_answers(name: str) -> None:
    def sizes(value: Any) -> list[int]:
        if isinstance(value, str | bool | int | float | None):
            return [1]
        parts = value.values() if hasattr(value, "values") else value
        return [len(value), *(n for p in parts for n in sizes(p))]

    for result in inside(instance(name)):
        assert max(sizes(dict(result.provenance.settings))) < 40


def test_columns_are_described_and_positional_options_named() -> None:
    found = cte.aggregation.variance_components(wave(), wave().group, method="reml")
    assert found.provenance.settings["group"] == "333 values"
    assert found.provenance.settings["method"] == "reml"
    efa = cte.factor.efa(wave(), 2)
    assert efa.provenance.settings["n_factors"] == 2
    assert "data" not in efa.provenance.settings
    assert "data" not in cte.sem.fit("f =~ ces1 + ces2 + ces3", wave()).provenance.settings
    cov = wave().keyed.iloc[:, :4].cov()
    fit = cte.sem.fit("f =~ ces1 + ces2 + ces3 + ces4", sample_cov=cov, n_obs=333)
    assert fit.provenance.settings["sample_cov"] == "4 x 4 values"
    assert fit.provenance.instrument is None


def test_options_that_are_passed_on_are_named_too() -> None:
    found: Any = instance("Invariance")
    assert found.provenance.settings["levels"] == ("configural", "metric")
    fit = cte.factor.cfa(wave(), "one_factor", estimator="MLR", missing="fiml")
    assert fit.provenance.settings["estimator"] == "MLR"
    assert fit.provenance.settings["missing"] == "fiml"


def test_the_same_request_again_names_the_data_that_it_was_asked_of() -> None:
    fit: Any = instance("SEMFit")
    assert fit.again(data=survey().at_wave(1)).provenance.instrument == SHORT_FORM
    assert fit.again("f =~ 1*ces1 + 1*ces2 + 1*ces3").provenance.instrument == SHORT_FORM
    frame = fit.again(data=wave().keyed)
    assert frame.provenance.instrument is None
    assert frame.provenance.settings["estimator"] == fit.provenance.settings["estimator"]
    assert frame.provenance.settings["missing"] == "listwise"


@pytest.mark.parametrize(
    ("rng", "seed"),
    [(3, 3), (np.int64(3), 3), (None, "none"), (np.random.default_rng(1), "generator")],
)
def test_a_seed_or_its_absence_is_told(rng: Any, seed: Any) -> None:
    ask = cte.reliability.cronbach_alpha
    drawn = ask(wave(), interval="bootstrap", n_resamples=10, rng=rng)
    assert drawn.provenance.seed == seed
    assert drawn.to_dict()["provenance"]["seed"] == seed
    assert ask(wave(), rng=rng).provenance.seed is None


def test_the_form_is_named() -> None:
    other = wave().instrument.model_copy(update={"form": "B", "version": "2"})
    found = cte.reliability.cronbach_alpha(cte.Responses(wave().items, other))
    assert str(found.provenance.instrument) == "ces_sf, version 2, form B"
    assert "ces_sf, version 2, form B" in found.summary()


def test_frames_name_no_instrument() -> None:
    found = cte.reliability.cronbach_alpha(pd.DataFrame(wave().keyed))
    assert found.provenance.instrument is None


def test_the_page_names_instrument_seed_settings_and_version() -> None:
    page = instance("Validation").to_html()  # type: ignore[attr-defined]
    assert "Instrument: ces_sf, version 1." in page
    assert "Seed of random numbers: 1." in page
    assert "minimum_group_size = 5" in page
    assert f"cte_metrics {metadata.version('cte_metrics')}" in page


def test_the_package_and_its_distribution_tell_one_version() -> None:
    assert cte.__version__ == metadata.version("cte_metrics")


def test_settings_cannot_change() -> None:
    mine = {"levels": ["a"], "inner": {"k": [1]}}
    kept = Provenance(method="By hand", n_used=1, settings=mine)
    mine["levels"].append("b")  # type: ignore[attr-defined]
    assert kept.settings["levels"] == ("a",)
    with pytest.raises(TypeError):
        kept.settings["inner"]["k"] = 2


def test_every_public_function_that_answers_with_a_result_is_recorded() -> None:
    rooms = ("aggregation", "factor", "planning", "quality", "reliability", "scoring", "sem")
    kinds = {*CALLS}
    wrapper = recorded(lambda: instance("Alpha")).__code__
    passing_on = {"cfa", "growth", "lavaan"}  # they return what the recorded sem.fit returns
    for room in (cte, *(getattr(cte, r) for r in rooms)):
        for name in dir(room):
            function = getattr(room, name)
            if inspect.isfunction(function) and name not in passing_on:
                answers = str(function.__annotations__.get("return")) in kinds
                assert answers == (wrapper in codes(function)), name


def codes(function: Any) -> list[Any]:
    """Return the code of a function and of each that it wraps."""
    inner = getattr(function, "__wrapped__", None)
    return [function.__code__, *(codes(inner) if inner else [])]


def test_a_recorded_function_keeps_its_name_and_signature() -> None:
    def ask(data: Any, *, k: int = 1) -> Result:
        """Ask."""
        return instance("Alpha")

    assert recorded(ask).__name__ == "ask"
    assert inspect.signature(recorded(ask)) == inspect.signature(ask)
    assert survey().n_items == 12
