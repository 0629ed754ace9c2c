"""Answers with gaps and two-level factor models, beside lavaan.

What lavaan does in a fit (standard errors, test, unrestricted and baseline model) is asked of both,
and the table of parameters of us.
"""

from __future__ import annotations

import timing
from timing import FIRST, SECOND, TWO_FACTORS, Peer, race, survey

# isort: split
import numpy as np

from cte_metrics import sem

LEVELS = f"level: 1\nW1 =~ {FIRST}\nW2 =~ {SECOND}\nlevel: 2\nB1 =~ {FIRST}\nB2 =~ {SECOND}"
WANTED = {
    "CFA FIML, 10% missing, 2,000 x 12": 15,
    "CFA FIML MLR, 10% missing, 2,000 x 12": 15,
    "two-level CFA, balanced, 20,000 in 1,000 schools": 10,
    "two-level CFA, unbalanced, 1,000 schools": 10,
    "two-level CFA MLR, unbalanced, 1,000 schools": 10,
    "two-level FIML, 10% missing, 2,000 in 100 schools": 10,
}


def unbalanced(frame):
    """Keep 25 to 100 per cent of each school."""
    rng = np.random.default_rng(1)
    share = rng.uniform(0.25, 1.0, frame["school"].nunique())
    return frame[rng.random(len(frame)) < share[frame["school"]]]


def fit(model: str, frame, **options) -> None:
    """Fit with standard errors, test, unrestricted and baseline model."""
    found = sem.cfa(model, frame, identification="variance", **options)
    _ = found.fit_measures, found.parameters


def run() -> None:
    even = survey(1000, 20, 12)
    gaps = survey(100, 20, 12, missing=0.1)
    uneven = unbalanced(even)
    peer = Peer.r("casewise", {"gaps": gaps, "even": even, "uneven": uneven})
    school = {"cluster": "school"}
    ours = [
        lambda: fit(TWO_FACTORS, gaps, missing="fiml"),
        lambda: fit(TWO_FACTORS, gaps, missing="fiml", estimator="MLR"),
        lambda: fit(LEVELS, even, **school),
        lambda: fit(LEVELS, uneven, **school),
        lambda: fit(LEVELS, uneven, estimator="MLR", **school),
        lambda: fit(LEVELS, gaps, missing="fiml", **school),
    ]
    for (task, wanted), own in zip(WANTED.items(), ours, strict=True):
        race(task, own, peer, at_least=wanted, name="lavaan")


if __name__ == "__main__":
    timing.main(run)
