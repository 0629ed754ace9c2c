"""From a data frame to a checked ``Survey``: find the columns, read the answers, list the faults.

Functions: ``read_survey``; class ``Roles``.
"""

from __future__ import annotations

import numbers
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.registry import load_instrument
from cte_metrics.core.issues import IssueLog, remedies, shown
from cte_metrics.core.naming import name_text
from cte_metrics.core.survey.answers import MissingCodes, code_dtype, missing_mark, read_answers
from cte_metrics.core.survey.columns import (
    covariate_frame,
    item_columns,
    naming_series,
    role_order,
    weight_series,
)
from cte_metrics.core.survey.survey import Survey
from cte_metrics.core.survey.wording import Wording
from cte_metrics.errors import InputError, InputTypeError, one_of

OnInvalid = Literal["raise", "missing"]

NO_ANSWER = "no item was answered"
TWICE = "appears more than once in the same wave"
TWICE_ALONE = "appears more than once"


@dataclass(frozen=True, slots=True)
class Roles:
    """What the caller said about the columns; see :class:`Responses`.

    Created by: ``cte_metrics.core.survey.responses.Responses.__init__``,
    ``cte_metrics.core.files.ingest.read_responses``.
    Consumed by: ``cte_metrics.core.survey.reading.read_survey``.
    """

    respondent: Any = None
    group: Any = None
    wave: Any = None
    columns: Any = None
    covariates: Any = ()
    weights: Any = None


def read_survey(
    frame: Any,
    instrument: Instrument | str,
    roles: Roles,
    *,
    on_invalid: OnInvalid = "raise",
    missing_codes: Any = (),
    labels: Any = None,
    max_invalid: float = 0.5,
    log: IssueLog | None = None,
) -> Survey:
    """Check a frame against an instrument; see :class:`Responses`."""
    one_of(on_invalid, OnInvalid, "on_invalid")
    _check_share(max_invalid)
    asked = instrument_of(instrument)
    table = _eager(frame)
    index = _index(frame, len(table))
    log = IssueLog() if log is None else log
    found = item_columns(table.columns, asked, roles.columns)
    wordings = _wordings(asked, labels)
    missing = _missing_codes(missing_codes, wordings)
    codes = _codes(table, asked, found, wordings, missing, log)
    respondent, group, wave = (
        naming_series(table, given, name, index)
        for given, name in (
            (roles.respondent, "respondent"),
            (roles.group, "group"),
            (roles.wave, "wave"),
        )
    )
    _refuse_shared(found, roles)
    _check_rows(codes, respondent, group, wave, log)
    if on_invalid == "raise":
        log.refuse(index)
    _refuse_mostly(codes, list(found.values()), log, max_invalid)
    weights = weight_series(table, roles.weights, index)
    issues, rows = log.table(index, respondent)
    return Survey(
        instrument=asked,
        codes=codes,
        index=index,
        respondent=respondent,
        group=group,
        wave=wave,
        wave_order=role_order(table, roles.wave),
        weights=weights,
        covariates=covariate_frame(table, roles.covariates, index),
        issues=issues,
        issue_rows=rows,
        notes=(*_key_notes(asked), *_notes(log), *_weightless(group, weights)),
    )


def instrument_of(given: Instrument | str | PathLike[str]) -> Instrument:
    """Return an instrument as given, or load it by name or file.

    Raises
    ------
    InputTypeError
        If it is neither.
    """
    if isinstance(given, Instrument):
        return given
    if not isinstance(given, str | PathLike):
        raise InputTypeError(
            f"instrument is an Instrument, or the name or file of one; got {type(given).__name__}.",
            hint="The data come first, then the instrument: Responses(frame, instrument).",
        )
    return load_instrument(given)


def _eager(frame: Any) -> nw.DataFrame[Any]:
    _refuse_repeated_columns(frame)
    if isinstance(frame, pd.DataFrame) and frame.columns.nlevels > 1:
        frame = frame.set_axis([name_text(c) for c in frame.columns], axis=1)
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise InputTypeError(
            f"A survey is a pandas, polars or PyArrow data frame; got {type(frame).__name__}.",
            hint="Collect a lazy frame first (.collect()); give an array column names with "
            "pandas.DataFrame(array, columns=instrument.item_ids); read a file with "
            "read_responses.",
        ) from None
    if not len(table):
        raise InputError("The survey has no rows.")
    return table


def _refuse_repeated_columns(frame: Any) -> None:
    if isinstance(frame, pd.DataFrame) and not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(f"The survey has two columns named {twice!r}.", hint="Rename one.")


def _index(frame: Any, n: int) -> pd.Index:
    return frame.index if isinstance(frame, pd.DataFrame) else pd.RangeIndex(n)


def _codes(
    table: nw.DataFrame[Any],
    instrument: Instrument,
    found: Mapping[str, Any],
    wordings: Mapping[str, Wording],
    missing: MissingCodes,
    log: IssueLog,
) -> np.ndarray:
    """Return the answers as codes (n, k), one column after the other."""
    widest = instrument.widest_scale()
    dtype = code_dtype(widest.minimum, widest.maximum)
    codes = np.empty((len(table), len(found)), dtype=dtype, order="F")
    for j, (item, column) in enumerate(found.items()):
        read_answers(table.get_column(column), wordings[item], missing, log, codes[:, j])
    return codes


