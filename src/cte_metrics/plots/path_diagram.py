"""Path diagrams: factors as ellipses, items as boxes, effects as arrows, covariances as arcs.

Items stand in a row, their factors above them, second-order factors above those; a factor whose
items all belong to other factors too (a general factor) stands below the items.

Functions: ``path_diagram``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from cte_metrics.errors import InputError, one_of
from cte_metrics.plots.style import BLUE, INK, ORANGE, SOFT, figure
from cte_metrics.plots.svg import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Shown = Literal["std_all", "std_lv", "est", "none"]
_STEP = 1.35
_ROW = 2.1


@dataclass(slots=True)
class _Layout:
    """Where every variable stands, and which are latent."""

    place: dict[str, tuple[float, float]] = field(default_factory=dict)
    latent: set[str] = field(default_factory=set)


def path_diagram(
    fit: Any,
    *,
    estimates: Shown = "std_all",
    group: int = 1,
    level: int = 1,
    path: Any = None,
) -> Figure:
    """Draw a fitted model.

    Parameters
    ----------
    fit : SEMFit
    estimates : {"std_all", "std_lv", "est", "none"}
        Which figures stand at the arrows.
    group, level : int
        Which group and level of a model with several (from 1).
    path : path-like, optional
        File to write, e.g. ``model.svg``.

    Returns
    -------
    matplotlib.figure.Figure
        Saves as SVG by ``figure.savefig("model.svg")``. Fixed parameters are dashed; line widths
        follow the standardized estimates.

    Raises
    ------
    InputError
        If there is no such group or level, or nothing to draw.
    """
    one_of(estimates, Shown, "estimates")
    table = fit.parameters
    rows = table[(table["group"] == group) & (table["level"] == level)]
    if rows.empty:
        raise InputError(f"This fit has no parameters in group {group}, level {level}.")
    layout = _layout(rows)
    if not layout.place:
        raise InputError("There is nothing to draw: the model has neither effects nor covariances.")
    xs = [x for x, _ in layout.place.values()]
    ys = [y for _, y in layout.place.values()]
    width = max(4.5, 0.62 * (max(xs) - min(xs)) + 2.4)
    height = max(2.8, 0.72 * (max(ys) - min(ys)) + 2.6)
    with figure(width, height) as (drawn, axes):
        axes.set_axis_off()
        _draw_paths(axes, rows, layout, estimates)
        _draw_variables(axes, layout)
        axes.set_xlim(min(xs) - 1.0, max(xs) + 1.0)
        axes.set_ylim(min(ys) - 1.1, max(ys) + 1.9)
        axes.set_title(_title(fit, group, level))
    if path is not None:
        save(drawn, path)
    return drawn


def _title(fit: Any, group: int, level: int) -> str:
    labels = fit.provenance.settings["groups"]
    parts = [str(labels[group - 1])] if labels else []
    if fit.parameters["level"].max() > 1:
        parts.append(f"level {level}")
    return ", ".join(parts)


def _layout(rows: Any) -> _Layout:
    loadings = rows[rows["op"] == "=~"]
    measured: dict[str, list[str]] = {}
    for factor, item in zip(loadings["lhs"], loadings["rhs"], strict=True):
        measured.setdefault(factor, []).append(item)
    factors = list(measured)
    layout = _Layout(latent=set(factors))
    items = list(dict.fromkeys(i for f in factors for i in measured[f] if i not in measured))
    general = _general_factors(measured)
    for k, item in enumerate(_ordered_items(measured, items, general)):
        layout.place[item] = (k * _STEP, 0.0)
    for factor in factors:
        if not set(measured[factor]) & layout.latent:
            height = -_ROW if factor in general else _ROW
            layout.place[factor] = (_middle(layout, measured[factor]), height)
    for factor in factors:
        if factor not in layout.place:
            known = [i for i in measured[factor] if i in layout.place]
            layout.place[factor] = (_middle(layout, known), 2 * _ROW)
    _spread(layout, factors)
    _place_others(rows, layout)
    return layout


def _general_factors(measured: dict[str, list[str]]) -> set[str]:
    """Factors that share most of their items with several other factors."""
    found = set()
    for factor, items in measured.items():
        others = [set(v) for f, v in measured.items() if f != factor]
        inside = [o for o in others if o and o < set(items)]
        if len(inside) > 1 or (inside and len(measured) == 2):
            found.add(factor)
    return found


def _ordered_items(
    measured: dict[str, list[str]], items: Sequence[str], general: set[str]
) -> list[str]:
    """Items factor by factor, general factors last."""
    order = [f for f in measured if f not in general] + [f for f in measured if f in general]
    listed = [i for f in order for i in measured[f] if i in set(items)]
    return list(dict.fromkeys(listed))


def _middle(layout: _Layout, names: Sequence[str]) -> float:
    places = [layout.place[n][0] for n in names]
    return sum(places) / len(places) if places else 0.0


def _spread(layout: _Layout, factors: Sequence[str]) -> None:
    """Move factors of the same row apart where they would overlap."""
    for height in sorted({layout.place[f][1] for f in factors}):
        row = sorted((layout.place[f], f) for f in factors if layout.place[f][1] == height)
        for left, right in pairwise(f for _, f in row):
            x = layout.place[left][0] + 1.6
            if layout.place[right][0] < x:
                layout.place[right] = (x, height)


def _place_others(rows: Any, layout: _Layout) -> None:
    """Predictors at the left, other observed variables at the right."""
    paths = rows[rows["op"].isin(["~", "<~"])]
    outcomes = set(paths["lhs"])
    names = [v for pair in zip(paths["rhs"], paths["lhs"], strict=True) for v in pair]
    pairs = rows[(rows["op"] == "~~") & (rows["lhs"] != rows["rhs"])]
    names += [v for pair in zip(pairs["lhs"], pairs["rhs"], strict=True) for v in pair]
    xs = [x for x, _ in layout.place.values()] or [0.0]
    left, right = min(xs) - 2.2, max(xs) + 2.2
    count = {left: 0, right: 0}
    for name in dict.fromkeys(names):
        if name in layout.place:
            continue
        x = right if name in outcomes else left
        layout.place[name] = (x, _ROW - 1.1 * count[x])
        count[x] += 1


def _draw_variables(axes: Any, layout: _Layout) -> None:
    from matplotlib.patches import Ellipse, FancyBboxPatch

    for name, (x, y) in layout.place.items():
        shape: Any
        if name in layout.latent:
            shape = Ellipse((x, y), 1.5, 0.82, fc="white", ec=BLUE, lw=1.4, zorder=3)
        else:
            shape = FancyBboxPatch(
                (x - 0.5, y - 0.25),
                1.0,
                0.5,
                boxstyle="round,pad=0.02,rounding_size=0.06",
                fc="white",
                ec=SOFT,
                lw=1.1,
                zorder=3,
            )
        axes.add_patch(shape)
        _write(axes, x, y, _short(name), size=8 if name in layout.latent else 7.2)


def _short(name: str) -> str:
    return name if len(name) <= 12 else name[:11] + "…"


def _write(axes: Any, x: float, y: float, text: str, *, size: float, **options: Any) -> None:
    """Write text as it is (a dollar sign begins no formula)."""
    label = axes.text(
        x, y, text, ha="center", va="center", size=size, color=INK, zorder=4, **options
    )
    label.set_parse_math(False)


def _draw_paths(axes: Any, rows: Any, layout: _Layout, estimates: Shown) -> None:
    columns = ["lhs", "op", "rhs", "free", "std_all"]
    figures = rows["std_all" if estimates == "none" else estimates]
    for values, figure_ in zip(rows[columns].itertuples(index=False), figures, strict=True):
        lhs, op, rhs, free, size = values
        text = "" if estimates == "none" or not math.isfinite(figure_) else _figure(figure_)
        weight = abs(float(size)) if math.isfinite(size) else 0.5
        if op == "=~":
            _arrow(axes, layout, lhs, rhs, text, weight, free > 0)
        elif op in ("~", "<~") and rhs:
            _arrow(axes, layout, rhs, lhs, text, weight, free > 0)
        elif op == "~~" and lhs != rhs and (free > 0 or abs(figure_) > 0):
            _arc(axes, layout, lhs, rhs, text, weight, free > 0)
        elif op == "~~" and lhs == rhs and lhs not in layout.latent and lhs in layout.place:
            x, y = layout.place[lhs]
            _write(axes, x, y - 0.45, text, size=6.2, alpha=0.7)


def _figure(value: float) -> str:
    text = f"{value:.2f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _arrow(
    axes: Any,
    layout: _Layout,
    start: str,
    end: str,
    text: str,
    weight: float,
    free: bool,
) -> None:
    if start not in layout.place or end not in layout.place:
        return
    (x0, y0), (x1, y1) = layout.place[start], layout.place[end]
    near = _edge(start in layout.latent, x1 - x0, y1 - y0)
    far = _edge(end in layout.latent, x0 - x1, y0 - y1)
    begin = (x0 + near[0], y0 + near[1])
    tip = (x1 + far[0], y1 + far[1])
    style = {"color": BLUE, "lw": 0.6 + 1.6 * min(weight, 1.0), "shrinkA": 0, "shrinkB": 0}
    style |= {"arrowstyle": "-|>", "linestyle": "-" if free else (0, (4, 2)), "alpha": 0.85}
    lift = 0.0
    if _is_blocked(layout, (x0, y0), (x1, y1)):
        bend = -0.28 if x1 > x0 else 0.28
        style["connectionstyle"] = f"arc3,rad={bend}"
        lift = 0.14 * abs(x1 - x0)
    axes.annotate("", xy=tip, xytext=begin, arrowprops=style, zorder=1)
    if text:
        x, y = (0.42 * begin[k] + 0.58 * tip[k] for k in (0, 1))
        _write(axes, x, y + lift, text, size=6.8, bbox={"fc": "white", "ec": "none", "pad": 0.6})


def _is_blocked(layout: _Layout, a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether another variable stands between two of the same row."""
    low, high = sorted((a[0], b[0]))
    same = abs(a[1] - b[1]) < 0.3
    return same and any(
        low + 0.1 < x < high - 0.1 and abs(y - a[1]) < 0.5 for x, y in layout.place.values()
    )


