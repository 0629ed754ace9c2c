"""One column of answers becomes whole-number codes, checked without a loop over respondents.

Functions: ``code_dtype, read_answers``; class ``MissingCodes``.
"""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cte_metrics.core.arguments import is_list
from cte_metrics.core.floats import floats_with_gaps
from cte_metrics.core.instrument.response_scale import fold
from cte_metrics.core.issues import IssueLog
from cte_metrics.core.survey.wording import Wording
from cte_metrics.errors import InputError, InputTypeError, close_names

NOT_WHOLE = "is not a whole number"
MIXED = "numbers and texts in one column; both were read"
NUMBERED = "answers state number and text; they were read by the number"
FORMULA = "is a formula whose value the file does not hold; open the file and save it once"
# "5 - Agree", "5: Agree", "5) Agree", "(5) Agree", "5 (Agree)"; "Agree (5)", "Agree - 5".
_LEADING = re.compile(r"[(\[]?(-?\d+)\s*(?:[-:=.)\]|]\s*|\s)([^\d\s].*)")
_TRAILING = re.compile(r"(\D.*?)\s*(?:[(\[]\s*(-?\d+)\s*[)\]]|\s[-:=|]\s+(-?\d+))")
_MARKS = " ()[]-:=.|"


@dataclass(frozen=True, slots=True)
class MissingCodes:
    """Values that the caller declares to mean "no answer": numbers and (folded) texts.

    Created by: ``cte_metrics.core.survey.answers.MissingCodes.of``.
    Consumed by: ``cte_metrics.core.survey.answers.read_answers``.
    """

    numbers: tuple[float, ...] = ()
    texts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, codes: Any, scale: Wording) -> MissingCodes:
        """Sort the caller's codes.

        Raises
        ------
        InputError
            If a code is also a possible answer.
        """
        given = [codes] if isinstance(codes, str) or not is_list(codes) else codes
        figures: list[float] = []
        texts: set[str] = set()
        for code in given:
            figure = _as_number(code)
            if figure is not None and scale.minimum <= figure <= scale.maximum:
                raise InputError(
                    f"missing_codes holds {code!r}, which is an answer of the response scale "
                    f"({scale.minimum} to {scale.maximum})."
                )
            if figure is not None:
                figures.append(figure)
            if isinstance(code, str):
                texts.add(fold(code))
                if scale.code_of(code) is not None:
                    raise InputError(
                        f"missing_codes holds {code!r}, which labels an answer of the response "
                        "scale."
                    )
        return cls(tuple(figures), frozenset(texts))


def code_dtype(minimum: int, maximum: int) -> np.dtype[Any]:
    """Return the smallest integer type that holds the codes and one mark for missing.

    Examples
    --------
    >>> code_dtype(1, 9), code_dtype(0, 1000)
    (dtype('int8'), dtype('int16'))
    """
    for dtype in (np.int8, np.int16, np.int32, np.int64):
        limits = np.iinfo(dtype)
        if limits.min < minimum and maximum <= limits.max:
            return np.dtype(dtype)
    raise InputError(f"Answers from {minimum} to {maximum} are out of reach.")


def missing_mark(dtype: np.dtype[Any]) -> int:
    """Return the code that marks a missing answer."""
    return int(np.iinfo(dtype).min)


def read_answers(
    series: nw.Series[Any],
    scale: Wording,
    missing: MissingCodes,
    log: IssueLog,
    out: np.ndarray,
) -> None:
    """Write the codes of one column into ``out`` and its problems into ``log``.

    Parameters
    ----------
    series : narwhals Series (n,)
        Numbers, texts or both.
    scale : Wording
        Allowed codes and the texts that stand for them.
    missing : MissingCodes
        Values that mean "no answer".
    log : IssueLog
        Receives what could not be used.
    out : ndarray (n,)
        Receives codes, missing answers as the mark of its type.

    Raises
    ------
    InputTypeError
        If the column can hold no answers (dates, lists, ...).
    """
    dtype = series.dtype
    if dtype == nw.Boolean:
        _read_objects(series, scale, missing, log, out)
    elif dtype.is_numeric():
        _read_numbers(series.name, _numbers(series), scale, missing, log, out)
    elif isinstance(dtype, nw.String | nw.Categorical | nw.Enum | nw.Object | nw.Unknown):
        _read_objects(series, scale, missing, log, out)
    else:
        raise InputTypeError(
            f"Column {series.name!r} holds values of type {dtype}, not answers.",
            hint="Answers are whole numbers or the labels of the response scale.",
        )


def _numbers(series: nw.Series[Any]) -> np.ndarray:
    """Return numbers; floats with nan where something is missing."""
    if series.is_null().any():
        return floats_with_gaps(series)
    values = np.asarray(series.to_numpy())
    return values if values.dtype.kind in "iuf" else values.astype(np.float64)


