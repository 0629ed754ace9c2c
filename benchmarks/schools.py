"""Agreement, ICCs and mixed models of 300,000 teachers in 15,000 schools, beside R.

Ours are the public functions, from data frame to result; ``agreement`` gives rwg(j), r*wg(j), both
AD, awg and more at once.
"""

from __future__ import annotations

import timing
from timing import Here, Peer, items, race, survey

# isort: split
import numpy as np

from cte_metrics.aggregation import (
    agreement,
    item_variance_components,
    mixed_model,
    variance_components,
)

ICCS = "ICC(1), ICC(2) of 12 items, 300,000 in 15,000 schools"


def answers():
    """The survey with two outcomes: slopes that differ between schools, and slopes alike."""
    frame = survey(15_000, 20, 12)
    frame["cte"] = items(frame).mean(axis=1)
    frame["w"] = frame["cte"] - frame.groupby("school")["cte"].transform("mean")
    rng = np.random.default_rng(1)
    slope = (0.5 + 0.2 * rng.normal(size=15_000))[frame["school"]]
    frame["y"] = frame["ses"] + slope * frame["w"] + rng.normal(size=len(frame))
    frame["alike"] = frame["ses"] + 0.5 * frame["w"] + np.sin(np.arange(len(frame)))
    return frame


def one_pass(x: np.ndarray, school: np.ndarray) -> tuple:
    """rwg(j), AD about the mean and ICC(1) by sums over sorted schools: the arithmetic needed."""
    start = np.flatnonzero(np.r_[True, school[1:] != school[:-1]])
    n = np.diff(np.r_[start, len(x)])[:, None]
    mean = np.add.reduceat(x, start) / n
    variance = (np.add.reduceat(x * x, start) - n * mean**2) / (n - 1)
    r = 1 - variance.mean(axis=1) / (35 / 12)
    ad = np.add.reduceat(np.abs(x - np.repeat(mean, n[:, 0], axis=0)), start) / n
    between = (n * (mean - x.mean(axis=0)) ** 2).sum(axis=0) / (len(n) - 1)
    within = (variance * (n - 1)).sum(axis=0) / (len(x) - len(n))
    icc = (between - within) / (between + (n.mean() - 1) * within)
    return 12 * r / (12 * r + 1 - r), ad, icc


def aggregation(frame, peer: Peer) -> None:
    """Agreement and ICCs."""
    data = items(frame).assign(school=frame["school"])
    few = data.iloc[: 20 * 5]

    def table():
        return agreement(data, "school", scale=(1, 6))

    def null():
        found = agreement(few, "school", scale=(1, 6))
        return found.critical_values(n_resamples=1000, rng=1)

    task = "rwg(j), 15,000 schools x 20 x 12"
    race(task, table, peer, at_least=50, name="multilevel")
    matrix, school = items(frame).to_numpy(np.float64), frame["school"].to_numpy()
    race(task, table, Here("one pass in numpy", lambda: one_pass(matrix, school)), at_least=1)
    task = "AD about the median, 15,000 schools x 20 x 12"
    race(task, table, peer, at_least=50, name="multilevel")
    for method in ("anova", "reml"):
        race(
            f"{ICCS}, {method}",
            lambda m=method: item_variance_components(data, "school", method=m),
            peer,
            at_least=200,
            asked=ICCS,
            name="multilevel",
        )
    race(
        f"{ICCS}, one call each",
        lambda: [variance_components(data[name], data["school"]) for name in items(frame)],
        peer,
        at_least=200,
        asked=ICCS,
        name="multilevel",
    )
    task = "rwg(j) null simulation, 1,000 groups of 20 x 12"
    race(task, null, peer, at_least=50, name="multilevel")


def run() -> None:
    frame = answers()
    peer = Peer.r("schools", {"answers": frame})
    aggregation(frame, peer)
    task = "random intercept REML, 300,000 in 15,000 schools"
    race(task, lambda: mixed_model("cte ~ ses", frame, "school"), peer, at_least=10, name="lme4")
    slopes = {
        "random slope REML, 300,000 in 15,000 schools": "y ~ w",
        "random slope REML, the same, slopes alike": "alike ~ w",
    }
    for task, formula in slopes.items():
        race(
            task,
            lambda f=formula: mixed_model(f, frame, "school", slopes=["w"]),
            peer,
            at_least=5,
            name="lme4",
        )


if __name__ == "__main__":
    timing.main(run)
