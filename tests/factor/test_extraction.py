"""Local minima, singular matrices and what the notes of an EFA say."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import InputError
from cte_metrics.factor import efa, n_factors
from cte_metrics.kernels.factor import profiled_discrepancy as profiled
from cte_metrics.kernels.factor.extraction import Method, extract
from cte_metrics.kernels.numerics.bounded_newton import minimise_within
from cte_metrics.results import Status


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def political() -> np.ndarray:
    """Correlations of eight political variables (Harman 1976; psych's Harman.political, n 147)."""
    below = [
        [0.84],
        [0.62, 0.84],
        [-0.53, -0.68, -0.76],
        [0.03, -0.05, 0.08, -0.25],
        [0.57, 0.76, 0.81, -0.80, 0.25],
        [-0.33, -0.35, -0.51, 0.62, -0.72, -0.58],
        [-0.63, -0.73, -0.81, 0.88, -0.36, -0.84, 0.68],
    ]
    r = np.eye(8)
    for i, row in enumerate(below, 1):
        r[i, :i] = r[:i, i] = row
    return r


def one_factor_items(n_items: int = 6) -> tuple[pd.DataFrame, np.random.Generator]:
    rng = np.random.default_rng(5)
    z = rng.normal(size=(200, 1))
    items = 0.7 * z + 0.7 * rng.normal(size=(200, n_items))
    return pd.DataFrame(items, columns=list("abcdef")), rng


@pytest.mark.problem(
    "factanal, factor_analyzer, psych::fa",
    "maximum likelihood stops in a local minimum that looks proper, with one start or with two "
    "that agree",
    "every bounded method takes the lowest of the minima of 16 to 28 fixed starts",
)
def test_maximum_likelihood_finds_the_lower_minimum() -> None:
    """factanal(nstart = 60) reaches .933613303 and these uniquenesses; one start .975406869."""
    found = extract(political(), 2, "ml")
    assert found.objective == pytest.approx(0.933613303, abs=2e-9)
    expected = [0.294466, 0.005, 0.1966232, 0.19459, 0.5658441, 0.2071115, 0.3652106, 0.0790226]
    np.testing.assert_allclose(found.uniquenesses, expected, atol=2e-5)
    assert extract(political(), 2, "ml", thorough=False).objective == pytest.approx(0.975406869)
    solution = efa(political(), 2, method="ml", n_obs=147)
    assert solution.objective == pytest.approx(0.93360, abs=5e-6)  # psych::fa's figure
    assert solution.status is Status.IMPROPER
    assert any("HEYWOOD" in note and "item_2 (0.995)" in note for note in solution.notes)


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("method", ["ml", "minres", "wls", "gls"])
@pytest.mark.parametrize("data", ["political", "a copied item"])
def test_no_random_start_ends_lower(data: str, method: Method, m: int) -> None:
    if data == "political":
        r = political()
    else:
        items, rng = one_factor_items()
        r = items.assign(copy=items["a"] + rng.normal(0, 0.1, 200)).corr().to_numpy()
    p = len(r)
    starts = np.random.default_rng(99).uniform(0.01, 1.0, (60, p))
    ones = np.ones(p)
    if method in ("ml", "gls"):
        function = profiled.likelihood_roots if method == "ml" else profiled.generalized_roots
        ends = minimise_within(
            partial(function, s=r, m=m), np.log(starts), np.log(0.005 * ones), 0.0 * ones
        )
    else:
        w = 1.0 / np.diagonal(np.linalg.inv(r)) if method == "wls" else ones
        s = r * np.sqrt(np.outer(w, w))
        function = partial(profiled.least_squares_roots, s=s, m=m)
        ends = minimise_within(function, starts * w, 0.005 * w, w)
    lowest = min(end.value for end in ends if end.converged)
    assert extract(r, m, method).objective <= lowest + 1e-9


@pytest.mark.problem(
    "psych::fa with fm = 'wls'",
    "an item and its copy are explained by half, and nothing says so",
    "the largest residual correlation above .2 has a note",
)
def test_a_large_residual_is_named() -> None:
    items, rng = one_factor_items()
    data = items.assign(copy=items["a"] + rng.normal(0, 0.1, 200))
    found = efa(data, 2, method="wls")
    assert abs(found.residuals.loc["a", "copy"]) > 0.4
    (note,) = (n for n in found.notes if "unexplained" in n)
    assert "of a with copy" in note
    assert "residuals above 0.2: 1" in note
    assert not any("unexplained" in n for n in efa(data, 2).notes)


@pytest.mark.problem(
    "psych::principal, SPSS",
    "principal components of a singular matrix are refused, though they need no inverse",
    "components, scores and a note; figures that need an inverse are missing",
)
def test_components_of_a_singular_matrix() -> None:
    items, _ = one_factor_items()
    data = items.assign(sum=items.sum(axis=1))
    found = efa(data, 2, method="pc", rotation="none")
    expected = [  # psych::principal(d, 2, rotate = "none"), which smooths: agreement to 4e-5
        [0.789955, 0.762472, 0.755431, 0.780132, 0.793682, 0.726641, 0.999963],
        [-0.237714, 0.411665, 0.492861, -0.355333, -0.239838, -0.046626, 0.003020],
    ]
    np.testing.assert_allclose(found.loadings.to_numpy().T, expected, atol=5e-5)
    roots, _ = np.linalg.eigh(data.corr())
    np.testing.assert_allclose((found.loadings**2).sum(), roots[::-1][:2], rtol=1e-12)
    assert found.status is Status.OK
    assert np.isnan(found.objective)
    assert np.isnan(found.chi2)
    assert any("needs no inverse" in note for note in found.notes)
    scores = found.scores(data)
    np.testing.assert_allclose(scores.cov(), np.eye(2), atol=1e-9)
    few = items.iloc[:4]
    np.testing.assert_allclose((efa(few, 1, method="pc").loadings ** 2).sum().iloc[0],
                               np.linalg.eigvalsh(few.corr())[-1])  # fmt: skip


def test_roots_of_a_singular_matrix_serve_the_criteria_that_read_only_roots() -> None:
    items, _ = one_factor_items()
    data = items.assign(sum=items.sum(axis=1))
    found = n_factors(data, methods=("kaiser", "ekc"))
    assert found.suggested["kaiser"] == 1
    assert any("needs no inverse" in note for note in found.notes)
    with pytest.raises(InputError, match="not positive definite"):
        n_factors(data, methods=("kaiser", "map"))


@pytest.mark.problem(
    "this library: notes of efa",
    "a Heywood note lists communalities of .4 to .7",
    "it names only variables whose communality reaches 1; a uniqueness held at its bound has "
    "another note",
)
def test_a_heywood_note_names_only_heywood_cases() -> None:
    items, _ = one_factor_items()
    data = items.assign(sum=items.sum(axis=1))
    found = efa(data, 2, method="gls", smooth=True)
    (heywood,) = (n for n in found.notes if "HEYWOOD" in n)
    assert "communality of sum (" in heywood
    assert found.communalities["sum"] >= 0.995
    (held,) = (n for n in found.notes if "held the uniqueness" in n)
    assert "of a, b, c, d, e, f at" in held
    assert found.status is Status.IMPROPER


@pytest.mark.problem(
    "psych::fa with cor = 'poly', this library",
    "a note advises smoothing although the matrix was smoothed, or listwise deletion where no "
    "answer is missing",
    "a note never advises what was done already",
)
def test_notes_do_not_advise_what_was_done() -> None:
    r = np.random.default_rng(8)
    f = r.normal(size=(45, 1))
    answers = 0.75 * f + 0.66 * r.normal(size=(45, 12)) > np.linspace(-1.3, 1.3, 12)
    binary = pd.DataFrame(answers.astype(int), columns=[f"b{i}" for i in range(12)])
    found = efa(binary, 1, correlation="polychoric", smooth=True)
    assert any(note.startswith("SMOOTHED") for note in found.notes)
    assert not any("smooth=True" in note for note in found.notes)
    items, _ = one_factor_items()
    with pytest.raises(InputError) as whole:
        efa(items.assign(sum=items.sum(axis=1)), 1)
    assert "listwise" not in str(whole.value)
    gappy = items.assign(sum=items.sum(axis=1))
    gappy.iloc[:3, 0] = np.nan
    with pytest.raises(InputError) as pairwise:
        efa(gappy.assign(twin=gappy["b"]), 1, missing="pairwise")
    assert "listwise" in str(pairwise.value)


def test_sequential_tests_that_reject_every_number_suggest_none() -> None:
    rng = np.random.default_rng(3)
    items = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(40, 5))
    twisted = pd.DataFrame(items).corr().to_numpy()
    found = n_factors(twisted, methods=("sequential",), n_obs=1_000_000)
    assert found.suggested == {"sequential": None}
    assert found.table.loc["sequential", "agree"] == 0
    assert any("rejects every number" in note for note in found.notes)
