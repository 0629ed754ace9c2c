"""Simulated surveys: the parameters that went in are the ones that come out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics import Instrument, Item, ResponseScale, Subscale, simulate_responses
from cte_metrics.simulation import simulate_survey
from cte_metrics.simulation.design import even_thresholds

BINARY = Instrument(
    "binary",
    "Binary",
    "1",
    ResponseScale(0, 1),
    [Item("a1"), Item("a2", reverse=True), Item("b1"), Item("b2")],
    [Subscale("a", "A", ["a1", "a2"]), Subscale("b", "B", ["b1", "b2"])],
)


def latent_correlation(x, y):
    """Return the correlation behind two answers cut at 0: r = sin(2 pi (P(both) - 1/4))."""
    return float(np.sin(2 * np.pi * (np.mean(x * y) - 0.25)))


@pytest.fixture(scope="module")
def large():
    return simulate_responses(
        BINARY,
        n_groups=10_000,
        group_size=2,
        icc=0.3,
        loadings={"a1": 0.9, "a2": 0.6, "b1": 0.8, "b2": 0.7},
        factor_correlation=0.5,
        n_waves=2,
        stability=0.6,
        rng=3,
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("a1", "a2", 0.9 * 0.6), ("a1", "b1", 0.9 * 0.5 * 0.8), ("b1", "b2", 0.8 * 0.7)],
)
def test_items_correlate_as_loadings_and_factors_say(large, first, second, expected):
    x = large.at_wave(1).keyed
    # 20,000 rows in pairs: the standard error of the estimate is about .011
    assert latent_correlation(x[first], x[second]) == pytest.approx(expected, abs=0.045)


def test_teachers_of_a_school_correlate_as_the_icc_says(large):
    x = large.at_wave(1).keyed["a1"].to_numpy().reshape(-1, 2)
    assert latent_correlation(x[:, 0], x[:, 1]) == pytest.approx(0.81 * 0.3, abs=0.06)


def test_a_teachers_waves_correlate_as_the_stability_says(large):
    before, after = (large.at_wave(w).keyed["b1"].to_numpy() for w in (1, 2))
    assert latent_correlation(before, after) == pytest.approx(0.64 * 0.6, abs=0.045)


def test_answers_fall_into_categories_as_the_thresholds_say():
    r = simulate_responses(
        "ces_sf", n_groups=2000, group_size=10, icc=0.0, thresholds=[-2, -1, 0, 1, 2], rng=1
    )
    shares = r.keyed["ces1"].value_counts(normalize=True).sort_index().to_numpy()
    # areas of the normal distribution, from any table
    assert shares == pytest.approx([0.0228, 0.1359, 0.3413, 0.3413, 0.1359, 0.0228], abs=0.012)


def test_growth_moves_the_mean():
    truth = simulate_survey(
        "ces_sf", n_groups=400, group_size=10, n_waves=3, growth=0.5, icc=0.1, rng=5
    )
    means = truth.factor_scores.groupby(truth.responses.wave).mean().mean(axis=1)
    assert np.diff(means) == pytest.approx([0.5, 0.5], abs=0.05)
    items = truth.responses.keyed.groupby(truth.responses.wave).mean().mean(axis=1)
    assert (np.diff(items) > 0.3).all()


def test_missing_and_careless_shares():
    truth = simulate_survey("ces_sf", n_groups=50, group_size=20, missing=0.1, careless=0.2, rng=2)
    assert truth.careless.sum() == 200
    assert truth.responses.items.isna().to_numpy().mean() == pytest.approx(0.1, abs=0.02)
    straight = truth.responses.items.loc[truth.careless].nunique(axis=1) == 1
    assert 100 <= straight.sum() <= 102
    honest = truth.responses.items.loc[~truth.careless].nunique(axis=1) == 1
    assert honest.sum() == 0


def test_group_sizes_waves_and_labels():
    r = simulate_responses("ctbs", n_groups=3, group_size=[1, 2, 4], n_waves=2, rng=1)
    assert r.group.value_counts().sort_index().tolist() == [2, 4, 8]
    assert r.waves == (1, 2)
    assert (len(r), r.n_respondents) == (14, 7)
    assert simulate_responses("ctbs", n_groups=2, group_size=2, rng=1).wave is None


def test_simulated_answers_say_so():
    r = simulate_responses("ces_sf", n_groups=2, group_size=3, rng=1)
    assert r.simulated
    assert r.notes[0].startswith("Simulated data, drawn by a computer: 2 schools, 6 teachers")
    assert repr(r).startswith("SIMULATED Responses")
    assert r.where(r.group == "school_1").simulated


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), icc=st.floats(0, 1), loading=st.floats(-0.99, 0.99))
def test_a_seed_gives_the_same_survey_and_answers_stay_in_range(seed, icc, loading):
    options = {"n_groups": 3, "group_size": 4, "icc": icc, "loadings": loading}
    first = simulate_responses("saos", rng=seed, **options)
    again = simulate_responses("saos", rng=np.random.default_rng(seed), **options)
    pd.testing.assert_frame_equal(first.items, again.items)
    assert first.items.min().min() >= 1
    assert first.items.max().max() <= 6


def test_global_random_state_is_not_touched():
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    simulate_responses("ces_sf", n_groups=2, group_size=2)
    assert np.random.random() == expected  # noqa: NPY002


def test_an_instrument_without_subscales_has_one_factor():
    own = Instrument("own", "Own", "1", ResponseScale(1, 5), ["a", "b"])
    truth = simulate_survey(own, n_groups=2, group_size=2, rng=1)
    assert list(truth.factor_scores.columns) == ["total"]


def test_even_thresholds_are_symmetric_and_use_every_category():
    assert even_thresholds(2).tolist() == [0.0]
    assert even_thresholds(6) == pytest.approx([-1.2, -0.6, 0.0, 0.6, 1.2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_groups": 0}, "n_groups is 0; it must be a whole number of at least 1."),
        ({"group_size": 2.5}, "group_size takes a whole number or a sequence; got float 2.5"),
        ({"group_size": [1, 2]}, "group_size lists 2 sizes for 3 groups."),
        ({"icc": 1.2}, "icc is 1.2; it must lie between 0 and 1."),
        ({"missing": -0.1}, "missing is -0.1; it must lie"),
        ({"careless": 2}, "careless is 2; it must lie"),
        ({"between_residual": -0.1}, "between_residual is -0.1; it must lie"),
        ({"between_residual": 0.95, "icc": 0.5}, "it must be below 0.675"),
        ({"loadings": 1.0}, "A loading lies outside -1 to 1"),
        ({"loadings": [0.5, 0.5]}, "loadings has 2 values for 4 items."),
        ({"loadings": {"a1": 0.5}}, "loadings gives none for: a2, b1, b2."),
        ({"loadings": {"a1x": 0.5}}, "loadings: no item 'a1x'. Did you mean 'a1'"),
        ({"factor_correlation": 1.5}, "is not positive definite"),
        ({"factor_correlation": np.eye(3)}, "a 2 x 2 correlation matrix; got shape"),
        ({"thresholds": [0.0, 1.0]}, "thresholds are 1 increasing numbers for 2 answers"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(cte.CTEError) as caught:
        simulate_responses(BINARY, **{"n_groups": 3, "group_size": 4, "rng": 1, **options})
    assert message in str(caught.value)


@pytest.mark.slow
def test_polychoric_correlations_are_those_of_the_model():
    r = simulate_responses("ctbs", n_groups=1000, group_size=20, icc=0.25, loadings=0.7, rng=8)
    found = cte.factor.polychoric(r).correlations
    strategies, discipline = (list(s.items) for s in r.instrument.subscales)
    within = found.loc[strategies, strategies].to_numpy()[np.triu_indices(6, 1)]
    assert within == pytest.approx(0.49, abs=0.03)
    across = found.loc[strategies, discipline].to_numpy()
    assert across == pytest.approx(0.49 * 0.6 * np.ones((6, 6)), abs=0.03)


def test_items_have_a_part_of_their_own_between_schools():
    options = {"n_groups": 20_000, "group_size": 2, "icc": 0.4, "loadings": 0.8, "rng": 6}
    plain = simulate_responses(BINARY, **options)
    own = simulate_responses(BINARY, between_residual=0.25, **options)
    for survey, expected in ((plain, 0.64 * 0.4), (own, 0.64 * 0.4 / 0.75)):
        x = survey.keyed["a1"].to_numpy().reshape(-1, 2)
        assert latent_correlation(x[:, 0], x[:, 1]) == pytest.approx(expected, abs=0.045)
    # two items of a school's two teachers share the factor only
    x = own.keyed[["a1", "a2"]].to_numpy().reshape(-1, 4)
    assert latent_correlation(x[:, 0], x[:, 3]) == pytest.approx(0.64 * 0.4, abs=0.045)
    pd.testing.assert_frame_equal(
        plain.items, simulate_responses(BINARY, between_residual=0.0, **options).items
    )


def test_an_items_own_part_lasts_as_the_stability_says():
    truth = simulate_survey(
        BINARY, n_groups=2000, group_size=20, icc=0.4, loadings=0.6, between_residual=0.5,
        n_waves=2, stability=0.6, rng=7,
    )  # fmt: skip
    means = truth.responses.keyed.groupby([truth.responses.wave, truth.responses.group]).mean()
    apart = means["a1"] - means["a2"]  # the factor drops out
    r = np.corrcoef(apart.loc[1], apart.loc[2])[0, 1]
    # var(s1 - s2) = .288 of latent responses, and sampling of 20 teachers; categories weaken both
    assert 0.35 < r < 0.6
