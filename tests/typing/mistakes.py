"""Misuses that type checkers must refuse: every line of code in ``mistakes`` is one."""

from __future__ import annotations

import pandas as pd

import cte_metrics as cte

SCALE = cte.ResponseScale(1, 5)


def mistakes(responses: cte.Responses, frame: pd.DataFrame) -> None:
    """Hold nothing but mistakes, one a line."""
    cte.Item("a", revers=True)
    cte.Item("a", certainty="sure")
    cte.Item("a").reverse = True
    cte.ResponseScale(1)
    cte.Subscale("s", "S")
    cte.Instrument("m", items=["a"])
    cte.Instrument("m", response_scale=SCALE, items=["a"], scoring="meen")
    cte.Instrument("m", response_scale=SCALE, items=["a"], subscale=[])
    cte.read_responses("a.csv", "ces_sf", on_invalid="drop")
    cte.Responses(frame, "ces_sf", school="school")
    cte.simulate_responses("ces_sf", n_group=3, group_size=4)
    cte.scoring.score(responses, method="meen")
    cte.scoring.score(responses, missing="prorated")
    cte.scoring.standard_score(4.5, norm_mean=4.0)
    cte.reliability.cronbach_alpha(responses, interval="felt")
    cte.reliability.cronbach_alfa(responses)
    cte.reliability.split_half(responses, splits="every")
    cte.reliability.mcdonald_omega(responses, interval="duhachek")
    cte.reliability.guttman_lambdas(responses, matrix="cov")
    cte.reliability.icc(frame, method="lmer")
    cte.reliability.htmt(frame, method="geometrical")
    cte.factor.efa(responses, 2, rotation="obliman")
    cte.factor.efa(responses, 2, method="mle")
    cte.factor.efa(responses, 2, correlation="poly")
    cte.factor.efa(responses, 2).scores(frame, "regresion")
    cte.factor.rotate(frame, "geomin", epsilon=0.01)
    cte.factor.n_factors(responses, methods=["scree"])
    cte.factor.polychoric(frame, missing="fiml")
    cte.factor.cfa(responses, estimater="MLR")
    cte.factor.cfa(responses, estimator="MRL")
    cte.factor.invariance(responses, group="wave", estimator="MRL")
    cte.factor.invariance(responses, group="wave", ordred=True)
    cte.factor.invariance(responses, group="wave", levels=["weak"])
    cte.sem.fit("f =~ a + b + c", frame, estimator="MRL")
    cte.sem.fit("f =~ a + b + c", frame, estimater="MLR")
    cte.sem.fit("f =~ a + b + c", frame, missing="pairwize")
    cte.sem.cfa("f =~ a + b + c", frame, ordred=True)
    cte.sem.compare(cte.sem.fit("f =~ a + b + c", frame), method="lrt")
    cte.aggregation.agreement(responses, null="unifrom")
    cte.aggregation.aggregate(responses, rule="means")
    cte.aggregation.aggregate(responses, min_group_size=5)
    cte.aggregation.variance_components(frame, method="ml")
    cte.planning.schools(icc1="0.2")
    cte.validate(frame)
    cte.validate(responses).figures["a"].savefg("a.png")
    cte.sem.fit("f =~ a + b + c", frame).plot().savefg("a.png")
    cte.Moments.from_data(frame, missing="fiml")
    cte.alfa(responses)
