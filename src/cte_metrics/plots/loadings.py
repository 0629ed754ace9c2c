"""Loadings as a table of coloured cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.plots.style import INK, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heatmap(efa: Any, *, hide_below: float = 0.0) -> Figure:
    """Draw the pattern of an EFA, items by factors, blue positive and red negative.

    ``hide_below`` leaves the figures of smaller loadings out (not their colour).
    """
    table = efa.loadings
    values = table.to_numpy()
    p, k = values.shape
    width, height = 2.2 + 0.75 * k, 1.0 + 0.24 * p
    with figure(width, height) as (drawn, axes):
        axes.imshow(values, cmap="RdBu", vmin=-1.0, vmax=1.0, aspect="auto")
        axes.set_xticks(range(k), list(table.columns))
        axes.set_yticks(range(p), list(table.index))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for i, j in np.ndindex(p, k):
            if abs(values[i, j]) >= hide_below:
                colour = "white" if abs(values[i, j]) > 0.7 else INK
                axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=colour)
        axes.set_title("Loadings")
    return drawn