def _edge(latent: bool, dx: float, dy: float) -> tuple[float, float]:
    """Offset from a variable's centre to its outline in a direction."""
    length = math.hypot(dx, dy) or 1.0
    if latent:
        scale = 1.0 / math.hypot(dx / length / 0.75, dy / length / 0.41)
    else:
        scale = min(
            0.52 / abs(dx / length) if dx else math.inf,
            0.27 / abs(dy / length) if dy else math.inf,
        )
    return dx / length * scale, dy / length * scale


def _arc(
    axes: Any,
    layout: _Layout,
    first: str,
    second: str,
    text: str,
    weight: float,
    free: bool,
) -> None:
    if first not in layout.place or second not in layout.place:
        return
    (a, b) = sorted((layout.place[first], layout.place[second]))
    up = 1.0 if {first, second} & layout.latent else -1.0
    reach = 0.41 if up > 0 else 0.62
    begin, tip = (a[0], a[1] + up * reach), (b[0], b[1] + up * reach)
    bend = -0.32 * up
    style = {"color": ORANGE, "lw": 0.5 + 1.4 * min(weight, 1.0), "shrinkA": 0, "shrinkB": 0}
    style |= {"arrowstyle": "<|-|>", "connectionstyle": f"arc3,rad={bend}"}
    style |= {"linestyle": "-" if free else (0, (4, 2)), "mutation_scale": 8}
    axes.annotate("", xy=tip, xytext=begin, arrowprops=style, zorder=1)
    if text:
        x = 0.5 * (begin[0] + tip[0])
        y = 0.5 * (begin[1] + tip[1]) + up * 0.16 * math.hypot(tip[0] - begin[0], tip[1] - begin[1])
        _write(axes, x, y, text, size=6.8, bbox={"fc": "white", "ec": "none", "pad": 0.6})
