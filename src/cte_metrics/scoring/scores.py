"""Scores of respondents on the scales of an instrument.

Functions: ``score, standard_score``. Class: ``Scores``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.core.arguments import checked
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names, one_of
from cte_metrics.kernels.summaries.scale_scores import (
    required_answers,
    scores_of_scale,
    spread,
    standardize,
)
from cte_metrics.results import Block, Provenance, Result, recorded
from cte_metrics.summaries.keying import survey_keying

if TYPE_CHECKING:
    import pandas as pd

ScoreMethod = Literal["mean", "sum", "pomp", "z", "t"]
MissingRule = Literal["prorate", "listwise", "item_mean", "item_median"]
Kind = TypeVar("Kind", float, "pd.Series", "pd.DataFrame", np.ndarray)

_WORDS = {
    "mean": "mean of the items",
    "sum": "sum of the items",
    "pomp": "per cent of the possible range",
    "z": "z score within these respondents",
    "t": "T score within these respondents (mean 50, standard deviation 10)",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Scores(Result):
    """Scores of respondents.

    Attributes
    ----------
    table : DataFrame (n, scales)
        Index respondent; a column per subscale id, and ``total``; missing where too few items were
        answered.
    answered : DataFrame (n, scales)
        Number of items answered.
    scales : dict
        Scale to its item ids.
    required : dict
        Scale to the number of answers that a score needs.
    method, missing : str
    """

    _title: ClassVar[str] = "Scores"

    table: pd.DataFrame
    answered: pd.DataFrame
    scales: dict[str, tuple[str, ...]]
    required: dict[str, int]
    method: ScoreMethod
    missing: MissingRule

    def _blocks(self) -> list[Block]:
        described = self.table.describe().T[["count", "mean", "std", "min", "max"]]
        described.columns = ["scored", "mean", "sd", "minimum", "maximum"]
        described["scored"] = described["scored"].astype("int64")
        described.insert(0, "items", [len(v) for v in self.scales.values()])
        described["answers_needed"] = list(self.required.values())
        described.index.name = "scale"
        return [Block(_WORDS[self.method], described)]


@recorded
def score(
    responses: Responses,
    *,
    method: ScoreMethod = "mean",
    min_answered: int | float | Mapping[str, int | float] | None = None,
    missing: MissingRule = "prorate",
) -> Scores:
    """Score every respondent on every subscale and in total.

    Parameters
    ----------
    responses : Responses
        Answers with their instrument; reverse-scored items are turned by its key.
    method : {"mean", "sum", "pomp", "z", "t"}
        ``pomp`` is the per cent of the possible range, 100 (mean - minimum) / (maximum - minimum).
        ``z`` and ``t`` (mean 50, standard deviation 10) are relative to these respondents; for
        published norms see :func:`standard_score`.
    min_answered : int or float, or mapping of scale to one, optional
        Answers that a score needs: a count (int) or a share of the scale's items (float, 0 to 1,
        rounded up). By default what the subscale or the instrument says, else half of the items,
        and two: one answer is no total. ``min_answered=1`` is psych's rule.
    missing : {"prorate", "listwise", "item_mean", "item_median"}
        ``prorate`` (default): the mean of the answers given; a sum is that mean times the number of
        items. ``listwise``: only respondents who answered every item of the instrument get scores.
        ``item_mean``, ``item_median``: a gap takes the item's mean or median over respondents.

    Returns
    -------
    Scores

    Raises
    ------
    InputTypeError
        If ``responses`` is not a ``Responses``.
    InputError
        If an option is unknown, or ``min_answered`` is out of range.

    Notes
    -----
    Under ``min_answered=1`` means equal ``psych::scoreItems`` with ``impute`` "none", "mean" or
    "median", and ``missing = FALSE`` for ``listwise``; psych's sums of incomplete answers are not
    prorated, ours are. The notes name items that run against their scale, with the likely cause;
    none is turned.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics import Instrument, Item, ResponseScale, Responses
    >>> items = [Item("a"), Item("b", reverse=True)]
    >>> mini = Instrument("mini", "Mini", "1", ResponseScale(1, 5), items)
    >>> survey = Responses(pd.DataFrame({"a": [5, 4, 2], "b": [1, None, 3]}), mini)
    >>> score(survey).table["total"].tolist()
    [5.0, nan, 2.5]
    >>> score(survey, method="sum", min_answered=1).table["total"].tolist()
    [10.0, 8.0, 5.0]
    """
    _check(responses, method, missing)
    scales = scale_items(responses)
    minimum = _minimum(responses, min_answered, tuple(scales))
    required = {name: _required(len(items), minimum[name]) for name, items in scales.items()}
    keyed = responses.keyed
    values = keyed.to_numpy(dtype=np.float64)
    values = _shares_of_range(values, responses) if method == "pomp" else values
    complete = ~np.isnan(values).any(axis=1)
    where = {item: j for j, item in enumerate(keyed.columns)}
    rule = "prorate" if missing == "listwise" else missing
    means: dict[str, Array] = {}
    answered: dict[str, Integers] = {}
    for name, items in scales.items():
        part = values[:, [where[i] for i in items]]
        means[name], answered[name] = scores_of_scale(part, rule, required[name])
        if missing == "listwise":
            means[name][~complete] = np.nan
    import pandas as pd

    index = _respondents(responses)
    frame = pd.DataFrame(means, index=index)
    table = {n: _on_scale(m, method, len(scales[n])) for n, m in means.items()}
    return Scores(
        table=pd.DataFrame(table, index=index),
        answered=pd.DataFrame(answered, index=index),
        scales=scales,
        required=required,
        method=method,
        missing=missing,
        provenance=Provenance(
            method=f"{_WORDS[method].capitalize()}, missing answers: {missing}",
            n_used=int(frame.notna().any(axis=1).sum()),
            n_dropped=int(frame.isna().all(axis=1).sum()),
            settings={"method": method, "missing": missing, "min_answered": min_answered},
            reference=responses.instrument.citation,
        ),
        notes=(
            *responses.notes,
            *_default_note(minimum, values),
            *_missing_notes(frame, required, scales, missing),
            *_flat_notes(means, method),
            *_range_notes(responses, scales, method),
            *_wave_notes(responses, method),
            *_rule_notes(responses, method),
            *survey_keying(responses),
        ),
    )


def scale_items(responses: Responses) -> dict[str, tuple[str, ...]]:
    """Return the scales that are scored: each subscale, and all items as ``total``."""
    instrument = responses.instrument
    scales = {s.id: tuple(s.items) for s in instrument.subscales}
    scales.setdefault("total", tuple(instrument.item_ids))
    return scales


def _check(responses: Any, method: str, missing: str) -> None:
    if not isinstance(responses, Responses):
        raise InputTypeError(
            f"Scoring needs a Responses, which knows the key; got {type(responses).__name__}.",
            hint="Responses(frame, instrument), or read_responses(path, instrument).",
        )
    one_of(method, ScoreMethod, "method")
    one_of(missing, MissingRule, "missing")


def _minimum(
    responses: Responses, asked: Any, scales: Sequence[str]
) -> dict[str, int | float | None]:
    """Return what each scale asks for: as told, else its own rule, ``None`` for the default."""
    own = {name: responses.instrument.minimum_of(name) for name in scales}
    if asked is None:
        return own
    if not isinstance(asked, Mapping):
        return dict.fromkeys(scales, asked)
    for name in asked:
        if name not in own:
            raise UnknownNameError(
                f"min_answered: there is no scale {name!r}.{close_names(name, scales)}",
                hint=f"The scales are: {', '.join(scales)}.",
            )
    return own | dict(asked)


def _default_note(minimum: Mapping[str, int | float | None], values: Array) -> tuple[str, ...]:
    if not np.isnan(values).any() or None not in minimum.values():
        return ()
    return (
        "A score needs answers to at least half of its items, and to two, which is the default "
        "where neither the call nor the instrument says otherwise (min_answered).",
    )


def _required(n_items: int, minimum: int | float | None) -> int:
    if isinstance(minimum, bool) or not isinstance(minimum, int | float | np.number | None):
        raise InputTypeError(
            f"min_answered={minimum!r} is neither a number of items nor a share.",
            hint="An int is a count, a float between 0 and 1 a share of the items.",
        )
    if minimum is None:
        return required_answers(n_items, None)
    whole = isinstance(minimum, int | np.integer)
    if not minimum >= 0 or (not whole and minimum > 1):
        raise InputError(
            f"min_answered={minimum!r} is out of range.",
            hint="An int is a count of items, a float between 0 and 1 a share of them.",
        )
    return required_answers(n_items, int(minimum) if whole else float(minimum))


def _shares_of_range(values: Array, responses: Responses) -> Array:
    """Answers as per cent of the possible range of their item."""
    every = [responses.instrument.scale_of(item) for item in responses.instrument.item_ids]
    low = np.array([scale.minimum for scale in every], dtype=np.float64)
    high = np.array([scale.maximum for scale in every], dtype=np.float64)
    return np.asarray(100.0 * (values - low) / (high - low))


def _range_notes(
    responses: Responses, scales: Mapping[str, Sequence[str]], method: str
) -> tuple[str, ...]:
    """Say where items of different ranges were added up as they are."""
    mixed = [n for n, items in scales.items() if responses.instrument.common_scale(items) is None]
    if not mixed or method == "pomp":
        return ()
    return (
        f"{', '.join(mixed)}: items with different response ranges were combined as they are, so "
        "that those of wide ranges weigh more; method='pomp' puts all on 0 to 100 first.",
    )


def _on_scale(means: Array, method: str, n_items: int) -> Array:
    if method == "sum":
        return means * n_items
    if method == "z":
        return standardize(means)
    return standardize(means, 50.0, 10.0) if method == "t" else means


def _respondents(responses: Responses) -> pd.Index:
    import pandas as pd

    known = responses.respondent
    index = responses.keyed.index if known is None else pd.Index(known)
    return index.rename("respondent")


def _missing_notes(
    frame: pd.DataFrame,
    required: dict[str, int],
    scales: dict[str, tuple[str, ...]],
    missing: str,
) -> tuple[str, ...]:
    absent = {name: int(frame[name].isna().sum()) for name in scales}
    named = [f"{name} {n}" for name, n in absent.items() if n]
    if not named:
        return ()
    if missing == "listwise":
        why = "an item of the instrument was not answered (listwise)"
    else:
        needs = {f"{required[n]} of {len(scales[n])}" for n, m in absent.items() if m}
        why = f"fewer answers than needed: {', '.join(sorted(needs))} items"
    return (f"Respondents without a score ({why}): {', '.join(named)}.",)


def _flat_notes(means: Mapping[str, Array], method: str) -> tuple[str, ...]:
    """Say which scales have no standard deviation, so that no one has a z or T score."""
    if method not in ("z", "t"):
        return ()
    known = {name: int((~np.isnan(m)).sum()) for name, m in means.items()}
    alone = [n for n, count in known.items() if count == 1]
    equal = [n for n, count in known.items() if count > 1 and not spread(means[n]) > 0]
    what = f"no {method.upper() if method == 't' else method} scores"
    notes = []
    if equal:
        notes.append(
            f"{', '.join(equal)}: {what}, since all respondents have the same score and its "
            "standard deviation is 0."
        )
    if alone:
        notes.append(
            f"{', '.join(alone)}: {what}, since the standard deviation of one respondent's score "
            "is not defined."
        )
    return tuple(notes)


def _wave_notes(responses: Responses, method: str) -> tuple[str, ...]:
    """Say that relative scores of several waves are relative to all of them together."""
    waves = len(responses.waves)
    if waves < 2 or method not in ("z", "t"):
        return ()
    return (
        f"The {method} scores are relative to the rows of all {waves} waves together, so that they "
        "show change; at_wave() gives scores within one wave.",
    )


def _rule_notes(responses: Responses, method: str) -> tuple[str, ...]:
    published = responses.instrument.scoring
    if published == method:
        return ()
    return (f"The instrument's own scoring rule is {published!r}; these are {method!r} scores.",)


@overload
def standard_score(
    scores: Scores,
    *,
    norm_mean: float | Mapping[str, float],
    norm_sd: float | Mapping[str, float],
    mean: float = 500.0,
    sd: float = 100.0,
) -> pd.DataFrame: ...
@overload
def standard_score(
    scores: Kind,
    *,
    norm_mean: float | Mapping[str, float],
    norm_sd: float | Mapping[str, float],
    mean: float = 500.0,
    sd: float = 100.0,
) -> Kind: ...
@overload
def standard_score(
    scores: Sequence[float],
    *,
    norm_mean: float,
    norm_sd: float,
    mean: float = 500.0,
    sd: float = 100.0,
) -> np.ndarray: ...
@checked
def standard_score(
    scores: Any,
    *,
    norm_mean: float | Mapping[str, float],
    norm_sd: float | Mapping[str, float],
    mean: float = 500.0,
    sd: float = 100.0,
) -> Any:
    """Express scores on a norm's scale, mean + sd * (score - norm_mean) / norm_sd.

    Parameters
    ----------
    scores : Scores, DataFrame, Series, array or float
        Scores by the norm's own scoring method.
    norm_mean, norm_sd : float or mapping
        Of the norm sample; a mapping gives them by scale, and other scales are left out.
    mean, sd : float
        Of the new scale; 500 and 100 by default.

    Returns
    -------
    DataFrame, Series, array or float
        Of the kind given; a ``Scores`` gives a DataFrame.

    Raises
    ------
    InputError
        If a standard deviation is not positive.
    UnknownNameError
        If a mapping names an unknown scale, or only one of the mappings names a scale.

    Examples
    --------
    >>> standard_score(4.5, norm_mean=4.0, norm_sd=0.5)
    600.0
    """
    table = scores.table if isinstance(scores, Scores) else scores
    if isinstance(norm_mean, Mapping) or isinstance(norm_sd, Mapping):
        return _by_scale(table, norm_mean, norm_sd, mean, sd)
    _positive(norm_sd, "norm_sd")
    _positive(sd, "sd")
    values = np.asarray(table) if isinstance(table, list | tuple) else table
    _check_scores(values)
    return mean + sd * (values - norm_mean) / norm_sd


def _check_scores(table: Any) -> None:
    """Refuse scores that are not numbers."""
    dtypes = table.dtypes if hasattr(table, "columns") else [np.asarray(table).dtype]
    for dtype in dtypes:
        if getattr(dtype, "kind", "f") not in "biuf":
            raise InputTypeError(f"scores are numbers; got {type(table).__name__} of {dtype}.")


def _by_scale(table: Any, norm_mean: Any, norm_sd: Any, mean: float, sd: float) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise InputTypeError("Norms by scale need a table of scores with scales as columns.")
    names = [m for m in (norm_mean, norm_sd) if isinstance(m, Mapping)]
    chosen = list(names[0])
    for scale in {s for m in names for s in m}:
        if scale not in table.columns:
            known = list(table.columns)
            raise UnknownNameError(f"There is no scale {scale!r}.{close_names(scale, known)}")
        if any(scale not in m for m in names):
            raise UnknownNameError(f"Scale {scale!r} has only one of norm_mean and norm_sd.")
        if list(table.columns).count(scale) > 1:
            raise InputError(f"There are two columns {scale!r}.")
    _check_scores(table[chosen])
    out = {}
    for scale in chosen:
        centre = norm_mean[scale] if isinstance(norm_mean, Mapping) else norm_mean
        spread = norm_sd[scale] if isinstance(norm_sd, Mapping) else norm_sd
        _figure(centre, f"norm_mean of {scale}")
        _figure(spread, f"norm_sd of {scale}")
        _positive(spread, f"norm_sd of {scale}")
        out[scale] = mean + sd * (table[scale] - centre) / spread
    return pd.DataFrame(out, index=table.index)


def _figure(value: Any, name: str) -> None:
    if np.ndim(value) or not np.isfinite(numbers(value, name)):
        raise InputTypeError(f"{name} is {value!r}, not a number.")


def _positive(value: float, name: str) -> None:
    if not value > 0:
        raise InputError(f"{name}={value!r}; a standard deviation is above 0.")
