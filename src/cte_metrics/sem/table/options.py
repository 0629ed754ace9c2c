"""Options of the parameter table: lavaan's names, settled before any row is built.

Functions: ``settle_group_equal``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from cte_metrics.errors import one_of

GroupEqual = Literal[
    "loadings",
    "intercepts",
    "means",
    "composite.loadings",
    "regressions",
    "residuals",
    "residual.covariances",
    "thresholds",
    "lv.variances",
    "lv.covariances",
]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What the defaults of a parameter table depend on (hashable, so tables can be kept).

    Created by: ``cte_metrics.sem.solving.solve_rows``.
    Consumed by: ``cte_metrics.sem.table.table.build_table``.

    Parameters
    ----------
    model_type : {"cfa", "sem", "growth", "lavaan"}
        ``growth`` frees the means of the latent variables and fixes the intercepts of their
        indicators at 0; ``cfa`` and ``sem`` are the same.
    identification : {"marker", "variance", "effects"}
        First loading 1, latent variances 1 (``std.lv``), or effect coding.
    meanstructure, fixed_x, conditional_x, orthogonal : bool
        As in lavaan. ``conditional_x`` is lavaan's default for ordinal items with covariates.
    n_groups : int
    group_names : tuple of str
        Labels of the data's groups; ``group:`` blocks that carry them are matched by label, others
        by position.
    group_equal, group_partial : tuple of str
        Equality across groups, and the parameters exempt from it (``"x1 ~ 1"``).
    n_thresholds : tuple of (item, number)
        The ordinal items with their number of thresholds.
    parameterization : {"delta", "theta"}
    ordinal_level : int
        Two-level ordinal models (lavaan has none): 1 within, 2 between; otherwise 0.
    auto_var, auto_cov_lv_x, auto_cov_y, auto_fix_first, auto_fix_single, auto_thresholds : bool
        Parts of the defaults that ``lavaan::lavaan()`` leaves out.
    """

    model_type: Literal["cfa", "sem", "growth", "lavaan"] = "sem"
    identification: Literal["marker", "variance", "effects"] = "marker"
    orthogonal: bool = False
    meanstructure: bool = False
    fixed_x: bool = True
    conditional_x: bool = False
    n_groups: int = 1
    group_names: tuple[str, ...] = ()
    group_equal: tuple[str, ...] = ()
    group_partial: tuple[str, ...] = ()
    n_thresholds: tuple[tuple[str, int], ...] = field(default=())
    parameterization: Literal["delta", "theta"] = "delta"
    orthogonal_efa: bool = False
    ordinal_level: int = 0
    auto_var: bool = True
    auto_cov_lv_x: bool = True
    auto_cov_y: bool = True
    auto_fix_first: bool = True
    auto_fix_single: bool = True
    auto_thresholds: bool = True
    int_ov_free: bool | None = None
    int_lv_free: bool | None = None

    @property
    def standardized_latent(self) -> bool:
        """Whether latent variances are fixed at 1."""
        return self.identification == "variance"

    @property
    def free_ov_intercepts(self) -> bool:
        """Whether intercepts of observed variables are free by default."""
        return self.model_type != "growth" if self.int_ov_free is None else self.int_ov_free

    @property
    def frees_other_means(self) -> bool:
        """Whether means of variables that measure nothing are free whatever the measures' are.

        A growth model's intercepts of 0 belong to its repeated measures; ``lavaan::growth`` fixes
        those of covariates and outcomes too.
        """
        return self.model_type == "growth" and self.int_ov_free is None

    @property
    def free_lv_intercepts(self) -> bool:
        """Whether means of latent variables are free by default."""
        return self.model_type == "growth" if self.int_lv_free is None else self.int_lv_free


def settle_group_equal(group_equal: str | Iterable[str], *, categorical: bool) -> tuple[str, ...]:
    """Check the names; with ordinal items thresholds and intercepts go together.

    Examples
    --------
    >>> settle_group_equal(["loadings", "intercepts"], categorical=True)
    ('loadings', 'intercepts', 'thresholds')
    """
    wanted = (group_equal,) if isinstance(group_equal, str) else tuple(group_equal)
    names = [one_of(w.replace("_", "."), GroupEqual, "group_equal") for w in wanted]
    if categorical and {"intercepts", "thresholds"} & set(names):
        names += ["thresholds", "intercepts"] if "intercepts" in names else ["intercepts"]
    return tuple(dict.fromkeys(names))
