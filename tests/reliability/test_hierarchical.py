"""Omega hierarchical against psych, and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import IdentificationError, ImproperSolutionWarning, InputError
from cte_metrics.reliability import hierarchical_omega
from tests.reference_case import case
from tests.reliability.test_alpha import survey

PSYCH = 1e-4  # psych's minres and GPArotation stop at gradients that leave this much
PROPER = [
    ("hs1939", "omega.nf3.minres"),
    ("hs1939", "omega.nf3.ml"),
    ("hs1939", "omega.nf2.minres"),
    ("hs1939", "omega.nf2.ml"),
    ("sim_cte12", "omega.nf3.ml"),
    ("sim_cte12", "omega.nf2.minres"),
    ("bfi_ac", "omega.nf2.minres"),
    ("bfi_ac", "omega.nf2.ml"),
    ("thurstone", "omega.nf3.minres"),
    ("thurstone", "omega.nf3.ml"),
    ("thurstone", "omega.nf2.minres"),
]


def correlations(name: str, args: dict) -> tuple[pd.DataFrame, dict]:
    data = case(name).data
    if name == "thurstone":
        names = list(data.columns[1:])
        return pd.DataFrame(data[names].to_numpy(), names, names), {"n_obs": 213}
    frame = data[args["items"]].astype(float)
    for keys in (args.get("reversed_scales") or {}).values():
        for k in keys:
            if k.startswith("-"):
                frame[k[1:]] = 7 - frame[k[1:]]
    return frame, {}


def compare(found, values) -> None:
    assert found.hierarchical == pytest.approx(values["omega_h"], abs=PSYCH)
    assert found.total == pytest.approx(values["omega_total"], abs=PSYCH)
    assert found.asymptotic == pytest.approx(values["omega_lim"], abs=PSYCH)
    assert found.alpha == pytest.approx(values["alpha"], abs=1e-10)
    assert found.guttman6 == pytest.approx(values["G6"], abs=1e-10)


@pytest.mark.parametrize(("name", "entry_id"), PROPER)
def test_coefficients_equal_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    data, options = correlations(name, entry.args)
    found = hierarchical_omega(data, entry.args["nf"], method=entry.args["fm"], **options)
    compare(found, entry.values)
    assert found.ecv == pytest.approx(entry.values["ECV"], abs=PSYCH)
    ours = np.sort(found.group.to_numpy(), axis=0)
    theirs = np.sort(entry.values["omega_group"].to_numpy(dtype=float), axis=0)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.filterwarnings("ignore::cte_metrics.errors.ImproperSolutionWarning")
@pytest.mark.parametrize("entry_id", ["minres.2", "minres.3", "ml.2", "ml.3"])
def test_other_data(entry_id: str) -> None:
    entry = case("reliability")[f"omega_h.{entry_id}"]
    data = case("reliability").data[entry.args["items"]]
    found = hierarchical_omega(data, entry.args["nf"], method=entry.args["fm"])
    compare(found, entry.values)


def test_a_better_minimum_than_psychs() -> None:
    """Three factors of the ten bfi items: psych stops at a larger sum of squared residuals."""
    entry = case("bfi_ac")["omega.nf3.minres"]
    data, _ = correlations("bfi_ac", entry.args)
    with pytest.warns(ImproperSolutionWarning, match="Communality of 1"):
        found = hierarchical_omega(data, 3)
    r = data.dropna().corr().to_numpy()

    def misfit(pattern, phi) -> float:
        residual = r - np.asarray(pattern) @ np.asarray(phi) @ np.asarray(pattern).T
        np.fill_diagonal(residual, 0)
        return float((residual**2).sum())

    ours = misfit(found.pattern, found.factor_correlations)
    assert ours < misfit(entry.values["oblique"], entry.values["phi"])


def test_schmid_leiman_of_a_known_structure() -> None:
    general = np.repeat([0.7, 0.6, 0.5], 3)
    group = np.kron(np.eye(3), np.full((3, 1), 0.4))
    scale = general / np.repeat([0.7, 0.6, 0.5], 3)
    r = np.outer(general, general) + group @ group.T
    np.fill_diagonal(r, 1.0)
    found = hierarchical_omega(r, 3, n_obs=1000)
    assert found.hierarchical == pytest.approx(general.sum() ** 2 / r.sum(), abs=1e-4)
    np.testing.assert_allclose(found.loadings["g"], general * scale, atol=1e-3)
    common = general @ general
    assert found.ecv == pytest.approx(common / (common + 9 * 0.16), abs=1e-3)


def test_order_and_reflection() -> None:
    data = case("hs1939").data[[f"x{j}" for j in range(1, 10)]]
    base = hierarchical_omega(data)
    turned = hierarchical_omega(data.iloc[:, ::-1])
    assert turned.hierarchical == pytest.approx(base.hierarchical, abs=1e-6)
    flipped = hierarchical_omega(data.assign(x4=-data["x4"]))
    assert flipped.hierarchical == pytest.approx(base.hierarchical, abs=1e-6)
    assert flipped.reversed == ("x4",)
    assert "x4 load negatively" in " ".join(flipped.notes)


def test_one_and_two_factors_say_what_they_are() -> None:
    data = case("hs1939").data[[f"x{j}" for j in range(1, 10)]]
    assert "not meaningful" in " ".join(hierarchical_omega(data, 1).notes)
    assert "set equal" in " ".join(hierarchical_omega(data, 2).notes)


def test_bootstrap_interval() -> None:
    data = case("hs1939").data[[f"x{j}" for j in range(1, 10)]]
    found = hierarchical_omega(data, interval="bootstrap", n_resamples=40, rng=1)
    assert found.hierarchical == hierarchical_omega(data).hierarchical
    assert found.ci.low < found.ci.high
    assert found.total in found.total_ci
    plain = hierarchical_omega(data)
    assert np.isnan(plain.ci.low)
    assert "interval='delta' or 'bootstrap'" in plain.notes[-1]


def test_refusals() -> None:
    with pytest.raises(IdentificationError, match="3 factors of 5 items are not identified"):
        hierarchical_omega(survey(k=5))
    with pytest.raises(InputError, match="orthogonal"):
        hierarchical_omega(survey(k=8), rotation="varimax")
    with pytest.raises(InputError, match="Did you mean 'minres'"):
        hierarchical_omega(survey(k=8), method="minre")
    with pytest.raises(InputError, match="at least one factor"):
        hierarchical_omega(survey(k=8), 0)


def test_rendering() -> None:
    found = hierarchical_omega(case("hs1939").data[[f"x{j}" for j in range(1, 10)]])
    text = found.summary()
    assert "Schmid-Leiman loadings" in text
    assert "omega hierarchical" in text
    assert float(found) == found.hierarchical


def test_the_number_of_factors_is_a_whole_number():
    answers = np.random.default_rng(1).normal(size=(50, 6))
    with pytest.raises(cte.InputTypeError, match="n_factors takes a whole number"):
        hierarchical_omega(answers, "3")


def test_items_that_do_not_correlate_have_no_general_factor() -> None:
    with pytest.raises(InputError, match="no common factor"):
        hierarchical_omega(np.eye(6), 2, n_obs=200)
    rng = np.random.default_rng(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hierarchical_omega(rng.normal(size=(300, 7)), 3)
    assert any("told from chance" in note for note in found.notes)


@pytest.mark.problem(
    "psych",
    "omega hierarchical comes without an interval",
    "interval='delta' or 'bootstrap' gives one; without it a note says that there is none",
)
def test_the_delta_method_agrees_with_the_bootstrap() -> None:
    data = case("hs1939").data[[f"x{j}" for j in range(1, 10)]]
    delta = hierarchical_omega(data, interval="delta")
    drawn = hierarchical_omega(data, interval="bootstrap", n_resamples=60, rng=1)
    assert delta.ci.low < delta.hierarchical < delta.ci.high <= 1
    assert delta.total_ci.low < delta.total < delta.total_ci.high <= 1
    assert tuple(delta.ci) == pytest.approx(tuple(drawn.ci), abs=0.06)
    assert tuple(delta.total_ci) == pytest.approx(tuple(drawn.total_ci), abs=0.03)
    assert "(delta)" in delta.summary()
