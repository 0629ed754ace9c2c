"""The dossier's levels at, above and below each cut-off."""

import math

import pytest

from cte_metrics.report.rules import RULES


@pytest.mark.parametrize(
    ("name", "figures", "level"),
    [
        ("missing answers", {"share_missing": 0.049}, "good"),
        ("missing answers", {"share_missing": 0.05}, "caution"),
        ("missing answers", {"share_missing": 0.20}, "stop"),
        ("key", {"r_drop": 0.2}, "good"),
        ("key", {"r_drop": 0.0}, "caution"),
        ("key", {"r_drop": -0.01}, "stop"),
        ("reliability", {"lowest_alpha": 0.8, "lowest_alpha_limit": 0.70}, "good"),
        ("reliability", {"lowest_alpha": 0.60, "lowest_alpha_limit": 0.5}, "caution"),
        ("reliability", {"lowest_alpha": 0.59, "lowest_alpha_limit": 0.5}, "stop"),
        ("reliability", {"lowest_alpha": math.nan, "lowest_alpha_limit": math.nan}, "stop"),
        ("sampling adequacy", {"kmo": 0.70}, "good"),
        ("sampling adequacy", {"kmo": 0.50}, "caution"),
        ("sampling adequacy", {"kmo": 0.49}, "stop"),
        ("model fit", {"cfi": 0.95, "rmsea": 0.06, "srmr": 0.08}, "good"),
        ("model fit", {"cfi": 0.95, "rmsea": 0.07, "srmr": 0.08}, "caution"),
        ("model fit", {"cfi": 0.90, "rmsea": 0.08, "srmr": 0.10}, "caution"),
        ("model fit", {"cfi": 0.90, "rmsea": 0.08, "srmr": 0.101}, "stop"),
        ("school score", {"median_rwg_j": 0.70, "p": 0.049, "icc2": 0.70}, "good"),
        ("school score", {"median_rwg_j": 0.70, "p": 0.05, "icc2": 0.70}, "caution"),
        ("school score", {"median_rwg_j": 0.70, "p": 0.001, "icc2": 0.69}, "caution"),
        ("school score", {"median_rwg_j": 0.69, "p": 0.001, "icc2": 0.70}, "stop"),
    ],
)
def test_levels_at_the_cuts(name, figures, level):
    assert RULES[name].level(figures) == level


def test_every_rule_has_words_and_a_source():
    assert all(rule.words and rule.source for rule in RULES.values())
