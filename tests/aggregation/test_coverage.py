"""Simulation: do the intervals of ICC(1) and of school scores hold what they promise?

Ten, thirty and a hundred schools of unequal sizes. 2,000 surveys each: the standard error of a
coverage of .95 is .005, so .015 allows three of them.
"""

import numpy as np
import pandas as pd
import pytest

from cte_metrics import Instrument, Responses, ResponseScale
from cte_metrics.aggregation import aggregate
from cte_metrics.kernels.groups import variance_components as vc
from cte_metrics.kernels.summaries import group_summaries as gs

pytestmark = pytest.mark.slow
DRAWS = 2000


def draw(rng, n_groups, icc):
    sizes = rng.integers(3, 25, n_groups)
    codes = np.repeat(np.arange(n_groups), sizes)
    school = rng.normal(0, np.sqrt(icc), (n_groups, DRAWS))
    return school, codes, school[codes] + rng.normal(0, np.sqrt(1 - icc), (len(codes), DRAWS))


@pytest.mark.parametrize("n_groups", [10, 30, 100])
@pytest.mark.parametrize("icc", [0.05, 0.2, 0.4])
def test_exact_interval_of_icc1(n_groups, icc):
    rng = np.random.default_rng(n_groups)
    _, codes, values = draw(rng, n_groups, icc)
    one = vc.one_way(gs.moments(values, codes, n_groups))
    low, high = vc.wald_interval(one, vc.anova(one), 0.95)
    assert np.mean((low <= icc) & (icc <= high)) == pytest.approx(0.95, abs=0.015)
    assert np.mean(low > icc) == pytest.approx(0.025, abs=0.012)


@pytest.mark.parametrize("n_groups", [10, 30, 100])
def test_reml_is_nearly_unbiased(n_groups):
    rng = np.random.default_rng(7 + n_groups)
    _, codes, values = draw(rng, n_groups, 0.3)
    fit = vc.likelihood(vc.one_way(gs.moments(values, codes, n_groups)))
    assert fit.within.mean() == pytest.approx(0.7, abs=0.01)
    assert fit.between.mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("n_groups", [10, 30, 100])
def test_shrunken_scores_and_their_errors(n_groups):
    """Posterior intervals cover the true school values, a little less with few schools."""
    rng = np.random.default_rng(11 + n_groups)
    school, codes, values = draw(rng, n_groups, 0.2)
    moments = gs.moments(values, codes, n_groups)
    fit = vc.likelihood(vc.one_way(moments))
    inside, plain_error, shrunken_error = [], 0.0, 0.0
    for k in range(0, DRAWS, 4):
        if fit.between[k] == 0:
            continue
        shrunken, _, se = vc.shrink(
            moments.mean[:, k], moments.n, fit.mean[k], fit.between[k], fit.within[k] / moments.n
        )
        inside.append(np.abs(shrunken - school[:, k]) <= 1.96 * se)
        plain_error += ((moments.mean[:, k] - school[:, k]) ** 2).sum()
        shrunken_error += ((shrunken - school[:, k]) ** 2).sum()
    floor = {10: 0.86, 30: 0.91, 100: 0.935}[n_groups]
    assert floor < np.mean(inside) < 0.96
    assert shrunken_error < plain_error


@pytest.mark.parametrize("n_groups", [10, 30, 100])
def test_intervals_of_school_means(n_groups):
    """Ordinal answers of four items, school means known by averaging over many teachers."""
    rng = np.random.default_rng(13 + n_groups)
    scale = Instrument(id="m", response_scale=ResponseScale(1, 6), items=list("abcd"))
    cut = np.array([-1.5, -0.7, 0.0, 0.7, 1.5])

    def answers(school, sizes):
        codes = np.repeat(np.arange(len(school)), sizes)
        latent = school[codes] + rng.normal(0, 0.8, len(codes))
        noise = rng.normal(0, 0.6, (len(codes), 4))
        return codes, 1 + np.searchsorted(cut, (latent[:, None] + noise).ravel()).reshape(-1, 4)

    covered = []
    for _ in range(2000 // n_groups):
        school = rng.normal(0, 0.5, n_groups)
        codes, many = answers(school, np.full(n_groups, 1500))
        truth = np.bincount(codes, many.mean(axis=1)) / 1500
        codes, given = answers(school, rng.integers(6, 25, n_groups))
        frame = pd.DataFrame(given, columns=list("abcd")).assign(school=codes)
        table = aggregate(Responses(frame, scale, group="school")).table.xs("total", level="scale")
        covered.append((table["ci_low"].to_numpy() <= truth) & (truth <= table["ci_high"]))
    assert np.mean(np.concatenate(covered)) == pytest.approx(0.95, abs=0.02)
