"""Results are equal by what they publish, travel between processes, and come back from JSON."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import warnings
from typing import Any

import cloudpickle
import jsonschema
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed, parallel_config

import cte_metrics as cte
from cte_metrics.errors import InputError, UnknownNameError
from cte_metrics.report.records import result_class, result_classes
from cte_metrics.results import Result
from cte_metrics.results.schema import schema
from tests.public.registry import CALLS, instance, wave

EVERY = pytest.mark.parametrize("name", sorted(CALLS))


def returned(result: Result, *, sort_keys: bool = False) -> Result:
    """Return a result after a trip through JSON text."""
    text = json.dumps(result.to_dict(), allow_nan=False, sort_keys=sort_keys)
    return cte.from_dict(json.loads(text))


@EVERY
def test_a_record_gives_back_an_equal_result(name: str) -> None:
    result = instance(name)
    again = returned(result)
    assert type(again) is type(result)
    assert again == result
    assert hash(again) == hash(result)
    assert again.summary() == result.summary()
    pd.testing.assert_frame_equal(again.to_frame(), result.to_frame())


@EVERY
def test_the_order_of_a_record_does_not_matter(name: str) -> None:
    again = returned(instance(name), sort_keys=True)
    assert again == instance(name)
    assert hash(again) == hash(instance(name))


@EVERY
def test_results_pickle_and_copy(name: str) -> None:
    result = instance(name)
    for made in (
        pickle.loads(pickle.dumps(result)),
        cloudpickle.loads(cloudpickle.dumps(result)),
        copy.copy(result),
        copy.deepcopy(result),
        pickle.loads(pickle.dumps(returned(result))),
        copy.deepcopy(returned(result)),
    ):
        assert made == result
        assert hash(made) == hash(result)


@EVERY
def test_equality_is_a_truth_value_and_sees_a_changed_figure(name: str) -> None:
    result = instance(name)
    assert (result == result) is True
    assert (result == 1) is False
    assert (result != returned(result)) is False
    record = result.to_dict()
    record["notes"] = ["Another note."]
    assert cte.from_dict(record) != result
    assert len({result, returned(result)}) == 1


@EVERY
def test_records_keep_to_their_schema(name: str) -> None:
    kind = result_class(name)
    written = schema(kind, result_class)
    jsonschema.Draft202012Validator.check_schema(written)
    check = jsonschema.Draft202012Validator(written)
    record = json.loads(json.dumps(instance(name).to_dict()))
    assert [e.message for e in check.iter_errors(record)] == []
    spoilt = record | {"status": "fine"}
    assert not check.is_valid(spoilt)
    assert not check.is_valid({k: v for k, v in record.items() if k != "provenance"})
    assert not check.is_valid(record | {"surplus": 1})


def test_a_restored_fit_shows_its_figures_and_its_diagram() -> None:
    fit: Any = instance("SEMFit")
    again: Any = returned(fit)
    assert again.fit_measures["chisq"] == fit.fit_measures["chisq"]
    assert again.parameters.equals(fit.parameters)
    assert again.converged
    assert repr(again) == repr(fit)
    assert again.diagram() == fit.diagram()


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("SEMFit", lambda r: r.residuals()),
        ("SEMFit", lambda r: r.factor_scores()),
        ("SEMFit", lambda r: r.again()),
        ("SEMFit", lambda r: r.again(data=wave())),
        ("SEMFit", lambda r: r.solution),
        ("SEMFit", lambda r: r.wald_test("a == b")),
        ("SEMFit", lambda r: cte.sem.compare(r, r)),
        ("SEMFit", cte.reliability.composite_reliability),
        ("EFA", lambda r: r.scores(wave())),
        ("EFA", lambda r: r.standard_errors()),
        ("MixedModel", lambda r: r.profile_ci()),
    ],
)
def test_what_needs_the_answers_says_so(name: str, use: Any) -> None:
    with pytest.raises(InputError, match="restored from its record") as caught:
        use(returned(instance(name)))
    assert "Run the analysis again" in str(caught.value)


def test_a_restored_dossier_has_no_figures_and_says_so() -> None:
    dossier: Any = instance("Validation")
    again: Any = returned(dossier)
    assert again.to_json() == dossier.to_json()
    assert set(again.tables) == set(dossier.tables)
    assert "<svg" in dossier.to_html()
    assert "<svg" not in again.to_html()
    with pytest.raises(UnknownNameError, match="There is no figure"):
        again.figures["Agreement within schools"]


def demo(**changes: Any) -> dict[str, Any]:
    return instance("Alpha").to_dict() | changes


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (None, r"A record is a dict with schema='cte_metrics/...'; got NoneType"),
        ([1], "got list"),
        ({"alpha": 0.8}, "got schema=None"),
        ({"schema": "other/Alpha"}, "got schema='other/Alpha'"),
        ({"schema": "cte_metrics/Alfa", "schema_version": 1}, "no result called 'Alfa'.*'Alpha'"),
        ({"schema": "cte_metrics/efa", "schema_version": 1}, "no result called 'efa'"),
        (demo(schema_version=99), "schema_version=99; this library reads up to 1"),
        (demo(schema_version=None), "schema_version=None"),
        (demo(surplus=1), "it has an unknown 'surplus'"),
        ({k: v for k, v in demo().items() if k != "ci"}, "it lacks 'ci'"),
        (demo(alpha="high"), "'alpha' does not hold a float"),
        (demo(ci=0.5), "'ci' does not hold a Interval"),
        (demo(items={"n": [1]}), "'items' does not hold a DataFrame"),
        (demo(layout={}), "'items' does not hold a DataFrame"),
        (demo(status="fine"), "'status' does not hold a Status"),
        (demo(n_items="twelve"), "'n_items' does not hold a int"),
        (demo(provenance=[]), "'provenance' does not hold a Provenance"),
    ],
)
def test_foreign_and_broken_records_are_refused(record: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cte.from_dict(record)


def test_missing_and_infinite_figures_come_back() -> None:
    plan: Any = instance("SchoolPlan")
    record = plan.to_dict()
    record["icc2"], record["power"] = None, "-Infinity"
    again: Any = cte.from_dict(json.loads(json.dumps(record)))
    assert np.isnan(again.icc2)
    assert again.power == -np.inf
    assert again.to_dict() == record


def test_a_record_is_read_in_a_process_that_has_loaded_nothing() -> None:
    text = json.dumps(instance("Invariance").to_dict())
    code = (
        "import json, sys, cte_metrics as cte\n"
        "found = cte.from_dict(json.loads(sys.stdin.read()))\n"
        "print(type(found).__name__, type(found.fits['metric']).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["Invariance", "SEMFit"]


def test_no_class_of_results_compares_by_itself() -> None:
    for kind in result_classes().values():
        assert kind.__eq__ is Result.__eq__
        assert kind.__hash__ is Result.__hash__


def alpha_of(frame: pd.DataFrame) -> float:
    return cte.reliability.cronbach_alpha(frame).alpha


def test_functions_that_name_a_package_travel() -> None:
    rooms = cte.reliability
    frame = wave().keyed
    ask = lambda part: rooms.cronbach_alpha(part).alpha
    expected = alpha_of(frame)
    assert cloudpickle.loads(cloudpickle.dumps(ask))(frame) == expected
    assert pickle.loads(pickle.dumps(cte.reliability)) is cte.reliability
    assert copy.deepcopy(cte) is cte
    with warnings.catch_warnings(), parallel_config(backend="loky", n_jobs=1):
        warnings.simplefilter("ignore")
        assert Parallel()(delayed(ask)(frame) for _ in range(2)) == [expected, expected]


def test_functions_that_name_a_package_go_through_dask() -> None:
    dask = pytest.importorskip("dask")
    rooms = cte.reliability
    frame = wave().keyed
    tasks = [dask.delayed(lambda part: rooms.cronbach_alpha(part).alpha)(frame)]
    assert dask.compute(*tasks, scheduler="processes", num_workers=1) == (alpha_of(frame),)


def test_surveys_and_summaries_travel() -> None:
    moments = cte.Moments.from_data(wave(), by="group")
    for made in (pickle.loads(pickle.dumps(moments)), copy.deepcopy(moments), copy.copy(moments)):
        pd.testing.assert_frame_equal(made.covariance, moments.covariance)
        assert made.groups == moments.groups
    for again in (pickle.loads(pickle.dumps(wave())), copy.deepcopy(wave()), copy.copy(wave())):
        pd.testing.assert_frame_equal(again.to_frame(), wave().to_frame())


def test_an_infinite_count_is_refused() -> None:
    record = cte.aggregation.agreement(cte.load_example()).to_dict()
    record["table"]["n"][0] = float("inf")
    with pytest.raises(cte.InputError, match="'table' does not hold"):
        cte.from_dict(record)
