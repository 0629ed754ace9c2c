"""The parts of the dossier about answers, items and scales.

Functions: ``answers, items, reliability, structure``. Each returns a ``Section``, or ``None`` where
there is nothing to say.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.report.rules import RULES
from cte_metrics.report.section import Decision, Level, Section

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.core.survey.responses import Responses


def answers(responses: Responses) -> Section:
    """Describe the answers: counts, missing answers, what could not be used."""
    import pandas as pd

    raw = responses.items
    missing = raw.isna()
    share = float(missing.to_numpy().mean())
    by_item = pd.DataFrame(
        {"answered": (~missing).sum(), "missing": missing.sum(), "share_missing": missing.mean()}
    ).rename_axis("item")
    tables = {"Missing answers by item": by_item}
    problems = responses.issues
    if len(problems):
        tables["What could not be used as it stood, by column and problem"] = (
            problems.groupby(["column", "problem"], dropna=False, sort=False)
            .size()
            .rename("entries")
            .reset_index()
        )
    rule = RULES["missing answers"]
    level = rule.level({"share_missing": share})
    verdict = {
        "good": "Yes: few answers are missing.",
        "caution": "With care: a notable share of answers is missing.",
        "stop": "Doubtful: too many answers are missing to ignore why.",
    }[level]
    decision = Decision(
        question="Are the answers complete enough?",
        verdict=verdict,
        level=level,
        figures={
            "share of answers missing": share,
            "respondents with every item": float((~missing.any(axis=1)).mean()),
            "entries that could not be used": len(problems),
        },
        rule=rule.words,
        source=rule.source,
    )
    return Section(
        id="answers",
        title="Answers",
        text=(
            f"{len(responses)} respondents answered {responses.n_items} items on a scale from "
            f"{responses.instrument.widest_scale().minimum} to "
            f"{responses.instrument.widest_scale().maximum}."
        ),
        tables=tables,
        drawings={"Answers to each item, after reverse scoring": partial(_shares, responses)},
        decisions=(decision,),
        notes=responses.notes,
    )


def _shares(responses: Responses) -> Any:
    import pandas as pd

    from cte_metrics.plots.answers import answer_shares

    scale = responses.instrument.widest_scale()
    codes = range(int(scale.minimum), int(scale.maximum) + 1)
    keyed = responses.keyed
    counts = pd.DataFrame({c: (keyed == c).sum() for c in codes})
    return answer_shares(counts.div(counts.sum(axis=1).clip(lower=1), axis=0))


def items(responses: Responses) -> Section:
    """Show the item statistics and what they say of the key."""
    from cte_metrics.scoring import item_analysis

    analysis = item_analysis(responses)
    rule, r_drop = RULES["key"], analysis.table["r_drop"].dropna()
    cut = rule.cuts["r_drop"]
    wrong = [item for item, r in r_drop.items() if not cut.is_fair(r)]
    weak = [item for item, r in r_drop.items() if cut.is_fair(r) and not cut.is_good(r)]
    unknown = [item for item in analysis.table.index if item not in r_drop.index]
    level: Level = "stop" if wrong else "caution" if weak else "info" if unknown else "good"
    verdict = "Yes: every item goes with the rest after reverse scoring."
    if unknown:
        verdict = f"It cannot be said: {_listed(unknown)} have no correlation with the rest."
    if weak:
        verdict = f"With care: {_listed(weak)} hardly go with the rest."
    if wrong:
        verdict = (
            f"No: {_listed(wrong)} run against the rest after reverse scoring. First suspect "
            "the key or the order of the form."
        )
    decision = Decision(
        question="Does the scoring key fit these answers?",
        verdict=verdict,
        level=level,
        figures={
            "lowest corrected item-total correlation": float(r_drop.min()),
            "items below zero": len(wrong),
        },
        rule=rule.words,
        source=rule.source,
    )
    return Section(
        id="items",
        title="Items and key",
        text="Statistics of each item after reverse scoring; nothing was reversed beyond the key.",
        tables={"Item statistics": analysis.table},
        decisions=(decision,),
        notes=analysis.notes,
    )


def _listed(names: list[Any], most: int = 6) -> str:
    shown = ", ".join(str(n) for n in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def reliability(responses: Responses) -> Section:
    """Show alpha and omega of each scale for scores of single teachers."""
    from cte_metrics.plots import intervals
    from cte_metrics.reliability import reliability_table

    found = reliability_table(responses)
    table = found.drop(columns="note", errors="ignore")
    alpha = table["alpha"]
    rule = RULES["reliability"]
    lowest = {
        "lowest_alpha": float(alpha.min()),
        "lowest_alpha_limit": float(table["alpha_ci_low"].min()),
    }
    known = alpha.dropna()
    level: Level = rule.level(lowest) if len(known) else "info"
    if len(known) < len(alpha) and level == "good":
        level = "info"
    weakest = known.idxmin() if len(known) else None
    unknown = _listed(list(alpha.index[alpha.isna()]))
    verdict = {
        "good": "Yes, for research on groups of teachers.",
        "caution": f"With care: {weakest} is the weakest.",
        "stop": f"No: {weakest} is too unreliable to be used by itself.",
        "info": f"It cannot be said: {unknown} have no alpha.",
    }[level]
    if unknown and level in ("caution", "stop"):
        verdict += f" Of {unknown} it cannot be said: there is no alpha."
    decision = Decision(
        question="Are the scales reliable between teachers?",
        verdict=verdict,
        level=level,
        figures={f"alpha, {scale}": float(v) for scale, v in alpha.items()},
        rule=rule.words,
        source=rule.source,
    )
    return Section(
        id="reliability",
        title="Reliability",
        text="Reliability of single teachers' scores, with intervals.",
        tables={"Reliability of each scale": table},
        drawings={"Alpha with its interval, and omega": partial(intervals.reliability, table)},
        decisions=(decision,),
        notes=tuple(f"{scale}: {note}" for scale, note in found.get("note", {}).items() if note),
    )


def structure(responses: Responses, rng: Any) -> Section | None:
    """Compare the structure that the instrument claims with the answers."""
    from cte_metrics.factor import adequacy, n_factors

    complete = int((~responses.items.isna().any(axis=1)).sum())
    if responses.n_items < 4 or complete <= 2 * responses.n_items:
        return None
    suitability = adequacy(responses)
    retention = n_factors(responses, methods=("parallel", "map", "ekc"), n_resamples=500, rng=rng)
    tables = {"Number of factors suggested": _suggested(retention)}
    decisions, notes = [_adequate(suitability)], [*suitability.notes, *retention.notes]
    drawings = {"Eigenvalues beside those of random data": retention.plot}
    fit = _confirmatory(responses, notes)
    if fit is not None:
        tables |= {
            "Fit of the instrument's structure": _fit_table(fit),
            "Estimates": _loadings(fit),
        }
        decisions.append(_fits(fit))
        notes += fit.notes
        drawings["The instrument's structure, standardized"] = fit.plot
    return Section(
        id="structure",
        title="Structure",
        text="Whether the answers have the structure that the scoring key supposes.",
        tables=tables,
        drawings=drawings,
        decisions=tuple(decisions),
        notes=tuple(dict.fromkeys(notes)),
    )


def _suggested(retention: Any) -> pd.DataFrame:
    import pandas as pd

    rows = pd.Series(retention.suggested, name="factors")
    return rows.rename_axis("method").to_frame()


def _adequate(suitability: Any) -> Decision:
    kmo = float(suitability.kmo)
    rule = RULES["sampling adequacy"]
    level = rule.level({"kmo": kmo})
    return Decision(
        question="Do the items share enough for factor analysis?",
        verdict={"good": "Yes.", "caution": "Barely.", "stop": "No."}[level],
        level=level,
        figures={"KMO": kmo, "Bartlett chi-square": float(suitability.bartlett_chi2)},
        rule=rule.words,
        source=rule.source,
    )


def _confirmatory(responses: Responses, notes: list[str]) -> Any:
    """Fit the instrument's structure; on failure say so in the notes."""
    from cte_metrics.errors import CTEError
    from cte_metrics.factor import cfa

    gaps = bool(responses.items.isna().to_numpy().any())
    try:
        return cfa(responses, estimator="MLR", missing="fiml" if gaps else "listwise")
    except CTEError as error:
        notes.append(f"The instrument's structure could not be fitted: {error.problem}")
        return None


