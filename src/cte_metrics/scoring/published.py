"""One's own figures beside those that were published of the same instrument.

Function: ``against_published``. Class: ``PublishedComparison``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.core.instrument.parts import Norm
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import InputError, InputTypeError, close_names
from cte_metrics.kernels.numerics.distributions import f_quantile, normal_quantile
from cte_metrics.kernels.reliability.alpha import alpha_of
from cte_metrics.kernels.summaries.moments import moments
from cte_metrics.results import Block, Provenance, Result, recorded
from cte_metrics.scoring.scores import Scores, scale_items, score

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("mean", "sd", "alpha")
_KNOWN = (*STATISTICS, "n")
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PublishedComparison(Result):
    """Figures here and in a publication.

    Attributes
    ----------
    table : DataFrame
        ``scale, statistic, published, here, difference, explanation``; a row for each published
        figure that can be compared.
    n_respondents : int
    """

    _title: ClassVar[str] = "Against published figures"

    table: pd.DataFrame
    n_respondents: int

    def _blocks(self) -> list[Block]:
        return [Block("", [("respondents", self.n_respondents)]), Block("Figures", self.table)]


@dataclass(frozen=True, slots=True)
class _Here:
    """Figures of one scale in these answers."""

    mean: float
    sd: float
    alpha: float
    n: int
    low: float
    high: float
    n_items: int


@recorded
def against_published(
    responses: Responses, *, published: Mapping[str, Any] | None = None
) -> PublishedComparison:
    """Compare means, standard deviations and alphas with published ones.

    Parameters
    ----------
    responses : Responses
        Scored by the instrument's own rule; of several waves the last.
    published : mapping of scale to mapping, optional
        For each scale id (or ``total``) some of ``mean, sd, alpha, n``; by default the norms that
        the instrument's description holds.

    Returns
    -------
    PublishedComparison

    Raises
    ------
    InputTypeError
        If ``responses`` is no ``Responses`` or ``published`` no mapping of mappings.
    InputError
        If nothing is published of the instrument and nothing was given, or a published figure is
        impossible (a standard deviation of 0, an alpha above 1).

    Notes
    -----
    ``explanation`` weighs the difference against sampling error, 95%: means by their standard
    errors, the ratio of variances by F, alphas by Feldt's F of (1 - alpha) / (1 - alpha'), each
    with the published ``n`` where it is known and as if it were exact otherwise. Respondents count
    as independent. A published mean outside the range of these scores was scored otherwise: it is
    not compared, and the notes say so.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics import Instrument, Item, ResponseScale, Responses
    >>> mini = Instrument("mini", "Mini", "1", ResponseScale(1, 5), [Item("a"), Item("b")])
    >>> survey = Responses(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 3, 5]}), mini)
    >>> found = against_published(survey, published={"total": {"mean": 2.5, "sd": 1.0}})
    >>> found.table["difference"].round(4).tolist()
    [0.25, 0.3229]
    """
    if not isinstance(responses, Responses):
        raise InputTypeError(
            f"against_published needs a Responses, which knows the instrument; got "
            f"{type(responses).__name__}."
        )
    given = _given(responses, published)
    asked = responses.analysed()
    scores = score(asked, method=asked.instrument.scoring)
    here = _here(asked, scores)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for scale, figures in given.items():
        if scale not in here:
            notes.append(f"Not compared: {scale!r} is no scale here.{close_names(scale, here)}")
            continue
        found, said = _compared(scale, _checked(scale, figures), here[scale])
        rows += found
        notes += said
    silent = [scale for scale in here if scale not in given]
    if silent:
        notes.append(f"Nothing published to compare: {', '.join(silent)}.")
    import pandas as pd

    columns = ["scale", "statistic", "published", "here", "difference", "explanation"]
    return PublishedComparison(
        table=pd.DataFrame(rows, columns=columns),
        n_respondents=scores.provenance.n_used,
        provenance=Provenance(
            method="Figures of these answers beside published ones",
            n_used=scores.provenance.n_used,
            n_dropped=scores.provenance.n_dropped,
            settings={"method": scores.method, "published": "given" if published else "registry"},
            reference=responses.instrument.citation,
        ),
        notes=(*scores.notes, *_sources(responses, published), *notes),
    )


def _given(responses: Responses, published: Any) -> dict[str, Any]:
    if published is None:
        norms = {norm.scale: norm for norm in responses.instrument.norms}
        if not norms:
            raise InputError(
                f"The description of {responses.instrument.id!r} holds no published figures.",
                hint="Pass published={'total': {'mean': ..., 'sd': ..., 'alpha': ..., 'n': ...}}.",
            )
        return dict(norms)
    return {str(scale): figures for scale, figures in published.items()}


def _checked(scale: str, figures: Any) -> dict[str, float]:
    """Return the figures of a scale by name, refusing what cannot be.

    Raises
    ------
    InputTypeError, InputError
        If they are no mapping, an unknown figure, no number, or an impossible one.
    """
    if isinstance(figures, Norm):
        return {"mean": figures.mean, "sd": figures.sd}
    if not isinstance(figures, Mapping):
        raise InputTypeError(
            f"published[{scale!r}] is a mapping of {', '.join(_KNOWN)}; got {figures!r}."
        )
    for name, value in figures.items():
        if name not in _KNOWN:
            raise InputError(
                f"published[{scale!r}] holds {name!r}.{close_names(name, _KNOWN)}",
                hint=f"What can be compared: {', '.join(_KNOWN)}.",
            )
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not np.isfinite(value):
            raise InputTypeError(f"published[{scale!r}][{name!r}] is {value!r}, not a number.")
    wrong = {
        "sd": figures.get("sd", 1.0) <= 0,
        "alpha": figures.get("alpha", 0.0) >= 1,
        "n": figures.get("n", 2) < 2,
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise InputError(f"published[{scale!r}][{name!r}] is {figures[name]!r}: impossible.")
    return {name: float(value) for name, value in figures.items()}


def _here(responses: Responses, scores: Scores) -> dict[str, _Here]:
    covariance = moments(responses.answers(), "pairwise").covariance
    place = {item: j for j, item in enumerate(responses.instrument.item_ids)}
    found = {}
    for name, items in scale_items(responses).items():
        values = scores.table[name].dropna()
        own = [place[i] for i in items]
        every = [responses.instrument.scale_of(item) for item in items]
        low = float(np.mean([scale.minimum for scale in every]))
        high = float(np.mean([scale.maximum for scale in every]))
        low, high = _range(scores.method, low, high, len(items))
        found[name] = _Here(
            float(values.mean()),
            float(values.std()),
            alpha_of(covariance[np.ix_(own, own)]),
            len(values),
            low,
            high,
            len(items),
        )
    return found


def _range(method: str, minimum: float, maximum: float, n_items: int) -> tuple[float, float]:
    if method == "sum":
        return minimum * n_items, maximum * n_items
    if method == "pomp":
        return 0.0, 100.0
    return (float(minimum), float(maximum)) if method == "mean" else (-np.inf, np.inf)


def _compared(
    scale: str, published: Mapping[str, float], here: _Here
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row a figure, and what cannot be compared."""
    mean = published.get("mean")
    if mean is not None and not here.low <= mean <= here.high:
        other = here.low * here.n_items <= mean <= here.high * here.n_items
        how = "as a sum, it seems" if other else "otherwise"
        skipped = {"mean", "sd"} & set(published)
        published = {k: v for k, v in published.items() if k not in skipped}
        notes = [
            f"Not compared: {' and '.join(sorted(skipped))} of {scale}. The published mean "
            f"{mean:g} lies outside the scores here ({here.low:g} to {here.high:g}): it was scored "
            f"{how}."
        ]
    else:
        notes = []
    rows = []
    for name in STATISTICS:
        if name not in published:
            continue
        own = float(getattr(here, name))
        if not np.isfinite(own):
            notes.append(f"Not compared: {name} of {scale}, which these answers do not have.")
            continue
        rows.append(
            {
                "scale": scale,
                "statistic": name,
                "published": published[name],
                "here": own,
                "difference": own - published[name],
                "explanation": _explained(name, published, here),
            }
        )
    return rows, notes


