"""Model formulas: ``y ~ a + b`` and a table become an outcome and a design matrix.

Functions: ``as_frame, read_formula, named_in, check_finite``; class ``Design``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.core.floats import TOO_LARGE
from cte_metrics.core.formula.grammar import Factor, Formula, Name, read_text
from cte_metrics.core.formula.values import numbers, value_of
from cte_metrics.core.naming import name_text, places
from cte_metrics.errors import InputError, InputTypeError, ModelSyntaxError, close_names
from cte_metrics.errors import UnknownNameError as UnknownName

INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True)
class Design:
    """y: (n,); x: (n, p); names: (p,) columns of x; frame: the rows used, kept: (rows,) which.

    Created by: ``cte_metrics.core.formula.design.read_formula``.
    Consumed by: ``cte_metrics.aggregation.mixed_model.mixed_model``.
    """

    response: str
    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    frame: pd.DataFrame
    kept: np.ndarray
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> np.ndarray:
        """Return a numeric column: of the design, or of the data."""
        if name in self.names:
            return np.asarray(self.x[:, self.names.index(name)])
        return numbers(self.frame[name], name)


def as_frame(data: Any) -> pd.DataFrame:
    """Return any eager table, or the survey behind responses, as a pandas frame.

    Columns are named by texts, as formulas name them.

    Raises
    ------
    InputTypeError
        If it is no table.
    InputError
        If two columns have one name, or the same text for a name.
    """
    frame = _frame(data)
    labels = frame.columns.tolist()
    places(labels)
    if all(isinstance(c, str) for c in labels):
        return frame
    return frame.set_axis([name_text(c) for c in labels], axis=1)


def _frame(data: Any) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        return pd.DataFrame(data.to_frame(keyed=True))
    import narwhals as nw

    try:
        return pd.DataFrame(nw.from_native(data, eager_only=True).to_pandas())
    except TypeError as error:
        raise InputTypeError(
            f"A model takes a data frame or Responses; got {type(data).__name__}."
        ) from error


def read_formula(
    formula: str, frame: pd.DataFrame, *, also: Sequence[str] = (), among: Any = None
) -> Design:
    """Build outcome and design matrix; rows with a missing variable are left out.

    Terms and the coding of categories are formulaic's, which sees names of ours only. What a
    formula computes is computed here, by a grammar of its own; a formula that does not follow it is
    refused before anything is computed.

    Parameters
    ----------
    formula : str
        ``outcome ~ predictors`` as in R; see :mod:`cte_metrics.core.formula.grammar`. An intercept
        is included.
    frame : DataFrame
        Columns named by the formula.
    also : sequence of str
        Further columns that must not be missing.
    among : ndarray of bool, optional
        Rows that may be used; all by default.

    Raises
    ------
    ModelSyntaxError
        If the formula cannot be read.
    UnknownNameError
        If it names something that is no column.
    InputTypeError
        If it computes with a column that is not numeric.
    InputError
        If the outcome is not one numeric column, or no complete row is left.
    """
    parsed = read_text(formula)
    table = _named(frame, parsed, also)
    kept = table.notna().all(axis=1).to_numpy()
    kept = kept if among is None else kept & among
    if not kept.any():
        raise InputError(f"No row has values for all of {', '.join(table.columns)}.")
    rows, notes = _without_unused(table if kept.all() else table[kept])
    left, right = _matrices(parsed, rows, formula)
    if left.shape[1] != 1:
        raise InputError(
            f"The outcome of {formula!r} is not one number per row: it became "
            f"{left.shape[1]} columns.",
            hint="Give a numeric outcome.",
        )
    if not right.shape[1]:
        raise ModelSyntaxError(
            f"{formula!r} has no fixed part.", hint="Write 'outcome ~ 1' for an intercept alone."
        )
    names = tuple(INTERCEPT if c == "Intercept" else str(c) for c in right.columns)
    whole = frame if kept.all() else frame[kept]
    return Design(
        str(left.columns[0]), _finite(left)[:, 0], _finite(right), names, whole, kept, notes
    )


def named_in(formula: Any) -> tuple[str, ...]:
    """Return the words of a formula, among them the variables that it names.

    Examples
    --------
    >>> named_in("score ~ log(size) + wave")
    ('score', 'log', 'size', 'wave')
    """
    return tuple(re.findall(r"[^\W\d]\w*", formula)) if isinstance(formula, str) else ()


def _named(frame: pd.DataFrame, parsed: Formula, also: Sequence[str]) -> pd.DataFrame:
    """Return the columns that are used, named by text."""
    wanted = list(dict.fromkeys([*parsed.columns(), *also]))
    for name in wanted:
        if name not in frame.columns:
            known = frame.columns
            raise UnknownName(f"There is no column {name!r} in the data.{close_names(name, known)}")
    return frame[wanted]


def _without_unused(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Drop categories that no row has, as R does, and say so."""
    notes: tuple[str, ...] = ()
    for name in rows.columns:
        if not isinstance(rows[name].dtype, pd.CategoricalDtype):
            continue
        smaller = rows[name].cat.remove_unused_categories()
        lost = rows[name].cat.categories.difference(smaller.cat.categories, sort=False)
        if len(lost):
            notes += (
                f"{name}: no row that is used has {', '.join(map(repr, map(str, lost)))}; the "
                "category was left out.",
            )
            rows = rows.assign(**{name: smaller})
    return rows, notes


