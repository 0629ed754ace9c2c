"""The general factor behind correlated factors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cte_metrics.kernels.factor.extraction import extract
from cte_metrics.kernels.factor.schmid_leiman import general_loadings, schmid_leiman

LOADING = st.floats(0.2, 0.9)


def implied(gamma):
    gamma = np.asarray(gamma, dtype=float)
    return np.outer(gamma, gamma) + np.diag(1 - gamma**2)


def test_by_hand_three_correlations_give_three_loadings():
    phi = np.array([[1, 0.72, 0.63], [0.72, 1, 0.56], [0.63, 0.56, 1]])
    np.testing.assert_allclose(general_loadings(phi), [0.9, 0.8, 0.7], atol=1e-14)


@given(st.tuples(LOADING, LOADING, LOADING), st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
def test_loadings_are_found_again_with_a_sum_that_is_not_negative(size, signs):
    gamma = np.multiply(size, signs)
    found = general_loadings(implied(gamma))
    np.testing.assert_allclose(np.outer(found, found), np.outer(gamma, gamma), atol=1e-12)
    assert found.sum() > -1e-12


@pytest.mark.parametrize("method", ["minres", "ml", "gls", "wls"])
def test_the_closed_form_is_the_minimum_of_the_search(method):
    phi = implied([0.85, -0.5, 0.6])
    np.testing.assert_allclose(
        general_loadings(phi, method), extract(phi, 1, method).loadings[:, 0], atol=1e-7
    )


@pytest.mark.parametrize("r", [(0.5, -0.01, 0.06), (0.9, 0.9, 0.5)])
def test_correlations_without_proper_loadings_are_left_to_the_search(r):
    phi = np.eye(3)
    phi[[0, 0, 1], [1, 2, 2]] = phi[[1, 2, 2], [0, 0, 1]] = r
    np.testing.assert_array_equal(general_loadings(phi), extract(phi, 1).loadings[:, 0])


@pytest.mark.parametrize(("r", "heywood"), [(0.9, False), (1.0, True)])
def test_two_factors_that_are_one_leave_no_group_factor(r, heywood):
    pattern = np.array([[0.7, 0.0], [0.6, 0.0], [0.0, 0.5], [0.0, 0.8]])
    found = schmid_leiman(pattern, np.array([[1.0, r], [r, 1.0]]))
    assert (found.heywood, found.identified) == (heywood, False)
    np.testing.assert_allclose(found.group, pattern * np.sqrt(1.0 - r))
    assert not schmid_leiman(pattern[:2, :1], np.ones((1, 1))).heywood
