"""How many factors to extract.

Functions: ``n_factors``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import generator
from cte_metrics.errors import InputError, one_of
from cte_metrics.factor.matrices.correlation_input import (
    Correlation,
    CorrelationInput,
    Missing,
    correlation_matrix,
)
from cte_metrics.factor.matrices.definite import any_matrix, definite_matrix
from cte_metrics.factor.matrices.levels import Level
from cte_metrics.factor.matrices.resampled import correlation_stacks
from cte_metrics.factor.retention_result import Retention
from cte_metrics.kernels.factor import retention as criteria
from cte_metrics.kernels.factor.comparison_data import comparison_data
from cte_metrics.kernels.factor.extraction import extract
from cte_metrics.kernels.factor.one_factor_batch import one_factor_loadings, reduced_eigenvalues
from cte_metrics.kernels.groups.nesting import nesting
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.kernels.numerics.random_correlations import (
    normal_correlations,
    shuffled_correlations,
)
from cte_metrics.results.frozen import read_only
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded

if TYPE_CHECKING:
    import pandas as pd

Criterion = Literal["parallel", "map", "ekc", "hull", "kaiser", "comparison_data", "sequential"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)

_NEED_N = ("parallel", "ekc", "hull", "comparison_data", "sequential")
_ROOTS_ONLY = frozenset({"kaiser", "ekc"})
_ENTRIES_AT_ONCE = 2_000_000


@dataclass
class _Work:
    """What the criteria read and fill in."""

    r: Array
    source: CorrelationInput
    rng: np.random.Generator
    n_resamples: int
    polychoric: bool
    max_factors: int | None
    suggested: dict[str, int | None] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    hull: criteria.Hull | None = None
    notes: list[str] = field(default_factory=list)
    stability: Array | None = None

    @property
    def n(self) -> float:
        return float(self.source.n_obs or 0.0)


@recorded
def n_factors(
    data: Any,
    *,
    methods: Sequence[Criterion] = ("parallel", "map", "ekc", "hull", "kaiser"),
    correlation: Correlation = "pearson",
    missing: Missing = "listwise",
    n_obs: float | None = None,
    n_resamples: int = 1000,
    max_factors: int | None = None,
    smooth: bool = False,
    rng: int | np.random.Generator | None = None,
    group: Any = None,
    level: Level = "total",
    n_bootstrap: int = 0,
) -> Retention:
    """Ask several criteria how many factors there are.

    Parameters
    ----------
    data : Responses, DataFrame, array, Moments, or a square correlation matrix with ``n_obs``
    methods : sequence of str
        ``parallel``: Horn's analysis, observed roots against the 95th percentile of random ones,
        for factors (``suggested["parallel"]``) and for components
        (``suggested["parallel_components"]``). Random correlation matrices come straight from the
        Wishart distribution; for polychorics each item's answers are shuffled.
        ``map``: Velicer's minimum average partial, original and revised. ``ekc``: empirical Kaiser
        criterion. ``hull``: Hull method on unweighted least squares; ``suggested["hull"]`` is that
        of CFI, with ``hull_caf`` and ``hull_rmsea`` beside it. ``kaiser``: roots above 1 (it
        overfactors). ``comparison_data``: Ruscio and Roche's (takes seconds; needs answers).
        ``sequential``: chi-square tests of maximum likelihood; ``None`` where they reject every
        number. A matrix that is not positive definite serves for ``kaiser`` and ``ekc`` only.
    correlation : {"pearson", "spearman", "polychoric", "fiml"}
    missing : {"listwise", "pairwise"}
    n_obs : float, optional
        Respondents behind a matrix.
    n_resamples : int
        Random data sets of the parallel analysis.
    max_factors : int, optional
        Largest number that ``hull``, ``comparison_data`` and ``sequential`` try; by default one
        more than parallel analysis finds (at least 3) for ``hull``.
    smooth : bool
        Make a matrix that is not positive definite so, and say it.
    rng : int or Generator, optional
    group : str or array, optional
        School of each respondent; a survey's own by default. Where schools are known, a note says
        what they change, and what parallel analysis suggests with the effective number of
        respondents (n over the items' mean design effect).
    level : {"total", "within", "between"}
        As in `efa`.
    n_bootstrap : int
        Resamples of the answers (of whole schools, where these are known) in which parallel
        analysis is repeated; ``stability`` shows how often each number is suggested. Pearson
        correlations only.

    Returns
    -------
    Retention

    Raises
    ------
    InputError
        If a criterion needs the number of respondents or the answers and they are unknown.

    Notes
    -----
    Hull removes every solution below the upper convex hull, as its authors do; EFAtools leaves
    some, so its bends can differ. With fewer than three solutions on the hull there is no bend, and
    the suggestion is ``None`` with a note.

    References
    ----------
    Horn, J. L. (1965). Psychometrika, 30, 179-185.
    Velicer, W. F. (1976). Psychometrika, 41, 321-327.
    Braeken, J., & van Assen, M. A. L. M. (2017). Psychological Methods, 22, 450-466.
    Lorenzo-Seva, U., Timmerman, M. E., & Kiers, H. A. L. (2011). MBR, 46, 340-364.
    Ruscio, J., & Roche, B. (2012). Psychological Assessment, 24, 282-292.

    Examples
    --------
    Two pairs of items that correlate .6 within and 0 between pairs have roots 1.6, 1.6, .4, .4:

    >>> import numpy as np
    >>> r = np.kron(np.eye(2), np.array([[1, .6], [.6, 1]]))
    >>> out = n_factors(r, n_obs=500, methods=("kaiser", "ekc"))
    >>> out.eigenvalues.round(6).tolist(), out.suggested
    ([1.6, 1.6, 0.4, 0.4], {'ekc': 2, 'kaiser': 2})
    """
    wanted = _checked_methods(methods)
    if max_factors is not None and max_factors < 1:
        raise InputError(f"max_factors={max_factors}; at least 1 factor is compared.")
    if n_resamples < 1:
        raise InputError(f"n_resamples={n_resamples} is below 1.")
    source = correlation_matrix(
        data,
        correlation=correlation,
        missing=missing,
        n_obs=n_obs,
        what="The number of factors",
        group=group,
        level=level,
    )
    needs_inverse = not set(wanted) <= _ROOTS_ONLY
    r, notes = (definite_matrix if needs_inverse else any_matrix)(source, smooth=smooth)
    _refuse_unknown_n(source, wanted)
    draws = generator(rng)
    polychoric = correlation == "polychoric" and source.values is not None
    work = _Work(r, source, draws, n_resamples, polychoric, max_factors, notes=notes)
    work.arrays["eigenvalues"] = criteria.eigenvalues(r)
    for name in CRITERIA:
        if name in wanted:
            _STEPS[name](work)
    if "parallel" in wanted:
        work.notes += _with_effective_n(work)
    if n_bootstrap:
        _refuse_bootstrap(source, wanted, n_bootstrap)
        work.stability = _repeated(work, n_bootstrap)
    settings = {
        "methods": wanted,
        "correlation": correlation,
        "missing": missing,
        "n_resamples": n_resamples,
        "max_factors": max_factors,
        "level": level,
        "n_bootstrap": n_bootstrap,
    }
    provenance = Provenance(
        method=f"{', '.join(wanted)} on {correlation} correlations",
        n_used=round(work.n),
        n_dropped=source.n_dropped,
        settings=settings,
        reference="Auerswald & Moshagen (2019), Psychological Methods 24, compare these criteria.",
    )
    return _result(work, provenance)


def _checked_methods(methods: Sequence[str]) -> tuple[str, ...]:
    wanted = (methods,) if isinstance(methods, str) else tuple(methods)
    if not wanted:
        raise InputError(f"methods is empty; choose from {', '.join(CRITERIA)}.")
    for name in wanted:
        one_of(name, Criterion, "methods")
    return wanted


def _refuse_unknown_n(source: CorrelationInput, wanted: Sequence[str]) -> None:
    needing = [name for name in wanted if name in _NEED_N]
    if needing and source.n_obs is None:
        raise InputError(
            f"{', '.join(needing)} need the number of respondents behind the matrix.",
            hint="Pass n_obs, or methods=('map', 'kaiser').",
        )
    if "comparison_data" in wanted and source.values is None:
        raise InputError(
            "comparison_data resamples answers; a matrix is not enough.",
            hint="Pass the answers themselves, or leave it out of methods.",
        )


# --- the criteria -------------------------------------------------------------------------------


def _parallel(work: _Work) -> None:
    components, factors = _random_roots(work, work.n)
    own = work.arrays["eigenvalues"]
    reduced = work.r.copy()
    np.fill_diagonal(reduced, extract(work.r, 1, "minres").communalities)
    work.arrays["factor_eigenvalues"] = criteria.eigenvalues(reduced)
    for name, roots in (("", components), ("factor_", factors)):
        work.arrays[f"reference_{name}eigenvalues"] = np.quantile(roots, 0.95, axis=0)
        work.arrays[f"mean_{name}eigenvalues"] = roots.mean(axis=0)
    count = criteria.count_until_failure
    work.suggested["parallel"] = count(
        work.arrays["factor_eigenvalues"], work.arrays["reference_factor_eigenvalues"]
    )
    work.suggested["parallel_components"] = count(own, work.arrays["reference_eigenvalues"])


def _random_roots(work: _Work, n: float) -> tuple[Array, Array]:
    """Roots (n_resamples, p) of random correlation matrices and of their reduced forms."""
    p = len(work.r)
    at_once = max(1, min(work.n_resamples, _ENTRIES_AT_ONCE // (p * p)))
    components, factors = [], []
    left = work.n_resamples
    while left > 0:
        r = _random_matrices(work, n, min(at_once, left))
        left -= len(r)
        of_components, of_factors = _both_roots(r)
        components.append(of_components)
        factors.append(of_factors)
    return np.concatenate(components), np.concatenate(factors)


def _both_roots(r: Array) -> tuple[Array, Array]:
    """Roots (b, p) of correlation matrices (b, p, p) and of their reduced forms, falling."""
    roots, vectors = np.linalg.eigh(r)
    size = np.sqrt(np.maximum(roots[:, -1] - 1.0, 0.01))
    loadings = one_factor_loadings(r, vectors[:, :, -1] * size[:, None])
    return roots[:, ::-1], reduced_eigenvalues(r, loadings)


def _with_effective_n(work: _Work) -> list[str]:
    """Say what parallel analysis suggests if schools leave fewer independent respondents."""
    values, schools = work.source.values, work.source.schools
    if work.source.level != "total" or work.polychoric or values is None or schools is None:
        return []
    whole = ~np.isnan(values).any(axis=1) & (schools >= 0)
    codes = np.unique(schools[whole], return_inverse=True)[1]
    if not 0 < codes.max(initial=0) < len(codes) - 1:
        return []
    effect = max(float(nesting(values[whole], codes).design_effect.mean()), 1.0)
    n = max(work.n / effect, len(work.r) + 1.0)
    components, factors = (np.quantile(x, 0.95, axis=0) for x in _random_roots(work, n))
    count = criteria.count_until_failure
    also = count(work.arrays["factor_eigenvalues"], factors)
    of_components = count(work.arrays["eigenvalues"], components)
    return [
        f"With the effective number of respondents {n:.0f} (design effect {effect:.2f}) parallel "
        f"analysis suggests {also} factors and {of_components} components instead of "
        f"{work.suggested['parallel']} and {work.suggested['parallel_components']}."
    ]


def _refuse_bootstrap(source: CorrelationInput, wanted: Sequence[str], n_bootstrap: int) -> None:
    if n_bootstrap < 0 or "parallel" not in wanted:
        raise InputError(
            f"n_bootstrap={n_bootstrap} repeats parallel analysis: it is 0 or more, and methods "
            "hold 'parallel'."
        )
    if source.values is None or not source.is_pearson:
        raise InputError(
            "n_bootstrap resamples answers and their Pearson correlations.",
            hint="Pass the answers with correlation='pearson', or leave n_bootstrap at 0.",
        )


def _repeated(work: _Work, n_bootstrap: int) -> Array:
    """Numbers (b, 2) of factors and components that parallel analysis suggests in resamples."""
    stacks = correlation_stacks(work.source, n_bootstrap, work.rng)
    count = criteria.count_until_failure
    suggested = []
    for r in stacks:
        components, factors = _both_roots(r)
        suggested += [
            (
                count(f, work.arrays["reference_factor_eigenvalues"]),
                count(c, work.arrays["reference_eigenvalues"]),
            )
            for f, c in zip(factors, components, strict=True)
        ]
    return np.array(suggested, dtype=np.float64)


def _random_matrices(work: _Work, n: float, n_draws: int) -> Array:
    if not work.polychoric or work.source.values is None:
        return normal_correlations(round(n), len(work.r), n_draws, work.rng)
    values = work.source.values
    complete = values[~np.isnan(values).any(axis=1)]
    return shuffled_correlations(complete, n_draws, work.rng, polychoric=True)


def _map(work: _Work) -> None:
    for name, power in (("map", 2), ("map_revised", 4)):
        values = criteria.minimum_average_partial(work.r, power)
        work.arrays[name] = values
        work.suggested[name] = int(np.argmin(values))


def _ekc(work: _Work) -> None:
    roots = work.arrays["eigenvalues"]
    work.arrays["ekc"] = criteria.empirical_kaiser_reference(roots, work.n)
    work.suggested["ekc"] = criteria.count_until_failure(roots, work.arrays["ekc"])


def _hull(work: _Work) -> None:
    p = len(work.r)
    if p < 6:
        work.suggested |= dict.fromkeys(("hull", "hull_caf", "hull_rmsea"))
        work.notes.append(f"The Hull method needs six items or more; there are {p}.")
        return
    found = [work.suggested.get(k) or 0 for k in ("parallel", "parallel_components")]
    wanted = work.max_factors or max(max(found) + 1, 3)
    work.hull = criteria.hull(work.r, work.n, min(wanted, criteria.largest_n_factors(p) - 1))
    for name, fit in (("hull", "cfi"), ("hull_caf", "caf"), ("hull_rmsea", "rmsea")):
        chosen = criteria.hull_choice(work.hull.df, getattr(work.hull, fit))[0]
        work.suggested[name] = chosen
        if chosen is None:
            work.notes.append(
                f"{name} suggests no number: fewer than three solutions lie on the hull of "
                f"{fit.upper()}, and its ends have no bend."
            )


def _kaiser(work: _Work) -> None:
    work.suggested["kaiser"] = int((work.arrays["eigenvalues"] > 1.0).sum())


def _comparison(work: _Work) -> None:
    assert work.source.values is not None  # refused before
    values = work.source.values
    complete = values[~np.isnan(values).any(axis=1)]
    largest = work.max_factors or criteria.largest_n_factors(len(work.r))
    out = comparison_data(complete, work.r, largest, work.rng)
    work.suggested["comparison_data"] = out.n_factors


def _sequential(work: _Work) -> None:
    p = len(work.r)
    largest = min(work.max_factors or p, criteria.largest_n_factors(p))
    for m in range(largest + 1):
        df = ((p - m) ** 2 - p - m) / 2.0
        if df <= 0.0:
            break
        log_det = float(np.linalg.slogdet(work.r)[1])
        value = -log_det if m == 0 else extract(work.r, m, "ml").objective
        if float(chi2_sf((work.n - 1.0) * value, df)) > 0.05:
            work.suggested["sequential"] = m
            return
    work.suggested["sequential"] = None
    work.notes.append("Maximum likelihood rejects every number of factors that is identified.")


_STEPS = {
    "parallel": _parallel,
    "map": _map,
    "ekc": _ekc,
    "hull": _hull,
    "kaiser": _kaiser,
    "comparison_data": _comparison,
    "sequential": _sequential,
}


# --- the result -----------------------------------------------------------------------------------


def _result(work: _Work, provenance: Provenance) -> Retention:
    import pandas as pd

    def array(name: str) -> Array:
        return read_only(work.arrays.get(name, np.empty(0)))

    def series(name: str) -> pd.Series:
        values = array(name)
        return pd.Series(values, pd.RangeIndex(len(values), name="components"), name=name)

    return Retention(
        suggested=dict(work.suggested),
        eigenvalues=array("eigenvalues"),
        reference_eigenvalues=array("reference_eigenvalues"),
        mean_eigenvalues=array("mean_eigenvalues"),
        factor_eigenvalues=array("factor_eigenvalues"),
        reference_factor_eigenvalues=array("reference_factor_eigenvalues"),
        mean_factor_eigenvalues=array("mean_factor_eigenvalues"),
        map_values=series("map"),
        map_revised_values=series("map_revised"),
        ekc_reference=array("ekc"),
        hull=_hull_table(work.hull),
        stability=_stability(work.stability),
        notes=(*work.source.notes, *work.notes, *_verdict(work.suggested)),
        provenance=provenance,
    )


def _stability(suggested: Array | None) -> pd.DataFrame:
    """Share of resamples that suggest each number."""
    import pandas as pd

    if suggested is None:
        return pd.DataFrame()
    numbers = np.arange(int(suggested.max()) + 1)
    shares = (suggested[:, None, :] == numbers[:, None]).mean(axis=0)
    index = pd.Index(numbers, name="n_factors")
    return pd.DataFrame(shares, index, ["parallel", "parallel_components"])


def _hull_table(found: criteria.Hull | None) -> pd.DataFrame:
    import pandas as pd

    if found is None:
        return pd.DataFrame()
    columns: dict[str, Array] = {"df": found.df}
    for name in ("caf", "cfi", "rmsea"):
        columns[name] = getattr(found, name)
        columns[f"{name}_bend"] = criteria.hull_choice(found.df, columns[name])[1]
    return pd.DataFrame(columns, index=pd.Index(found.n_factors, name="n_factors"))


def _verdict(suggested: dict[str, int | None]) -> list[str]:
    """One sentence on where the criteria agree."""
    by_number: dict[int, list[str]] = {}
    for name, m in suggested.items():
        if m is not None:
            by_number.setdefault(m, []).append(name)
    if len(by_number) < 2:
        return []
    parts = [f"{m} ({', '.join(by_number[m])})" for m in sorted(by_number)]
    return [f"The criteria disagree: {'; '.join(parts)}."]
