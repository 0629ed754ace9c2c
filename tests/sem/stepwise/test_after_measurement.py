"""Structural after measurement against lavaan's ``sam`` and against itself.

``tests/reference/sam/make.R`` made the reference values with lavaan 0.7. Estimates and standard
errors are compared to 1e-5 (of 1, or of the figure): lavaan's global method stops that far from its
minimum.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import IdentificationError, InputError, InputTypeError
from cte_metrics.kernels.numerics.vech import vech
from cte_metrics.results import Status
from cte_metrics.sem import SAMFit
from cte_metrics.sem.request.model import model_request
from cte_metrics.sem.stepwise.latent import latent_jacobians
from cte_metrics.sem.stepwise.steps import two_steps
from cte_metrics.summaries.moments import Moments
from tests.reference_case import FOLDER, case

REFERENCE = json.loads((FOLDER / "sam" / "reference.json").read_text())
ENTRIES: dict[str, dict[str, Any]] = {e["id"]: e for e in REFERENCE["entries"]}
MEASURED = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\n"
CHAIN = MEASURED + "textual ~ visual\nspeed ~ textual"
MEDIATION = MEASURED + "textual ~ a*visual + ageyr\nspeed ~ b*textual\nind := a*b"

OTHER_TEST = {
    "chain.gls": "lavaan takes the GLS mapping as not depending on the sample covariances",
    "observed.gls": "the same",
    "loadings.local": "lavaan counts a variance that is 1 by definition among the moments",
    "chain.fiml.local": "with gaps the latent covariances are taken as known, which a note says",
    "chain.fiml.groups": "the same",
}


@cache
def data(name: str) -> pd.DataFrame:
    if name == "small":
        return case("hs1939").data.iloc[:40]
    return pd.read_csv(FOLDER / "sam" / f"{name}.csv")


@cache
def fitted(name: str) -> SAMFit:
    entry = ENTRIES[name]
    options: dict[str, Any] = {k: entry[k] for k in ("group", "se") if entry.get(k)}
    if entry.get("missing"):
        options["missing"] = "fiml"
    return sem.sam(
        entry["model"],
        data(entry["data"]),
        method=entry["method"],
        mapping=entry["mapping"],
        **options,
    )


def row(table: pd.DataFrame, entry: dict[str, Any]) -> Any:
    lhs, op, rhs = entry["lhs"], entry["op"], entry["rhs"]
    own = (table.lhs == lhs) & ((table.rhs == rhs) | (op in ("~1", ":=")))
    turned = (table.lhs == rhs) & (table.rhs == lhs) & (op == "~~")
    group = (table.group == entry["group"]) | (op == ":=")
    found = table[(own | turned) & (table.op == op) & group]
    assert len(found) == 1
    return found.iloc[0]


def close(here: float, there: float | None) -> bool:
    there = 0.0 if there is None else there
    return abs(here - there) <= 1e-5 * max(1.0, abs(there))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_estimates_and_standard_errors_are_those_of_lavaan(name: str) -> None:
    entries, table = ENTRIES[name]["values"]["par"], fitted(name).parameters
    for entry in entries:
        found = row(table, entry)
        assert close(found.est, entry["est"]), entry
        assert close(found.se, entry["se"]), entry
    assert len(table) == len(entries)


@pytest.mark.parametrize("name", sorted(set(ENTRIES) - set(OTHER_TEST)))
def test_the_fit_of_the_structural_part_is_that_of_lavaan(name: str) -> None:
    for measure, value in (ENTRIES[name]["values"]["fit"] or {}).items():
        if value is not None:
            assert close(fitted(name).fit_measures[measure.replace(".", "_")], value), measure


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_reliabilities_and_blocks_are_those_of_lavaan(name: str) -> None:
    found, values = fitted(name), ENTRIES[name]["values"]
    groups = values["reliability"] or []
    for label, group in groups.items() if isinstance(groups, dict) else enumerate(groups):
        own = found.reliability.loc[label] if isinstance(groups, dict) else found.reliability
        for factor, value in group.items():
            if factor in own.index:
                assert close(own[factor], value)
    for block in values["measurement"]:
        fit = found.measurement[block["Latent"].replace(",", ", ")]
        assert close(fit.fit_measures["chisq"], block["Chisq"])


@pytest.mark.parametrize("mapping", ["ml", "uls", "gls"])
def test_latent_moments_move_with_the_sample_as_their_jacobian_says(mapping: Any) -> None:
    answers = data("whole")[["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "ageyr"]]
    text = MEASURED.replace("+ x6", "+ x6 + x7") + "speed ~ visual + ageyr"
    request = model_request(text, estimator="ML", fixed_x=False)

    def steps(values: Any) -> Any:
        frame = pd.DataFrame(values, columns=answers.columns)
        return two_steps(request, frame, method="local", mapping=mapping, se="none")

    base = steps(answers)
    names = base.joint.design.blocks[0].observed
    order = [names.index(v) for v in answers.columns]
    cov = base.joint.estimator.saturated().moments[0].cov
    values = answers.to_numpy()[:, np.argsort(order)]
    white = np.linalg.solve(np.linalg.cholesky(cov), (values - values.mean(axis=0)).T)
    change = np.random.default_rng(1).normal(size=cov.shape) / 10.0
    change = change + change.T

    def moved(step: float) -> np.ndarray:
        rows = (np.linalg.cholesky(cov + step * change) @ white).T
        return vech(steps(rows[:, order]).latent[0].cov)

    slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
    jacobian = latent_jacobians(base.scene, base.latent, base.places, mapping)[0]
    k, p = len(base.scene.names), len(cov)
    assert jacobian[k:, p:] @ vech(change) == pytest.approx(slope, abs=2e-6)


def test_complete_answers_need_no_full_information() -> None:
    """Means of predictors do not pull slopes: factors have intercepts that make up for them."""
    for method in ("local", "global"):
        plain = sem.sam(MEDIATION, data("whole"), method=method).parameters
        full = sem.sam(MEDIATION, data("whole"), method=method, missing="fiml").parameters
        both = plain.merge(full, on=["lhs", "op", "rhs"])
        assert len(both) == len(plain)
        assert both.est_y.to_numpy() == pytest.approx(both.est_x.to_numpy(), abs=1e-6)
        assert both.se_y.to_numpy() == pytest.approx(both.se_x.to_numpy(), abs=7e-3)


def test_groups_are_as_each_alone() -> None:
    model = MEASURED + "speed ~ ageyr + visual"
    for method in ("local", "global"):
        both = sem.sam(model, data("whole"), group="school", method=method)
        for g, (label, part) in enumerate(data("whole").groupby("school", sort=False), start=1):
            alone = sem.sam(model, part, method=method).parameters
            own = both.parameters[both.parameters.group == g]
            merged = alone.merge(own, on=["lhs", "op", "rhs"])
            assert len(merged) == len(alone)
            assert merged.est_y.to_numpy() == pytest.approx(merged.est_x.to_numpy(), abs=1e-6)
            assert merged.se_y.to_numpy() == pytest.approx(merged.se_x.to_numpy(), abs=1e-6)
            assert both.reliability.loc[label].between(0.5, 1.0).all()


def test_equal_loadings_across_groups_leave_the_plain_test() -> None:
    found = fitted("tied_loadings.local")
    assert "chisq_scaled" not in found.fit_measures
    assert any("takes the latent covariances as known" in n for n in found.notes)
    first = found.measurement["visual"].parameters
    assert first.est[first.label == "l"].nunique() == 1


def test_moments_give_what_the_answers_give() -> None:
    answers = data("whole").drop(columns="school")
    rows = sem.sam(CHAIN, answers)
    moments = sem.sam(CHAIN, Moments.from_data(answers))
    pd.testing.assert_frame_equal(rows.parameters, moments.parameters, atol=1e-8)
    assert "takes the latent covariances as known" in " ".join(moments.notes)


def test_a_wrong_loading_stays_where_it_is() -> None:
    """A loading that the model leaves out moves the other factors' estimates in sem.fit only."""
    rng = np.random.default_rng(3)
    f, g = rng.normal(size=(2, 2000, 1))
    items = np.hstack([f, f, f, g, g, g + 0.9 * f]) + 0.5 * rng.normal(size=(2000, 6))
    answers = pd.DataFrame(items, columns=list("abcdeh"))
    found = sem.sam("f =~ a + b + c; g =~ d + e + h; g ~ f", answers)
    alone = sem.cfa("f =~ a + b + c", answers).parameters
    assert found.measurement["f"].parameters.est.to_numpy() == pytest.approx(alone.est.to_numpy())


