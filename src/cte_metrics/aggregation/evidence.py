"""May teacher answers become a school score? The figures, the rule and the verdict.

Chan (1998) names how lower-level answers compose a higher-level construct. The instrument's
referent decides which of his models holds, and with it which statistics decide:

* referent shift consensus ("teachers in this school can ..."; referent group or school): the
  answers describe one shared object, so agreement decides first, then differences between schools.
* direct consensus ("I can ..."; referent self): the mean stands for a shared property only where
  teachers agree; otherwise schools may still differ in their averages (Chan's additive model), and
  the mean describes the average teacher.

ICC(2), the reliability of school means, never decides whether a school property exists; it tells
how far single schools can be told apart.

Functions: ``composition_of, evidence_row``; class ``Composition``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

AGREEMENT_MARK = 0.70
RELIABILITY_MARK = 0.70
SIGNIFICANCE = 0.05

SOURCE = (
    "Chan (1998), J. Applied Psychology, 83, 234-246; James, Demaree & Wolf (1984), J. Applied "
    "Psychology, 69, 85-98; Bliese (2000); LeBreton & Senter (2008), Organizational Research "
    "Methods, 11, 815-852"
)


@dataclass(frozen=True, slots=True)
class Composition:
    """A composition model: its name, what decides under it, what is only described."""

    name: str
    decisive: tuple[str, ...]
    descriptive: tuple[str, ...]
    rule: str


_MARKS = "(median rwg(j) of at least .70, uniform null)"

_CONSENSUS = Composition(
    "referent shift consensus",
    ("median_rwg_j", "icc1", "p"),
    ("icc2", "median_ad_mean"),
    f"Referent shift consensus: teachers must agree {_MARKS}, and schools must differ (F test of "
    "ICC(1), p < .05); ICC(2) of at least .70 is asked only for comparing single schools.",
)
_DIRECT = Composition(
    "direct consensus",
    ("median_rwg_j",),
    ("icc1", "p", "icc2", "median_ad_mean"),
    f"Direct consensus: the items speak of the teacher, so agreement {_MARKS} decides whether the "
    "school mean is shared; without it the mean describes the average teacher (additive "
    "composition), for which ICC(1) and ICC(2) are descriptive.",
)


def composition_of(referent: str) -> Composition:
    """Composition model for an instrument's referent.

    Examples
    --------
    >>> composition_of("group").name, composition_of("self").name
    ('referent shift consensus', 'direct consensus')
    """
    return _DIRECT if referent == "self" else _CONSENSUS


def evidence_row(figures: dict[str, Any], composition: Composition) -> dict[str, Any]:
    """Figures with verdict, rule and source.

    figures holds at least ``icc1, icc2, p, median_rwg_j``.
    """
    return {
        **figures,
        "composition": composition.name,
        "decided_by": ", ".join(composition.decisive),
        "verdict": verdict(figures, composition),
        "rule": composition.rule,
        "source": SOURCE,
    }


def verdict(figures: dict[str, Any], composition: Composition) -> str:
    """Put the decision in words.

    Examples
    --------
    >>> figures = {"median_rwg_j": 0.9, "icc1": 0.2, "p": 0.001, "icc2": 0.6}
    >>> verdict(figures, composition_of("group"))[:41]
    'School scores are justified, but uncertai'
    """
    if np.isnan(figures["icc1"]) or np.isnan(figures["median_rwg_j"]):
        return (
            "Undecided: these answers do not allow agreement and differences between schools to "
            "be estimated."
        )
    agree = figures["median_rwg_j"] >= AGREEMENT_MARK
    differ = figures["p"] < SIGNIFICANCE and figures["icc1"] > 0
    reliable = figures["icc2"] >= RELIABILITY_MARK
    if composition is _DIRECT:
        return _direct(agree, differ, reliable)
    return _referent_shift(agree, differ, reliable)


def _referent_shift(agree: bool, differ: bool, reliable: bool) -> str:
    if agree and differ and reliable:
        return (
            "School scores are justified: teachers agree, schools differ, and school means are "
            "reliable enough to compare schools."
        )
    if agree and differ:
        return (
            "School scores are justified, but uncertain: teachers agree and schools differ, yet "
            "single school means are not reliable; use shrunken scores with their intervals or "
            "latent school means."
        )
    if agree:
        return (
            "Teachers agree, but schools do not differ beyond chance: a school score says little "
            "more than the overall mean."
        )
    if differ:
        return (
            "Not shared: schools differ, but teachers of a school do not agree enough for one "
            "score to stand for it."
        )
    return "School scores are not justified: teachers do not agree and schools do not differ."


def _direct(agree: bool, differ: bool, reliable: bool) -> str:
    if agree:
        tail = "" if differ else " Schools do not differ beyond chance, though."
        return (
            "The school mean may stand for a shared property: teachers' answers about themselves "
            "agree within schools." + tail
        )
    if differ:
        precision = "reliably" if reliable else "with limited reliability"
        return (
            "The school mean describes the average teacher, not a shared property: answers do "
            f"not agree, but averages differ between schools {precision} (additive composition)."
        )
    return (
        "No school property: answers neither agree within schools nor differ between them; "
        "analyse teachers."
    )
