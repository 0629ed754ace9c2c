"""Responses in a few lines of text.

Function: ``describe``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cte_metrics.core.responses import Responses


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
