"""The dossier's cut-offs: one table of rules, each with its words and the publication behind it.

Sections read their levels from here, so that a cut-off, the sentence that states it and its source
stand in one place. Whether teacher answers become a school score is decided in
``aggregation/evidence``; its marks are read, not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cte_metrics.aggregation.evidence import AGREEMENT_MARK, RELIABILITY_MARK, SIGNIFICANCE
from cte_metrics.report.section import Level


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a figure is good, and where it is still fair; ``None`` where it has no say."""

    good: float | None = None
    fair: float | None = None
    higher_is_better: bool = True
    strict: bool = False

    def is_good(self, value: float) -> bool:
        """Whether the value speaks for the best level."""
        return self._passes(value, self.good)

    def is_fair(self, value: float) -> bool:
        """Whether the value allows use with care."""
        return self._passes(value, self.fair)

    def _passes(self, value: float, mark: float | None) -> bool:
        if mark is None:
            return True
        if self.strict and value == mark:
            return False
        return value >= mark if self.higher_is_better else value <= mark


@dataclass(frozen=True, slots=True)
class Rule:
    """The cuts of a decision by figure, the rule in words, and its source."""

    cuts: Mapping[str, Cut]
    words: str
    source: str

    def level(self, figures: Mapping[str, float]) -> Level:
        """``good`` where every figure is good, ``caution`` where every one is fair, else ``stop``.

        Examples
        --------
        >>> RULES["sampling adequacy"].level({"kmo": 0.65})
        'caution'
        """
        if all(cut.is_good(figures[name]) for name, cut in self.cuts.items()):
            return "good"
        if all(cut.is_fair(figures[name]) for name, cut in self.cuts.items()):
            return "caution"
        return "stop"


RULES: dict[str, Rule] = {
    "missing answers": Rule(
        {"share_missing": Cut(0.05, 0.20, higher_is_better=False, strict=True)},
        "under 5% missing: supported; 5% to 20%: with care",
        "Schafer 1999, Statistical Methods in Medical Research 8, 3-15, for the 5%",
    ),
    "key": Rule(
        {"r_drop": Cut(0.20, 0.0)},
        "corrected item-total correlations above zero; below .20 is weak",
        "Nunnally & Bernstein 1994, Psychometric Theory",
    ),
    "reliability": Rule(
        {"lowest_alpha_limit": Cut(good=0.70), "lowest_alpha": Cut(fair=0.60)},
        "lower limit of alpha at least .70; the reliability of school means is a "
        "different question",
        "Nunnally & Bernstein 1994, Psychometric Theory",
    ),
    "sampling adequacy": Rule(
        {"kmo": Cut(0.70, 0.50)},
        "KMO at least .70 good, below .50 unacceptable",
        "Kaiser 1974, Psychometrika 39, 31-36",
    ),
    "model fit": Rule(
        {
            "cfi": Cut(0.95, 0.90),
            "rmsea": Cut(0.06, 0.08, higher_is_better=False),
            "srmr": Cut(0.08, 0.10, higher_is_better=False),
        },
        "CFI .95, RMSEA .06, SRMR .08 or better: good; .90, .08, .10: fair; teachers are nested in "
        "schools, so the test is approximate",
        "Hu & Bentler 1999, Structural Equation Modeling 6, 1-55",
    ),
    "school score": Rule(
        {
            "median_rwg_j": Cut(AGREEMENT_MARK, AGREEMENT_MARK),
            "p": Cut(good=SIGNIFICANCE, higher_is_better=False, strict=True),
            "icc2": Cut(good=RELIABILITY_MARK),
        },
        "as the evidence for each scale says, by the referent of its items",
        "aggregation/evidence names the publications",
    ),
}