def _column(factor: Factor, rows: pd.DataFrame) -> pd.Series:
    """Values of a factor: numbers, or a column of categories as it is."""
    value = factor.value
    if isinstance(value, Name):
        series = rows[value.column]
        category = not pd.api.types.is_numeric_dtype(series.dtype)
        if factor.coding == "C" or (category and not factor.coding):
            return series
    out = pd.Series(value_of(value, rows), index=rows.index)
    check_finite(out.to_numpy()[:, None], [factor.name], rows.index)
    return out


def _matrices(
    parsed: Formula, rows: pd.DataFrame, formula: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcome and design; formulaic sees names of ours, so no text of the user's is evaluated."""
    import formulaic

    columns = {factor: _column(factor, rows) for factor in parsed.factors}
    prefix = _unused_prefix(columns.values())
    own = {factor: f"{prefix}{k}" for k, factor in enumerate(columns)}
    table = pd.DataFrame({own[f]: c for f, c in columns.items()}, index=rows.index)
    text = "".join(p.written(own[p]) if isinstance(p, Factor) else p for p in parsed.parts)
    try:
        with np.errstate(all="ignore"):
            both = formulaic.Formula(text).get_model_matrix(table, context={}, na_action="ignore")
    except Exception as error:
        raise ModelSyntaxError(f"{formula!r} cannot be computed: {_plain(str(error))}") from error
    if not hasattr(both, "lhs"):
        raise ModelSyntaxError(f"{formula!r} has no outcome.", hint="Write 'outcome ~ ...'.")
    read = re.compile(rf"{prefix}(\d+)")
    shown = [f.argument if f.coding else f.name for f in columns]

    def named(matrix: Any) -> pd.DataFrame:
        names = [read.sub(lambda m: shown[int(m[1])], str(c)) for c in matrix.columns]
        return pd.DataFrame(matrix).set_axis(names, axis=1)

    return named(both.lhs), named(both.rhs)


def _unused_prefix(columns: Iterable[pd.Series]) -> str:
    """A beginning of names that no category of the columns contains."""
    prefix = "factor_"
    levels = [str(v) for c in columns if c.dtype != np.float64 for v in pd.unique(c)]
    while any(prefix in level for level in levels):
        prefix += "_"
    return prefix


def _plain(text: str) -> str:
    """First line of a message, without terminal colours."""
    line = next((part for part in text.splitlines() if part.strip()), "syntax error")
    return "".join(c for c in line if c.isprintable())


def _finite(matrix: pd.DataFrame) -> np.ndarray:
    out = np.asarray(matrix, dtype=np.float64)
    check_finite(out, list(matrix.columns), matrix.index)
    return out


def check_finite(values: np.ndarray, names: list[str], labels: Any) -> None:
    """Refuse what is no number, and what is so large that its square is none.

    Raises
    ------
    InputError
        Naming column and row.
    """
    fine = np.abs(values) < TOO_LARGE
    if fine.all():
        return
    row, column = np.argwhere(~fine)[0]
    value = float(values[row, column])
    if np.isfinite(value):
        raise InputError(
            f"The term {names[column]!r} is {value:g} in row {labels[row]!r}, too large to be "
            "squared.",
            hint="Divide the variable by a constant.",
        )
    raise InputError(
        f"The term {names[column]!r} is not finite in row {labels[row]!r}.",
        hint="A logarithm of 0 or a division by 0 is the usual cause.",
    )
