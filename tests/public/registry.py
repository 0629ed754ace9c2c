"""One real instance of every public class of results, made from the bundled example.

``CALLS`` names for each class the public function that makes it and how it is called here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import cte_metrics as cte
from cte_metrics.results import Result

HALF = "ces1 + ces2 + ces3 + ces4"
ITEMS = ("ces1", "ces2", "ces3", "ces4", "ces5", "ces6")


@dataclass(frozen=True)
class Call:
    """A public function and a call of it; ``asked`` is whether its data are Responses."""

    function: str
    make: Callable[[], Any]
    asked: bool = True


@cache
def survey() -> cte.Responses:
    whole = cte.load_example()
    return whole.where((whole.group <= "school_20").to_numpy())


@cache
def wave() -> cte.Responses:
    return survey().at_wave(3)


def two_level() -> Any:
    return cte.aggregation.isomorphism(
        wave(), factors={"f": ITEMS[:4]}, steps=("configural", "metric")
    )


CALLS: dict[str, Call] = {
    "Agreement": Call("aggregation.agreement", lambda: cte.aggregation.agreement(wave(), "group")),
    "GroupScores": Call("aggregation.aggregate", lambda: cte.aggregation.aggregate(survey())),
    "Isomorphism": Call("aggregation.isomorphism", two_level),
    "MixedModel": Call(
        "aggregation.mixed_model",
        lambda: cte.aggregation.mixed_model("ces1 ~ ces2", wave()),
    ),
    "SplitCorrelations": Call(
        "aggregation.split_correlations",
        lambda: cte.aggregation.split_correlations(wave(), "group"),
    ),
    "VarianceComponents": Call(
        "aggregation.variance_components",
        lambda: cte.aggregation.variance_components(wave(), "group"),
    ),
    "Adequacy": Call("factor.adequacy", lambda: cte.factor.adequacy(wave())),
    "EFA": Call("factor.efa", lambda: cte.factor.efa(wave(), 2)),
    "Invariance": Call(
        "factor.invariance",
        lambda: cte.factor.invariance(
            wave(),
            f"f =~ {HALF}",
            group=(wave().group < "school_10").to_numpy(),
            levels=["configural", "metric"],
        ),
    ),
    "LoadingErrors": Call(
        "factor.EFA.standard_errors", lambda: cte.factor.efa(wave(), 2).standard_errors()
    ),
    "Correlations": Call("factor.correlations", lambda: cte.factor.correlations(wave())),
    "Polychoric": Call("factor.polychoric", lambda: cte.factor.polychoric(wave())),
    "Retention": Call(
        "factor.n_factors", lambda: cte.factor.n_factors(wave(), n_resamples=20, rng=1)
    ),
    "Rotated": Call(
        "factor.rotate", lambda: cte.factor.rotate(cte.factor.efa(wave(), 2), "geomin")
    ),
    "SchoolPlan": Call(
        "planning.schools",
        lambda: cte.planning.schools(0.2, icc2=0.8, group_size=10),
        asked=False,
    ),
    "HenzeZirkler": Call("quality.henze_zirkler", lambda: cte.quality.henze_zirkler(wave())),
    "Mardia": Call("quality.mardia", lambda: cte.quality.mardia(wave())),
    "SecondOpinion": Call("quality.second_opinion", lambda: cte.quality.second_opinion(wave())),
    "Alpha": Call(
        "reliability.cronbach_alpha",
        lambda: cte.reliability.cronbach_alpha(wave(), interval="bootstrap", n_resamples=20, rng=7),
    ),
    "GreatestLowerBound": Call(
        "reliability.greatest_lower_bound", lambda: cte.reliability.greatest_lower_bound(wave())
    ),
    "GuttmanLambdas": Call(
        "reliability.guttman_lambdas", lambda: cte.reliability.guttman_lambdas(wave())
    ),
    "HierarchicalOmega": Call(
        "reliability.hierarchical_omega", lambda: cte.reliability.hierarchical_omega(wave(), 3)
    ),
    "MultilevelReliability": Call(
        "reliability.multilevel_reliability",
        lambda: cte.reliability.multilevel_reliability(wave(), "group", items=ITEMS[:4]),
    ),
    "Omega": Call("reliability.mcdonald_omega", lambda: cte.reliability.mcdonald_omega(wave())),
    "SplitHalf": Call("reliability.split_half", lambda: cte.reliability.split_half(wave())),
    "StratifiedAlpha": Call(
        "reliability.stratified_alpha", lambda: cte.reliability.stratified_alpha(wave())
    ),
    "TestRetest": Call(
        "reliability.test_retest",
        lambda: cte.reliability.test_retest(survey().at_wave(1), survey().at_wave(2)),
    ),
    "ItemAnalysis": Call("scoring.item_analysis", lambda: cte.scoring.item_analysis(wave())),
    "Norms": Call(
        "scoring.local_norms",
        lambda: cte.scoring.local_norms(cte.scoring.score(wave())),
    ),
    "PublishedComparison": Call(
        "scoring.against_published",
        lambda: cte.scoring.against_published(wave(), published={"total": {"mean": 4.0, "n": 90}}),
    ),
    "Scores": Call("scoring.score", lambda: cte.scoring.score(wave())),
    "SEMFit": Call("sem.fit", lambda: cte.sem.fit(f"f =~ {HALF}", wave())),
    "SAMFit": Call(
        "sem.sam",
        lambda: cte.sem.sam(
            "f =~ ces1 + ces2 + ces3; g =~ ces4 + ces5 + ces6; g ~ f", wave(), mapping="uls"
        ),
    ),
    "ScoreTest": Call(
        "sem.SEMFit.score_test",
        lambda: cte.sem.fit("f =~ ces1 + a*ces2 + a*ces3 + ces4", wave()).score_test(),
    ),
    "WaldTest": Call(
        "sem.SEMFit.wald_test",
        lambda: cte.sem.fit("f =~ ces1 + a*ces2 + b*ces3 + ces4", wave()).wald_test("a == b"),
    ),
    "Validation": Call("validate", lambda: cte.validate(cte.load_example())),
}


@cache
def instance(name: str) -> Result:
    """Return the instance of a class, made once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CALLS[name].make()


def public_function(name: str) -> Callable[..., Any]:
    """Return the public function that makes a class's instance."""
    return reduce(getattr, CALLS[name].function.split("."), cte)
