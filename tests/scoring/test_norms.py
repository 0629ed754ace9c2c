"""Local norms and the comparison with published figures: by hand, properties, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.reliability import cronbach_alpha
from cte_metrics.scoring import against_published, local_norms, score
from tests.scoring.test_scores import mini


def survey(n: int = 150, seed: int = 1, **options) -> cte.Responses:
    rng = np.random.default_rng(seed)
    x = np.clip(np.rint(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, 4))), 1, 5)
    frame = dict(zip("abcd", x.T, strict=True))
    parts = [cte.Subscale("ab", "", ["a", "b"]), cte.Subscale("cd", "", ["c", "d"])]
    return mini(frame, subscales=parts, **options)


def totals(found, statistic: str) -> pd.Series:
    return found.table.query("scale == 'total' and statistic == @statistic").iloc[0]


# --- local norms --------------------------------------------------------------------------------


def test_percentiles_and_t_scores_by_hand() -> None:
    found = local_norms(score(mini({"a": [1, 2, 2, 5], "b": [1, 2, 2, 5]})))
    own = found.table.loc["total"]
    assert own.index.tolist() == [1.0, 2.0, 5.0]
    assert own["percentile"].tolist() == [12.5, 50.0, 87.5]  # below and half of those at it
    assert own["n"].tolist() == [1, 2, 1]
    sd = np.sqrt(((1 - 2.5) ** 2 + 2 * 0.25 + 2.5**2) / 3)
    assert own["t"].tolist() == pytest.approx([50 + 10 * (x - 2.5) / sd for x in (1, 2, 5)])
    # Clopper-Pearson for 0 of 4 below the lowest, 1 of 4 up to it: 1 - (1 - p)^4 - ... by binomial
    assert own["percentile_low"].tolist()[0] == 0.0
    assert own["percentile_high"].tolist()[2] == 100.0
    assert own["percentile_high"].tolist()[0] == pytest.approx(80.588, abs=1e-3)
    z = (5 - 2.5) / sd
    half = 1.959964 * 10 * np.sqrt((1 + z**2 / 2) / 4)
    assert own.loc[5.0, "t_high"] - own.loc[5.0, "t"] == pytest.approx(half, rel=1e-6)
    assert "Fewer than 100 respondents" in " ".join(found.notes)


def test_norms_hold_every_scale_and_order_the_scores() -> None:
    found = local_norms(score(survey()))
    assert found.scales.index.tolist() == ["ab", "cd", "total"]
    for _, own in found.table.groupby(level="scale"):
        assert own["percentile"].is_monotonic_increasing
        assert (own["percentile_low"] < own["percentile"]).all()
        assert (own["percentile"] < own["percentile_high"]).all()
    assert not any("Fewer than" in note for note in found.notes)
    assert found.scales.loc["total", "n"] == 150


def test_norms_name_what_they_lack() -> None:
    flat = local_norms(score(mini({"a": [3, 3, 3], "b": [3, 3, 3]})))
    assert flat.table["t"].isna().all()
    assert "standard deviation is 0" in " ".join(flat.notes)
    with pytest.raises(InputError, match="no norms"):
        local_norms(score(mini({"a": [3, None], "b": [3, None]})))
    with pytest.raises(InputTypeError, match="takes the Scores"):
        local_norms(survey())
    assert "Norms" in flat.summary()


# --- published figures --------------------------------------------------------------------------


def test_figures_beside_published_ones() -> None:
    data = survey()
    mean, sd = score(data).table["total"].mean(), score(data).table["total"].std()
    found = against_published(
        data, published={"total": {"mean": mean, "sd": sd * 2, "alpha": 0.95, "n": 400}}
    )
    assert totals(found, "mean")["explanation"].startswith("the same up to sampling error")
    assert totals(found, "sd")["difference"] == pytest.approx(-sd)
    assert totals(found, "sd")["explanation"].startswith("respondents here differ less")
    alpha = totals(found, "alpha")
    assert alpha["here"] == pytest.approx(cronbach_alpha(data).alpha, abs=1e-12)
    assert alpha["explanation"].startswith("less consistent here, beyond sampling error")
    assert "a lower standard deviation lowers alpha" in alpha["explanation"]
    assert "Nothing published to compare: ab, cd." in found.notes


def test_a_difference_is_told_in_standard_deviations() -> None:
    data = survey()
    here = score(data).table["total"]
    low = against_published(data, published={"total": {"mean": here.mean() - 0.8, "sd": 0.5}})
    said = totals(low, "mean")["explanation"]
    assert said.startswith("higher here, 1.60 standard deviations; 95% of the difference 0.")
    assert "its n is not given" in said


@pytest.mark.problem(
    "spreadsheets of other studies",
    "a published sum is compared with a mean",
    "a published mean outside the range of the scores is not compared, and the notes say why",
)
def test_a_published_mean_outside_the_range_is_not_compared() -> None:
    found = against_published(survey(), published={"total": {"mean": 13.0, "sd": 3, "alpha": 0.8}})
    assert found.table["statistic"].tolist() == ["alpha"]
    assert "it was scored as a sum, it seems" in " ".join(found.notes)
    sums = against_published(survey(scoring="sum"), published={"total": {"mean": 13.0}})
    assert sums.table["published"].tolist() == [13.0]


def test_the_registrys_figures_name_their_source() -> None:
    instrument = cte.load_instrument("tses_short")
    data = cte.simulate_responses(instrument, n_groups=10, group_size=12, rng=1)
    found = against_published(data)
    assert set(found.table["scale"]) == {norm.scale for norm in instrument.norms}
    assert any("developers' sample" in note for note in found.notes)
    with pytest.raises(InputError, match="holds no published figures"):
        against_published(survey())


@pytest.mark.parametrize(
    ("published", "error", "message"),
    [
        ({"total": {"men": 3}}, InputError, "Did you mean 'mean'"),
        ({"total": {"sd": 0}}, InputError, "impossible"),
        ({"total": {"alpha": 1.2}}, InputError, "impossible"),
        ({"total": {"mean": "3"}}, InputTypeError, "not a number"),
        ({"total": 3.0}, InputTypeError, "is a mapping"),
        ([3.0], InputTypeError, "published takes a mapping"),
    ],
)
def test_refusals(published, error, message) -> None:
    with pytest.raises(error, match=message):
        against_published(survey(), published=published)
    with pytest.raises(InputTypeError, match="needs a Responses"):
        against_published(pd.DataFrame({"a": [1, 2]}))


def test_an_unknown_scale_is_named_in_the_notes() -> None:
    found = against_published(survey(), published={"totl": {"mean": 3}, "ab": {"alpha": 0.5}})
    assert found.table["scale"].tolist() == ["ab"]
    assert "'totl' is no scale here. Did you mean 'total'?" in " ".join(found.notes)
    assert "Against published figures" in found.summary()