def _fit_table(fit: Any) -> pd.DataFrame:
    import pandas as pd

    wanted = [
        "chisq", "df", "pvalue", "chisq_scaled", "pvalue_scaled", "cfi_robust", "tli_robust",
        "rmsea_robust", "rmsea_ci_lower_robust", "rmsea_ci_upper_robust", "srmr", "aic", "bic",
    ]  # fmt: skip
    measures = fit.fit_measures
    rows = {name: float(measures[name]) for name in wanted if name in measures}
    return pd.Series(rows, name="value").rename_axis("measure").to_frame()


def _loadings(fit: Any) -> pd.DataFrame:
    table = fit.parameters
    own = (table["op"] == "~~") & (table["lhs"] == table["rhs"])
    kept = table[table["op"].isin(["=~", "~~"]) & (~own | (table["impossible"] != ""))]
    columns = ["lhs", "op", "rhs", "est", "se", "ci_lower", "ci_upper", "std_all"]
    if kept["impossible"].any():
        columns.append("impossible")
    return kept[columns].set_index(["lhs", "op", "rhs"])


def _fits(fit: Any) -> Decision:
    measures = fit.fit_measures
    cfi, rmsea = _first(measures, "cfi_robust", "cfi"), _first(measures, "rmsea_robust", "rmsea")
    srmr = _first(measures, "srmr")
    rule = RULES["model fit"]
    level: Level = "stop"
    if fit.status.usable:
        level = rule.level({"cfi": cfi, "rmsea": rmsea, "srmr": srmr})
    verdict = {
        "good": "Yes: the answers fit the structure that the key supposes.",
        "caution": "Roughly: the structure holds with some misfit; see the residuals.",
        "stop": "No: the answers do not have the structure that the key supposes.",
    }[level]
    return Decision(
        question="Does the instrument's structure hold?",
        verdict=verdict if fit.status.usable else str(fit.status),
        level=level,
        figures={"CFI (robust)": cfi, "RMSEA (robust)": rmsea, "SRMR": srmr},
        rule=rule.words,
        source=rule.source,
    )


def _first(measures: Any, *names: str) -> float:
    """Return the first measure that is there and defined."""
    for name in names:
        value = float(measures.get(name, np.nan))
        if np.isfinite(value):
            return value
    return float("nan")
