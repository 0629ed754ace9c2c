"""Responses and instruments as text.

Functions: ``describe, describe_instrument``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cte_metrics.core.instrument.instrument import Instrument
    from cte_metrics.core.survey.responses import Responses


def describe(responses: Responses) -> str:
    """Return what the answers are, as shown at the prompt."""
    instrument = responses.instrument
    answers = responses.answers(keyed=False)
    share = float(np.isnan(answers).mean()) if answers.dtype.kind == "f" else 0.0
    parts = [f"{len(responses):,} rows x {responses.n_items} items"]
    if responses.n_respondents != len(responses):
        parts.append(f"{responses.n_respondents:,} respondents")
    if responses.group is not None:
        parts.append(_counted(responses.n_groups, "group"))
    if responses.wave is not None:
        parts.append(_counted(len(responses.waves), "wave"))
    parts.append(f"{share:.1%} missing")
    if len(responses.issues):
        parts.append(_counted(len(responses.issues), "issue"))
    mark = "SIMULATED " if responses.simulated else ""
    return f"{mark}Responses to {instrument.name or instrument.id}: {', '.join(parts)}"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def describe_instrument(instrument: Instrument) -> str:
    """Return the facts of an instrument, with how sure each of them is."""
    scale = instrument.response_scale
    labels = ", ".join(f"{code} {text}" for code, text in scale.labels.items())
    facts = [f"  {name}: {f.certainty}{_brackets(f.note)}" for name, f in instrument.facts.items()]
    norms = [
        f"  {n.scale}: mean {n.mean:g}, sd {n.sd:g}{_brackets(n.source)}" for n in instrument.norms
    ]
    lines = [
        f"{instrument.name or instrument.id} ({instrument.id}, version {instrument.version})",
        f"Form: {instrument.form}" if instrument.form else "",
        f"Answers: {scale.minimum} to {scale.maximum}{_brackets(labels)}",
        f"Referent: {instrument.referent}; used at the level of the {instrument.level}; "
        f"score: {instrument.scoring}; school score: {instrument.group_rule}",
        f"Certainty of the key: {instrument.key_certainty}",
        *_item_lines(instrument),
        "Norms:" if norms else "Norms: none supplied",
        *norms,
        "Facts:" if facts else "",
        *facts,
        *(f"Note: {note}" for note in instrument.notes),
        f"Source: {instrument.citation}" if instrument.citation else "",
        f"DOI: {instrument.doi}" if instrument.doi else "",
        f"Rights: {instrument.rights}" if instrument.rights else "",
    ]
    return "\n".join(line for line in lines if line)


def _item_lines(instrument: Instrument) -> list[str]:
    """Return one line an item: id, subscales, whether it is reversed, gloss."""
    home = {
        item: ", ".join(s.id for s in instrument.subscales if item in s.items)
        for item in instrument.item_ids
    }
    width = max(len(i) for i in instrument.item_ids)
    middle = max(len(h) for h in home.values())
    return [
        f"  {i.id:<{width}}  {home[i.id]:<{middle}}  {'reversed' if i.reverse else '':<8}  "
        f"{i.label}".rstrip()
        for i in instrument.items
    ]


def _brackets(text: str) -> str:
    return f" ({text})" if text else ""
