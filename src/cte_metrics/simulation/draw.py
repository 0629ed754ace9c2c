"""Surveys drawn from a two-level ordinal factor model with known parameters.

Functions: ``simulate_responses, simulate_survey``; class ``SimulatedSurvey``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cte_metrics.core.arguments import checked
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.randomness import Seed, generator
from cte_metrics.core.survey.reading import instrument_of
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import InputError
from cte_metrics.results.frozen import Frozen
from cte_metrics.simulation.design import Design, design


class _Options(TypedDict, total=False):
    """Options of :func:`simulate_responses`."""

    n_groups: int
    group_size: int | Sequence[int]
    icc: float
    loadings: float | Sequence[float] | Mapping[str, float]
    factor_correlation: ArrayLike
    missing: float
    careless: float
    n_waves: int
    growth: float
    stability: float
    between_residual: float
    thresholds: Sequence[float] | None
    rng: Seed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedSurvey(Frozen):
    """A simulated survey with the truth behind it.

    Attributes
    ----------
    responses : Responses
        The answers.
    factor_scores : DataFrame (n, m)
        True factor scores, a row for each row of the responses.
    group_effects : DataFrame (schools x waves, m)
        True school parts of the factor scores, sqrt(icc) u, without growth.
    careless : Series of bool (n,)
        Rows that were answered without reading.
    loadings : Series (k,)
        True loadings, latent responses having variance 1 at the first wave.
    factor_correlation : DataFrame (m, m)
        True correlations of the factors, at both levels.
    """

    responses: Responses
    factor_scores: pd.DataFrame
    group_effects: pd.DataFrame
    careless: pd.Series
    loadings: pd.Series
    factor_correlation: pd.DataFrame


@checked
def simulate_responses(
    instrument: Instrument | str,
    *,
    n_groups: int,
    group_size: int | Sequence[int],
    icc: float = 0.2,
    loadings: float | Sequence[float] | Mapping[str, float] = 0.7,
    factor_correlation: ArrayLike = 0.6,
    missing: float = 0.0,
    careless: float = 0.0,
    n_waves: int = 1,
    growth: float = 0.0,
    stability: float = 0.7,
    between_residual: float = 0.0,
    thresholds: Sequence[float] | None = None,
    rng: Seed = None,
) -> Responses:
    """Draw a survey from a two-level ordinal factor model.

    For teacher i of school j at wave t = 0, 1, ...::

        eta_ijt = growth * t + sqrt(icc) * u_jt + sqrt(1 - icc) * w_ijt
        y*_ijt  = loading * eta_ijt + sqrt(b) * s_jt + sqrt(1 - loading^2 - b) * e_ijt
        answer  = minimum + number of thresholds below y*

    with one factor a subscale, u and w normal with unit variances and ``factor_correlation`` at
    both levels, and s a standard normal part of each item between schools, whose variance b is
    ``between_residual``'s. Over waves, u, w and s each correlate ``stability``. Items that are
    reverse-scored are answered reversed.

    Parameters
    ----------
    instrument : Instrument or str
        What is answered; each subscale is a factor, an instrument without subscales one factor.
    n_groups : int
        Schools.
    group_size : int or sequence of int
        Teachers of every school, or of each.
    icc : float
        Share of the *factor's* variance that lies between schools. The ICC(1) of an item's latent
        response is loading^2 times this (over 1 - ``between_residual``), that of a score its
        reliability times this.
    loadings : float, sequence or mapping of item id to float
        Standardized loadings, inside -1 to 1.
    factor_correlation : float or array (m, m)
        Correlation of the factors.
    missing : float
        Chance that an answer is missing, completely at random.
    careless : float
        Share of rows answered without reading: half give one answer throughout, half answer at
        random.
    n_waves : int
        Occasions; the same teachers answer each. With one, ``.wave`` is ``None``.
    growth : float
        Rise of every factor's mean from wave to wave, in standard deviations of the factor.
    stability : float
        Correlation of a school's, and of a teacher's, part between two waves.
    between_residual : float
        Share r of an item's variance between schools that is the item's own,
        b = loading^2 icc r / (1 - r). With 0, schools differ in an item through its factor only,
        and two-level factor models of such data tend to estimate residual variances below zero.
    thresholds : sequence of float, optional
        Cuts of the latent responses, one fewer than answers; evenly spaced by default.
    rng : int or Generator, optional
        Seed.

    Returns
    -------
    Responses
        Marked as simulated.

    Raises
    ------
    InputError
        If a parameter is out of its range or has the wrong length.

    Examples
    --------
    >>> survey = simulate_responses("ces_sf", n_groups=30, group_size=10, rng=1)
    >>> survey.n_respondents, survey.n_groups, survey.simulated
    (300, 30, True)
    """
    return simulate_survey(
        instrument,
        n_groups=n_groups,
        group_size=group_size,
        icc=icc,
        loadings=loadings,
        factor_correlation=factor_correlation,
        missing=missing,
        careless=careless,
        n_waves=n_waves,
        growth=growth,
        stability=stability,
        between_residual=between_residual,
        thresholds=thresholds,
        rng=rng,
    ).responses


_DEFAULTS: _Options = {
    "icc": 0.2,
    "loadings": 0.7,
    "factor_correlation": 0.6,
    "missing": 0.0,
    "careless": 0.0,
    "n_waves": 1,
    "growth": 0.0,
    "stability": 0.7,
    "between_residual": 0.0,
    "thresholds": None,
}


def simulate_survey(instrument: Instrument | str, **options: Unpack[_Options]) -> SimulatedSurvey:
    """Draw a survey and keep the truth behind it.

    Parameters
    ----------
    instrument, **options
        As for :func:`simulate_responses`.

    Returns
    -------
    SimulatedSurvey

    Examples
    --------
    >>> truth = simulate_survey("ctbs", n_groups=4, group_size=5, rng=1)
    >>> truth.factor_scores.shape, float(truth.loadings["ctbs1"])
    ((20, 2), 0.7)
    """
    asked = instrument_of(instrument)
    given: dict[str, Any] = {**_DEFAULTS, **options}
    draws = generator(given.pop("rng", None))
    plan = design(asked, **given)
    between, scores = _factor_scores(plan, draws)
    codes = _codes(plan, scores, draws)
    frame, careless = _answers(asked, plan, codes, draws)
    return _package(asked, plan, between, scores, frame, careless)


def _factor_scores(plan: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return school parts (waves, schools, m) and factor scores (waves, teachers, m)."""
    root = _root(plan.correlation)
    school = np.repeat(np.arange(len(plan.sizes)), plan.sizes)
    between = np.sqrt(plan.icc) * _over_waves(plan, len(plan.sizes), root, rng)
    within = np.sqrt(1 - plan.icc) * _over_waves(plan, plan.n_teachers, root, rng)
    rise = plan.growth * np.arange(plan.n_waves)[:, None, None]
    return between, rise + between[:, school] + within


