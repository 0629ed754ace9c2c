"""The parts of the dossier about schools and waves.

Functions: ``schools, waves, check_outcome``. The first two
return a ``Section``, or ``None`` where the survey has neither.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.report.rules import RULES
from cte_metrics.report.section import Decision, Section

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.core.survey.responses import Responses


def schools(responses: Responses, minimum_group_size: int, outcome: str | None) -> Section | None:
    """Say whether teacher answers make a school score, and give the scores that may be shown."""
    from cte_metrics.aggregation import aggregate

    if responses.group is None or responses.n_groups < 2:
        return None
    scores = aggregate(responses, minimum_group_size=minimum_group_size)
    scored = "total" in scores.table.index.get_level_values("scale")
    drawings = {}
    if scored:
        drawings["School scores with their intervals"] = partial(scores.plot, scale="total")
    ordered = scores.evidence.loc[sorted(scores.evidence.index, key=lambda name: name != "total")]
    names = {s.id: s.name or s.id for s in responses.instrument.subscales}
    decisions = [_may_aggregate(names.get(str(k), str(k)), row) for k, row in ordered.iterrows()]
    tables = {"Evidence for school scores": _figures_of(scores.evidence)}
    notes = list(scores.notes)
    within = _agreement_shown(responses, scores, notes) if scored else None
    if within is not None:
        drawings["Agreement within schools"] = within.plot
        tables["Agreement over schools"] = within.overview
        notes += within.notes
    split = _two_levels(responses, notes)
    if split is not None:
        tables["Reliability within and between schools"] = split
    if outcome is not None:
        beside = _outcome(responses, scores, outcome)
        tables[f"School scores beside {outcome}"] = beside
    tables["School scores"] = scores.table
    return Section(
        id="schools",
        title="Schools",
        text=(
            "Whether the teachers of a school agree, whether schools differ, and how reliable a "
            f"school's mean is. Schools with fewer than {minimum_group_size} respondents are "
            "suppressed, and with them as many others as keep them from being computed."
        ),
        tables=tables,
        drawings=drawings,
        decisions=tuple(decisions),
        notes=tuple(dict.fromkeys(notes)),
    )


@contextmanager
def _status_told_in_notes() -> Iterator[None]:
    """Hold back the warnings of figures whose status the section says itself."""
    from cte_metrics.errors import CTEWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        yield


def _agreement_shown(responses: Responses, scores: Any, notes: list[str]) -> Any:
    """Return agreement over the schools that are shown; ``None`` where there are too few."""
    from cte_metrics.aggregation import agreement
    from cte_metrics.errors import CTEError

    total = scores.table.xs("total", level="scale")
    shown = total.index[~total["suppressed"].astype(bool)]
    rows = np.isin(np.asarray(responses.group, dtype=object), np.asarray(shown, dtype=object))
    try:
        return agreement(responses.where(rows), "group") if len(shown) > 1 else None
    except CTEError as error:
        notes.append(f"Agreement over schools: {error.problem}")
        return None


def _two_levels(responses: Responses, notes: list[str]) -> pd.DataFrame | None:
    """Tabulate the two-level reliability of each scale; what fails becomes a note."""
    import pandas as pd

    from cte_metrics.errors import CTEError
    from cte_metrics.reliability import multilevel_reliability

    scales = {s.id: s.items for s in responses.instrument.subscales}
    scales |= {"total": responses.instrument.item_ids}
    names = ["alpha_within", "alpha_between", "omega_within", "omega_between"]
    rows = {}
    for scale, items in scales.items():
        if len(items) < 3:
            continue
        try:
            with _status_told_in_notes():
                found = multilevel_reliability(responses.keyed[list(items)], responses.group)
        except CTEError as error:
            notes.append(f"Two-level reliability of {scale}: {error.problem}")
            continue
        rows[scale] = {name: float(getattr(found, name)) for name in names}
        if not found.status.usable:
            notes.append(f"Two-level reliability of {scale}: {found.status}")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("scale") if rows else None


def _figures_of(evidence: pd.DataFrame) -> pd.DataFrame:
    """Return the figures without the words, which the decisions show."""
    return evidence.select_dtypes("number")


def _may_aggregate(scale: str, row: Any) -> Decision:
    rule = RULES["school score"]
    level = rule.level(row)
    if (
        level == "stop"
        and row["composition"].startswith("direct")
        and rule.cuts["p"].is_good(row["p"])
    ):
        level = "caution"  # the mean describes the average teacher
    if not np.isfinite(row["icc2"]):
        level = "info"
    return Decision(
        question=f"May teacher answers become a school score: {scale}?",
        verdict=str(row["verdict"]),
        level=level,
        figures={
            "median rwg(j)": float(row["median_rwg_j"]),
            "ICC(1)": float(row["icc1"]),
            "ICC(2)": float(row["icc2"]),
            "p of the F test": float(row["p"]),
        },
        rule=str(row["rule"]),
        source=str(row["source"]),
    )


def check_outcome(responses: Responses, outcome: str | None) -> None:
    """Refuse an outcome that is no covariate, or holds no numbers.

    Raises
    ------
    UnknownNameError
        If there is no such covariate.
    InputTypeError
        If it holds anything but numbers.
    """
    import pandas as pd

    from cte_metrics.errors import InputTypeError, UnknownNameError, close_names

    if outcome is None:
        return
    covariates = responses.covariates
    if outcome not in covariates:
        raise UnknownNameError(
            f"There is no covariate {outcome!r}.{close_names(outcome, covariates.columns)}",
            hint="Name it in covariates= when the survey is read.",
        )
    column = covariates[outcome]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        texts = [v for v in column.dropna().tolist() if not isinstance(v, int | float)]
        raise InputTypeError(
            f"The covariate {outcome!r} holds no numbers"
            f"{f', for example {texts[0]!r}' if texts else ''}; an outcome is a number a school."
        )


def _outcome(responses: Responses, scores: Any, outcome: str) -> pd.DataFrame:
    """Correlate shown school scores with a covariate's school means, with Fisher's interval."""
    import pandas as pd

    of_school = responses.covariates[outcome].groupby(np.asarray(responses.group)).mean()
    means = scores.table["mean"].unstack("scale")
    rows = {scale: _correlation(means[scale], of_school) for scale in means.columns}
    columns = ["n_groups", "r", "ci_low", "ci_high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("scale")


def _correlation(x: pd.Series, y: pd.Series) -> list[float]:
    import pandas as pd

    from cte_metrics.kernels.numerics.distributions import normal_quantile

    both = pd.concat([x, y], axis=1).dropna()
    n = len(both)
    if n < 4 or (both.std() == 0).any():
        return [n, np.nan, np.nan, np.nan]
    r = float(np.corrcoef(both.to_numpy().T)[0, 1])
    half = normal_quantile(0.975) / np.sqrt(n - 3)
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return [n, r, float(np.tanh(z - half)), float(np.tanh(z + half))]


def waves(responses: Responses, minimum_group_size: int) -> Section | None:
    """Compare the waves: the mean of each, with an interval that knows of schools."""
    import pandas as pd

    from cte_metrics.aggregation import aggregate

    if len(responses.waves) < 2 or responses.group is None or responses.n_groups < 2:
        return None
    scores = aggregate(responses, wave="all", minimum_group_size=minimum_group_size)
    hidden = scores.margins.get(("wave",))
    notes = [n for n in scores.notes if n not in responses.notes]
    rows = {
        (scale, wave): row
        for wave in responses.waves
        if hidden is None or not bool(hidden.get(wave, False))
        for scale, row in _wave_means(responses.at_wave(wave), wave, notes).items()
    }
    if "total" not in {scale for scale, _ in rows}:
        _refuse([n for n in notes if n not in scores.notes])
        return None
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["scale", "wave"])
    table = table.sort_index(level="scale", sort_remaining=False)
    total = table.loc["total"]
    return Section(
        id="waves",
        title="Waves",
        text=(
            "Mean of each wave over schools, with intervals from a random-intercept model. "
            "Respondents differ between waves where some left; this table does not follow persons."
        ),
        tables={
            "Means by wave": table,
            "Evidence by wave": _figures_of(scores.evidence),
        },
        drawings={"The total score over the waves": partial(_trend, total)},
        notes=tuple(notes),
    )


def _refuse(failures: list[str]) -> None:
    """Say why no wave has a mean; nothing where all are suppressed."""
    from cte_metrics.errors import InputError

    if failures:
        raise InputError(" ".join(failures))


def _wave_means(responses: Responses, wave: Any, notes: list[str]) -> dict[str, dict[str, float]]:
    """Return n, mean and interval of each scale's mean over schools; what fails becomes a note."""
    from cte_metrics.aggregation import mixed_model
    from cte_metrics.errors import CTEError
    from cte_metrics.scoring import score

    table = score(responses).table
    out: dict[str, dict[str, float]] = {}
    for scale in table.columns:
        frame = table[[scale]].rename(columns={scale: "score"}).reset_index(drop=True)
        frame["school"] = np.asarray(responses.group)
        try:
            with _status_told_in_notes():
                found = mixed_model("score ~ 1", frame, "school")
        except CTEError as error:
            notes.append(f"Mean of {scale} at wave {wave}: {error.problem}")
            continue
        if not found.status.usable:
            notes.append(f"Mean of {scale} at wave {wave}: {found.status}")
        fixed = found.fixed.iloc[0]
        out[str(scale)] = {
            "n": int(frame["score"].notna().sum()),
            "mean": float(fixed["est"]),
            "se": float(fixed["se"]),
            "ci_low": float(fixed["ci_low"]),
            "ci_high": float(fixed["ci_high"]),
        }
    return out


def _trend(total: Any) -> Any:
    from cte_metrics.plots.intervals import dot_intervals

    return dot_intervals(
        [f"wave {w}" for w in total.index],
        total["mean"],
        (total["ci_low"], total["ci_high"]),
        title="The total score over the waves",
        xlabel="Mean over schools with its interval",
    )
