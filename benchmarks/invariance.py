"""Measurement invariance, modification indices and composite reliability, beside lavaan."""

from __future__ import annotations

import timing
from timing import TWO_FACTORS, Peer, items, race, survey

# isort: split
from cte_metrics import sem
from cte_metrics.factor import invariance
from cte_metrics.reliability import composite_reliability


def run() -> None:
    data = survey(100, 20, 12)
    answers = items(data).assign(group=data["group"])
    halves = answers.assign(group=data["group"] % 2)
    peer = Peer.r("invariance", {"answers": answers})
    for estimator in ("ML", "MLR"):
        race(
            f"invariance, 4 groups, 4 levels, {estimator}",
            lambda e=estimator: invariance(answers, TWO_FACTORS, group="group", estimator=e).table,
            peer,
            at_least=10,
            name="lavaan",
        )
    race(
        "invariance, 2 groups, 5 levels, WLSMV",
        lambda: invariance(halves, TWO_FACTORS, group="group", ordered=True).table,
        peer,
        at_least=10,
        name="lavaan",
    )
    fit = sem.cfa(TWO_FACTORS, answers)
    task = "modification indices, 12 items"
    race(task, fit.modification_indices, peer, at_least=3, name="lavaan")
    task = "composite reliability, 12 items"
    race(task, lambda: composite_reliability(fit), peer, at_least=5, name="semTools")


if __name__ == "__main__":
    timing.main(run)