def _read_numbers(
    column: str,
    values: np.ndarray,
    scale: Wording,
    missing: MissingCodes,
    log: IssueLog,
    out: np.ndarray,
) -> None:
    mark = missing_mark(out.dtype)
    low, high = scale.minimum, scale.maximum
    if not len(values):
        return
    if values.dtype.kind in "iu":
        if values.min() >= low and values.max() <= high:
            out[:] = values
            return
        absent = np.zeros(len(values), dtype=bool)
        partial = absent
    else:
        absent = np.isnan(values)
        partial = ~absent & (np.floor(values) != values)
    outside = ~absent & ~partial & ((values < low) | (values > high))
    declared = _declared(values, partial | outside, missing)
    outside &= ~declared
    partial = partial & ~declared
    unusable = absent | partial | outside | declared
    out[:] = np.where(unusable, low, values)
    out[unusable] = mark
    _log_declared(log, column, values[declared])
    for faulty, problem in ((outside, _outside(scale)), (partial, NOT_WHOLE)):
        rows = np.flatnonzero(faulty)
        log.add(column, rows, values[rows].tolist(), problem, blocking=True)


def _declared(values: np.ndarray, suspect: np.ndarray, missing: MissingCodes) -> np.ndarray:
    found = np.zeros(len(values), dtype=bool)
    if missing.numbers and suspect.any():
        found[suspect] = np.isin(values[suspect].astype(np.float64), missing.numbers)
    return found


def _outside(scale: Wording) -> str:
    return f"is outside {scale.minimum} to {scale.maximum}"


def _log_declared(log: IssueLog, column: str, values: np.ndarray) -> None:
    """Record declared missing codes, one entry for each code of the column."""
    if not len(values):
        return
    counts = pd.Series(values).value_counts(sort=False)
    for code, n in counts.items():
        log.about(column, code, _declared_problem(int(n)))


def _declared_problem(n: int) -> str:
    return f"missing code: {n} answer{'s' if n > 1 else ''} set to missing"


def _read_objects(
    series: nw.Series[Any],
    scale: Wording,
    missing: MissingCodes,
    log: IssueLog,
    out: np.ndarray,
) -> None:
    """Read texts and mixed values: each distinct value once, then all rows by look-up."""
    positions, distinct = _distinct(series)
    readings = _consistent([_Reading.of(value, scale, missing) for value in distinct])
    mark = missing_mark(out.dtype)
    codes = np.array([mark if r.code is None else r.code for r in readings] + [mark], out.dtype)
    out[:] = codes[positions]
    _log_readings(log, series.name, positions, distinct, readings)
    kinds = {r.kind for r in readings if r.code is not None}
    if "both" in kinds:
        log.about(series.name, None, NUMBERED)
    if len(kinds - {"both"}) > 1:
        log.about(series.name, None, MIXED)


def _distinct(series: nw.Series[Any]) -> tuple[np.ndarray, Any]:
    """Return each row's place among the distinct values (-1 where missing), and those values.

    Columns of texts are compared in their own engine; only columns of mixed objects become lists.
    """
    native = series.to_native()
    of_texts = isinstance(series.dtype, nw.String | nw.Categorical | nw.Enum)
    if not of_texts or series.dtype == nw.Object or _holds_objects(native):
        return pd.factorize(_distinguishable(series.to_list()), use_na_sentinel=True)
    if isinstance(native, pd.Series):
        return pd.factorize(native, use_na_sentinel=True)
    texts = series.cast(nw.String).fill_null("")
    distinct = texts.unique(maintain_order=True).to_list()
    places = texts.replace_strict(distinct, list(range(len(distinct))), return_dtype=nw.Int64)
    return np.asarray(places.to_numpy()), distinct


def _holds_objects(native: Any) -> bool:
    return isinstance(native, pd.Series) and bool(pd.api.types.is_object_dtype(native.dtype))


class _Truth:
    """True or false, kept apart from the numbers 1 and 0 that it equals."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


_TRUTHS = {True: _Truth(True), False: _Truth(False)}


def _distinguishable(listed: list[Any]) -> np.ndarray:
    """Return an object array in which ``True`` and ``1`` differ and odd things are texts."""
    kinds = set(map(type, listed))
    out = np.empty(len(listed), dtype=object)
    if kinds & {bool, np.bool_}:
        listed = [_TRUTHS[bool(v)] if isinstance(v, bool | np.bool_) else v for v in listed]
    if any(kind.__hash__ is None for kind in kinds):
        listed = [repr(v) if type(v).__hash__ is None else v for v in listed]
    out[:] = listed
    return out


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one distinct value means: a code, a declared missing answer, or a problem."""

    kind: str
    code: int | None = None
    problem: str | None = None
    text: str = ""

    @classmethod
    def of(cls, value: Any, scale: Wording, missing: MissingCodes) -> _Reading:
        if isinstance(value, _Truth):
            return _truth(value.value, scale)
        if isinstance(value, numbers.Real | Decimal):
            return _figure(value, scale, missing)
        if isinstance(value, str):
            return _text(value, scale, missing)
        return cls("other", problem=f"is of type {type(value).__name__}, not an answer")