def test_what_is_too_much_error_is_said() -> None:
    rng = np.random.default_rng(1)
    f = rng.normal(size=(60, 1))
    items = np.hstack([f, f, f, f, f, f]) + rng.normal(size=(60, 6))
    answers = pd.DataFrame(items, columns=list("abcdeh"))
    found = sem.sam("f =~ a + b + c; g =~ d + e + h; g ~ f", answers)
    assert any("Fuller" in note for note in found.notes)


def test_the_result_shows_both_parts() -> None:
    found = fitted("mediation.local")
    assert found.status is Status.CONVERGED
    assert list(found.measurement) == ["visual", "textual", "speed"]
    assert found.vcov.loc["a", "a"] == pytest.approx(0.113453920718194**2, rel=1e-6)
    text = found.summary()
    assert "Structural part" in text
    assert "Measurement part" in text
    assert found.provenance.settings["mapping"] == "ml"


def test_variables_in_no_regression_are_named() -> None:
    assert any("textual" in n for n in fitted("observed.local").notes)
    assert not any("no regression" in n for n in fitted("covariances.local").notes)


def test_without_standard_errors() -> None:
    found = sem.sam(CHAIN, data("whole"), se="none").parameters
    assert found.se.isna().all()


def test_the_bootstrap_comes_near_the_two_step_errors() -> None:
    options: dict[str, Any] = {"se": "bootstrap", "n_resamples": 60, "rng": 1}
    found = sem.sam(MEDIATION, data("whole"), **options)
    known = fitted("mediation.local").parameters
    table = found.parameters
    assert table.est.to_numpy() == pytest.approx(known.est.to_numpy(), abs=1e-6)
    own = (known.se > 0).to_numpy()
    ratio = table.se.to_numpy()[own] / known.se.to_numpy()[own]
    assert ((ratio > 0.6) & (ratio < 1.7)).all()
    assert (table.ci_lower <= table.est).all()
    assert found.provenance.seed == 1
    again = sem.sam(MEDIATION, data("whole"), **options)
    pd.testing.assert_frame_equal(table, again.parameters)


