"""Rows, groups and design of a mixed model, and whether it can be identified.

Functions: ``grouped_frame, grouped_design, slope_column, bases, check_identified``;
class ``GroupedDesign``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.aggregation.grouped import code_groups, labels_of
from cte_metrics.arrays import Array, Index, Integers
from cte_metrics.core.formula.design import Design, as_frame, check_finite, read_formula
from cte_metrics.errors import (
    IdentificationError,
    InputError,
    UnknownNameError,
    close_names,
)
from cte_metrics.kernels.groups.mixed_basis import Basis, orthonormal, rescaled


def grouped_frame(data: Any, group: Any) -> tuple[pd.DataFrame, Any]:
    """Return the data as a frame, and one group label per row."""
    frame = as_frame(data)
    if group is None and getattr(data, "group", None) is not None and hasattr(data, "keyed"):
        return frame, np.asarray(data.group)
    if group is None:
        raise InputError("mixed_model needs groups; pass group= (a column name or an array).")
    return frame, labels_of(data, frame, group)


@dataclass(frozen=True, slots=True)
class GroupedDesign:
    """design: of the rows used; codes: (n,) 0 ... J-1; labels: (J,); notes on rows left out.

    Created by: ``cte_metrics.aggregation.mixed_design.grouped_design``.
    Consumed by: ``cte_metrics.aggregation.mixed_model.mixed_model``.
    """

    design: Design
    codes: Integers
    labels: pd.Index
    notes: tuple[str, ...]


def grouped_design(
    formula: str, frame: pd.DataFrame, label: Any, slopes: tuple[str, ...]
) -> GroupedDesign:
    """Design of the rows that are complete and have a group."""
    codes, labels = code_groups(label)
    known = codes >= 0
    also = [s for s in slopes if s in frame.columns]
    design = read_formula(formula, frame, also=also, among=known)
    codes = codes[design.kept]
    present = np.bincount(codes, minlength=len(labels)) > 0
    if not present.all():
        codes = (np.cumsum(present) - 1)[codes]
    return GroupedDesign(
        design, codes, labels[present], _dropped(design.kept, known) + design.notes
    )


def _dropped(kept: np.ndarray, known: np.ndarray) -> tuple[str, ...]:
    missing, homeless = int((known & ~kept).sum()), int((~known).sum())
    notes: tuple[str, ...] = ()
    if missing:
        notes += (f"{missing} of {len(kept)} rows with missing values dropped.",)
    if homeless:
        notes += (f"{homeless} rows without a group dropped.",)
    return notes


def slope_column(design: Design, name: str) -> Array:
    """Return the variable of a random slope: a term of the design, or a numeric column."""
    if name not in design.names and name not in design.frame.columns:
        known = [*design.names, *design.frame.columns]
        raise UnknownNameError(f"slopes: there is no {name!r}.{close_names(name, known)}")
    values = design.column(name)
    check_finite(values[:, None], [name], design.frame.index)
    return values


def check_identified(z: Basis, n_groups: int) -> None:
    """Refuse a model that these rows cannot determine."""
    n, q = z.columns.shape
    if n_groups < 2:
        raise InputError(
            "There is one group; variance between groups cannot be estimated.",
            hint="Check the grouping column.",
        )
    if n <= n_groups * q:
        raise IdentificationError(
            f"{n} rows are not more than the {n_groups * q} random effects "
            f"({n_groups} groups x {q}), so their variance cannot be told from the "
            "residual's.",
            hint="Leave out random slopes, or use groups with several members.",
        )


def bases(
    design: Design, z: Array, random: tuple[str, ...], *, correlated: bool
) -> tuple[Basis, Basis]:
    """Return bases of the fixed and of the random part; refuse terms that say the same."""
    fixed = orthonormal(design.x)
    if len(fixed.weak):
        _refuse_collinear(design, fixed.weak)
    if len(design.y) <= design.x.shape[1]:
        raise IdentificationError(
            f"{len(design.y)} rows do not determine {design.x.shape[1]} coefficients.",
            hint="Drop terms of the formula.",
        )
    varying = orthonormal(z) if correlated and z.shape[1] > 1 else rescaled(z)
    if len(varying.weak):
        named = ", ".join(repr(random[k]) for k in varying.weak)
        raise IdentificationError(
            f"slopes: the random effect of {named} is determined by the others, so its variance "
            "cannot be estimated.",
            hint="Name variables that vary, each once.",
        )
    return fixed, varying


def _refuse_collinear(design: Design, weak: Index) -> None:
    zero = [k for k in weak if not design.x[:, k].any()]
    if zero:
        raise IdentificationError(f"The term {design.names[zero[0]]!r} is 0 in every row.")
    raise IdentificationError(
        f"The term(s) {', '.join(repr(design.names[k]) for k in weak)} are determined by the "
        "others (collinear), so their coefficients cannot be estimated.",
        hint="Drop one of the terms that say the same.",
    )
