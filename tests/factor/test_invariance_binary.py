"""Invariance of binary, three-category and mixed items: every level restricts the one before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import InputError
from cte_metrics.factor import invariance

MODEL = "f =~ u1 + u2 + u3 + u4 + u5"


def binary_answers() -> pd.DataFrame:
    """Five binary items of one factor, two groups of the same population."""
    rng = np.random.default_rng(101)
    n = 600
    factor = rng.normal(size=n)
    cuts = [-0.5, -0.2, 0.1, 0.3, 0.6]
    items = {
        f"u{i}": (0.8 * factor + 0.6 * rng.normal(size=n) > cut).astype(int)
        for i, cut in enumerate(cuts, 1)
    }
    return pd.DataFrame(items).assign(g=np.arange(n) % 2)


def answers(*categories: int) -> pd.DataFrame:
    """Items with so many categories each; 0 is a continuous one."""
    rng = np.random.default_rng(7)
    n = 600
    latent = rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, len(categories)))
    items = {}
    for i, k in enumerate(categories):
        cuts = np.quantile(latent[:, i], np.arange(1, k) / k) if k else np.zeros(0)
        items[f"u{i + 1}"] = np.digitize(latent[:, i], cuts) if k else latent[:, i]
    return pd.DataFrame(items).assign(g=np.arange(n) % 2)


@pytest.mark.problem(
    "lavaan, semTools",
    "A series of invariance models of binary items is not nested: the scalar model has fewer "
    "degrees of freedom than the metric one",
    "Thresholds, loadings and intercepts of binary items become equal together, after Wu and "
    "Estabrook (2016), and every level restricts the one before",
)
def test_binary_items_go_from_configural_to_the_joint_level() -> None:
    found = invariance(binary_answers(), MODEL, group="g", ordered=True)
    table = found.table  # semTools::measEq.syntax, lavTestLRT: tests/reference/binary_invariance
    assert table.index.tolist() == ["configural", "scalar", "strict"]
    assert table["df"].tolist() == [10, 13, 18]
    assert table["chisq"].tolist() == pytest.approx([17.566, 18.678, 26.308], abs=1e-3)
    assert table["delta_chisq"].tolist()[1:] == pytest.approx([0.9470444, 7.7877276], rel=2e-5)
    assert table["delta_pvalue"].tolist()[1:] == pytest.approx([0.81406, 0.16833], abs=1e-5)
    assert any(n.startswith("threshold and metric left out") for n in found.notes)


@pytest.mark.parametrize(
    ("categories", "df"),
    [
        ((3, 3, 3, 3, 3), [10, 10, 14, 18, 23]),
        ((2, 2, 3, 4, 5), [10, 13, 15, 19, 24]),
        ((2, 2, 2, 3, 3), [10, 10, 11, 15, 20]),
        ((2, 2, 2, 2, 5), [10, 12, 12, 16, 21]),
        ((2, 2, 2, 0, 0), [10, 10, 11, 15, 20]),
    ],
)
def test_every_level_restricts_the_one_before(categories: tuple[int, ...], df: list[int]) -> None:
    ordered = [f"u{i + 1}" for i, k in enumerate(categories) if k]
    found = invariance(answers(*categories), MODEL, group="g", ordered=ordered)
    table = found.table
    assert table["df"].tolist() == df
    # nesting: the least squares discrepancy never falls, and only a restriction is tested
    chisq = [fit.fit_measures["chisq"] for fit in found.fits.values()]
    assert (np.diff(chisq) > -1e-6).all()
    tested = table["delta_pvalue"].notna().to_numpy()
    assert (tested[1:] == (np.diff(df) > 0)).all()


def _five(latent: np.ndarray) -> np.ndarray:
    return np.digitize(latent, [-1.2, -0.4, 0.4, 1.2])


def test_a_factor_of_binary_items_keeps_its_scale_until_the_joint_level() -> None:
    rng = np.random.default_rng(3)
    n = 1000
    factors = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.4], [0.0, 0.9]])
    latent = np.repeat(factors, 3, axis=1) + 0.9 * rng.normal(size=(n, 6))
    cut = [(latent[:, i] > 0.2).astype(int) if i < 3 else _five(latent[:, i]) for i in range(6)]
    data = pd.DataFrame({f"u{i + 1}": c for i, c in enumerate(cut)}).assign(g=np.arange(n) % 2)
    model = "f =~ u1 + u2 + u3\ng1 =~ u4 + u5 + u6"
    found = invariance(data, model, group="g", ordered=[f"u{i}" for i in range(1, 7)])
    assert (np.diff(found.table["df"]) >= 0).all()

    def variance(level: str) -> float:
        p = found.fits[level].parameters
        return float(p[(p.lhs == "f") & (p.rhs == "f") & (p.group == 2)].free.iloc[0])

    assert variance("metric") == 0
    assert variance("scalar") > 0


def test_releases_of_binary_items_stay_nested() -> None:
    data = binary_answers()
    moved = (data.g == 1) & (data.u1 == 1) & (np.arange(len(data)) % 4 < 2)
    data.loc[moved, "u1"] = 0
    found = invariance(data, MODEL, group="g", ordered=True, partial=True)
    assert found.released["scalar"] == ("u1 ~ 1",)
    assert found.table["df"].tolist()[:2] == [10, 12]


def test_metric_invariance_of_binary_items_is_refused_alone() -> None:
    with pytest.raises(InputError, match="cannot be tested alone"):
        invariance(
            binary_answers(), MODEL, group="g", ordered=True, levels=["configural", "metric"]
        )
