"""Fit indices: by hand, against R's noncentral chi-square, and at their limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cte_metrics.kernels.factor import fit_indices as index
from cte_metrics.kernels.numerics.distributions import noncentral_chi2_cdf


def test_by_hand() -> None:
    # T = 30 on 10 df against T0 = 210 on 15 df
    assert index.cfi(30, 10, 210, 15) == pytest.approx(1 - 20 / 195)
    assert index.tli(30, 10, 210, 15) == pytest.approx(1 - (20 / 10) / (195 / 15))
    assert index.rni(30, 10, 210, 15) == pytest.approx(1 - 20 / 195)
    assert index.nfi(30, 10, 210, 15) == pytest.approx(180 / 210)
    assert index.pnfi(30, 10, 210, 15) == pytest.approx(10 / 15 * 180 / 210)
    assert index.rfi(30, 10, 210, 15) == pytest.approx((14 - 3) / 14)
    assert index.ifi(30, 10, 210, 15) == pytest.approx(180 / 200)
    assert index.rmsea(30, 10, 200) == pytest.approx(0.1)
    assert index.rmsea(30, 10, 200, n_groups=4) == pytest.approx(0.2)
    assert index.mfi(30, 10, 200) == pytest.approx(math.exp(-0.05))
    # R: qchisq(.95, 10) / (30 / 200) + 1
    assert index.critical_n(30, 10, 200) == pytest.approx(18.307038053275 / 0.15 + 1)


def test_scaled_forms_by_hand() -> None:
    assert index.cfi(30, 10, 210, 15, 1.5, 1.2) == pytest.approx(1 - 15 / 192)
    assert index.tli(30, 10, 210, 15, 1.5, 1.2) == pytest.approx(1 - 15 * 15 / (192 * 10))
    assert index.rmsea(30, 10, 200, c=1.5) == pytest.approx(math.sqrt(30 / 2000 - 1.5 / 200))


def test_interval_inverts_the_noncentral_distribution() -> None:
    low, high = index.rmsea_interval(40.0, 20, 300)
    for limit, probability in ((low, 0.95), (high, 0.05)):
        ncp = limit**2 * 300 * 20
        assert noncentral_chi2_cdf(40.0, 20, ncp) == pytest.approx(probability, abs=1e-9)
    # R: 1 - pchisq(40, 20, ncp = 300 * 20 * .05^2), pchisq(40, 20, ncp = 300 * 20 * .08^2)
    assert index.rmsea_close(40, 20, 300) == pytest.approx(0.28609534848387, abs=1e-8)
    assert index.rmsea_not_close(40, 20, 300) == pytest.approx(0.081949408466012, abs=1e-8)
    # two groups halve the noncentrality: ncp = 300 * 20 * bound^2 / 2
    close, not_close = (
        f(40, 20, 300, n_groups=2) for f in (index.rmsea_close, index.rmsea_not_close)
    )
    assert close == pytest.approx(0.078810729818006, abs=1e-8)
    assert not_close == pytest.approx(0.56181379034019, abs=1e-8)


def test_limits() -> None:
    assert index.cfi(5, 10, 8, 15) == 1.0
    assert index.cfi(0, 0, 200, 15) == 1.0
    assert index.tli(0, 0, 200, 15) == 1.0
    assert index.rmsea(3, 0, 100) == 0.0
    assert index.rmsea_interval(3, 0, 100) == (0.0, 0.0)
    assert index.rmsea_interval(2.0, 10, 100) == (0.0, 0.0)
    assert math.isnan(index.rmsea_close(3, 0, 100))
    assert math.isnan(index.critical_n(0.0, 0, 100))
    assert math.isnan(index.rni(10, 10, 15, 15))
    assert math.isnan(index.nfi(10, 16, 200, 15))
    assert math.isnan(index.nfi(10, 10, 0.0, 15))
    assert index.rfi(0, 0, 200, 15) == 1.0
    assert index.rfi(10, 10, 8, 15) == 1.0


@pytest.mark.parametrize("name", ["cfi", "tli", "rni", "nfi", "rfi", "ifi"])
@pytest.mark.parametrize("figures", [(math.nan, 10, 200, 15), (20, 10, math.nan, 15)])
def test_an_index_needs_both_statistics(name: str, figures: tuple[float, ...]) -> None:
    assert math.isnan(getattr(index, name)(*figures))


def test_statistics_below_their_degrees_of_freedom_are_figures_too() -> None:
    # T / df = .5 and T0 / df0 = .6; .5 and .8
    assert index.rfi(5, 10, 9, 15) == pytest.approx(1 / 6)
    assert index.rfi(5, 10, 12, 15) == pytest.approx(3 / 8)
    # R: qchisq(.95, 1) / (10 / 100) + 1
    assert index.critical_n(10, 1, 100) == pytest.approx(39.414588206941)


@given(
    st.floats(0.1, 500),
    st.integers(1, 200),
    st.floats(20, 5000),
    st.sampled_from([0.8, 0.9, 0.99]),
)
def test_the_interval_holds_the_estimate(t: float, df: int, n: float, level: float) -> None:
    low, high = index.rmsea_interval(t, df, n, level=level)
    assert 0.0 <= low <= high
    wider = index.rmsea_interval(t, df, n, level=min(level + 0.009, 0.999))
    assert wider[0] <= low + 1e-9
    assert high <= wider[1] + 1e-9
