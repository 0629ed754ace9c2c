"""Polychoric correlations and WLSMV factor models, beside lavaan."""

from __future__ import annotations

import timing
from timing import TWO_FACTORS, Peer, items, race, survey

# isort: split
from cte_metrics import sem
from cte_metrics.factor import polychoric


def whole(frame) -> None:
    """Fit, fit measures and the table of parameters."""
    fit = sem.cfa(TWO_FACTORS, frame.iloc[:, :12], identification="variance", ordered=True)
    _ = fit.fit_measures, fit.parameters


def run() -> None:
    small, large = (items(survey(n, 20, 21)) for n in (100, 1000))
    peer = Peer.r("ordinal", {"small": small, "large": large})
    race(
        "polychoric matrix, 2,000 x 21",
        lambda: polychoric(small, standard_errors=False),
        peer,
        at_least=10,
        name="lavaan::lavCor",
    )
    race(
        "polychoric with acov, 20,000 x 21",
        lambda: polychoric(large),
        peer,
        at_least=10,
        name="lavaan with NACOV",
    )
    race("CFA WLSMV, 2,000 x 12", lambda: whole(small), peer, at_least=10, name="lavaan")
    race("CFA WLSMV, 20,000 x 12", lambda: whole(large), peer, at_least=15, name="lavaan")


if __name__ == "__main__":
    timing.main(run)
