"""Rows, groups and design of a mixed model, and whether it can be identified.

Functions: ``grouped_frame, with_groups, slope_column, check_identified``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from cte_metrics.aggregation.grouped import code_groups
from cte_metrics.arrays import Array, Integers
from cte_metrics.core.formula import Design, as_frame
from cte_metrics.core.naming import meant, named_column
from cte_metrics.errors import (
    IdentificationError,
    InputError,
    InputTypeError,
    UnknownNameError,
    close_names,
)


def grouped_frame(data: Any, group: Any) -> tuple[pd.DataFrame, Any]:
    """Return the data as a frame, and one group label per row."""
    frame = as_frame(data)
    if group is None and getattr(data, "group", None) is not None and hasattr(data, "keyed"):
        return frame, np.asarray(data.group)
    if group is None:
        raise InputError("mixed_model needs groups; pass group= (a column name or an array).")
    if named_column(data, group):
        (position,) = meant([group], frame.columns.tolist(), "group: there is no column")
        return frame, frame.iloc[:, position]
    label = group if isinstance(group, pd.Series) else pd.Series(np.asarray(group))
    if len(label) != len(frame):
        raise InputError(f"group has {len(label)} entries; the data have {len(frame)} rows.")
    return frame, label


def with_groups(design: Design, label: Any) -> tuple[Design, Integers, pd.Index, tuple[str, ...]]:
    """Leave out rows without a group; code the rest."""
    codes, labels = code_groups(label)
    codes = codes[design.kept] if not design.kept.all() else codes
    notes: tuple[str, ...] = ()
    if design.n_dropped:
        notes += (f"{design.n_dropped} of {len(design.kept)} rows with missing values dropped.",)
    known = codes >= 0
    if not known.all():
        notes += (f"{int((~known).sum())} rows without a group dropped.",)
        design = Design(
            design.response, design.y[known], design.x[known], design.names, design.frame[known],
            design.kept,
        )  # fmt: skip
        codes = codes[known]
    present = np.bincount(codes, minlength=len(labels)) > 0
    if not present.all():
        codes = (np.cumsum(present) - 1)[codes]
    return design, codes, labels[present], notes


def slope_column(design: Design, name: str) -> Array:
    """Return the variable of a random slope: a term of the design, or a numeric column."""
    if name in design.names:
        return design.column(name)
    if name not in design.frame.columns:
        known = [*design.names, *design.frame.columns]
        raise UnknownNameError(f"slopes: there is no {name!r}.{close_names(name, known)}")
    if not pd.api.types.is_numeric_dtype(design.frame[name]):
        raise InputTypeError(
            f"slopes: {name!r} is not numeric.", hint="Name a term of the formula's design."
        )
    return design.column(name)


def check_identified(design: Design, z: Array, n_groups: int) -> None:
    """Refuse a model that these rows cannot determine."""
    n, p = design.x.shape
    if n_groups < 2:
        raise InputError(
            "There is one group; variance between groups cannot be estimated.",
            hint="Check the grouping column.",
        )
    if n <= n_groups * z.shape[1]:
        raise IdentificationError(
            f"{n} rows are not more than the {n_groups * z.shape[1]} random effects "
            f"({n_groups} groups x {z.shape[1]}), so their variance cannot be told from the "
            "residual's.",
            hint="Leave out random slopes, or use groups with several members.",
        )
    _refuse_collinear(design, p)


def _refuse_collinear(design: Design, p: int) -> None:
    cross = design.x.T @ design.x
    size = np.sqrt(np.diag(cross))
    if (size == 0).any():
        zero = design.names[int(np.flatnonzero(size == 0)[0])]
        raise IdentificationError(f"The term {zero!r} is 0 in every row.")
    r, order = linalg.qr(design.x / size, mode="r", pivoting=True)
    weak = np.abs(np.diag(r[:p])) < 1e-10 * abs(r[0, 0])
    if len(design.y) <= p or weak.any():
        named = [design.names[order[k]] for k in np.flatnonzero(weak)] or list(design.names)
        raise IdentificationError(
            f"The term(s) {', '.join(repr(n) for n in named)} are determined by the others "
            "(collinear), so their coefficients cannot be estimated.",
            hint="Drop one of the terms that say the same.",
        )
