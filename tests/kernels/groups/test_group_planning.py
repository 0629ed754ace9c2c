"""Planning formulas: by hand, against approximations, and by simulation."""

import numpy as np
import pytest

from cte_metrics.kernels.groups import group_planning as gp
from cte_metrics.kernels.groups.variance_components import stepped_up


@pytest.mark.parametrize("icc1", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("icc2", [0.5, 0.7, 0.9])
def test_size_is_the_smallest_that_reaches_the_reliability(icc1, icc2):
    n = gp.size_for_reliability(icc1, icc2)
    assert stepped_up(icc1, n) >= icc2 - 1e-12
    assert n == 1 or stepped_up(icc1, n - 1) < icc2


def test_width_is_near_bonetts_approximation():
    # n = 8 z2 (1-r)2 (1+(k-1)r)2 / (k (k-1) w2) + 1
    groups = 8 * 1.959964**2 * 0.8**2 * (1 + 9 * 0.2) ** 2 / (10 * 9 * 0.15**2) + 1
    assert gp.interval_width(0.2, round(groups), 10, 0.95) == pytest.approx(0.15, abs=0.005)


def test_width_by_hand():
    # 3 pairs: p = 1 - (1 + 2 x / 3) ** -1.5 is the distribution of F(2, 3); expected F = 1.5 / .5
    limits = []
    for p in (0.95, 0.05):
        f = 3 / (1.5 * ((1 - p) ** (-2 / 3) - 1))
        limits.append((f - 1) / (f + 1))
    width = gp.interval_width(0.5, 3, 2, 0.9)
    assert width == pytest.approx(limits[1] - limits[0], rel=1e-12)


def test_power_by_simulation():
    rng = np.random.default_rng(2)
    groups, size, icc1 = 12, 5, 0.2
    y = rng.normal(size=(20_000, groups, 1)) * np.sqrt(icc1)
    y = y + rng.normal(size=(20_000, groups, size)) * np.sqrt(1 - icc1)
    between = size * y.mean(axis=2).var(axis=1, ddof=1)
    within = y.var(axis=2, ddof=1).mean(axis=1)
    from cte_metrics.kernels.numerics.distributions import f_quantile

    share = (between / within > f_quantile(0.95, 11, 48)).mean()
    assert gp.f_power(icc1, groups, size, 0.05) == pytest.approx(share, abs=0.012)


def test_power_without_effect_is_alpha():
    assert gp.f_power(0.0, 10, 5, 0.05) == pytest.approx(0.05)
    assert gp.correlation_power(1e-12, 0.5, 50, 0.05) == pytest.approx(0.05, abs=1e-6)
    assert gp.correlation_power(0.5, 0.5, 3, 0.05) == 0


def test_fewest_finds_the_first():
    for answer in (1, 2, 3, 17, 1000):
        assert gp.fewest(lambda n, a=answer: n >= a, 1) == answer
    assert gp.fewest(lambda n: False, 1, limit=100) is None
    # from a later start: its neighbours, and the start itself
    for answer in (5, 6, 7, 9, 10, 11, 40):
        assert gp.fewest(lambda n, a=answer: n >= a, 5) == answer
