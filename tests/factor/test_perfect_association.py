"""Polychorics of items that are perfectly associated, and what is made of them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import EstimationError
from cte_metrics.factor import cfa, efa, polychoric
from cte_metrics.kernels.numerics.bracketed_newton import bracketed_newton, judged_by_height
from cte_metrics.kernels.ordinal.polyserial import edges, fit_polyserial
from cte_metrics.results import Status

TEN = np.array([
    [1, 1, 1, 1, 0], [1, 1, 1, 2, 1], [1, 2, 1, 2, 0], [1, 1, 0, 2, 0], [2, 2, 2, 2, 1],
    [1, 1, 2, 2, 1], [1, 0, 0, 0, 1], [1, 1, 0, 1, 1], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1],
])  # fmt: skip


def from_table(table: list[list[int]]) -> pd.DataFrame:
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return pd.DataFrame(cells, columns=["a", "b"])


@pytest.mark.problem(
    "psych::polychoric, lavaan::lavCor, pingouin",
    "one perfectly associated pair stops the search, has a standard error of 1e44, and the whole "
    "matrix is called not converged",
    "the pair gets the limit .999, no standard error and a note; the rest is what it is without it",
)
def test_a_perfect_pair_does_no_harm_to_the_others() -> None:
    found = polychoric(pd.DataFrame(TEN, columns=[f"X{k}" for k in range(1, 6)]))
    assert found.status is Status.CONVERGED
    perfect = [("X1", "X2"), ("X1", "X3"), ("X1", "X4"), ("X2", "X4")]
    for pair in perfect:
        assert found.correlations.loc[pair] == pytest.approx(0.999)
        assert np.isnan(found.standard_errors.loc[pair])
        assert np.isnan(found.acov.loc[f"{pair[0]}~~{pair[1]}"]).all()
    (note,) = (n for n in found.notes if "Perfect association" in n)
    assert all(f"{a} with {b}" in note for a, b in perfect)
    rest = ["X3", "X4", "X5"]
    apart = polychoric(pd.DataFrame(TEN, columns=[f"X{k}" for k in range(1, 6)])[rest])
    for figure in ("correlations", "standard_errors"):
        np.testing.assert_allclose(
            getattr(found, figure).loc[rest, rest], getattr(apart, figure), rtol=1e-9
        )


@pytest.mark.problem(
    "polycor, psych: flat likelihoods",
    "the likelihood is flat from .95 up to 1, and the correlation is wherever the search gave up",
    "judged by the likelihood: nowhere higher than at the limit, so the limit",
)
@pytest.mark.parametrize(
    ("table", "limit"),
    [
        ([[7, 21], [0, 4], [0, 10]], 0.999),
        ([[2, 19], [0, 17], [0, 3]], 0.999),
        ([[21, 7], [4, 0], [10, 0]], -0.999),
        ([[1, 60, 40], [0, 0, 30]], 0.999),
        ([[0, 3], [0, 17], [2, 19]], -0.999),
    ],
)
def test_a_flat_likelihood_ends_at_its_limit(table: list[list[int]], limit: float) -> None:
    found = polychoric(from_table(table))
    assert found.correlations.loc["a", "b"] == pytest.approx(limit)
    assert np.isnan(found.standard_errors.loc["a", "b"])
    assert found.status is Status.CONVERGED
    assert any("Perfect association" in note for note in found.notes)


def test_an_inner_maximum_stays_where_it_is() -> None:
    """Four respondents off the diagonal: lavaan::lavCor gives .994129606."""
    found = polychoric(from_table([[40, 2, 0], [2, 40, 2], [0, 2, 40]]))
    assert found.correlations.loc["a", "b"] == pytest.approx(0.994129606, abs=1e-7)
    assert 0 < found.standard_errors.loc["a", "b"] < 0.05


def flat_pair(n_items: int = 5) -> pd.DataFrame:
    """Items of one factor; the last becomes 0 for three respondents with a's lowest answer."""
    rng = np.random.default_rng(3)
    f = rng.normal(size=(300, 1))
    y = np.digitize(f + 0.8 * rng.normal(size=(300, n_items)), [-0.8, 0.8])
    y[:, -1] = 1
    y[np.flatnonzero(y[:, 0] == 0)[:3], -1] = 0
    return pd.DataFrame(y, columns=list("abcdefghijkl")[:n_items])


def test_weighted_least_squares_gives_a_flat_pair_no_weight() -> None:
    """lavaan's figures for the same answers; it reaches them with a variance of 1.7e11."""
    data = flat_pair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = cfa(data, ordered=True)
    est = fit.parameters.query("op == '=~'").set_index("rhs")["est"]
    np.testing.assert_allclose(
        est[["b", "c", "d", "e"]], [0.8965362, 0.9619412, 0.9591867, 0.6515147], atol=5e-6
    )
    assert fit.fit_measures["chisq"] == pytest.approx(2.756, abs=5e-4)
    assert fit.fit_measures["chisq_scaled"] == pytest.approx(3.860, abs=5e-4)
    assert any("carries no weight" in note and "a with e" in note for note in fit.notes)


def test_standard_errors_of_loadings_need_all_correlations() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = efa(flat_pair(12), 1, correlation="polychoric", smooth=True)
        with pytest.raises(EstimationError, match="perfectly associated"):
            found.standard_errors()


def test_a_numeric_item_in_perfect_order_ends_at_the_limit_of_polyserials() -> None:
    z = np.linspace(-1.7, 1.7, 60)[None, :]
    codes = (z > 1.0).astype(int)
    cut = np.array([[1.0]])
    found = fit_polyserial(z, edges(cut, codes), np.array([0.5]))
    assert (found.at[0], found.at_limit[0], found.converged[0]) == (0.995, True, True)


def test_the_height_decides_where_the_score_misleads() -> None:
    """A score that is zero on both sides of a bump: the search starts on the plain."""

    def bump(at: np.ndarray) -> np.ndarray:
        return np.exp(-(((at - 0.4) / 0.1) ** 2))

    def score(which: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = (at - 0.4) / 0.1
        first = np.where(np.abs(u) < 3.0, -2.0 * u / 0.1 * bump(at), 0.0)
        second = np.where(np.abs(u) < 3.0, (4.0 * u * u - 2.0) / 0.01 * bump(at), 0.0)
        return first, second

    start = np.array([0.95])
    found = bracketed_newton(score, start, 0.999)
    assert found.at[0] == 0.95
    judged = judged_by_height(found, score, lambda which, at: bump(at), 0.999)
    assert judged.at[0] == pytest.approx(0.4, abs=1e-8)
    assert not judged.at_limit[0]
