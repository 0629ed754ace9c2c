"""Mardia and Henze-Zirkler."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.quality import henze_zirkler, mardia
from tests.factor.stored import answers
from tests.reference_case import case


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_careless", "sim_cte21"])
def test_reference_psych_and_semtools(name):
    c = case(name)
    out = mardia(answers(c, c["mardia"]))
    want, sem = c["mardia"].values, c["mardia_ml"].values
    np.testing.assert_allclose((out.skew, out.kurtosis), (want["b1p"], want["b2p"]), rtol=1e-9)
    np.testing.assert_allclose(out.skew, sem["skew"]["b1d"], rtol=1e-9)
    np.testing.assert_allclose(out.skew_p, sem["skew"]["p"], rtol=1e-6)
    np.testing.assert_allclose(out.kurtosis, sem["kurt"]["b2d"], rtol=1e-9)
    np.testing.assert_allclose(out.kurtosis_p, sem["kurt"]["p"], rtol=1e-5, atol=1e-300)


def test_henze_zirkler_is_pingouins_on_floats():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pingouin import multivariate_normality
    for seed, p in ((1, 2), (2, 5)):
        x = np.random.default_rng(seed).normal(size=(120, p)) ** 2
        theirs = multivariate_normality(x)
        ours = henze_zirkler(x)
        np.testing.assert_allclose((ours.hz, ours.p), (theirs.hz, theirs.pval), rtol=1e-9)


def test_integers_are_floats():
    # pingouin is wrong on integer columns
    x = np.random.default_rng(3).integers(1, 7, (150, 3))
    assert henze_zirkler(x) == henze_zirkler(x.astype(float))
    assert mardia(x).skew == mardia(x.astype(float)).skew


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_affine_invariance(seed):
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, size=(60, 3))
    y = x @ (rng.normal(size=(3, 3)) + 3 * np.eye(3)) + rng.normal(size=3)
    np.testing.assert_allclose(mardia(x).skew, mardia(y).skew, rtol=1e-6)
    np.testing.assert_allclose(mardia(x).kurtosis, mardia(y).kurtosis, rtol=1e-6)
    np.testing.assert_allclose(henze_zirkler(x).hz, henze_zirkler(y).hz, rtol=1e-6)


def test_missing_rows_are_dropped_and_said():
    x = np.random.default_rng(4).normal(size=(50, 3))
    gaps = np.vstack([x, [np.nan, 0, 0]])
    out = mardia(gaps)
    assert out.skew == pytest.approx(mardia(x).skew)
    assert out.provenance.n_dropped == 1
    assert any("1 of 51 rows" in n for n in out.notes)


def test_refusals():
    x = np.random.default_rng(5).normal(size=(30, 3))
    with pytest.raises(cte.InputError, match="combination of others"):
        mardia(np.column_stack([x, x.sum(axis=1)]))
    with pytest.raises(cte.InputError, match="item_2: every respondent gave the same answer"):
        henze_zirkler(x * [1, 0, 1])
    with pytest.raises(cte.InputError, match="more complete rows than items"):
        mardia(x[:3])


def test_rendering():
    out = mardia(np.random.default_rng(6).normal(size=(40, 2)))
    assert "skew_p" in out.summary()
    assert set(out.to_frame().columns) >= {"skew", "skew_p", "kurtosis", "kurtosis_p"}


@pytest.mark.slow
def test_size_of_the_tests():
    rng = np.random.default_rng(7)
    p = np.array(
        [
            (m.skew_p, m.kurtosis_p, henze_zirkler(x).p)
            for x in rng.normal(size=(400, 200, 3))
            for m in [mardia(x)]
        ]
    )
    assert ((p < 0.05).mean(axis=0) < 0.09).all()
    assert ((p < 0.05).mean(axis=0) > 0.015).all()
