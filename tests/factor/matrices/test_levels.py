"""Factor analysis of answers given in schools."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import InputError
from cte_metrics.factor import adequacy, efa, n_factors
from cte_metrics.kernels.factor.rotation import matching_columns
from cte_metrics.kernels.groups.nesting import nesting, school_bootstrap
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def survey(n_schools: int = 40) -> pd.DataFrame:
    """Two factors within schools, one (a shift of all items) between; 8 to 15 a school."""
    rng = np.random.default_rng(2)
    school = np.repeat(np.arange(n_schools), 8 + np.arange(n_schools) % 8)
    pattern = np.zeros((6, 2))
    pattern[:3, 0] = pattern[3:, 1] = 0.7
    n = len(school)
    items = rng.normal(size=(n, 2)) @ pattern.T + 0.6 * rng.normal(size=(n, 6))
    items += 0.6 * rng.normal(size=(n_schools, 1))[school]
    return pd.DataFrame(items, columns=list("abcdef")).assign(school=school)


@pytest.mark.problem(
    "psych::fa, SPSS: nested answers",
    "teachers of one school are taken for independent, and nothing says how much that matters",
    "a note gives intraclass correlations, design effect and the distance of pooled-within "
    "correlations; level= takes one level, the bootstrap draws schools",
)
def test_the_note_says_what_was_used_and_by_how_much_it_matters() -> None:
    data = survey()
    found = efa(data, 2, group="school")
    (note,) = (n for n in found.notes if "schools" in n)
    items = data.drop(columns="school")
    within = items - items.groupby(data["school"]).transform("mean")
    size = (within.corr() - items.corr()).abs().to_numpy()
    assert "40 schools" in note
    assert "total correlations were used" in note
    assert f"by {size.max():.2f} at most" in note
    sizes = data["school"].value_counts().to_numpy()
    ms = [cte.aggregation.variance_components(items[c], data["school"]).icc1 for c in items]
    effect = 1.0 + ((sizes**2).sum() / len(data) - 1.0) * np.array(ms)
    said = float(note.split("mean design effect ")[1].split(")")[0])
    assert said == pytest.approx(effect.mean(), abs=0.03)  # that one takes the mean size for c
    assert not efa(items, 2).notes


def test_pooled_within_correlations_are_those_of_deviations() -> None:
    data = survey()
    found = efa(data, 2, group="school", level="within")
    items = data.drop(columns="school")
    within = items - items.groupby(data["school"]).transform("mean")
    np.testing.assert_allclose(found.correlations, within.corr(), atol=1e-12)
    assert found.provenance.n_used == len(data) - 40 + 1
    matrix = efa(within.corr(), 2, n_obs=len(data) - 40 + 1)
    np.testing.assert_allclose(found.loadings, matrix.loadings, atol=1e-9)
    assert found.chi2 == pytest.approx(matrix.chi2)
    assert "within schools" in found.provenance.method


def test_between_school_moments_by_hand() -> None:
    values = np.array([[1.0, 0.0], [3.0, 2.0], [5.0, 4.0], [7.0, 10.0], [6.0, 6.0]])
    codes = np.array([0, 0, 1, 1, 1])
    found = nesting(values, codes)
    # S_W: (4/2 + (1 + 1 + 0)) / 3; S_B: 2 * 2.4^2 + 3 * 1.6^2 = 19.2; c = 5 - 13/5 = 2.4
    assert found.within[0, 0] == pytest.approx(4.0 / 3.0)
    assert found.between[0, 0] == pytest.approx((19.2 - 4.0 / 3.0) / 2.4)
    assert found.icc[0] == pytest.approx(found.between[0, 0] / (found.between + found.within)[0, 0])
    assert found.design_effect[0] == pytest.approx(1.0 + 1.6 * found.icc[0])


def test_between_school_factors_and_refusals() -> None:
    data = survey()
    with pytest.raises(InputError, match="between-school correlations are not positive definite"):
        efa(data, 1, group="school", level="between")
    found = efa(data, 1, group="school", level="between", smooth=True)
    assert found.provenance.n_used == 40
    assert (found.loadings["F1"] > 0.9).all()
    items = data.drop(columns="school")
    with pytest.raises(InputError, match="no two schools are known"):
        efa(items, 1, level="within")
    with pytest.raises(InputError, match="a matrix was given"):
        efa(items.corr(), 1, n_obs=300, level="within")
    with pytest.raises(InputError, match="pearson"):
        efa(data, 1, group="school", level="within", correlation="spearman")
    with pytest.raises(InputError, match="level='inside'"):
        efa(data, 1, group="school", level="inside")


def test_a_survey_brings_its_own_schools_and_blank_ones_are_none() -> None:
    data = survey()
    whole = data.assign(school=data["school"].map("s{}".format))
    answers = np.clip(np.rint(data.drop(columns="school") + 3), 1, 5).astype(int)
    instrument = cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(minimum=1, maximum=5),
        items=[cte.Item(id=c) for c in answers],
    )
    responses = cte.Responses(answers.assign(g=whole["school"]), instrument, group="g")
    assert any("40 schools" in note for note in efa(responses, 2).notes)
    assert any("40 schools" in note for note in adequacy(responses).notes)
    blank = whole.assign(school=whole["school"].replace("s0", "  "))
    assert any("39 schools" in note for note in efa(blank, 2, group="school").notes)


def test_schools_of_one_respondent_each_change_nothing() -> None:
    data = survey().drop(columns="school")
    alone = efa(data, 2, group=np.arange(len(data)))
    assert alone.notes == ()
    with pytest.raises(InputError, match="do not vary within schools"):
        efa(data, 2, group=np.arange(len(data)), level="within")


def test_the_bootstrap_draws_whole_schools() -> None:
    data = survey()
    found = efa(data, 2, group="school")
    drawn = found.standard_errors("bootstrap", n_resamples=60, rng=1)
    again = found.standard_errors("bootstrap", n_resamples=60, rng=1)
    pd.testing.assert_frame_equal(drawn.loadings, again.loadings)
    assert "40 schools" in drawn.provenance.method
    (note,) = (n for n in drawn.notes if "Whole schools" in n)
    usual = found.standard_errors().loadings
    assert f"{(drawn.loadings / usual).to_numpy().mean():.2f} times" in note
    # schools shift all items together, which moves the correlation of the factors most
    phi = drawn.factor_correlations.loc["F1", "F2"]
    assert phi > 1.3 * found.standard_errors().factor_correlations.loc["F1", "F2"]
    alone = efa(data.drop(columns="school"), 2).standard_errors("bootstrap", n_resamples=40, rng=1)
    assert "respondents" in alone.provenance.method
    assert alone.notes == ()


def test_schools_are_few_and_resamples_need_answers() -> None:
    data = survey(12)
    few = efa(data, 2, group="school").standard_errors("bootstrap", n_resamples=10, rng=1)
    assert any("12 schools are few" in note for note in few.notes)
    matrix = efa(data.drop(columns="school").corr(), 2, n_obs=100)
    with pytest.raises(InputError, match="came from a matrix"):
        matrix.standard_errors("bootstrap")
    ranks = efa(data.drop(columns="school"), 2, correlation="spearman")
    with pytest.raises(InputError, match="Pearson"):
        ranks.standard_errors("bootstrap")
    with pytest.raises(InputError, match="at least 2"):
        efa(data, 2, group="school").standard_errors("bootstrap", n_resamples=1)


def test_parallel_analysis_with_schools() -> None:
    data = survey()
    found = n_factors(
        data, methods=("parallel",), group="school", n_resamples=100, n_bootstrap=50, rng=1
    )
    assert any("effective number of respondents" in note for note in found.notes)
    np.testing.assert_allclose(found.stability.sum(), 1.0)
    assert found.stability["parallel"].idxmax() == found.suggested["parallel"]
    within = n_factors(data, methods=("parallel",), group="school", level="within", rng=1)
    assert within.suggested["parallel"] == 2
    assert within.provenance.n_used == len(data) - 39
    assert not len(within.stability)
    with pytest.raises(InputError, match="n_bootstrap"):
        n_factors(data.corr(), n_obs=100, n_bootstrap=10)
    with pytest.raises(InputError, match="hold 'parallel'"):
        n_factors(data, methods=("kaiser",), n_bootstrap=10)


# --- kernels ------------------------------------------------------------------------------------


def test_resampled_levels_are_those_of_the_drawn_schools() -> None:
    data = survey(5)
    values, codes = data.drop(columns="school").to_numpy(), data["school"].to_numpy()
    draws = np.random.default_rng(7).integers(0, 5, size=(3, 5), dtype=np.int32)
    rows = [[np.flatnonzero(codes == s) for s in draw] for draw in draws]
    for level in ("within", "between"):
        (stack,) = school_bootstrap(values, codes, 3, np.random.default_rng(7), level=level)
        for found, parts in zip(stack, rows, strict=True):
            fresh = np.repeat(np.arange(5), [len(p) for p in parts])
            expected = getattr(nesting(values[np.concatenate(parts)], fresh), level)
            np.testing.assert_allclose(found, expected, atol=1e-10)
    (total,) = bootstrap_covariances(values, 3, np.random.default_rng(7), clusters=codes)
    for found, parts in zip(total, rows, strict=True):
        expected = np.cov(values[np.concatenate(parts)].T, bias=True)
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_columns_are_matched_up_to_order_and_sign() -> None:
    base = np.array([[0.8, 0.1], [0.7, 0.0], [0.1, 0.6]])
    order, signs = matching_columns(base, -base[:, ::-1])
    assert (order.tolist(), signs.tolist()) == ([1, 0], [-1.0, -1.0])