def _truth(value: bool, scale: Wording) -> _Reading:
    if (scale.minimum, scale.maximum) == (0, 1):
        return _Reading("truth", code=int(value))
    return _Reading("truth", problem="is true or false where a number is needed")


def _figure(value: Any, scale: Wording, missing: MissingCodes) -> _Reading:
    try:
        figure = float(value)
    except OverflowError:  # a whole number beyond all floats
        return _Reading("number", problem=_outside(scale))
    if math.isnan(figure):
        return _Reading("empty")
    if figure in missing.numbers:
        return _Reading("declared")
    if not figure.is_integer() and not math.isinf(figure):
        return _Reading("number", problem=NOT_WHOLE)
    if not scale.minimum <= figure <= scale.maximum:
        return _Reading("number", problem=_outside(scale))
    return _Reading("number", code=int(figure))


def _text(value: str, scale: Wording, missing: MissingCodes) -> _Reading:
    folded = fold(value)
    if not folded:
        return _Reading("empty")
    if folded in missing.texts:
        return _Reading("declared")
    code = scale.code_of(value)
    if code is not None:
        return _Reading("text", code=code)
    figure = _as_number(folded)
    if figure is not None:
        return _figure(figure, scale, missing)
    both = _numbered(folded, scale, missing)
    if both is not None:
        return both
    if folded.startswith("="):
        return _Reading("text", problem=FORMULA)
    hint = close_names(value, scale.labels)
    why = "labels no answer of the response scale" if scale.labels else "is text, not a number"
    return _Reading("text", problem=f"{why}{hint.rstrip('?').replace(' Did you', '; did you')}")


def _numbered(folded: str, scale: Wording, missing: MissingCodes) -> _Reading | None:
    """Read an answer that states number and text; ``None`` where it is not clearly one.

    "5 Agree", without a mark between the two, counts only where the text is a known label.
    """
    leading, trailing = _LEADING.fullmatch(folded), _TRAILING.fullmatch(folded)
    if (leading is None) == (trailing is None):
        return None
    number, text = leading.groups() if leading else _turned(trailing)
    text = text.strip(_MARKS)
    known = scale.code_of(text)
    marked = not leading or folded[leading.end(1) :].lstrip()[:1] in _MARKS
    clear = marked and any(c.isalpha() for c in text) and not any(c.isdigit() for c in text)
    if known is None and not clear:
        return None
    if text in missing.texts:
        return _Reading("declared")
    read = _figure(int(number), scale, missing)
    if read.code is None:
        return read
    named = scale.texts_of(read.code)
    if known not in (None, read.code) or (known is None and named):
        meant = f"{text!r} is {known}" if known is not None else f"{number} is {min(named)!r}"
        return _Reading("text", problem=f"contradicts the labels: there {meant}")
    return _Reading("both", code=read.code, text=text)


def _turned(found: Any) -> tuple[str, str]:
    """Return number and text of "Agree (5)"."""
    return found[2] or found[3], found[1]


def _consistent(readings: list[_Reading]) -> list[_Reading]:
    """Refuse numbers beside texts where one number has two texts in a column, or one text two."""
    pairs = {(r.code, r.text) for r in readings if r.kind == "both"}
    if len(pairs) == len({c for c, _ in pairs}) == len({t for _, t in pairs}):
        return readings
    problem = "states a number and a text that do not always go together in this column"
    return [_Reading("text", problem=problem) if r.kind == "both" else r for r in readings]


def _as_number(value: Any) -> float | None:
    """Return the number that a value or text states, ``None`` if it states none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        figure = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) else None


def _log_readings(
    log: IssueLog, column: str, positions: np.ndarray, distinct: Any, readings: list[_Reading]
) -> None:
    for j, reading in enumerate(readings):
        if reading.code is not None or reading.kind == "empty":
            continue
        rows = np.flatnonzero(positions == j)
        value = distinct[j].value if isinstance(distinct[j], _Truth) else distinct[j]
        if reading.kind == "declared":
            log.about(column, value, _declared_problem(len(rows)))
        else:
            log.add(column, rows, [value] * len(rows), str(reading.problem), blocking=True)
