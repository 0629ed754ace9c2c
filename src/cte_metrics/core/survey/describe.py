"""A survey as text.

Function: ``describe``.
"""

from __future__ import annotations

from cte_metrics.core.survey.answers import missing_mark
from cte_metrics.core.survey.survey import Survey


def describe(survey: Survey) -> str:
    """Return what the answers are, as shown at the prompt."""
    n_rows, n_items = survey.codes.shape
    share = float((survey.codes == missing_mark(survey.codes.dtype)).mean())
    parts = [f"{n_rows:,} rows x {n_items} items"]
    if survey.n_respondents != n_rows:
        parts.append(f"{survey.n_respondents:,} respondents")
    if survey.group is not None:
        parts.append(_counted(survey.n_groups, "group"))
    if survey.wave is not None:
        parts.append(_counted(len(survey.waves), "wave"))
    parts.append(f"{share:.1%} missing")
    if len(survey.issues):
        parts.append(_counted(len(survey.issues), "issue"))
    mark = "SIMULATED " if survey.simulated else ""
    name = survey.instrument.name or survey.instrument.id
    return f"{mark}Responses to {name}: {', '.join(parts)}"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