def _over_waves(plan: Design, n: int, root: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw correlated parts (waves, n, m) that correlate ``stability`` between waves."""
    lasting = rng.standard_normal((1, n, len(root)))
    passing = rng.standard_normal((plan.n_waves, n, len(root)))
    drawn = np.sqrt(plan.stability) * lasting + np.sqrt(1 - plan.stability) * passing
    return np.asarray(drawn @ root.T)


def _root(correlation: np.ndarray) -> np.ndarray:
    """Return a square root of a correlation matrix, also a singular one."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))


def _codes(plan: Design, scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return steps above the minimum (waves * teachers, k), in the direction of the factor."""
    flat = scores.reshape(-1, scores.shape[-1])
    unique = np.sqrt(1 - plan.loadings**2 - plan.item_between)
    latent = flat[:, plan.factor_of] * plan.loadings
    latent += unique * rng.standard_normal(latent.shape)
    if plan.item_between.any():
        school = np.repeat(np.arange(len(plan.sizes)), plan.sizes)
        root = np.diag(np.sqrt(plan.item_between))
        own = _over_waves(plan, len(plan.sizes), root, rng)
        latent += own[:, school].reshape(latent.shape)
    return np.searchsorted(plan.thresholds, latent)


def _one_scale(instrument: Instrument) -> ResponseScale:
    scale = instrument.common_scale()
    if scale is None:
        raise InputError(
            "Items with different response ranges cannot be simulated together.",
            hint="Simulate the items of each range by an instrument of their own.",
        )
    return scale


def _answers(
    instrument: Instrument, plan: Design, steps: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return raw answers (n, k) with nan where missing, and which rows are careless."""
    scale = _one_scale(instrument)
    answers = np.where(
        [item.reverse for item in instrument.items], scale.maximum - steps, scale.minimum + steps
    ).astype(np.float64)
    n, k = answers.shape
    chosen = rng.permutation(n)[: round(plan.careless * n)]
    straight, random = np.array_split(chosen, 2)
    top = scale.maximum + 1
    answers[straight] = rng.integers(scale.minimum, top, size=(len(straight), 1))
    answers[random] = rng.integers(scale.minimum, top, size=(len(random), k))
    if plan.missing:
        answers[rng.random((n, k)) < plan.missing] = np.nan
    careless = np.zeros(n, dtype=bool)
    careless[chosen] = True
    return answers, careless


def _package(
    instrument: Instrument,
    plan: Design,
    between: np.ndarray,
    scores: np.ndarray,
    answers: np.ndarray,
    careless: np.ndarray,
) -> SimulatedSurvey:
    schools = _labels("school", len(plan.sizes))
    teachers = _labels("teacher", plan.n_teachers)
    frame = pd.DataFrame(answers, columns=list(instrument.item_ids))
    school = np.tile(np.repeat(schools, plan.sizes), plan.n_waves)
    waves = np.repeat(np.arange(1, plan.n_waves + 1), plan.n_teachers)
    responses = Responses(
        frame,
        instrument,
        respondent=pd.Series(np.tile(teachers, plan.n_waves), name="respondent"),
        group=pd.Series(school, name="school"),
        wave=None if plan.n_waves == 1 else pd.Series(waves, name="wave"),
    ).as_simulated(_told(plan))
    names = list(plan.factors)
    index = pd.MultiIndex.from_product(
        [range(1, plan.n_waves + 1), schools], names=["wave", "school"]
    )
    return SimulatedSurvey(
        responses=responses,
        factor_scores=pd.DataFrame(scores.reshape(-1, len(names)), columns=names),
        group_effects=pd.DataFrame(between.reshape(-1, len(names)), index=index, columns=names),
        careless=pd.Series(careless, name="careless"),
        loadings=pd.Series(plan.loadings, index=list(instrument.item_ids), name="loading"),
        factor_correlation=pd.DataFrame(plan.correlation, index=names, columns=names),
    )


def _labels(what: str, n: int) -> np.ndarray:
    width = len(str(n))
    return np.array([f"{what}_{i + 1:0{width}d}" for i in range(n)], dtype=object)


def _told(plan: Design) -> str:
    return (
        f"Simulated data, drawn by a computer: {len(plan.sizes)} schools, {plan.n_teachers} "
        f"teachers, factor ICC {plan.icc:g}, waves {plan.n_waves}, growth {plan.growth:g} a wave, "
        f"{plan.missing:.1%} missing, {plan.careless:.1%} careless."
    )
