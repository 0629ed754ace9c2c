"""From teacher answers to school scores.

Functions: ``aggregate``; class ``GroupScores``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from cte_metrics.aggregation.disclosure import Protected, protect
from cte_metrics.aggregation.evidence import composition_of, evidence_row
from cte_metrics.aggregation.grouped import code_groups
from cte_metrics.aggregation.scale_means import (
    Options,
    ScaleMeans,
    scale_means,
    staff_sizes,
)
from cte_metrics.core.arguments import checked
from cte_metrics.core.door import column
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import (
    InputError,
    InputTypeError,
    UnknownNameError,
    check_confidence,
    close_names,
    one_of,
)
from cte_metrics.results import Block, Provenance, Result, recorded
from cte_metrics.summaries.keying import survey_keying

Rule = Literal["teacher_means", "item_means"]
REFERENCE = (
    "Chan (1998); Bliese (2000); Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear "
    "models (2nd ed.), 46-51 (shrinkage and its reliability)."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class GroupScores(Result):
    """School scores that may be shown, and the evidence for them.

    Attributes
    ----------
    table : DataFrame, index (group, scale)
        ``n`` teachers with a score, ``mean, sd, se, ci_low, ci_high``, ``reliability`` of this
        school's mean, ``shrunken`` (empirical-Bayes) mean with ``shrunken_se``, ``rwg_j, ad_mean``,
        ``suppressed``. With ``by`` or ``wave="all"`` the division is a further index level, and
        each part is analysed by itself.
    evidence : DataFrame, index scale (and part)
        ``icc1, icc1_low, icc1_high, icc2, f, df_between, df_within, p, mean_group_size, n_groups,
        median_rwg_j, share_above_70, median_rwg_j_skew, median_ad_mean, composition, decided_by,
        verdict, rule, source``.
    composition : str
        Chan's composition model that the instrument's referent selects.
    n_suppressed : int
        Schools (cells) that are not shown.
    margins : dict
        Which totals must not be shown either; see :class:`cte_metrics.aggregation.Protected`.
    """

    _title: ClassVar[str] = "School scores"

    table: pd.DataFrame
    evidence: pd.DataFrame
    composition: str
    n_suppressed: int
    margins: dict[tuple[str, ...], pd.Series]

    def _blocks(self) -> list[Block]:
        figures = self.evidence.drop(columns=["composition", "decided_by", "rule", "source"])
        return [
            Block(f"Evidence ({self.composition})", figures.drop(columns="verdict")),
            Block("Verdict", [(str(k), v) for k, v in self.evidence["verdict"].items()]),
            Block("Schools", self.table),
        ]

    @checked
    def profile(self, column: str = "mean") -> pd.DataFrame:
        """Return one row a school and one column a scale.

        Raises
        ------
        UnknownNameError
            If the table has no such column.
        """
        if column not in self.table.columns:
            raise UnknownNameError(
                f"The table has no column {column!r}.{close_names(column, self.table.columns)}"
            )
        order = self.table.index.get_level_values("scale").unique()
        return self.table[column].unstack("scale")[order]


@recorded
def aggregate(
    responses: Responses,
    *,
    minimum_group_size: int = 5,
    rule: Rule = "teacher_means",
    shrink: bool = True,
    staff_size: Mapping[Any, int] | pd.Series | str | None = None,
    weights: Any = None,
    wave: Hashable = "latest",
    by: str | None = None,
    confidence: float = 0.95,
) -> GroupScores:
    r"""Turn teacher answers into school scores, with the evidence for doing so.

    Parameters
    ----------
    responses : Responses
        With a group. Every subscale of the instrument and the ``total`` over all items are scored.
    minimum_group_size : int
        Schools with fewer scored teachers on any scale are suppressed, and with them as many
        others as keep them from being computed by subtraction. 0 or 1 shows everything.
    rule : {"teacher_means", "item_means"}
        Mean of the teachers' scale means, or mean of the school means of the items. They differ
        when answers are missing.
    shrink : bool
        Whether to give empirical-Bayes means.
    staff_size : mapping, Series or str, optional
        Teachers in each school (or a covariate that holds it): standard errors then carry the
        finite-population correction, sqrt(1 - n/N).
    weights : str or array, optional
        Sampling weights of the teachers; those of the responses by default.
    wave : hashable, "latest" or "all"
        Which wave is scored where there are several; ``"all"`` adds the index level ``wave``.
    by : str, optional
        A covariate that divides the teachers of a school further; adds an index level.
    confidence : float
        Level of the intervals.

    Returns
    -------
    GroupScores

    Raises
    ------
    InputError
        If the responses have no group, no respondent has a score of any scale, or an option is out
        of range.

    Notes
    -----
    A teacher has a score with the answers that the instrument's ``minimum_answered`` asks for, by
    default half of a scale's items, and two.
    Intervals are mean :math:`\pm t_{n-1}` se. With REML components :math:`\tau^2, \sigma^2` of the
    teacher scores, a school's reliability is :math:`\tau^2/(\tau^2 + \mathrm{se}_j^2)` with
    :math:`\mathrm{se}_j^2 = \sigma^2/n_j` (multilevel::gmeanrel), and its shrunken mean lies that
    share of the way from the estimated overall mean to its own (coef of lme4::lmer). ICC(1),
    ICC(2) and F of the evidence come from the analysis of variance; rwg(j) and AD use the teachers
    who answered every item of the scale.

    References
    ----------
    Chan (1998); Bliese (2000); Raudenbush & Bryk (2002), Hierarchical Linear Models, 46-51.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics import Instrument, Item, ResponseScale, Responses
    >>> mini = Instrument("mini", "Mini", "1", ResponseScale(1, 5), [Item("a"), Item("b")])
    >>> answers = pd.DataFrame({"school": [1, 1, 2, 2], "a": [4, 5, 2, 1], "b": [4, 5, 2, 3]})
    >>> found = aggregate(Responses(answers, mini, group="school"), minimum_group_size=2)
    >>> found.table["mean"].tolist()
    [4.5, 2.0]
    """
    one_of(rule, Rule, "rule")
    chosen, notes = _at_wave(_checked(responses, confidence), wave, by)
    division = "wave" if wave == "all" and responses.wave is not None else by
    codes, schools = code_groups(chosen.group)
    parts = _parts(chosen, codes, division)
    options = Options(
        rule=rule, shrink=shrink, confidence=confidence,
        weights=_weights(chosen, weights), staff=staff_sizes(chosen, schools, staff_size),
    )  # fmt: skip
    found = {
        (name, *part): scale_means(
            chosen, items, within, scale=name, n_cells=len(schools), options=options
        )
        for part, within in parts.items()
        for name, items in scales(chosen).items()
    }
    if not any(means.n_used for means in found.values()):
        raise InputError(
            "No respondent with a school answered enough items for a score of any scale."
        )
    raw = _stack(found, schools, division)
    shown = protect(raw, by=_divisions(division), minimum=minimum_group_size)
    notes += _lost_rows(codes, parts, division) + survey_keying(chosen)
    return _result(chosen, shown, found, options, minimum_group_size, notes)


def _checked(responses: Any, confidence: float) -> Responses:
    if not isinstance(responses, Responses):
        raise InputTypeError(
            f"aggregate takes Responses; got {type(responses).__name__}.",
            hint="Read the answers with Responses(frame, instrument, group=...); for plain "
            "columns use agreement and variance_components.",
        )
    if responses.group is None:
        raise InputError(
            "The responses have no group, so there are no schools to score.",
            hint="Read them with group= (the column that names the school).",
        )
    check_confidence(confidence)
    return responses


def _at_wave(
    responses: Responses, wave: Hashable, by: str | None
) -> tuple[Responses, tuple[str, ...]]:
    waves = responses.waves
    if wave == "all":
        if by is not None:
            raise InputError("by and wave='all' cannot be combined; score one wave by subgroup.")
        return responses, ()
    if wave != "latest":
        return responses.at_wave(wave), ()
    if len(waves) < 2:
        return responses, ()
    return responses.at_wave(waves[-1]), (
        f"There are {len(waves)} waves; wave {waves[-1]!r} is scored (wave='all' gives each).",
    )


def scales(responses: Responses) -> dict[str, tuple[int, ...]]:
    """Every subscale and the total, as positions of items."""
    place = {item: j for j, item in enumerate(responses.instrument.item_ids)}
    out = {s.id: tuple(place[i] for i in s.items) for s in responses.instrument.subscales}
    out["total"] = tuple(range(len(place)))
    return out


def _divisions(division: str | None) -> tuple[str, ...]:
    return ("group",) if division is None else ("group", division)


def _parts(
    responses: Responses, codes: np.ndarray, division: str | None
) -> dict[tuple[Any, ...], np.ndarray]:
    """School codes of the rows of each part (the whole, a wave, a subgroup), -1 elsewhere."""
    if division is None:
        return {(): codes}
    second, levels = code_groups(_division(responses, division))
    return {(v,): np.where(second == k, codes, -1) for k, v in enumerate(levels)}


def _lost_rows(
    codes: np.ndarray, parts: dict[tuple[Any, ...], np.ndarray], division: str | None
) -> tuple[str, ...]:
    homeless = int((codes < 0).sum())
    covered = np.any([p >= 0 for p in parts.values()], axis=0)
    unknown = int(((codes >= 0) & ~covered).sum())
    notes = [f"{homeless} rows without a school were left out."] if homeless else []
    if unknown:
        notes.append(f"{unknown} rows without a value of {division!r} were left out.")
    return tuple(notes)


def _division(responses: Responses, name: str) -> pd.Series:
    if name == "wave" and responses.wave is not None:
        return responses.wave
    if name not in responses.covariates:
        known = list(responses.covariates)
        raise UnknownNameError(
            f"by={name!r} is no covariate of the responses.{close_names(name, known)}",
            hint="Read the responses with covariates=[...] to divide schools by one.",
        )
    return responses.covariates[name]


def _weights(responses: Responses, weights: Any) -> np.ndarray | None:
    if weights is None:
        own = responses.weights
        return None if own is None else own.to_numpy(dtype=np.float64)
    given = column(responses, weights, responses.n_respondents, "weights")
    out = np.asarray(given, dtype=np.float64)
    if out.shape != (len(responses),) or not np.isfinite(out).all() or (out < 0).any():
        raise InputError("weights must be one finite number, 0 or more, for each row.")
    return out


def _stack(
    found: dict[tuple[Any, ...], ScaleMeans], schools: pd.Index, division: str | None
) -> pd.DataFrame:
    """One frame: scales within schools; cells without any scored teacher are left out."""
    frames = []
    for order, (key, means) in enumerate(found.items()):
        part = pd.DataFrame({"group": schools, "scale": key[0], **means.columns})
        if division is not None:
            part[division] = key[1]
        part["_school"], part["_order"] = np.arange(len(schools)), order
        frames.append(part[part["n"] > 0])
    stacked = pd.concat(frames).sort_values(["_school", "_order"])
    levels = ["group", "scale"] + ([] if division is None else [division])
    return stacked.set_index(levels).drop(columns=["_school", "_order"])


def _result(
    responses: Responses,
    shown: Protected,
    found: dict[tuple[Any, ...], ScaleMeans],
    options: Options,
    minimum: int,
    notes: tuple[str, ...],
) -> GroupScores:
    composition = composition_of(responses.instrument.referent)
    rows = {
        key: evidence_row(_visible(key, means, shown.table), composition)
        for key, means in found.items()
    }
    scale_notes = tuple(dict.fromkeys(n for means in found.values() for n in means.notes))
    if options.rule != responses.instrument.group_rule:
        scale_notes += (
            f"The instrument's own rule is {responses.instrument.group_rule!r}; "
            f"{options.rule!r} was used.",
        )
    used = sum(means.n_used for key, means in found.items() if key[0] == "total")
    return GroupScores(
        table=shown.table,
        evidence=_evidence_frame(rows),
        composition=composition.name,
        n_suppressed=shown.n_primary + shown.n_complementary,
        margins=shown.margins,
        notes=tuple(responses.notes) + notes + scale_notes + shown.notes,
        provenance=Provenance(
            method=f"School scores by {options.rule.replace('_', ' ')}",
            n_used=used, n_dropped=len(responses) - used,
            settings={"minimum_group_size": minimum, "rule": options.rule,
                      "shrink": options.shrink, "confidence": options.confidence,
                      "weighted": options.weights is not None,
                      "finite_population": options.staff is not None},
            reference=REFERENCE,
        ),
    )  # fmt: skip


def _visible(key: tuple[Any, ...], means: ScaleMeans, table: pd.DataFrame) -> dict[str, float]:
    """Evidence of one scale (and part), blank where every school of it is suppressed."""
    here = np.ones(len(table), dtype=bool)
    for level, value in enumerate(key, start=1):
        here &= table.index.get_level_values(level) == value
    of_part = table[here]
    if len(of_part) and not of_part["suppressed"].all():
        return means.figures
    return dict.fromkeys(means.figures, float("nan"))


def _evidence_frame(rows: dict[tuple[Any, ...], dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows.values()))
    keys = list(rows)
    if len(keys[0]) == 1:
        frame.index = pd.Index([k[0] for k in keys], name="scale")
    else:
        frame.index = pd.MultiIndex.from_tuples(keys, names=["scale", "part"])
    return frame
