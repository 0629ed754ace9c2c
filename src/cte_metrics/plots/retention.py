"""Eigenvalues beside those of random data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.plots.style import BLUE, ORANGE, SOFT, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def eigenvalues(retention: Any) -> Figure:
    """Draw the scree with the reference eigenvalues of parallel analysis: components, factors."""
    panels = [("Component", "eigenvalues", "reference_eigenvalues", 1.0)]
    if len(retention.factor_eigenvalues):
        panels.append(("Factor", "factor_eigenvalues", "reference_factor_eigenvalues", 0.0))
    with figure(4.2 * len(panels), 3.2, ncols=len(panels), squeeze=False) as (drawn, axes):
        for axis, (label, own, reference, level) in zip(axes[0], panels, strict=True):
            _panel(axis, getattr(retention, own), getattr(retention, reference), level)
            axis.set(xlabel=label, ylabel="Eigenvalue")
        axes[0][0].set_title("How many factors?")
        axes[0][0].legend(frameon=False)
    return drawn


def _panel(axis: Any, own: Any, reference: Any, level: float) -> None:
    values, random = np.asarray(own, float), np.asarray(reference, float)
    place = np.arange(1, len(values) + 1)
    axis.axhline(level, color=SOFT, lw=0.7)
    axis.plot(place, values, "o-", color=BLUE, ms=4, label="these answers")
    if len(random) == len(values):
        axis.plot(place, random, "--", color=ORANGE, label="random data, 95th percentile")
