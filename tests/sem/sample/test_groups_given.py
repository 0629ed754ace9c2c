"""Matrices, means and sizes by group: matched by name, aligned by label, nothing guessed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEError, InputError, UnknownNameError
from tests.reference_case import case

X = [f"x{i}" for i in range(1, 10)]
MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
SIZES = {"Pasteur": 156, "Grant-White": 145}


@functools.cache
def _moments() -> tuple[dict[str, pd.DataFrame], dict[str, pd.Series]]:
    groups = dict(iter(case("hs1939").data.groupby("school")[X]))
    return (
        {k: groups[k].cov() for k in SIZES},
        {k: groups[k].mean() for k in SIZES},
    )


def _turned(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(entries.items()))


def _fit(cov: Any, mean: Any, n: Any, **options: Any) -> tuple[float, float]:
    options.setdefault("group_equal", ["loadings", "intercepts"])
    fit = sem.cfa(MODEL, sample_cov=cov, sample_mean=mean, n_obs=n, **options)
    p = fit.parameters
    latent = p[(p.lhs == "textual") & (p.op == "~1") & (p.group == 2)]
    return fit.fit_measures["chisq"], float(latent.est.sum())


@pytest.mark.problem(
    "lavaan",
    "Means and sizes given by group are taken in the order they stand in, whatever their names",
    "Groups of sample_cov, sample_mean and n_obs are matched by name; an unknown name is refused",
)
@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_groups_are_matched_by_name(turned: tuple[int, int]) -> None:
    cov, mean = _moments()
    means, sizes = _turned(mean) if turned[0] else mean, _turned(SIZES) if turned[1] else SIZES
    assert _fit(cov, means, sizes) == pytest.approx((164.103, 0.576), abs=5e-4)


def test_groups_as_frames_series_lists_and_arrays() -> None:
    cov, mean = _moments()
    expected = pytest.approx(_fit(cov, mean, SIZES), rel=1e-6)
    frame = pd.DataFrame(mean).T
    assert _fit(cov, frame.iloc[::-1], pd.Series(_turned(SIZES))) == expected
    covs = [c.to_numpy() for c in cov.values()]
    means = [m.to_numpy() for m in mean.values()]
    assert _fit(covs, means, [156, 145]) == expected
    assert _fit(np.array(covs), np.array(means), np.array([156, 145])) == expected
    assert _fit(list(cov.values()), list(mean.values()), (156, 145)) == expected
    numbers = {"Pasteur": 1.0, "Grant-White": 2.0}
    by_number = ({numbers[k]: v for k, v in part.items()} for part in (cov, _turned(mean)))
    assert _fit(*by_number, {2: 145, 1: 156}) == expected


def test_frames_are_aligned_by_their_labels() -> None:
    cov, mean = _moments()
    expected = pytest.approx(_fit(cov, mean, SIZES), rel=1e-6)
    mixed = {k: c.loc[X[::-1], X[3:] + X[:3]] for k, c in cov.items()}
    means = {k: m[X[5:] + X[:5]] for k, m in mean.items()}
    assert _fit(mixed, means, SIZES) == expected
    assert _fit(cov, {k: m.to_dict() for k, m in means.items()}, SIZES) == expected
    unlabelled = {k: c.reset_index(drop=True) for k, c in cov.items()}
    assert _fit(unlabelled, mean, SIZES) == expected


def test_one_group() -> None:
    data = case("hs1939").data[X]
    cov, mean = data.cov(), data.mean()
    expected = pytest.approx(_fit(cov, mean, 301, group_equal=()), rel=1e-6)
    for given in (
        (cov.loc[X[::-1]], mean[X[::-1]], 301),
        (cov.to_numpy(), mean.to_numpy(), [301]),
        ({"all": cov}, {"all": mean}, {"all": 301}),
        ({"all": cov}, mean, 301),
        ({"all": cov}, mean.to_dict(), 301),
        (cov, mean.to_frame().T.reset_index(drop=True), 301),
    ):
        assert _fit(*given, group_equal=()) == expected


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_obs": {"foo": 156, "bar": 145}}, UnknownNameError, "n_obs has an entry 'foo'"),
        ({"n_obs": {"Pasteur": 156}}, UnknownNameError, "no entry for the group 'Grant-White'"),
        ({"n_obs": {"pasteur": 156, "Grant-White": 145}}, UnknownNameError, "Did you mean"),
        ({"n_obs": [156]}, InputError, "n_obs has 1 entries"),
        ({"n_obs": {1: 156, "1": 145}}, InputError, "two entries for the group '1'"),
        ({"sample_mean": {"a": 1, "b": 2}}, UnknownNameError, "sample_mean has an entry 'a'"),
    ],
)
def test_names_that_do_not_match(
    change: dict[str, Any], error: type[CTEError], message: str
) -> None:
    cov, mean = _moments()
    given = {"sample_cov": cov, "sample_mean": mean, "n_obs": SIZES} | change
    with pytest.raises(error, match=message):
        sem.cfa(MODEL, **given)


def test_labels_that_do_not_match() -> None:
    cov, mean = _moments()
    one, centre = cov["Pasteur"], mean["Pasteur"]
    refused: list[tuple[Any, Any, Any, str]] = [
        (list(cov.values()), mean, [156, 145], "groups of sample_cov have no names"),
        (one, centre, {"foo": 156}, "groups of sample_cov have no names"),
        (one, centre.rename({"x1": "x1_"}), 156, "no entry for 'x1'"),
        (one.rename(index={"x1": "y"}), centre, 156, "has a row 'y'"),
        (pd.concat([one, one[["x1"]]], axis=1), centre, 156, "square matrix"),
        (one.rename(index={"x2": "x1"}, columns={"x2": "x1"}), centre, 156, "two columns 'x1'"),
    ]
    for sample_cov, sample_mean, n_obs, message in refused:
        with pytest.raises(CTEError, match=message):
            sem.cfa(MODEL, sample_cov=sample_cov, sample_mean=sample_mean, n_obs=n_obs)
