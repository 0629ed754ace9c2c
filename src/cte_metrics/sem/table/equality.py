"""Labels, equalities across groups, and the identification of exploratory blocks.

Functions: ``equality_labels``, ``tie_equal_labels``, ``efa_identification``, ``effect_coding``,
``plain_name``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cte_metrics.errors import IdentificationError, InputError, UnknownNameError, close_names
from cte_metrics.sem.syntax.reader import Constraint
from cte_metrics.sem.table.defaults import Columns
from cte_metrics.sem.table.options import TableOptions


def equality_labels(c: Columns, options: TableOptions, *, multi_level: bool) -> list[str]:
    """One label a row; rows that share a label are equal.

    The label is the user's, or ``lhs op rhs`` with the group (``.g2``) and level (``.l2``); rows
    that ``group_equal`` ties carry the label of the first group, those with ``equal()`` that of
    the parameter they name.
    """
    shared = _shared_keys(c, options)
    names, labels = [], []
    for i in range(len(c)):
        level = f".l{c.level[i]}" if multi_level and c.level[i] > 1 else ""
        group = f".g{c.group[i]}" if c.group[i] > 1 else ""
        text = f"{c.lhs[i]}{c.op[i]}{c.rhs[i]}"
        names.append(text + group + level)
        if group and (c.lhs[i], c.op[i], c.rhs[i], c.level[i]) not in shared:
            text += group
        labels.append(c.label[i] or text + level)
    if any(c.equal):
        _tie_to_targets(c, names, labels)
    return labels


def _tie_to_targets(c: Columns, names: list[str], labels: list[str]) -> None:
    """Give every row with ``equal()`` the label of the row that it names.

    Raises
    ------
    UnknownNameError
        If it names neither a parameter nor a label.
    InputError
        If it names its own.
    """
    places = {label: i for i, label in reversed(list(enumerate(c.label))) if label}
    places = {_turned(name): i for i, name in enumerate(names)} | places
    places |= {name: i for i, name in enumerate(names)}
    target = {}
    for i, written in enumerate(c.equal):
        if written:
            target[i] = _target(c, i, places)
    for i in target:
        seen, at = {i}, target[i]
        while at in target and at not in seen:
            seen.add(at)
            at = target[at]
        labels[i] = c.label[i] = labels[at]


def _target(c: Columns, i: int, places: Mapping[str, int]) -> int:
    found = places.get(plain_name(c.equal[i]))
    if found == i:
        raise InputError(f"equal({c.equal[i]!r}) ties the parameter to itself.")
    if found is None:
        raise UnknownNameError(
            f"equal({c.equal[i]!r}), which stands before {c.rhs[i] or 1} in the model of "
            f"{c.lhs[i]}, names no parameter and no label of the model."
            f"{close_names(plain_name(c.equal[i]), places)}",
            hint="Name a parameter as in the model, for example equal('f =~ x1')*x2.",
        )
    return found


def plain_name(text: str) -> str:
    """A parameter as the user wrote it, without blanks and backquotes."""
    return "".join(text.replace("`", "").split())


def _turned(name: str) -> str:
    """A covariance with its variables in the other order; any other parameter as it is."""
    left, sign, right = name.partition("~~")
    return f"{right}{sign}{left}" if sign else name


def _shared_keys(c: Columns, options: TableOptions) -> set[tuple[str, str, str, int]]:
    """Parameters (lhs, op, rhs, level) that ``group_equal`` makes equal across groups."""
    equal = set(options.group_equal)
    if not (equal or options.group_partial) or max(c.group, default=1) == 1:
        return set()
    first = [i for i in range(len(c)) if c.group[i] == 1]
    names = c.names_of(first)
    latent, observed = set(names.lv), set(names.ov_nox)
    exempt = _exempt_rows(c, first, options.group_partial)
    return {
        (c.lhs[i], c.op[i], c.rhs[i], c.level[i])
        for i in first
        if i not in exempt and _is_equal(c, i, equal, latent, observed)
    }


def _exempt_rows(c: Columns, rows: Sequence[int], partial: Sequence[str]) -> set[int]:
    """Rows that ``group_partial`` names.

    Raises
    ------
    UnknownNameError
        If it names a parameter that the model has not.
    """
    places: dict[str, list[int]] = {}
    for i in rows:
        name = f"{c.lhs[i]}{c.op[i]}{c.rhs[i]}"
        for written in {name, _turned(name)}:
            places.setdefault(written, []).append(i)
    for name in partial:
        if name not in places:
            raise UnknownNameError(
                f"group_partial names {name!r}, which is no parameter of the model."
                f"{close_names(name, places)}",
                hint="Write a parameter as in the model, for example 'f =~ x2' or 'x2 ~ 1'.",
            )
    return {i for name in partial for i in places[name]}


def _is_equal(c: Columns, i: int, equal: set[str], latent: set[str], observed: set[str]) -> bool:
    left, op, right = c.lhs[i], c.op[i], c.rhs[i]
    if op == "=~":
        return "loadings" in equal
    if op == "<~":
        return "composite.loadings" in equal
    if op == "~":
        return "regressions" in equal
    if op == "|":
        return "thresholds" in equal
    if op == "~1":
        return ("intercepts" in equal and left in observed) or ("means" in equal and left in latent)
    if op != "~~":
        return False
    variance = left == right
    if left in observed:
        return ("residuals" if variance else "residual.covariances") in equal
    return left in latent and ("lv.variances" if variance else "lv.covariances") in equal


def tie_equal_labels(c: Columns, labels: list[str]) -> list[Constraint]:
    """Equality constraints between rows of the same label; a fixed row fixes the others."""
    rows: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        rows.setdefault(label, []).append(i)
    constraints: list[Constraint] = []
    for same in rows.values():
        if len(same) < 2:
            continue
        _share_bounds(c, same)
        fixed = [i for i in same if c.free[i] == 0]
        if fixed:
            for i in same:
                c.fix(i, c.ustart[fixed[0]])
        if not fixed or any(c.user[i] in (7, 77) for i in same):
            first = f".p{same[0] + 1}."
            constraints += [Constraint(first, "==", f".p{i + 1}.", 2) for i in same[1:]]
        if not fixed:
            for i in same:
                c.label[i] = c.label[i] or f".p{same[0] + 1}."
    return constraints


def _share_bounds(c: Columns, same: list[int]) -> None:
    lower = [c.lower[i] for i in same if c.lower[i] > -math.inf]
    upper = [c.upper[i] for i in same if c.upper[i] < math.inf]
    for i in same:
        if lower:
            c.lower[i] = min(lower)
        if upper:
            c.upper[i] = max(upper)


def efa_identification(c: Columns, options: TableOptions) -> None:
    """Fix an echelon of zeros and the covariances of each exploratory block.

    Rows fixed so carry ``user`` 7; where a block's loadings equal those of the first group (or of
    the first block, as over time) nothing is fixed and the rows carry 77.
    """
    sets = [s for s in dict.fromkeys(c.efa) if s]
    first_group: dict[str, list[str]] = {}
    blocks = dict.fromkeys(zip(c.group, c.level, strict=True))
    for b, (group, level) in enumerate(blocks):
        here = [i for i in range(len(c)) if c.group[i] == group and c.level[i] == level]
        first_set: list[str] = []
        for s, name in enumerate(sets):
            factors = list(
                dict.fromkeys(c.lhs[i] for i in here if c.op[i] == "=~" and c.efa[i] == name)
            )
            if len(factors) < 2:
                continue
            loadings = [i for i in here if c.op[i] == "=~" and c.lhs[i] in factors]
            own = [c.label[i] for i in loadings]
            fix = True
            if s == 0:
                first_set = own
            elif all(own) and set(own) <= set(first_set):
                fix = False
            if b == 0:
                first_group[name] = own
            elif "loadings" in options.group_equal or (
                all(own) and set(own) <= set(first_group.get(name, ()))
            ):
                fix = False
            _echelon(c, here, factors, loadings, fix=fix, options=options)


def _echelon(
    c: Columns,
    here: list[int],
    factors: list[str],
    loadings: list[int],
    *,
    fix: bool,
    options: TableOptions,
) -> None:
    for f, factor in enumerate(factors):
        own = [i for i in loadings if c.lhs[i] == factor]
        if len(own) < f:
            raise IdentificationError(
                f"The exploratory factor {factor!r} has {len(own)} indicators, fewer than the "
                f"{f} zeros that identify it."
            )
        for i in own[:f]:
            c.user[i] = 7 if fix else 77
            if fix:
                c.fix(i, 0.0)
    if options.orthogonal_efa:
        return
    for i in here:
        if (
            c.op[i] == "~~"
            and c.user[i] == 0
            and c.lhs[i] != c.rhs[i]
            and c.lhs[i] in factors
            and c.rhs[i] in factors
        ):
            c.user[i] = 7 if fix else 77
            if fix:
                c.fix(i, 0.0)


def effect_coding(c: Columns) -> list[Constraint]:
    """Loadings of a factor average 1 and the intercepts of its indicators 0."""
    constraints: list[Constraint] = []
    for group, level in dict.fromkeys(zip(c.group, c.level, strict=True)):
        here = [i for i in range(len(c)) if c.group[i] == group and c.level[i] == level]
        for factor in dict.fromkeys(c.lhs[i] for i in here if c.op[i] == "=~"):
            loadings = [i for i in here if c.op[i] == "=~" and c.lhs[i] == factor]
            items = {c.rhs[i] for i in loadings}
            if all(c.free[i] for i in loadings):
                constraints.append(_mean_is(loadings, len(loadings)))
            means = [i for i in here if c.op[i] == "~1" and c.lhs[i] in items]
            if means and all(c.free[i] for i in means):
                constraints.append(_mean_is(means, 0))
                for i in here:
                    if c.op[i] == "~1" and c.lhs[i] == factor and c.user[i] == 0:
                        c.free[i] = 1
    return constraints


def _mean_is(rows: list[int], total: int) -> Constraint:
    labels = [f".p{i + 1}." for i in rows]
    return Constraint(labels[0], "==", "-".join([str(total), *labels[1:]]), 2)