def _explained(name: str, published: Mapping[str, float], here: _Here) -> str:
    n = published.get("n", np.inf)
    exact = "" if np.isfinite(n) else " (the published one taken as exact: its n is not given)"
    if name == "mean":
        return _of_mean(published, here, n) + exact
    if name == "sd":
        ratio = (here.sd / published["sd"]) ** 2
        low, high = _f_limits(here.n - 1, n - 1)
        beyond = not low <= ratio <= high
        more = "more" if ratio > 1 else "less"
        said = f"respondents here differ {more}" if beyond else "the same up to sampling error"
        return f"{said}; ratio of variances {ratio:.2f}{exact}"
    ratio = (1 - here.alpha) / (1 - published["alpha"])
    low, high = _f_limits(here.n - 1, n - 1)
    if low <= ratio <= high:
        return f"the same up to sampling error{exact}"
    why = "a lower standard deviation lowers alpha" if here.sd < published.get("sd", 0) else ""
    said = "less consistent here" if ratio > 1 else "more consistent here"
    return f"{said}, beyond sampling error{exact}" + (f"; {why}" if why and ratio > 1 else "")


def _of_mean(published: Mapping[str, float], here: _Here, n: float) -> str:
    difference = here.mean - published["mean"]
    sd = published.get("sd", here.sd)
    error = np.sqrt(here.sd**2 / here.n + sd**2 / n)
    half = float(normal_quantile(0.5 + _LEVEL / 2)) * error
    interval = f"95% of the difference {difference - half:.2f} to {difference + half:.2f}"
    if abs(difference) <= half:
        return f"the same up to sampling error; {interval}"
    size = f", {abs(difference) / sd:.2f} standard deviations" if sd > 0 else ""
    return f"{'higher' if difference > 0 else 'lower'} here{size}; {interval}"


def _f_limits(df1: float, df2: float) -> tuple[float, float]:
    """95% of a ratio of two independent variances, or of one and a known one."""
    tail = (1 - _LEVEL) / 2
    df2 = min(df2, 1e9)
    return float(f_quantile(tail, df1, df2)), float(f_quantile(1 - tail, df1, df2))


def _sources(responses: Responses, published: Any) -> tuple[str, ...]:
    """Say where the registry's figures come from, and how sure they are."""
    if published is not None:
        return ()
    return tuple(
        f"Published figures of {norm.scale}: {norm.sample or 'sample not stated'}; "
        f"{norm.source or 'no source stated'} ({norm.certainty})."
        for norm in responses.instrument.norms
    )
