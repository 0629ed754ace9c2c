"""The parts of an instrument as lines of text.

Functions: ``labelled, answers, items, norms, facts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cte_metrics.core.instrument.parts import Fact, Item, Norm, Subscale
from cte_metrics.core.instrument.response_scale import ResponseScale


def labelled(name: str, value: str | None) -> str:
    """Return ``name: value``, nothing where there is no value."""
    return f"{name}: {value}" if value else ""


def answers(scale: ResponseScale) -> str:
    """Return the response range with the words that its answers carry."""
    words = ", ".join(f"{code} {label}" for code, label in scale.labels.items())
    return f"Answers: {scale.minimum} to {scale.maximum}{_brackets(words)}"


def items(listed: Sequence[Item], subscales: Sequence[Subscale]) -> list[str]:
    """Return one line an item: id, subscales, whether it is reversed, gloss."""
    home = {item.id: ", ".join(s.id for s in subscales if item.id in s.items) for item in listed}
    width = max(map(len, home))
    middle = max(map(len, home.values()))
    return [
        f"  {i.id:<{width}}  {home[i.id]:<{middle}}  {'reversed' if i.reverse else '':<8}  "
        f"{i.label}{_own_range(i)}".rstrip()
        for i in listed
    ]


def _own_range(item: Item) -> str:
    scale = item.response_scale
    return "" if scale is None else f" ({scale.minimum} to {scale.maximum})"


def norms(listed: Sequence[Norm]) -> list[str]:
    """Return the norms under their heading, or that there are none."""
    if not listed:
        return ["Norms: none supplied"]
    return ["Norms:"] + [
        f"  {n.scale}: mean {n.mean:g}, sd {n.sd:g}{_brackets(n.source)}" for n in listed
    ]


def facts(known: Mapping[str, Fact]) -> list[str]:
    """Return how sure each fact is, under a heading where there are any."""
    lines = [f"  {name}: {f.certainty}{_brackets(f.note)}" for name, f in known.items()]
    return ["Facts:", *lines] if lines else []


def _brackets(remark: str) -> str:
    return f" ({remark})" if remark else ""
