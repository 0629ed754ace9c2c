"""Confirmatory factor analysis of complete answers, beside lavaan and semopy."""

from __future__ import annotations

import timing
from timing import TWO_FACTORS, Peer, items, race, survey

# isort: split
from cte_metrics import sem


def whole(frame, **options) -> None:
    """Fit, fit measures and the table of parameters."""
    fit = sem.cfa(TWO_FACTORS, frame, identification="variance", **options)
    _ = fit.fit_measures, fit.parameters


def run() -> None:
    small, large = (items(survey(n, 20, 12)) for n in (100, 1000))
    lavaan = Peer.r("structural", {"small": small, "large": large})
    semopy = Peer.python("semopy", {"small": small})
    task = "CFA ML with fit measures and tables, 2,000 x 12"
    race(task, lambda: whole(small), lavaan, at_least=6, name="lavaan")
    race(task, lambda: whole(small), semopy, at_least=3)
    task = "CFA MLR, 20,000 x 12"
    race(task, lambda: whole(large, estimator="MLR"), lavaan, at_least=8, name="lavaan")


if __name__ == "__main__":
    timing.main(run)
