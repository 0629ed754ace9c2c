"""rwg, AD, awg and nulls: by hand, at their limits, and under simulation."""

import numpy as np
import pytest

from cte_metrics.errors import InputError
from cte_metrics.kernels.groups import agreement as ag
from cte_metrics.kernels.summaries import group_summaries as gs


def test_published_null_variances_follow_from_their_answer_shares():
    # shares of the answers 1 to 5 printed with LeBreton and Senter's variances
    value = np.arange(1, 6)
    for name, share in {
        "slight_skew": [0.05, 0.15, 0.20, 0.35, 0.25],
        "moderate_skew": [0.0, 0.10, 0.15, 0.40, 0.35],
        "heavy_skew": [0.0, 0.0, 0.10, 0.40, 0.50],
        "triangular": [0.11, 0.22, 0.34, 0.22, 0.11],
        "normal": [0.07, 0.24, 0.38, 0.24, 0.07],
    }.items():
        p = np.array(share)
        variance = p @ value**2 - (p @ value) ** 2
        assert ag.null_variance(name, 5) == (pytest.approx(variance, abs=1e-12), True)


# LeBreton & Senter (2008, Table 2): a row a number of categories, as the article prints them
PUBLISHED = """
categories slight_skew moderate_skew heavy_skew triangular normal
         5        1.34          0.90       0.44       1.32   1.04
         6        1.85          1.26       0.69       1.45   1.25
         7        2.90          2.14       1.39       2.10   1.40
         8        3.47          2.79       2.35       2.81   1.73
         9        5.66          4.73       3.16       3.00   1.58
        10        6.30          5.09       3.46       2.89   1.45
        11        7.31          6.32       4.02       3.32   1.40
"""
HEAD, *ROWS = (line.split() for line in PUBLISHED.strip().splitlines())
CELLS = [
    (name, int(row[0]), float(value))
    for row in ROWS
    for name, value in zip(HEAD[1:], row[1:], strict=True)
]


@pytest.mark.parametrize(("name", "n_categories", "variance"), CELLS)
def test_every_published_null_variance(name, n_categories, variance):
    assert ag.null_variance(name, n_categories) == (variance, True)


@pytest.mark.parametrize("n_categories", [2, 5, 9, 100])
def test_uniform_null_is_the_variance_of_even_answers(n_categories):
    value = np.arange(n_categories)
    assert ag.uniform_variance(n_categories) == pytest.approx(value.var())


@pytest.mark.parametrize("name", ag.NULLS[1:])
def test_other_numbers_of_categories_keep_the_share(name):
    for number, nearest in ((2, 5), (4, 5), (12, 11), (21, 11)):
        variance, tabled = ag.null_variance(name, number)
        share = ag.null_variance(name, nearest)[0] / ag.uniform_variance(nearest)
        assert not tabled
        assert variance == pytest.approx(share * ag.uniform_variance(number))


def test_unknown_null_is_refused():
    with pytest.raises(InputError, match=r"null='slightskew'.*Did you mean 'slight_skew'"):
        ag.null_variance("slightskew", 5)


def test_rwg_j_by_hand_and_out_of_range():
    variance = np.array([[0.5, 1.5], [2.0, 2.0], [3.0, 3.0], [5.0, 5.0], [4.0, 4.0]])
    # S/V = .5, 1, 1.5, 2.5, 2 with J = 2
    assert ag.rwg_star_j(variance, 2.0) == pytest.approx([0.5, 0, -0.5, -1.5, -1])
    found = ag.rwg_j(variance, 2.0)
    assert found[:2] == pytest.approx([2 / 3, 0])
    assert found[2] == pytest.approx(-2)  # 2 (-.5) / (2 (-.5) + 1.5)
    assert found[3] == pytest.approx(6)  # beyond the pole: -3 / -.5
    assert np.isnan(found[4])  # the pole itself


def test_rwg_j_of_one_item_is_rwg():
    variance = np.array([[0.3], [2.6]])
    assert ag.rwg_j(variance, 2.0) == pytest.approx(1 - variance[:, 0] / 2)


def test_awg_by_hand():
    # answers 2, 3, 4 on 1 to 5: M = 3, s2 = 1, largest variance (5-3)(3-1)/... -> 1 - 2/(4 * 1.5)
    mean, variance, n = np.array([[3.0]]), np.array([[1.0]]), np.array([3])
    assert ag.awg(mean, variance, n, (1, 5)) == pytest.approx([1 - 2 / 6])


def test_awg_is_one_at_the_ends_and_minus_one_when_split_between_them():
    mean = np.array([[5.0], [1.0], [3.0]])
    variance = np.array([[0.0], [0.0], [16 / 3]])
    n = np.array([4, 4, 4])
    assert ag.awg(mean, variance, n, (1, 5)) == pytest.approx([1, 1, -1])


def test_awg_leaves_out_items_with_an_extreme_mean():
    # n = 3, M = 1.5: below (L (n-1) + H)/n = 7/3, so only the second item counts
    found = ag.awg(np.array([[1.5, 3.0]]), np.array([[0.5, 1.0]]), np.array([3]), (1, 5))
    assert found == pytest.approx([1 - 2 / 6])
    alone = ag.awg(np.array([[1.5]]), np.array([[0.5]]), np.array([3]), (1, 5))
    assert np.isnan(alone).all()


def test_critical_values_bound_the_tail():
    draws = np.repeat([0.1, 0.5, 0.9], [50, 46, 4])
    assert ag.upper_critical_value(draws, 0.95) == 0.9
    assert ag.lower_critical_value(-draws, 0.95) == -0.9
    assert np.isnan(ag.upper_critical_value(np.repeat([0.1, 0.9], [50, 50]), 0.95))


def test_simulated_answers_are_uniform_and_correlated_as_asked():
    rng = np.random.default_rng(3)
    free = ag.simulate_uniform(rng, 2000, 10, 3, 4)
    assert (free.counts.sum(axis=0) == 10).all()
    np.testing.assert_allclose(free.counts.sum(axis=(1, 2)) / 60_000, 0.25, atol=0.01)
    matrix = np.full((3, 3), 0.6) + 0.4 * np.eye(3)
    tied = ag.simulate_correlated(rng, 2000, 10, matrix, 4)
    assert (tied.counts.sum(axis=0) == 10).all()
    np.testing.assert_allclose(tied.counts.sum(axis=(1, 2)) / 60_000, 0.25, atol=0.01)
    variance = gs.moments_from_counts(tied).variance
    assert np.corrcoef(variance.T)[0, 1] > 0.05  # correlated items spread alike
