"""Guttman's lambdas, split halves and the greatest lower bound."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.errors import InputError
from cte_metrics.kernels.reliability import greatest_lower_bound as barrier
from cte_metrics.kernels.reliability.guttman import delta_error, numeric_gradient
from cte_metrics.kernels.reliability.split_half import (
    all_splits,
    crossing_shares,
    n_splits,
    sampled_splits,
    split_coefficients,
)
from cte_metrics.kernels.reliability.split_search import (
    every_split_searched,
    exchange,
    many_starts,
    upper_bound,
)
from cte_metrics.reliability import (
    cronbach_alpha,
    greatest_lower_bound,
    guttman_lambdas,
    split_half,
)
from tests.reference_case import case
from tests.reliability.keyed_case import keyed
from tests.reliability.test_alpha import survey

NAMES = ["bfi_ac", "hs1939", "sim_cte12"]


def entries(prefix: str) -> list[tuple[str, str]]:
    return [(n, e.id) for n in NAMES for e in case(n).entries(prefix)]


# --- reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "entry_id"), entries("guttman."))
def test_lambdas_equal_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    found = guttman_lambdas(keyed(name, entry), splits="psych")
    for i in range(1, 7):
        value = getattr(found, f"lambda{i}")
        assert value == pytest.approx(entry.values[f"lambda.{i}"], abs=1e-10), i


@pytest.mark.parametrize(("name", "entry_id"), entries("guttman_cov."))
def test_lambdas_of_covariances(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    found = guttman_lambdas(keyed(name, entry), matrix="covariance")
    for key, value in entry.values.items():
        assert getattr(found, key) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize(("name", "entry_id"), entries("splitHalf."))
def test_splits_equal_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    found = split_half(keyed(name, entry), splits="psych")
    assert found.maximum == pytest.approx(entry.values["maxrb"], abs=1e-10)
    assert found.minimum == pytest.approx(entry.values["minrb"], abs=1e-10)
    assert found.mean == pytest.approx(entry.values["meanr"], abs=1e-10)
    assert found.n_splits == entry.values["n_splits"]


@pytest.mark.parametrize(("name", "entry_id"), entries("split_odd_even."))
def test_odd_even_of_covariances_is_rulons(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    found = split_half(keyed(name, entry), matrix="covariance")
    assert found.odd_even == pytest.approx(entry.values["rulon_flanagan_odd_even"], abs=1e-10)


@pytest.mark.parametrize(("name", "entry_id"), entries("glb_algebraic"))
def test_bound_equals_the_semidefinite_program(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    kind = "covariance" if "_cov" in entry_id else "correlation"
    found = greatest_lower_bound(keyed(name, entry), matrix=kind)
    assert float(found) == pytest.approx(entry.values["glb"], abs=1e-6)
    if "solution" in entry.values:
        solution = list(entry.values["solution"].values())
        np.testing.assert_allclose(found.communalities, solution, atol=1e-4)


@pytest.mark.parametrize("scale", ["a1_a6", "b1_b8", "a1_b8"])
def test_other_data(scale: str) -> None:
    c = case("reliability")
    split, bounds = c[f"splitHalf.{scale}"], c[f"guttman.{scale}"]
    data = c.data[split.args["items"]].dropna()
    found = split_half(data, splits="psych")
    assert found.maximum == pytest.approx(split.values["maxrb"], abs=1e-10)
    assert found.mean == pytest.approx(split.values["meanr"], abs=1e-10)
    assert found.minimum == pytest.approx(split.values["minrb"], abs=1e-10)
    lambdas = guttman_lambdas(data, splits="psych")
    for i in range(1, 7):
        value = bounds.values[f"lambda.{i}"]
        assert getattr(lambdas, f"lambda{i}") == pytest.approx(value, abs=1e-10)


# --- kernels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_every_split_once(k: int) -> None:
    splits = all_splits(k)
    halves = {
        frozenset((frozenset(np.flatnonzero(a)), frozenset(np.flatnonzero(1 - a)))) for a in splits
    }
    assert len(halves) == len(splits) == n_splits(k)
    assert (splits.sum(1) == k // 2).all()


def test_split_by_hand() -> None:
    r = survey(k=5).corr().to_numpy()
    found = split_coefficients(r, all_splits(5))
    direct = [
        4 * r[np.ix_(a, [i for i in range(5) if i not in a])].sum() / r.sum()
        for a in combinations(range(5), 2)
    ]
    np.testing.assert_allclose(found, direct, atol=1e-13)


def test_exchange_finds_the_best_split() -> None:
    r = survey(k=10, seed=4).corr().to_numpy()
    values = split_coefficients(r, all_splits(10))
    starts = sampled_splits(10, 30, np.random.default_rng(1))
    assert (starts.sum(1) == 5).all()
    ends = exchange(r, starts)
    assert (ends.sum(1) == 5).all()
    assert split_coefficients(r, ends).max() == pytest.approx(values.max(), abs=1e-12)
    low = exchange(r, starts, -1.0)
    assert split_coefficients(r, low).min() == pytest.approx(values.min(), abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4, 7, 10, 13])
def test_the_search_visits_every_split(k: int) -> None:
    r = survey(k=k, seed=k, n=40).corr().to_numpy()
    values = split_coefficients(r, all_splits(k))
    best, worst = every_split_searched(r)
    assert best.sum() == worst.sum() == k // 2
    found = split_coefficients(r, np.stack((best, worst)))
    np.testing.assert_allclose(found, [values.max(), values.min()], atol=1e-13)
    assert 4 * (crossing_shares(k) * r).sum() / r.sum() == pytest.approx(values.mean(), abs=1e-12)


@pytest.mark.parametrize("k", [17, 20, 21])
def test_many_starts_find_what_the_full_search_finds(k: int) -> None:
    r = survey(k=k, seed=k, n=60).corr().to_numpy()
    exact = split_coefficients(r, np.stack(every_split_searched(r)))
    ends = (many_starts(r)[0], many_starts(r, -1.0)[0])
    np.testing.assert_allclose(split_coefficients(r, np.stack(ends)), exact, atol=1e-12)
    assert exact[0] <= upper_bound(r) + 1e-9


def test_the_bound_of_a_matrix_that_is_not_definite() -> None:
    r = np.array([[1, 0.9, -0.9, 0.3], [0.9, 1, 0.9, 0.3], [-0.9, 0.9, 1, 0.3], [0.3, 0.3, 0.3, 1]])
    assert np.linalg.eigvalsh(r)[0] < 0
    assert split_coefficients(r, all_splits(4)).max() <= upper_bound(r) + 1e-12


def test_bound_gradient_against_differences() -> None:
    c = survey(k=6, n=300).cov().to_numpy()
    found = barrier.greatest_lower_bound(c)
    e = np.random.default_rng(0).normal(size=c.shape) * 1e-5
    e = e + e.T
    up, down = (barrier.greatest_lower_bound(c + s * e).bound for s in (1, -1))
    assert (up - down) / 2 == pytest.approx((found.gradient * e).sum(), rel=1e-3)
    assert (found.communalities >= 0).all()
    assert np.linalg.eigvalsh(c - np.diag(np.diagonal(c) - found.communalities))[0] > -1e-8


def test_bound_of_a_one_factor_matrix_is_its_reliability() -> None:
    loading = np.array([0.5, 0.6, 0.7, 0.8])
    c = np.outer(loading, loading) + np.diag(1 - loading**2)
    assert barrier.greatest_lower_bound(c).bound == pytest.approx(
        loading.sum() ** 2 / c.sum(), abs=1e-8
    )


def test_delta_method_by_hand() -> None:
    # the variance of one variable: f = c, M = 1, se = c sqrt(2 / n)
    gradient = numeric_gradient(lambda stack: stack[:, 0, :1], np.array([[4.0]]))
    assert gradient[0, 0, 0] == pytest.approx(1.0, abs=1e-9)
    assert delta_error(gradient, np.array([[4.0]]), 50)[0] == pytest.approx(4 * np.sqrt(2 / 50))


# --- relations ----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([4, 6, 8]))
def test_relations_between_the_bounds(seed: int, k: int) -> None:
    data = survey(seed, k=k, n=200)
    found = guttman_lambdas(data, matrix="covariance")
    splits = split_half(data, matrix="covariance")
    alpha = cronbach_alpha(data, missing="listwise").alpha
    glb = float(greatest_lower_bound(data, matrix="covariance"))
    assert found.lambda3 == pytest.approx(alpha, abs=1e-12)
    assert splits.mean == pytest.approx(alpha, abs=1e-10)
    assert found.lambda4 == splits.maximum
    assert found.lambda1 <= found.lambda3 <= found.lambda2 + 1e-12
    for name in ("lambda2", "lambda3", "lambda4", "lambda5", "lambda6"):
        assert getattr(found, name) <= glb + 1e-7
    order = np.random.default_rng(seed).permutation(k)
    again = guttman_lambdas(data.iloc[:, order], matrix="covariance")
    assert again.lambda4 == pytest.approx(found.lambda4, abs=1e-12)
    assert again.lambda6 == pytest.approx(found.lambda6, abs=1e-10)


def test_all_splits_of_an_odd_scale_hold_a_better_one_than_psychs() -> None:
    """psych visits the first half of the list, so its maximum is not the largest."""
    entry = case("bfi_ac")["splitHalf.A"]
    data = keyed("bfi_ac", entry)
    psych, every = split_half(data, splits="psych"), split_half(data)
    assert (psych.n_splits, every.n_splits) == (5, 10)
    assert every.maximum > psych.maximum + 0.003
    assert "psych visits 5 of the 10 splits" in " ".join(psych.notes)
    turned = split_half(data.iloc[:, ::-1])
    assert turned.maximum == pytest.approx(every.maximum, abs=1e-12)
    assert turned.mean == pytest.approx(every.mean, abs=1e-12)


def big() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(0.5 * rng.normal(size=(150, 1)) + 0.8 * rng.normal(size=(150, 30)))


@pytest.mark.problem(
    "psych",
    "the best split half of a long scale changes from call to call, and lambda 4 with it",
    "the maximum is that of all splits, or the best of a search that always ends alike",
)
def test_the_maximum_of_thirty_items_is_the_same_everywhere() -> None:
    data = big()
    found = split_half(data)
    assert found.maximum == pytest.approx(0.964927, abs=1e-6)
    turned = data.iloc[:, np.random.default_rng(3).permutation(30)]
    for again in (split_half(data, rng=5), split_half(turned)):
        assert again.maximum == pytest.approx(found.maximum, abs=1e-12)
        assert again.minimum == pytest.approx(found.minimum, abs=1e-12)
    lambdas = guttman_lambdas(data)
    assert lambdas.lambda4 == found.maximum
    assert lambdas.lambda4_upper_bound == found.upper_bound
    assert found.maximum < found.upper_bound <= float(greatest_lower_bound(data)) + 1e-9
    assert "No split exceeds" in " ".join(found.notes)
    assert found.mean == pytest.approx(lambdas.lambda3, abs=1e-12)
    assert found.quantiles == split_half(data).quantiles


@pytest.mark.parametrize("k", [5, 15, 16, 17, 19, 24])
def test_lambda_4_is_the_maximum_over_all_splits_in_any_order(k: int) -> None:
    data = survey(k=k, n=150, seed=k)
    found, turned = split_half(data), split_half(data.iloc[:, ::-1])
    assert found.maximum == guttman_lambdas(data).lambda4 == found.upper_bound
    assert found.maximum == pytest.approx(turned.maximum, abs=1e-12)
    assert found.minimum == pytest.approx(turned.minimum, abs=1e-12)
    assert found.n_splits == n_splits(k)
    assert found.minimum <= found.quantiles[0] <= found.mean <= found.quantiles[2] <= found.maximum
    assert found.notes == ()


def test_a_resample_of_a_long_scale_takes_its_extremes_over_the_candidates() -> None:
    data = survey(k=18, n=300)
    table = split_half(data, interval="bootstrap", n_resamples=30, rng=1).table
    assert (table["ci_low"] < table["ci_high"]).all()
    assert table.loc["maximum", "ci_high"] >= table.loc["maximum", "estimate"]


@pytest.mark.problem(
    "psych",
    "with an odd number of items half of the splits are left out",
    "every split counts; splits='psych' follows psych and says which it leaves out",
)
def test_small_odd_scales_count_every_split() -> None:
    answers = [[1, 2, 2, 3, 1], [4, 4, 3, 3, 5], [2, 1, 4, 2, 3], [3, 5, 3, 4, 4]]
    found = split_half(pd.DataFrame(answers, columns=list("abcde")))
    every = split_coefficients(np.corrcoef(np.array(answers).T), all_splits(5))
    assert found.maximum == pytest.approx(every.max(), abs=1e-12)
    assert found.odd_even <= found.maximum


@pytest.mark.parametrize("interval", ["delta", "bootstrap"])
def test_intervals_hold_the_estimates(interval: str) -> None:
    data = survey(k=4, n=300)
    lambdas = guttman_lambdas(data, interval=interval, n_resamples=200, rng=1).table
    splits = split_half(data, interval=interval, n_resamples=200, rng=1).table
    for table in (lambdas, splits):
        assert (table["ci_low"] < table["estimate"]).all()
        assert (table["estimate"] < table["ci_high"] + 0.02).all()
        assert table["se"].between(0.005, 0.06).all()
    bound = greatest_lower_bound(data, interval=interval, n_resamples=50, rng=1)
    assert bound.ci.low < bound.glb + 0.02


def test_the_bound_is_a_number() -> None:
    bound = greatest_lower_bound(survey())
    assert bound.glb == float(bound) == bound.estimate == np.asarray(bound)
    assert abs(bound - bound.glb) < 1e-15
    assert bound < 1 <= 1 - (bound - bound.glb)
    assert bound > 0
    assert bound >= bound.glb
    assert "too high" in " ".join(bound.notes)


def test_two_items() -> None:
    data = survey(k=2)
    r = data.corr().iloc[0, 1]
    found = guttman_lambdas(data)
    for name in ("lambda2", "lambda3", "lambda4", "lambda5"):
        assert getattr(found, name) == pytest.approx(2 * r / (1 + r), abs=1e-12)
    assert float(greatest_lower_bound(data)) == pytest.approx(2 * r / (1 + r), abs=1e-8)


@pytest.mark.parametrize("function", [guttman_lambdas, greatest_lower_bound])
def test_refusals(function) -> None:
    with pytest.raises(InputError, match="determine each other"):
        function(survey().assign(q6=lambda d: d["q1"]))
    with pytest.raises(InputError, match="q2 is constant"):
        function(survey().assign(q2=1.0))
    with pytest.raises(InputError, match="Did you mean 'covariance'"):
        function(survey(), matrix="covarianc")


def test_rendering() -> None:
    assert "lambda4" in guttman_lambdas(survey()).summary()
    text = split_half(survey()).summary()
    assert "odd_even" in text
    assert "communality" in greatest_lower_bound(survey()).summary()
    frame = guttman_lambdas(survey()).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.index[0] == "lambda1"
