"""How many schools, and how many teachers in each?

Functions: ``schools``; class ``SchoolPlan``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cte_metrics.errors import InputError, check_confidence
from cte_metrics.kernels.groups import group_planning as formulas
from cte_metrics.kernels.groups.variance_components import stepped_up
from cte_metrics.results import Provenance, Result, recorded

_UNREACHABLE = "The target {}={:g} cannot be reached with ICC(1)={:g}."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SchoolPlan(Result):
    """A design that reaches every target.

    Attributes
    ----------
    n_groups, group_size : int
        Schools, and teachers who answer in each. ``n_groups`` is 2 where no target asks for more.
    n_total : int
        All who answer: ``n_groups`` times ``group_size``.
    table : DataFrame, index target
        ``wanted, group_size, n_groups`` that the target alone needs, and ``achieved`` by the whole
        design.
    icc2, icc1_width, power : float
        What the design achieves: reliability of school means, expected width of the interval of
        ICC(1), power of its F test.
    """

    _title: ClassVar[str] = "Schools and teachers needed"

    n_groups: int
    group_size: int
    n_total: int
    icc2: float
    icc1_width: float
    power: float
    table: pd.DataFrame


@recorded
def schools(
    icc1: float,
    *,
    icc2: float | None = None,
    width: float | None = None,
    power: float | None = None,
    correlation: float | None = None,
    group_size: int | None = None,
    n_groups: int | None = None,
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> SchoolPlan:
    """Plan a survey of schools.

    Parameters
    ----------
    icc1 : float
        Expected ICC(1), between 0 and 1; published CTE studies lie around .1 to .4.
    icc2 : float, optional
        Wanted reliability of school means; it fixes the number of teachers.
    width : float, optional
        Wanted width of the interval of ICC(1); it fixes the number of schools.
    power : float, optional
        Wanted power: of the F test of ICC(1), or of the test of ``correlation``.
    correlation : float, optional
        Correlation between schools' true scores and another school variable; the observed one is
        attenuated by the root of ICC(2).
    group_size, n_groups : int, optional
        What is fixed already. Without ``icc2`` a group size must be given.
    alpha, confidence : float
        Level of the tests and of the interval.

    Returns
    -------
    SchoolPlan

    Raises
    ------
    InputError
        If there is no target, a value is out of range, or a target cannot be reached.

    Notes
    -----
    Balanced designs; with unequal numbers of teachers plan for their harmonic mean. A teacher more
    adds to ICC(2), a school more to power and precision.

    References
    ----------
    Donner & Koval (1980), Biometrics, 36, 19-25. Bonett (2002), Statistics in Medicine, 21,
    1331-1335.

    Examples
    --------
    >>> plan = schools(0.2, icc2=0.7, width=0.15)
    >>> plan.group_size, plan.n_groups
    (10, 79)
    """
    check_confidence(confidence)
    _check(icc1, icc2, width, power, correlation, alpha, confidence)
    if icc2 is None and group_size is None:
        raise InputError(
            "schools needs a number of teachers per school.",
            hint="Give group_size=, or the wanted reliability icc2=.",
        )
    needed = 2 if icc2 is None else formulas.size_for_reliability(icc1, icc2)
    if needed is None:
        raise InputError(_UNREACHABLE.format("icc2", icc2, icc1))
    size = max(needed, group_size or 2)
    tests = _targets(icc1, size, width, power, correlation, alpha, confidence)
    rows = [] if icc2 is None else [("icc2", icc2, needed, np.nan)]
    chosen = n_groups or 2
    for name, wanted, enough in tests:
        number = formulas.fewest(enough, 2 if name != "correlation_power" else 4)
        if number is None:
            raise InputError(_UNREACHABLE.format(name, wanted, icc1))
        rows.append((name, wanted, size, number))
        chosen = max(chosen, number)
    return _plan(icc1, size, chosen, rows, correlation, alpha, confidence)


Target = tuple[str, float, Callable[[int], bool]]


def _targets(
    icc1: float,
    size: int,
    width: float | None,
    power: float | None,
    correlation: float | None,
    alpha: float,
    confidence: float,
) -> list[Target]:
    """Name, wanted value, and whether a number of schools is enough for it."""
    out: list[Target] = []
    if width is not None:
        out.append(
            ("icc1_width", width,
             lambda j: formulas.interval_width(icc1, j, size, confidence) <= width)
        )  # fmt: skip
    if power is not None and correlation is None:
        out.append(("icc1_power", power, lambda j: formulas.f_power(icc1, j, size, alpha) >= power))
    if power is not None and correlation is not None:
        reliability = float(stepped_up(icc1, size))
        out.append(
            ("correlation_power", power,
             lambda j: formulas.correlation_power(correlation, reliability, j, alpha) >= power)
        )  # fmt: skip
    return out


def _plan(
    icc1: float,
    size: int,
    n_groups: int,
    rows: list[tuple[str, float, int, float]],
    correlation: float | None,
    alpha: float,
    confidence: float,
) -> SchoolPlan:
    reliability = float(stepped_up(icc1, size))
    reached = {
        "icc2": reliability,
        "icc1_width": formulas.interval_width(icc1, n_groups, size, confidence),
        "icc1_power": formulas.f_power(icc1, n_groups, size, alpha),
    }
    if correlation is not None:
        reached["correlation_power"] = formulas.correlation_power(
            correlation, reliability, n_groups, alpha
        )
    table = pd.DataFrame(
        [(*row, reached[row[0]]) for row in rows],
        columns=["target", "wanted", "group_size", "n_groups", "achieved"],
    ).set_index("target")
    return SchoolPlan(
        n_groups=n_groups, group_size=size, n_total=n_groups * size, icc2=reliability,
        icc1_width=reached["icc1_width"], power=reached["icc1_power"], table=table,
        provenance=Provenance(
            method="Planning of a balanced survey of schools", n_used=0,
            settings={"icc1": icc1, "alpha": alpha, "confidence": confidence,
                      "correlation": correlation},
            reference="Donner & Koval (1980), Biometrics, 36, 19-25; Bonett (2002), Statistics in "
            "Medicine, 21, 1331-1335.",
        ),
    )  # fmt: skip


def _check(
    icc1: float,
    icc2: float | None,
    width: float | None,
    power: float | None,
    correlation: float | None,
    alpha: float,
    confidence: float,
) -> None:
    between = {"icc1": icc1, "icc2": icc2, "width": width, "power": power,
               "alpha": alpha, "confidence": confidence}  # fmt: skip
    for name, value in between.items():
        if value is not None and not 0 < value < 1:
            raise InputError(f"{name}={value:g} must lie between 0 and 1.")
    if correlation is not None and not 0 < abs(correlation) < 1:
        raise InputError(f"correlation={correlation:g} must lie between -1 and 1 and not be 0.")
    if correlation is not None and power is None:
        raise InputError("correlation= needs a wanted power.", hint="Add power=0.8.")
    if icc2 is None and width is None and power is None:
        raise InputError("schools needs a target: icc2, width or power.")
