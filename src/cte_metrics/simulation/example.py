"""The bundled example: a simulated survey of sixty schools.

Function: ``load_example``.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import pandas as pd

from cte_metrics.core.instrument.registry import load_instrument
from cte_metrics.core.survey.responses import Responses

NOTE = (
    "Simulated data: no teacher answered this survey. It was drawn by a computer from known "
    "parameters (60 schools, three waves, some answers missing, some careless)."
)


def load_example() -> Responses:
    """Return the bundled survey: simulated answers to the 12-item short form, 60 schools, 3 waves.

    The covariates are a leadership score, a socio-economic status and an achievement score of
    each school. Nothing in it is real; every print of it says so. It was made by
    ``simulation/data/make_example.py``.

    Returns
    -------
    Responses
        With respondent, school and wave.

    Examples
    --------
    >>> survey = load_example()
    >>> survey.n_groups, survey.waves, survey.simulated
    (60, (1, 2, 3), True)
    """
    with as_file(files("cte_metrics.simulation") / "data" / "example.csv.gz") as path:
        frame = pd.read_csv(path)
    return Responses(
        frame,
        load_instrument("ces_sf"),
        respondent="respondent",
        group="school",
        wave="wave",
        covariates=("leadership", "ses", "achievement"),
    ).as_simulated(NOTE)
