"""Within-school agreement as a distribution over schools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.errors import one_of
from cte_metrics.plots.style import BLUE, SOFT, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def histogram(agreement: Any, *, column: str | None = None, threshold: float = 0.70) -> Figure:
    """Draw the distribution of rwg(j) (or rwg) over schools, with the conventional threshold."""
    name = column or ("rwg_j" if "rwg_j" in agreement.table else "rwg")
    values = agreement.table[one_of(name, agreement.table, "column")].dropna().to_numpy(float)
    edges = np.linspace(min(0.0, values.min(initial=0.0)), max(1.0, values.max(initial=1.0)), 21)
    label = {"rwg_j": "rwg(j)", "rwg": "rwg"}.get(name, name)
    with figure(6.0, 3.0) as (drawn, axes):
        axes.hist(values, bins=edges, color=BLUE, edgecolor="white")
        axes.axvline(threshold, color=SOFT, ls="--", lw=1)
        axes.set(title="Agreement within schools", xlabel=label, ylabel="Schools")
    return drawn
