"""Which variables of a model are observed, latent, exogenous, ordered: lavaan's definitions.

Functions: ``variable_names``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VariableNames:
    """Variables of one block, in lavaan's order.

    ``ov`` observed (indicators, outcomes, predictors, then others), ``ov_x`` exogenous observed
    without a variance, covariance or intercept in the model text, ``ov_y`` and ``lv_y`` outcomes
    that are neither indicators nor predictors, ``lv`` latent, ``lv_regular`` those with
    indicators, ``lv_formative`` composites, ``lv_x`` exogenous latent, ``ov_ordinal`` observed
    with thresholds, ``ov_ind`` indicators.
    """

    ov: tuple[str, ...]
    ov_x: tuple[str, ...]
    ov_nox: tuple[str, ...]
    ov_y: tuple[str, ...]
    ov_ind: tuple[str, ...]
    ov_ordinal: tuple[str, ...]
    lv: tuple[str, ...]
    lv_regular: tuple[str, ...]
    lv_formative: tuple[str, ...]
    lv_x: tuple[str, ...]
    lv_y: tuple[str, ...]


def variable_names(
    lhs: Sequence[str],
    op: Sequence[str],
    rhs: Sequence[str],
    user: Sequence[int],
    exo: Sequence[int] | None = None,
    outcomes_elsewhere: Collection[str] = (),
) -> VariableNames:
    """Sort the variables of one block's rows into their roles.

    ``outcomes_elsewhere`` names outcomes of other levels, which are not exogenous here.
    """
    rows = list(zip(lhs, op, rhs, user, strict=True))
    latent = dict.fromkeys(left for left, o, _, _ in rows if o in ("=~", "<~"))
    products = dict.fromkeys(r for _, _, r, _ in rows if ":" in r)
    latent.update((p, None) for p in products if any(part in latent for part in p.split(":")))
    indicators = dict.fromkeys(r for _, o, r, _ in rows if o == "=~")
    outcomes = dict.fromkeys(left for left, o, _, _ in rows if o == "~")
    predictors = dict.fromkeys(r for _, o, r, _ in rows if o in ("~", "<~"))

    ov_ind = [v for v in indicators if v not in latent]
    own = set(ov_ind) | set(latent)
    ov_y = [v for v in outcomes if v not in own]
    not_x = own | set(ov_y) | set(outcomes_elsewhere)
    ov_x = [v for v in predictors if v not in not_x]
    moved = [v for v in ov_x if ":" in v and any(p in outcomes for p in v.split(":"))]
    ov_y += moved
    ov_x = [v for v in ov_x if v not in moved]
    extra = dict.fromkeys(left for left, o, _, _ in rows if o == "~~" and left not in latent)
    extra.update((r, None) for _, o, r, _ in rows if o == "~~" and r not in latent)
    extra.update((left, None) for left, o, _, _ in rows if o in ("~1", "|") and left not in latent)
    ov = tuple(dict.fromkeys((*ov_ind, *ov_y, *ov_x, *extra)))

    freed = {left for left, o, _, u in rows if o in ("~1", "~~") and u == 1}
    freed |= {r for _, o, r, u in rows if o == "~~" and u == 1}
    exogenous = dict.fromkeys(v for v in ov_x if v not in freed)
    if exo is not None:
        for (left, o, r, _), is_exo in zip(rows, exo, strict=True):
            if is_exo and o in ("~~", "~1"):
                exogenous.update(dict.fromkeys((left, r) if o == "~~" else (left,)))
    thresholds = {left for left, o, _, _ in rows if o == "|"}
    inner = set(indicators) | set(predictors)
    final = {v for v in outcomes if v not in inner}
    return VariableNames(
        ov=ov,
        ov_x=tuple(exogenous),
        ov_nox=tuple(v for v in ov if v not in exogenous),
        ov_y=tuple(v for v in ov if v in final and v not in latent),
        ov_ind=tuple(ov_ind),
        ov_ordinal=tuple(v for v in ov if v in thresholds),
        lv=tuple(latent),
        lv_regular=tuple(dict.fromkeys(left for left, o, _, _ in rows if o == "=~")),
        lv_formative=tuple(dict.fromkeys(left for left, o, _, _ in rows if o == "<~")),
        lv_x=tuple(v for v in latent if v not in indicators and v not in outcomes),
        lv_y=tuple(v for v in latent if v in final),
    )
