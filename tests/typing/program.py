"""A program that depends on the package as another application does; type checkers read it.

Each ``assert_type`` states what a caller may rely on.
"""

# pyright: strict

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import cte_metrics as cte


def instrument() -> cte.Instrument:
    """Describe an instrument as the how-to does."""
    cte.ResponseScale(1, 5)
    by_id = cte.Instrument("mini", response_scale=cte.ResponseScale(1, 5), items=["a", "b"])
    assert_type(by_id.item_ids, tuple[str, ...])
    items = [cte.Item("a"), cte.Item("b", reverse=True)]
    mini = cte.Instrument("mini", "Mini", "1", cte.ResponseScale(1, 5), items)
    assert_type(mini.item("a").reverse, bool)
    assert_type(mini.response_scale.labels, dict[int, str])
    return cte.Instrument(
        id="staff-efficacy",
        name="Staff efficacy, pilot form",
        version="1",
        response_scale=cte.ResponseScale(1, 6, {1: "strongly disagree", 6: "strongly agree"}),
        items=[
            cte.Item("q1", "reaches every student"),
            cte.Item("q2", "gives up easily", reverse=True),
            cte.Item("q3", "keeps order together"),
            cte.Item("q4", "leaves rules unclear", reverse=True),
        ],
        subscales=[
            cte.Subscale("teaching", "Teaching", ["q1", "q2"]),
            cte.Subscale("order", items=["q3", "q4"]),
        ],
        referent="group",
        minimum_answered=0.5,
    )


def survey(path: Path) -> cte.Responses:
    """Read, simulate and choose answers."""
    mine = instrument()
    mine.to_file(path / "mine.yaml")
    assert_type(cte.Instrument.from_file(path / "mine.yaml"), cte.Instrument)
    assert_type(cte.load_instrument("ces_sf"), cte.Instrument)
    drawn = cte.simulate_responses(mine, n_groups=30, group_size=12, icc=0.2, rng=1)
    frame = pd.DataFrame({"q1": [1, 2]})
    cte.Responses(frame, mine, group="school", columns=["a", "b", "c", "d"], on_invalid="missing")
    assert_type(drawn.keyed, pd.DataFrame)
    assert_type(drawn.at_wave(1).where(np.ones(len(drawn), dtype=bool)), cte.Responses)
    return cte.read_responses(path / "a.csv", mine, group="school", on_invalid="missing")


def scores(responses: cte.Responses) -> pd.DataFrame:
    """Score respondents."""
    found = cte.scoring.score(responses, method="pomp", missing="prorate", min_answered=0.5)
    assert_type(found.table, pd.DataFrame)
    assert_type(cte.scoring.standard_score(4.5, norm_mean=4.0, norm_sd=0.5), float)
    assert_type(cte.scoring.item_analysis(responses).table, pd.DataFrame)
    return cte.scoring.standard_score(found, norm_mean=4.0, norm_sd=0.5)


def reliability(responses: cte.Responses) -> cte.Interval:
    """Estimate reliability."""
    alpha = cte.reliability.cronbach_alpha(responses, interval="bonett")
    assert_type(alpha.alpha, float)
    assert_type(cte.reliability.split_half(responses, splits="psych").maximum, float)
    assert_type(cte.reliability.spearman_brown(alpha.alpha, 2), float)
    cte.reliability.mcdonald_omega(responses, ordinal=True, interval="delta")
    low, high = alpha.ci
    assert_type(low + high, float)
    return alpha.ci


def factors(responses: cte.Responses) -> None:
    """Explore and confirm a structure."""
    retention = cte.factor.n_factors(responses, methods=["parallel", "map"], rng=1)
    assert_type(retention.plot(), Figure)
    explored = cte.factor.efa(responses, 2, method="ml", rotation="geomin", kaiser=None)
    assert_type(explored.loadings, pd.DataFrame)
    cte.factor.rotate(explored.loadings, "oblimin", gamma=-0.5)
    confirmed = cte.factor.cfa(responses, "second_order", estimator="MLR", missing="fiml")
    assert_type(confirmed, cte.sem.SEMFit)
    cte.factor.invariance(responses, group="wave", levels=["configural", "metric"])


def models(frame: pd.DataFrame) -> Mapping[str, Any]:
    """Fit a model and read it."""
    fit = cte.sem.fit("f =~ a + b + c", frame, estimator="MLR", group="school")
    assert_type(fit, cte.sem.SEMFit)
    assert_type(fit.parameters, pd.DataFrame)
    assert_type(fit.converged, bool)
    assert_type(fit.plot(), Figure)
    cte.sem.cfa("f =~ a + b + c", frame, ordered=True)
    cte.sem.compare(fit, fit, method="satorra_2000")
    return fit.to_dict()


def schools(responses: cte.Responses) -> Figure:
    """Aggregate answers to schools."""
    within = cte.aggregation.agreement(responses, scale=(1, 6), null="slight_skew")
    cte.aggregation.agreement(responses, null=1.34)
    assert_type(within.critical_values(rng=1), pd.DataFrame)
    cte.aggregation.variance_components([1.0, 2.0], ["a", "b"], method="reml", group_size="n0")
    found = cte.aggregation.aggregate(responses, rule="item_means", staff_size={"a": 40})
    assert_type(found.to_dict(), dict[str, Any])
    return found.plot(scale="total")


def dossier(responses: cte.Responses, path: Path) -> str:
    """Validate a survey whole."""
    found = cte.validate(responses, title="Survey", progress=lambda step, share: None)
    assert_type(found.figures, Mapping[str, Figure])
    assert_type(found.tables, dict[str, pd.DataFrame])
    assert_type(found.decisions[0].verdict, str)
    assert_type(found.to_frame(), pd.DataFrame)
    return found.to_html(path)


def guarded(path: Path) -> str:
    """Catch what the package raises."""
    try:
        return str(survey(path))
    except cte.CTEError as error:
        return error.hint or str(error)
