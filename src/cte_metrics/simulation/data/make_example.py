"""Make ``example.csv.gz``: the bundled simulated survey. Run: ``python make_example.py``."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from cte_metrics.simulation import SimulatedSurvey, simulate_survey

SEED = 20263
LOADINGS = {
    "ces1": 0.72, "ces2": 0.75, "ces3": 0.68, "ces4": 0.70, "ces5": 0.62, "ces9": 0.66,
    "ces6": 0.64, "ces7": 0.60, "ces8": 0.67, "ces10": 0.58, "ces11": 0.61, "ces12": 0.56,
}  # fmt: skip
THRESHOLDS = (-2.1, -1.4, -0.7, 0.1, 1.1)


def example() -> pd.DataFrame:
    """Return the survey with its covariates; some teachers leave after the first wave."""
    rng = np.random.default_rng(SEED)
    truth = simulate_survey(
        "ces_sf",
        n_groups=60,
        group_size=rng.integers(8, 33, size=60).tolist(),
        icc=0.25,
        loadings=LOADINGS,
        factor_correlation=0.65,
        missing=0.02,
        careless=0.03,
        n_waves=3,
        growth=0.12,
        between_residual=0.3,
        thresholds=THRESHOLDS,
        rng=rng,
    )
    frame = truth.responses.to_frame().join(schools(truth, rng), on="school")
    stays = rng.random(len(frame)) > 0.10 * (frame["wave"] - 1)
    roles = ["respondent", "school", "wave"]
    return frame.loc[
        stays, [*roles, *truth.responses.instrument.item_ids, "leadership", "ses", "achievement"]
    ]


def schools(truth: SimulatedSurvey, rng: np.random.Generator) -> pd.DataFrame:
    """Return leadership (1 to 5), SES (standard score) and achievement of each school."""
    parts = truth.group_effects.loc[truth.group_effects.index.get_level_values("wave") == 1]
    effect = pd.Series(parts.to_numpy().mean(axis=1), parts.index.get_level_values("school"))
    effect = (effect - effect.mean()) / effect.std()
    noise = rng.standard_normal((3, len(effect)))
    ses = 0.35 * effect + np.sqrt(1 - 0.35**2) * noise[0]
    leadership = (3.4 + 0.5 * (0.5 * effect + np.sqrt(0.75) * noise[1])).clip(1, 5)
    achievement = 500 + 100 * (0.40 * effect + 0.45 * ses + 0.65 * noise[2])
    columns = {"leadership": leadership.round(2), "ses": ses.round(2)}
    return pd.DataFrame({**columns, "achievement": achievement.round(0)})


def main() -> None:
    """Write the file, the same bytes every time."""
    text = io.StringIO()
    example().to_csv(text, index=False, lineterminator="\n")
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    (Path(__file__).parent / "example.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
