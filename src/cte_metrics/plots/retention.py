"""Eigenvalues beside those of random data."""

from __future__ import annotations

from typing import Any

import numpy as np

from cte_metrics.plots.style import BLUE, ORANGE, figure


def eigenvalues(retention: Any) -> Any:
    """Draw the scree with the reference eigenvalues of parallel analysis."""
    own = np.asarray(retention.eigenvalues, float)
    reference = np.asarray(retention.reference_eigenvalues, float)
    place = np.arange(1, len(own) + 1)
    with figure(6.0, 3.2) as (drawn, axes):
        axes.plot(place, own, "o-", color=BLUE, ms=4, label="these answers")
        axes.plot(place, reference, "--", color=ORANGE, label="random data")
        axes.set(title="How many factors?", xlabel="Component", ylabel="Eigenvalue")
        axes.legend(frameon=False)
    return drawn