def _wordings(instrument: Instrument, labels: Any) -> dict[str, Wording]:
    """Return what texts mean in each item; ``labels`` are of items without a range of their own."""
    common = Wording.of(instrument.response_scale, labels)
    return {
        item.id: common if item.response_scale is None else Wording.of(item.response_scale)
        for item in instrument.items
    }


def _missing_codes(codes: Any, wordings: Mapping[str, Wording]) -> MissingCodes:
    """Sort the caller's codes; one that is an answer of any item is refused."""
    different = {id(wording): wording for wording in wordings.values()}
    sorted_codes = [MissingCodes.of(codes, wording) for wording in different.values()]
    return sorted_codes[0]


def _check_share(max_invalid: Any) -> None:
    number = isinstance(max_invalid, numbers.Real) and not isinstance(max_invalid, bool)
    if not number or not 0 <= max_invalid <= 1:
        raise InputError(f"max_invalid={max_invalid!r} is not a share between 0 and 1.")


def _refuse_mostly(
    codes: np.ndarray, columns: list[Any], log: IssueLog, max_invalid: float
) -> None:
    """Refuse to set most of an item's answers to missing: it was read wrongly, or is no item."""
    usable = (codes != missing_mark(codes.dtype)).sum(axis=0)
    invalid = Counter[str]()
    for issue in log.found:
        invalid[issue.column] += len(issue.positions) if issue.blocking else 0
    for column, read in zip(map(str, columns), usable.tolist(), strict=True):
        lost = invalid[column]
        if lost > max_invalid * (lost + read):
            example = next(i for i in log.found if i.blocking and i.column == column)
            raise InputError(
                f"Column {column!r}: {lost} of {lost + read} answers cannot be used and would be "
                f"set to missing, for example {shown(example.values[0])}, which "
                f"{example.problem}.",
                hint=f"{remedies(log)}. To set them to missing all the same pass max_invalid=1.",
            )


def _weightless(group: Any, weights: Any) -> tuple[str, ...]:
    """Name the schools whose respondents all have the weight 0."""
    if group is None or weights is None:
        return ()
    heaviest = weights.groupby(group.to_numpy()).max()
    names = heaviest.index[heaviest == 0].tolist()
    if not names:
        return ()
    named = ", ".join(shown(n) for n in names[:10]) + (", ..." if len(names) > 10 else "")
    return (f"All weights are 0 in {len(names)} of {len(heaviest)} schools: {named}.",)


def _refuse_shared(found: dict[str, Any], roles: Roles) -> None:
    """Refuse a column that is an item and something else as well."""
    for role in ("respondent", "group", "wave", "weights"):
        given = getattr(roles, role)
        for item, column in found.items():
            if np.isscalar(given) and name_text(given) == name_text(column):
                raise InputError(f"Column {column!r} is item {item!r} and cannot be the {role}.")


def _check_rows(codes: np.ndarray, respondent: Any, group: Any, wave: Any, log: IssueLog) -> None:
    mark = missing_mark(codes.dtype)
    silent = codes[:, 0] == mark
    for j in range(1, codes.shape[1]):
        if not silent.any():
            break
        silent &= codes[:, j] == mark
    rows = np.flatnonzero(silent)
    log.add("(all items)", rows, [None] * len(rows), NO_ANSWER)
    for series, role in ((respondent, "respondent"), (group, "group"), (wave, "wave")):
        if series is not None:
            rows = np.flatnonzero(series.isna().to_numpy())
            log.add(series.name, rows, [None] * len(rows), f"no {role}")
    if respondent is not None:
        _check_twice(respondent, wave, log)


def _check_twice(respondent: pd.Series, wave: Any, log: IssueLog) -> None:
    keys = {"respondent": respondent.to_numpy()}
    if wave is not None:
        keys["wave"] = wave.to_numpy()
    again = pd.DataFrame(keys).duplicated().to_numpy() & respondent.notna().to_numpy()
    rows = np.flatnonzero(again)
    problem = TWICE_ALONE if wave is None else TWICE
    log.add(respondent.name, rows, respondent.iloc[rows].tolist(), problem, blocking=True)


def _notes(log: IssueLog) -> tuple[str, ...]:
    """Say in one sentence each what happened to the answers."""
    unusable = sum(len(i.positions) for i in log.found if i.blocking and "appears" not in i.problem)
    twice = sum(len(i.positions) for i in log.found if i.blocking and "appears" in i.problem)
    silent = sum(len(i.positions) for i in log.found if i.problem == NO_ANSWER)
    said = [
        (unusable, "could not be used and set to missing", "answer"),
        (twice, "repeating a respondent within a wave", "row"),
        (silent, "without an answer to any item", "row"),
    ]
    return tuple(
        f"{n} {noun}{'' if n == 1 else 's'} {what}; see .issues." for n, what, noun in said if n
    )


def _key_notes(instrument: Instrument) -> tuple[str, ...]:
    """Return the instrument's notes where its key must be checked first."""
    return instrument.notes if instrument.key_certainty in ("medium", "low") else ()