@pytest.mark.slow
def test_two_step_errors_are_the_spread_of_the_estimates() -> None:
    rng = np.random.default_rng(7)
    model, n = "f =~ a + b + c; g =~ d + e + h; g ~ f", 300
    found = {"twostep": [], "naive": []}  # type: dict[Any, list[float]]
    estimates = []
    for _ in range(300):
        f = rng.normal(size=(n, 1))
        g = 0.5 * f + np.sqrt(0.75) * rng.normal(size=(n, 1))
        items = np.hstack([f, f, f, g, g, g]) + rng.normal(size=(n, 6))
        answers = pd.DataFrame(items, columns=list("abcdeh"))
        for se, errors in found.items():
            first = sem.sam(model, answers, se=se).parameters.iloc[0]
            errors.append(first.se)
        estimates.append(first.est)
    spread = np.std(estimates, ddof=1)
    assert np.mean(found["twostep"]) == pytest.approx(spread, rel=0.1)
    assert np.mean(found["naive"]) < 0.8 * spread


def test_the_bootstrap_needs_rows_and_resamples() -> None:
    answers = data("whole").drop(columns="school")
    with pytest.raises(InputError, match="needs the answers"):
        sem.sam(CHAIN, Moments.from_data(answers), se="bootstrap")
    with pytest.raises(InputError, match="at least 2"):
        sem.sam(CHAIN, answers, se="bootstrap", n_resamples=1)


TWO = "f =~ x1 + x2 + x3; g =~ x4 + x5 + x6; "


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("x1 ~ x2 + x3", "no latent variables with indicators"),
        (TWO + "g ~ f; x1 ~ ageyr", "relates an indicator"),
        (TWO + "g ~ f; x1 ~~ ageyr", "relates an indicator"),
        (TWO + "h =~ f + g; x9 ~ h", "factors of factors"),
        ("f =~ x1 + a*x2 + x3; g =~ x4 + x5 + x6; g ~ a*f", "ties the structural part"),
        ("f =~ x1 + x2 + x3; g =~ NA*x4 + x5 + x6; g ~~ 1*g; g ~ f", "residual variance"),
        ('efa("b")*f =~ x1 + x2 + x3 + x4; x9 ~ f', "exploratory"),
    ],
)
def test_what_cannot_be_parted_is_refused(model: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sem.sam(model, data("whole"))


def test_a_block_that_is_not_identified_is_named() -> None:
    with pytest.raises(IdentificationError, match="measurement block of g"):
        sem.sam("f =~ x1 + x2 + x3; g =~ x4 + x5; g ~ f", data("whole"))


def test_a_structural_part_that_is_not_identified_is_named() -> None:
    model = "f =~ x1 + x2 + x3; g =~ x4 + x5 + x6; f ~ g; g ~ f"
    with pytest.raises(IdentificationError, match="The structural part: The model is not"):
        sem.sam(model, data("whole"))


@pytest.mark.parametrize("options", [{"cluster": "school"}, {"ordered": True}, {"ordered": ["x1"]}])
def test_what_is_not_supported_yet_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="sam does not support"):
        sem.sam(CHAIN, data("whole"), **options)


def test_a_single_number_is_no_list_of_names() -> None:
    for fit in (sem.sam, sem.fit):
        with pytest.raises(InputTypeError, match="ordered takes"):
            fit(CHAIN, data("whole"), ordered=np.array(3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"method": "fsr"}, {"mapping": "wls"}, {"se": "robust"}, {"estimator": "WLSMV"}]
)
def test_unknown_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not one of"):
        sem.sam(CHAIN, data("whole"), **options)
