"""The bundled example: simulated, and labelled so."""

from __future__ import annotations

import gzip
import importlib.util
from importlib.resources import files

import pytest

import cte_metrics as cte

DATA = files("cte_metrics.simulation") / "data"


def test_example_is_what_it_is_said_to_be():
    survey = cte.load_example()
    assert survey.n_groups == 60
    assert survey.waves == (1, 2, 3)
    assert survey.instrument.id == "ces_sf"
    assert list(survey.covariates.columns) == ["leadership", "ses", "achievement"]
    assert 0.01 < survey.items.isna().to_numpy().mean() < 0.05
    assert (survey.items.nunique(axis=1) == 1).sum() > 30


def test_example_is_labelled_as_simulated():
    survey = cte.load_example()
    assert survey.simulated
    assert survey.notes[0].startswith("Simulated data: no teacher answered this survey.")
    assert "SIMULATED" in repr(survey)
    assert "SIMULATED" in survey.at_wave(1)._repr_html_()


def test_covariates_belong_to_schools():
    survey = cte.load_example()
    for name, values in survey.covariates.items():
        assert (values.groupby(survey.group).nunique() == 1).all(), name


def test_scores_rise_from_wave_to_wave():
    survey = cte.load_example()
    means = survey.keyed.mean(axis=1).groupby(survey.wave).mean()
    assert means.is_monotonic_increasing


@pytest.mark.parametrize("wave", [1, 2, 3])
def test_two_level_models_of_the_example_are_proper(wave):
    survey = cte.load_example().at_wave(wave)
    for scale in (survey, *(survey.for_subscale(s.id) for s in survey.instrument.subscales)):
        assert cte.reliability.multilevel_reliability(scale).status.name == "CONVERGED"


@pytest.mark.slow
def test_the_script_beside_the_file_makes_it():
    """Slow: NumPy may draw other numbers from the same seed one day; make the file again then."""
    path = str(DATA / "make_example.py")
    spec = importlib.util.spec_from_file_location("make_example", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    stored = gzip.decompress((DATA / "example.csv.gz").read_bytes()).decode()
    assert script.example().to_csv(index=False, lineterminator="\n") == stored
