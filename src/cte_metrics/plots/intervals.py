"""Estimates with their intervals: reliability coefficients and school scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cte_metrics.errors import one_of
from cte_metrics.plots.style import BLUE, INK, ORANGE, SOFT, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LABELS = 60


def dot_intervals(
    labels: Sequence[str],
    estimates: npt.ArrayLike,
    limits: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    title: str = "",
    xlabel: str = "",
    reference: float | None = None,
    second: tuple[str, npt.ArrayLike] | None = None,
) -> Figure:
    """Draw one horizontal interval a label.

    Parameters
    ----------
    labels, estimates : sequence
        Names and point estimates, top to bottom.
    limits : tuple of two sequences
        Lower and upper limits; nan leaves the interval out.
    title, xlabel : str
        Texts.
    reference : float, optional
        A vertical line (a threshold or the grand mean).
    second : tuple of str and sequence, optional
        Name and values of a second estimate, drawn as a hollow mark.

    Returns
    -------
    matplotlib.figure.Figure
    """
    point, (low, high) = np.asarray(estimates, float), (np.asarray(v, float) for v in limits)
    y = np.arange(len(point))[::-1]
    many = len(point) > MAX_LABELS
    row = 0.27 if len(point) <= 25 else 0.15
    height = 1.0 + (4.5 if many else row * max(len(point), 2))
    with figure(7.0, height) as (drawn, axes):
        axes.hlines(y, low, high, color=BLUE, lw=0.8 if many else 2, alpha=0.75)
        axes.plot(point, y, "o", color=BLUE, ms=2 if many else 5)
        if second is not None:
            axes.plot(
                second[1], y, "o", mfc="none", color=ORANGE, ms=3 if many else 6, label=second[0]
            )
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        if reference is not None:
            axes.axvline(reference, color=SOFT, lw=1, ls="--")
        axes.set(title=title, xlabel=xlabel, ylim=(-0.7, len(point) - 0.3))
        axes.set_yticks(
            [] if many else y,
            [] if many else [str(v) for v in labels],
            color=INK,
            fontsize=9.5 if row > 0.2 else 7,
        )
    return drawn


def reliability(table: Any, *, threshold: float = 0.70) -> Figure:
    """Draw alpha with its interval, and omega, for each scale of a reliability table."""
    return dot_intervals(
        [str(v) for v in table.index],
        table["alpha"],
        (table["alpha_ci_low"], table["alpha_ci_high"]),
        title="Reliability of each scale",
        xlabel="Cronbach's alpha with its interval",
        reference=threshold,
        second=("McDonald's omega", table["omega"]) if "omega" in table else None,
    )


def group_scores(scores: Any, *, scale: str = "total") -> Figure:
    """Draw school means with their intervals, lowest first; suppressed schools are left out."""
    scales = scores.table.index.unique("scale")
    table = scores.table.xs(one_of(scale, scales, "scale"), level="scale")
    shown = table[~table["suppressed"].astype(bool)].sort_values("mean", ascending=False)
    hidden = len(table) - len(shown)
    suffix = f" ({hidden} suppressed)" if hidden else ""
    return dot_intervals(
        [str(v) for v in shown.index],
        shown["mean"],
        (shown["ci_low"], shown["ci_high"]),
        title=f"School scores, {scale}{suffix}",
        xlabel="Mean of the school with its interval; hollow: shrunken",
        reference=float(shown["mean"].mean()) if len(shown) else None,
        second=("shrunken", shown["shrunken"]) if "shrunken" in shown else None,
    )
