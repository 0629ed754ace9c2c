"""Planning: by hand, consistency, messages, rendering."""

import pytest

from cte_metrics.errors import InputError
from cte_metrics.planning import schools


def test_reliability_fixes_the_teachers():
    plan = schools(0.13, icc2=0.77)
    # .77 * .87 / (.13 * .23) = 22.4
    assert plan.group_size == 23
    assert plan.n_groups == 2
    assert plan.icc2 >= 0.77


def test_every_target_is_reached_and_none_with_one_school_less():
    plan = schools(0.2, icc2=0.7, width=0.2, power=0.9)
    assert plan.icc1_width <= 0.2
    assert plan.power >= 0.9
    assert (plan.table["n_groups"].dropna() <= plan.n_groups).all()
    fewer = schools(0.2, icc2=0.7, n_groups=plan.n_groups - 1, power=0.01)
    assert fewer.icc1_width > 0.2
    assert plan.n_total == plan.n_groups * plan.group_size


def test_unreliable_means_need_more_schools_for_a_correlation():
    few = schools(0.1, group_size=5, power=0.8, correlation=0.4)
    many = schools(0.1, group_size=30, power=0.8, correlation=0.4)
    assert few.n_groups > many.n_groups
    assert few.table.loc["correlation_power", "achieved"] >= 0.8
    # r = .4 sqrt(.357) = .239: (z.975 + z.8)^2 / atanh(.239)^2 + 3 = 135
    assert few.n_groups == pytest.approx(135, abs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"icc1": 0, "icc2": 0.7}, "icc1=0 must lie between 0 and 1"),
        ({"icc1": 0.2}, "needs a number of teachers|needs a target"),
        ({"icc1": 0.2, "group_size": 10}, "needs a target"),
        ({"icc1": 0.2, "power": 0.8}, "needs a number of teachers per school"),
        ({"icc1": 0.2, "group_size": 5, "correlation": 0.4}, "needs a wanted power"),
        ({"icc1": 0.2, "group_size": 5, "power": 0.8, "correlation": 1.0}, "correlation=1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        schools(**options)


def test_rendering():
    plan = schools(0.2, icc2=0.7, width=0.2)
    assert "Schools and teachers needed" in plan.summary()
    assert plan.to_dict()["group_size"] == plan.group_size
