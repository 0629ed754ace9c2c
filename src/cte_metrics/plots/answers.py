"""How the answers to each item are spread over the response scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.plots.style import INK, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def answer_shares(
    shares: Any, *, title: str = "Answers to each item, after reverse scoring"
) -> Figure:
    """Draw one stacked bar an item.

    Parameters
    ----------
    shares : DataFrame
        Index item, one column a response category in order, values between 0 and 1.
    title : str
        Heading.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib

    colours = matplotlib.colormaps["RdYlBu"](np.linspace(0.12, 0.88, shares.shape[1]))
    y = np.arange(len(shares))[::-1]
    with figure(7.0, 1.1 + 0.26 * len(shares)) as (drawn, axes):
        left = np.zeros(len(shares))
        for colour, name in zip(colours, shares.columns, strict=True):
            values = shares[name].to_numpy(float)
            axes.barh(
                y, values, left=left, color=colour, edgecolor="white", lw=0.5, label=str(name)
            )
            left += values
        axes.set_yticks(y, [str(v) for v in shares.index], color=INK)
        axes.set(title=title, xlabel="Share of answers", xlim=(0, 1))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, title="Code")
    return drawn
