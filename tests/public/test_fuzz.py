"""A result or a ``CTEError``: every public callable, called with what it cannot use.

``CALLS`` holds a call of each that works. One argument after the other is replaced by values of the
wrong kind, size, sign or content, picked by a seed; only a ``CTEError`` may come back, no other
exception and no ``RuntimeWarning`` of numpy's. ``-m slow`` tries every value in every place (of
a whole dossier some).
"""

from __future__ import annotations

import inspect
import random
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import CTEError
from cte_metrics.results import Result
from tests.public.registry import ITEMS, instance, wave
from tests.public.test_options import public

DRAWS = 14  # a callable, in the daily run
SOME = list(ITEMS[:4])
MODEL = "f =~ " + " + ".join(SOME)
VARIANCES = "\n".join(f"{name} ~~ {name}" for name in ("f", *SOME))


@cache
def answers() -> pd.DataFrame:
    return wave().keyed[list(ITEMS)].dropna().astype(float).reset_index(drop=True)


@cache
def schools() -> np.ndarray:
    return np.arange(len(answers())) % 8


@cache
def grouped() -> pd.DataFrame:
    return answers().assign(g=schools(), t=np.where(schools() > 3, "a", "b"))


@cache
def fit() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cte.sem.fit(MODEL, answers())


@cache
def quietly(function: Callable[..., Any], *options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(answers(), *options)


@cache
def small() -> cte.Responses:
    """Four schools: a whole dossier is made of them."""
    return wave().where((wave().group <= "school_06").to_numpy())


@cache
def resampled() -> Any:
    return quietly(lambda d: cte.sem.fit(MODEL, d, se="bootstrap", n_resamples=20, rng=1))


@cache
def two_level() -> Any:
    return quietly(
        lambda d: cte.sem.fit(
            f"level: 1\n{MODEL}\nlevel: 2\n{MODEL}", d.assign(g=schools()), cluster="g"
        )
    )


@cache
def constrained() -> Any:
    return quietly(lambda d: cte.sem.fit("f =~ ces1 + a*ces2 + a*ces3 + ces4", d))


@cache
def dossier() -> Any:
    return quietly(lambda _: cte.validate(small()))


def answers_file() -> Path:
    wave().keyed.to_csv("answers.csv", index=False)
    return Path("answers.csv")


@dataclass(frozen=True)
class Call:
    """owner: whose method it is, if any; given: arguments that work; draws: in the daily run."""

    given: dict[str, Callable[[], Any]] = field(default_factory=dict)
    owner: Callable[[], Any] | None = None
    draws: int = DRAWS


def of(value: Any) -> Callable[[], Any]:
    return lambda: value


def on(name: str) -> Callable[[], Any]:
    return lambda: instance(name)


DATA = {"data": answers}
SHORT = DATA | {"n_resamples": of(20), "rng": of(1)}
GROUPS = DATA | {"group": schools}
LATENT = {"model": of(MODEL), "data": answers}
CALLS: dict[str, Call] = {
    "Instrument.item": Call({"id": of("ces1")}, lambda: wave().instrument),
    "Instrument.subscale": Call({"id": of("group_competence")}, lambda: wave().instrument),
    "Instrument.for_subscale": Call({"id": of("group_competence")}, lambda: wave().instrument),
    "Instrument.common_scale": Call({"items": of(SOME)}, lambda: wave().instrument),
    "Instrument.minimum_of": Call({"scale": of("total")}, lambda: wave().instrument),
    "Instrument.scale_of": Call({"item": of("ces1")}, lambda: wave().instrument),
    "Instrument.to_file": Call({"path": of("own.yaml")}, lambda: wave().instrument),
    "Instrument.widest_scale": Call({}, lambda: wave().instrument),
    "Interval.__init__": Call({"low": of(0.0), "high": of(1.0)}, of(cte.Interval)),
    "Moments.fingerprint": Call({}, lambda: cte.Moments.from_data(answers())),
    "Moments.group": Call(
        {"label": of(1)}, lambda: cte.Moments.from_data(grouped(), SOME, by="g")
    ),
    "Responses.__init__": Call(
        {"frame": lambda: wave().to_frame(), "instrument": lambda: wave().instrument},
        of(cte.Responses),
    ),
    "Responses.analysed": Call({}, wave),
    "Responses.analysed_rows": Call({}, wave),
    "Responses.answers": Call({}, wave),
    "Responses.as_simulated": Call({"note": of("drawn")}, wave),
    "Responses.fingerprint": Call({}, wave),
    "Responses.pooled": Call({}, wave),
    "Responses.to_frame": Call({}, wave),
    "Responses.for_subscale": Call({"id": of("group_competence")}, wave),
    "Responses.where": Call({"mask": lambda: np.ones(len(wave()), dtype=bool)}, wave),
    "Responses.at_wave": Call({"wave": of(3)}, wave),
    "Validation.to_frame": Call({}, dossier),
    "Validation.to_html": Call({"path": of("page.html")}, dossier, 4),
    "Validation.to_json": Call({"path": of("page.json")}, dossier),
    "ResponseScale.code_of": Call({"label": of("x")}, lambda: wave().instrument.response_scale),
    "from_dict": Call({"record": lambda: instance("Mardia").to_dict()}),
    "list_instruments": Call({}),
    "load_example": Call({}),
    "load_instrument": Call({"id_or_path": of("ces_sf")}),
    "read_responses": Call({"path": answers_file, "instrument": lambda: wave().instrument}),
    "simulate_responses": Call(
        {"instrument": lambda: wave().instrument, "n_groups": of(4), "group_size": of(5),
         "rng": of(1)}
    ),
    "validate": Call({"responses": small}, draws=1),
    "aggregation.Agreement.critical_values": Call(
        {"n_resamples": of(20), "rng": of(1)}, on("Agreement")
    ),
    "aggregation.GroupScores.profile": Call({}, on("GroupScores")),
    "aggregation.MixedModel.profile_ci": Call({"parameters": of(["sigma"])}, on("MixedModel"), 4),
    "aggregation.MixedModel.contrast": Call({"weights": of({"ces2": 1.0})}, on("MixedModel")),
    "aggregation.aggregate": Call({"responses": wave}),
    "aggregation.agreement": Call(GROUPS),
    "aggregation.center": Call({"frame": grouped, "columns": of(SOME), "group": of("g")}),
    "aggregation.contextual_effect": Call(
        {"model": on("MixedModel"), "variable": of("ces2"), "within": of("ces2"),
         "between": of("intercept")}
    ),
    "aggregation.isomorphism": Call(
        GROUPS | {"factors": of({"f": SOME}), "steps": of(("configural", "metric"))}, draws=3
    ),
    "aggregation.item_variance_components": Call(GROUPS),
    "aggregation.mixed_model": Call(
        {"formula": of("ces1 ~ ces2"), "data": grouped, "group": of("g")}, draws=30
    ),
    "aggregation.protect": Call(
        {"table": lambda: pd.DataFrame({"group": list("abc"), "n": [3, 9, 12], "m": [1.0, 2, 3]})}
    ),
    "aggregation.split_correlations": Call(GROUPS),
    "aggregation.variance_components": Call(
        {"values": lambda: answers()["ces1"], "group": schools}
    ),
    "factor.EFA.standard_errors": Call(
        {"n_resamples": of(5), "rng": of(1)}, lambda: quietly(cte.factor.efa, 2)
    ),
    "factor.EFA.scores": Call(DATA, lambda: quietly(cte.factor.efa, 2)),
    "factor.EFA.weights": Call({}, on("EFA")),
    "factor.EFA.score_validity": Call({}, on("EFA")),
    "factor.LoadingErrors.intervals": Call({}, on("LoadingErrors")),
    "factor.adequacy": Call(DATA),
    "factor.cfa": Call(DATA | {"model": of(MODEL)}),
    "factor.congruence": Call(
        {"a": lambda: answers().iloc[:6, :2], "b": lambda: answers().iloc[6:12, :2]}
    ),
    "factor.correlations": Call(DATA),
    "factor.efa": Call(DATA | {"n_factors": of(2)}),
    "factor.invariance": Call(
        DATA | {"model": of(MODEL), "group": lambda: schools() > 3,
                "levels": of(["configural", "metric"])}, draws=6
    ),
    "factor.n_factors": Call(SHORT),
    "factor.polychoric": Call(DATA),
    "factor.rotate": Call({"loadings": lambda: answers().iloc[:6, :2] / 6}),
    "factor.schmid_leiman": Call({"efa": lambda: quietly(cte.factor.efa, 3)}),
    "planning.schools": Call({"icc1": of(0.2), "icc2": of(0.8), "group_size": of(10)}),
    "quality.henze_zirkler": Call(DATA),
    "quality.mardia": Call(DATA),
    "quality.second_opinion": Call(DATA, draws=3),
    "reliability.composite_intervals": Call({"fit": fit, "n_resamples": of(20), "rng": of(1)}),
    "reliability.composite_reliability": Call({"fit": fit}),
    "reliability.cronbach_alpha": Call(SHORT),
    "reliability.greatest_lower_bound": Call(SHORT),
    "reliability.guttman_lambdas": Call(SHORT),
    "reliability.hierarchical_omega": Call(SHORT),
    "reliability.htmt": Call(DATA | {"factors": of({"a": SOME[:2], "b": SOME[2:]})}),
    "reliability.htmt_intervals": Call(SHORT | {"factors": of({"a": SOME[:2], "b": SOME[2:]})}),
    "reliability.icc": Call({"ratings": answers}),
    "reliability.mcdonald_omega": Call(SHORT),
    "reliability.multilevel_reliability": Call(GROUPS | {"items": of(SOME)}, draws=4),
    "reliability.reliability_table": Call({"responses": wave}),
    "reliability.spearman_brown": Call({"r": of(0.5)}),
    "reliability.split_half": Call(SHORT),
    "reliability.standard_error_of_measurement": Call({"sd": of(1.0), "reliability": of(0.8)}),
    "reliability.stratified_alpha": Call(SHORT | {"subscales": of({"a": SOME[:2], "b": SOME[2:]})}),
    "reliability.test_retest": Call({"first": answers, "second": answers}),
    "scoring.against_published": Call({"responses": wave, "published": of({"total": {"mean": 4}})}),
    "scoring.item_analysis": Call(DATA),
    "scoring.local_norms": Call({"scores": lambda: cte.scoring.score(wave())}),
    "scoring.score": Call({"responses": wave}),
    "scoring.standard_score": Call({"scores": answers, "norm_mean": of(4.0), "norm_sd": of(1.0)}),
    "sem.SEMFit.again": Call({}, fit),
    "sem.SEMFit.confidence_intervals": Call({}, resampled),
    "sem.SEMFit.diagram": Call({}, fit),
    "sem.SEMFit.fit_by_level": Call({}, two_level),
    "sem.SEMFit.icc": Call({}, two_level),
    "sem.SEMFit.score_test": Call({}, constrained),
    "sem.SEMFit.parameters_with": Call({}, fit),
    "sem.SEMFit.fit_measures_with": Call({}, fit),
    "sem.SEMFit.residuals": Call({}, fit),
    "sem.SEMFit.modification_indices": Call({}, fit),
    "sem.SEMFit.wald_test": Call({"equations": of("f=~ces2 == 1")}, fit),
    "sem.SEMFit.factor_scores": Call({}, fit),
    "sem.SEMFit.standardized": Call({}, fit),
    "sem.cfa": Call(LATENT),
    "sem.compare": Call({"names": of(None)}, None, 0),
    "sem.fit": Call(LATENT, draws=30),
    "sem.lavaan": Call({"model": of(MODEL + "\n" + VARIANCES), "data": answers}),
    "sem.sam": Call(
        {
            "model": of("f =~ ces1 + ces2 + ces3; g =~ ces4 + ces5 + ces6; g ~ f"),
            "data": answers,
        },
        draws=20,
    ),
    "sem.growth": Call({"model": of("i =~ 1*ces1 + 1*ces2 + 1*ces3"), "data": answers}),
}  # fmt: skip

# What only the library itself makes, and what takes results of ours and nothing else.
LEFT_OUT = {
    "CTEError.__init__", "Moments.__init__", "aggregation.Protected.__init__",
    "aggregation.compare_models", "Instrument.summary", "Instrument.to_dict",
}  # fmt: skip

SCALARS: list[Any] = [
    None, True, 0, 1, -1, 2.5, float("nan"), float("inf"), -0.5, 1e308, 10**400, 1 + 2j, "", "x",
    b"x", object(), [], (), {}, [1], ["x", "x"], [None], {"x": 1}, {1: "x"}, {"f": ["ces1"]}, set(),
    print, float, np.array(3), np.array([]), np.array([[1.0, 2], [3, 4]]), np.array(["a", None]),
    pd.Series(dtype=float), pd.DataFrame(), Path("no/such/file"), pd.NaT, "ces1", ["ces1"],
]  # fmt: skip
# Numbers of rounds or of rows: a large one is a long wait, not an error.
COUNTS = {"n_resamples", "n_groups", "group_size", "n_waves"}


def damaged() -> dict[str, Any]:
    """Tables with something wrong in them."""
    good = answers()
    first = good.columns[0]
    infinite, text = good.copy(), good.astype(object)
    infinite.iloc[3, 0], text.iloc[3, 0] = np.inf, "often"
    imaginary = good.astype(object)
    imaginary.iloc[3, 0] = 1 + 2j
    return {
        "empty": good.iloc[:0], "no columns": good.iloc[:, :0], "one row": good.iloc[:1],
        "two rows": good.iloc[:2], "one column": good.iloc[:, :1], "constant": good * 0 + 3,
        "all missing": good * np.nan, "infinite": infinite, "huge": good.assign(**{first: 1e308}),
        "tiny": good.assign(**{first: good[first] * 1e-308}), "text": text,
        "complex": good * (1 + 2j), "complex cells": imaginary,
        "twice": pd.concat([good, good[[first]]], axis=1),
        "collinear": good.assign(**{first: good[good.columns[1]]}),
        "nullable": good.astype("Int64").mask(good > 6), "dates": good.astype("datetime64[ns]"),
        "numbered": good.set_axis(range(good.shape[1]), axis=1), "array": good.to_numpy(),
        "flags": good > 3, "three axes": np.ones((3, 3, 3)), "list": good.to_numpy().tolist(),
        "huge numbers": good * 1e300, "series": good[first],
    }  # fmt: skip


def bad_values(parameter: str, call: Call) -> Iterator[Any]:
    """Values for one parameter: damaged tables in place of tables, and everything else."""
    normal = call.given.get(parameter, of(None))()
    if isinstance(normal, pd.DataFrame | pd.Series):
        yield from damaged().values()
    if isinstance(normal, np.ndarray):
        yield from (normal[:3], normal * np.nan, normal * 0, [None] * len(normal))
    for value in SCALARS:
        large = isinstance(value, int | float) and not isinstance(value, bool) and value > 1e6
        if not (large and parameter in COUNTS):
            yield value


def tries(name: str) -> list[tuple[str, Any]]:
    """Every parameter with every value."""
    call, function = CALLS[name], dict(public())[name]
    names = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [(p.name, v) for p in names if p.kind not in kinds for v in bad_values(p.name, call)]


def outcome(name: str, parameter: str, value: Any) -> str | None:
    """What is wrong with what comes back, or nothing."""
    call, function = CALLS[name], dict(public())[name]
    arguments = {p: make() for p, make in call.given.items()} | {parameter: value}
    if call.owner is not None:
        owner = call.owner()
        function = owner if name.endswith("__init__") else getattr(owner, function.__name__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            function(**arguments)
        except CTEError:
            return None
        except Exception as error:
            shown = repr(value)[:60].replace("\n", " ")
            return f"{name}({parameter}={shown}): {type(error).__name__}: {str(error)[:90]}"
    return None


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some of the values are good names of files


def test_every_public_callable_is_called() -> None:
    results = {
        f"{room}{kind}.__init__"
        for kind in dir_of_results()
        for room in ("", *(f"{p}." for p in ("aggregation", "factor", "planning", "quality",
                                             "reliability", "scoring", "sem")))
    }  # fmt: skip
    names = {name for name, _ in public()} - results - LEFT_OUT
    assert names - set(CALLS) == set()
    assert set(CALLS) - {name for name, _ in public()} == set()


def faults(name: str, draws: int) -> list[str]:
    """What is wrong with what comes back from some of the tries, picked by a seed."""
    every = tries(name)
    rng = random.Random(zlib.crc32(name.encode()))
    some = rng.sample(every, min(draws, len(every)))
    return [o for p, v in some if (o := outcome(name, p, v))]


def dir_of_results() -> set[str]:
    def below(kind: type) -> Iterator[str]:
        for child in kind.__subclasses__():
            yield child.__name__
            yield from below(child)

    return set(below(Result))


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_call_itself_works(name: str) -> None:
    for parameter, make in list(CALLS[name].given.items())[:1]:
        assert outcome(name, parameter, make()) is None


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_result_or_a_refusal(name: str) -> None:
    wrong = faults(name, CALLS[name].draws)
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_result_or_a_refusal_everywhere(name: str) -> None:
    wrong = faults(name, 20 if CALLS[name].draws == 1 else 10_000)
    assert not wrong, "\n" + "\n".join(wrong)
