"""Model formulas: ``y ~ a + b`` and a table become an outcome and a design matrix.

Functions: ``read_formula, named_in``; class ``Design``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.core.naming import name_text, places
from cte_metrics.errors import InputError, InputTypeError, ModelSyntaxError, close_names
from cte_metrics.errors import UnknownNameError as UnknownName

INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True)
class Design:
    """y: (n,); x: (n, p); names: (p,) columns of x; frame: the rows used, kept: (rows,) which.

    Created by: ``cte_metrics.core.formula.read_formula``.
    Consumed by: ``cte_metrics.aggregation.mixed_model.mixed_model``.
    """

    response: str
    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    frame: pd.DataFrame
    kept: np.ndarray

    @property
    def n_dropped(self) -> int:
        """Rows left out because a variable of the formula is missing."""
        return int(len(self.kept) - self.kept.sum())

    def column(self, name: str) -> np.ndarray:
        """Return a numeric column: of the design, or of the data."""
        if name in self.names:
            return np.asarray(self.x[:, self.names.index(name)])
        return np.asarray(self.frame[name], dtype=np.float64)


def as_frame(data: Any) -> pd.DataFrame:
    """Return any eager table, or the survey behind responses, as a pandas frame.

    Columns are named by texts, as formulas name them.
    """
    if isinstance(data, pd.DataFrame):
        return _with_texts(data)
    if hasattr(data, "keyed") and hasattr(data, "instrument"):
        return pd.DataFrame(data.to_frame(keyed=True))
    import narwhals as nw

    try:
        return pd.DataFrame(nw.from_native(data, eager_only=True).to_pandas())
    except TypeError as error:
        raise InputTypeError(
            f"A model takes a data frame or Responses; got {type(data).__name__}."
        ) from error


def _with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    labels = frame.columns.tolist()
    if all(isinstance(c, str) for c in labels):
        return frame
    places(labels)
    return frame.set_axis([name_text(c) for c in labels], axis=1)


def read_formula(formula: str, data: Any, *, also: Sequence[str] = ()) -> Design:
    """Build outcome and design matrix; rows with a missing variable are left out.

    Parameters
    ----------
    formula : str
        ``outcome ~ predictors`` as in R, read by formulaic: ``+ - : * 0``, ``C(x)`` for
        categories, and the functions ``log, exp, sqrt`` or anything of ``np``. An intercept is
        included.
    data : DataFrame or Responses
        Columns named by the formula.
    also : sequence of str
        Further columns that must not be missing.

    Raises
    ------
    ModelSyntaxError
        If the formula cannot be read.
    UnknownNameError
        If it names something that is no column.
    InputError
        If the outcome is not one numeric column, or no complete row is left.
    """
    from formulaic import Formula

    frame = as_frame(data)
    parsed = _parsed(Formula, formula)
    used = _variables(parsed, frame, also)
    kept = frame[used].notna().all(axis=1).to_numpy()
    if not kept.any():
        raise InputError(f"No row has values for all of {', '.join(used)}.")
    rows = frame if kept.all() else frame[kept]
    left, right = _matrices(parsed, rows, formula)
    if left.shape[1] != 1:
        raise InputError(
            f"The outcome of {formula!r} is not one number per row: it became "
            f"{left.shape[1]} columns.",
            hint="Give a numeric outcome.",
        )
    names = tuple(INTERCEPT if c == "Intercept" else str(c) for c in right.columns)
    return Design(str(left.columns[0]), _numbers(left)[:, 0], _numbers(right), names, rows, kept)


def named_in(formula: Any) -> tuple[str, ...]:
    """Return the words of a formula, among them the variables that it names.

    Examples
    --------
    >>> named_in("score ~ log(size) + wave")
    ('score', 'log', 'size', 'wave')
    """
    return tuple(re.findall(r"[^\W\d]\w*", formula)) if isinstance(formula, str) else ()


def _parsed(reader: Any, formula: str) -> Any:
    if not isinstance(formula, str) or "~" not in formula:
        raise ModelSyntaxError(
            f"{formula!r} is no formula.", hint="Write one as 'outcome ~ predictor + predictor'."
        )
    if "|" in formula:
        raise ModelSyntaxError(
            f"{formula!r} holds a random part.",
            hint="Write the fixed part only; name the grouping variable in group= and random "
            "slopes in slopes=.",
        )
    try:
        return reader(formula)
    except Exception as error:
        reason = _plain(str(error))
        raise ModelSyntaxError(f"{formula!r} cannot be read: {reason}") from error


def _plain(text: str) -> str:
    """First line of a message, without terminal colours."""
    line = next((part for part in text.splitlines() if part.strip()), "syntax error")
    return "".join(c for c in line if c.isprintable())


def _variables(parsed: Any, frame: pd.DataFrame, also: Sequence[str]) -> list[str]:
    allowed = {"np", "log", "exp", "sqrt"}
    named = [str(v) for v in parsed.required_variables if str(v) not in allowed]
    out = list(dict.fromkeys([*named, *also]))
    for name in out:
        if name not in frame.columns:
            raise UnknownName(
                f"There is no column {name!r} in the data.{close_names(name, frame.columns)}"
            )
    return out


def _matrices(parsed: Any, rows: pd.DataFrame, formula: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    context = {"np": np, "log": np.log, "exp": np.exp, "sqrt": np.sqrt}
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused by name below
            both = parsed.get_model_matrix(rows, context=context, na_action="ignore")
    except Exception as error:
        raise ModelSyntaxError(f"{formula!r} cannot be computed: {_plain(str(error))}") from error
    if not hasattr(both, "lhs"):
        raise ModelSyntaxError(f"{formula!r} has no outcome.", hint="Write 'outcome ~ ...'.")
    return both.lhs, both.rhs


def _numbers(matrix: pd.DataFrame) -> np.ndarray:
    out = np.asarray(matrix, dtype=np.float64)
    if not np.isfinite(out.sum()) and not np.isfinite(out).all():
        row, column = np.argwhere(~np.isfinite(out))[0]
        raise InputError(
            f"The term {str(matrix.columns[column])!r} is not finite in row {matrix.index[row]!r}.",
            hint="A logarithm of 0 or a division by 0 is the usual cause.",
        )
    return out
