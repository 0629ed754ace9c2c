"""Ours beside R's, area by area: the figures behind ``reference/validation.md``.

Each function yields pairs of arrays, ours and R's, from the entries in ``tests/reference``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from reference_values import case

import cte_metrics as cte
from tests.factor.stored import aligned, array, correlations, phi_of
from tests.reliability.keyed_case import keyed as keyed_items
from tests.sem.lavaan_entry import keyed as by_key
from tests.sem.lavaan_entry import run

Pairs = Iterator[tuple[Any, Any]]
ITEM_SETS = ("ability", "bfi_ac", "bhr2000_items", "sim_cte12", "sim_cte18", "sim_cte21")
GROUPED = ("bhr2000_items", "sim_cte12", "sim_cte21", "sim_mlcfa")
NESTED = ("sim_cte12", "bhr2000_items", "bh1996_scales", "demo_twolevel", "sim_mlcfa")


@dataclass(frozen=True)
class Area:
    """One line of the table: what is compared, with which R function, by which pairs."""

    title: str
    function: str
    pairs: Callable[[], Pairs]


def alphas() -> Pairs:
    """Alpha, standardized alpha, lambda 6, average r, Feldt's interval."""
    for name in ITEM_SETS:
        for entry in case(name).entries("alpha.", "alpha"):
            if "key" in entry.args:
                items, known = keyed_items(name, entry), entry.values
                found = cte.reliability.cronbach_alpha(items)
                ours = [found.alpha, found.standardized_alpha, found.guttman6, found.average_r]
                keys = ("raw_alpha", "std.alpha", "G6(smc)", "average_r")
                yield ours, [known["total"][k] for k in keys]
                if not items.isna().all(axis=1).any():  # psych counts rows without any answer
                    yield list(found.ci), [known["feldt"]["lower.ci"], known["feldt"]["upper.ci"]]


def item_statistics() -> Pairs:
    """Moments, trimmed means and the like of items."""
    columns = ("n", "mean", "sd", "median", "trimmed", "mad", "skew", "kurtosis", "se")
    for name in ("ability", "bfi_ac", "hs1939", "sim_cte12", "sim_cte21"):
        entry = case(name)["describe.type3"]
        table = cte.scoring.item_analysis(case(name).data[entry.args["items"]]).table
        for column in columns:
            if column in entry.values:
                yield table[column], entry.values[column]


def splits_and_bounds() -> Pairs:
    """Guttman's lambdas, split halves, greatest lower bound."""
    for name in ("bfi_ac", "hs1939", "sim_cte12"):
        for entry in case(name).entries("guttman."):
            found = cte.reliability.guttman_lambdas(keyed_items(name, entry))
            yield (
                [getattr(found, f"lambda{i}") for i in range(1, 7)],
                [entry.values[f"lambda.{i}"] for i in range(1, 7)],
            )
        for entry in case(name).entries("splitHalf."):
            split = cte.reliability.split_half(keyed_items(name, entry), splits="psych")
            expected = [entry.values[k] for k in ("maxrb", "minrb", "meanr")]
            yield [split.maximum, split.minimum, split.mean], expected
        for entry in case(name).entries("glb_algebraic."):
            bound = cte.reliability.greatest_lower_bound(keyed_items(name, entry))
            yield bound.glb, entry.values["glb"]


def model_reliability() -> Pairs:
    """Omega, alpha and average variance extracted of fitted models, also ordinal ones."""
    fits = (
        ("bfi_ac", "cfa.ML", "cfa"),
        ("hs1939", "cfa.ML", "cfa"),
        ("sim_cte18", "cfa.ML", "cfa"),
    )
    ordinal = (("bfi_ac", "ord.WLSMV.delta", "ord"), ("datcat", "ord.WLSMV.delta", "ord"))
    for name, entry, family in fits + ordinal:
        table = cte.reliability.composite_reliability(run(case(name), case(name)[entry]))
        omega = "omega_ordinal" if family == "ord" else "omega"
        for equal, column in (("TRUE", "alpha"), ("FALSE", omega)):
            key = f"{family}.semTools.compRelSEM.obsvar_TRUE.taueq_{equal}"
            expected = pd.Series(case(name)[key].values)
            yield table.loc[expected.index, column], expected
        extracted = pd.Series(case(name)[f"{family}.semTools.AVE"].values)
        yield table.loc[extracted.index, "ave"], extracted


def intraclass() -> Pairs:
    """Six intraclass correlations with intervals."""
    columns = {"icc": "ICC", "f": "F", "p": "p", "ci_low": "lower bound", "ci_high": "upper bound"}
    data = case("ratings").data
    for name in ("SF1979", "sim"):
        ratings = data.loc[data["set"] == name, [f"rater{j}" for j in range(1, 5)]].dropna()
        expected = case("ratings")[f"ICC.{name}.aov"].values["results"]
        found = cte.reliability.icc(ratings)
        for ours, theirs in columns.items():
            yield found[ours], expected[theirs]


def adequacies() -> Pairs:
    """KMO of matrix and items, Bartlett's chi-square."""
    for name in ("bfi_ac", "hs1939", "sim_cte12", "sim_cte18"):
        entry = case(name)["KMO"]
        bartlett = case(name)["cortest_bartlett"].values
        found = cte.factor.adequacy(case(name).data[entry.args["items"]])
        yield found.kmo, entry.values["MSA"]
        yield found.kmo_items, list(entry.values["MSAi"].values())
        yield found.bartlett_chi2, bartlett["chisq"]


def extraction(method: str) -> Callable[[], Pairs]:
    """Unrotated loadings by one method, of proper solutions."""

    def pairs() -> Pairs:
        for name in ("thurstone", "bfi_ac", "hs1939", "sim_cte12", "sim_cte18"):
            for entry in case(name).entries(f"fa.{method}."):
                if not entry.id.endswith(".none"):
                    continue
                target = array(entry.raw["loadings"])
                k = entry.args["k"]
                found = cte.factor.efa(
                    correlations(case(name), entry), k, method=method, rotation="none",
                    n_obs=entry.args.get("n", 213),
                )  # fmt: skip
                target = target.reshape(-1, k)
                if found.status.usable:
                    yield aligned(found.loadings.to_numpy(), np.eye(k), target)[0], target

    return pairs


ROTATIONS = {
    "oblimin.gam0": "quartimin", "quartimin": "quartimin", "varimax": "varimax",
    "quartimax": "quartimax", "geominQ": "geomin", "geominT": "geomin_t", "bentlerQ": "bentler",
    "bentlerT": "bentler_t", "infomaxQ": "infomax", "infomaxT": "infomax_t", "entropy": "entropy",
    "targetQ": "target", "targetT": "target_t", "cfQ": "crawford_ferguson",
    "cfT": "crawford_ferguson_t",
}  # fmt: skip


def rotations() -> Pairs:
    """Loadings and factor correlations, at the best of GPArotation's twenty starts."""
    for name in ("thurstone", "bfi_ac"):
        start = case(name)["rot.input"]
        unrotated = array(start.raw)
        for entry in case(name).entries("rot."):
            kind = entry.id.split("rot.")[1]
            ours = ROTATIONS.get(kind, ROTATIONS.get(kind[:3]))
            if ours is None:
                continue
            best = "_best" if entry.raw.get("loadings_best") is not None else ""
            target = array(entry.raw[f"loadings{best}"]).reshape(unrotated.shape)
            options: dict[str, Any] = {}
            if "kappa" in entry.args:
                options["kappa"] = entry.args["kappa"]
            if "Target" in entry.args:
                options["target"] = array(entry.args["Target"]).reshape(unrotated.shape)
            found = cte.factor.rotate(unrotated, ours, kaiser=False, **options)
            loadings, phi = aligned(
                found.loadings.to_numpy(), np.asarray(found.factor_correlations), target
            )
            yield loadings, target
            yield phi, phi_of(entry.raw, len(phi), f"Phi{best}").reshape(phi.shape)


def polychorics() -> Pairs:
    """Polychoric correlations, thresholds and standard errors."""
    for name in ("bfi_ac", "datcat"):
        for entry in case(name).entries("", "lavCor"):
            expected = entry.values
            found = cte.factor.polychoric(case(name).data[entry.args["items"]])
            if entry.id.endswith(".polychoric"):
                yield found.correlations, expected["rho"]
            elif entry.id.endswith(".thresholds"):
                places = [key.split("|t") for key in expected]
                yield [found.thresholds[i][int(t) - 1] for i, t in places], list(expected.values())
            elif entry.id.endswith(".se"):
                pairs = zip(expected["lhs"], expected["rhs"], strict=True)
                yield [found.standard_errors.loc[a, b] for a, b in pairs], expected["se"]


def lavaan_fits(names: tuple[str, ...], prefix: str, what: str) -> Callable[[], Pairs]:
    """Estimates, standard errors or fit measures of stored lavaan fits."""

    def pairs() -> Pairs:
        for name in names:
            for entry in case(name).entries(prefix):
                if entry.package != "lavaan" or entry.function not in ("cfa", "sem", "growth"):
                    continue
                if entry.args.get("missing") in ("two.stage", "robust.two.stage"):
                    continue
                if not (entry.raw["converged"] and entry.raw["post_check"]):
                    continue
                fit = run(case(name), entry)
                yield from _fit_pairs(fit, entry.raw, what)

    return pairs


def _fit_pairs(fit: Any, raw: dict[str, Any], what: str) -> Pairs:
    if what == "fit":
        ours = {k.replace(".", "_"): v for k, v in raw["fit"].items() if isinstance(v, int | float)}
        yield [fit.fit_measures[k] for k in ours], list(ours.values())
        return
    par = pd.DataFrame(raw["par"])
    if "key" in par and what in par:
        table = by_key(fit)
        table = table[~table.index.duplicated()]
        theirs = par.set_index(par["key"].str.strip())[what].dropna()
        yield table.loc[theirs.index, what], theirs


def agreements() -> Pairs:
    """rwg(j), r*wg(j), average deviations, awg of every group."""
    for name in GROUPED:
        for function, column, key in (
            ("rwg.j", "rwg_j", "rwg.j"),
            ("rwg.j.lindell", "rwg_star_j", "rwg.lindell"),
            ("awg", "awg", "a.wg"),
        ):
            for entry in case(name).entries("", function):
                args = entry.args
                if "items" not in args or "item" in args:
                    continue
                frame = case(name).data[[args["group"], *args["items"]]]
                null = args.get("vv", "uniform")
                found = cte.aggregation.agreement(
                    frame, args["group"], scale=args["range"], null=null
                )
                values = found.truncated if column == "rwg_j" else found.table
                yield values[column], entry.values[key]


def _nested(name: str) -> pd.DataFrame:
    data = case(name).data
    means = {"sim_cte12": {"cte_total": [f"c{j:02d}" for j in range(1, 13)]}}
    means["sim_mlcfa"] = {"F1": ["m01", "m02", "m03"], "F2": ["m04", "m05", "m06"]}
    return data.assign(**{k: data[v].mean(axis=1) for k, v in means.get(name, {}).items()})


def mean_squares() -> Pairs:
    """ICC(1), ICC(2), F and the mean squares."""
    for name in NESTED:
        data = _nested(name)
        for entry in case(name).entries("", "ICC1"):
            found = cte.aggregation.variance_components(
                data[entry.args["var"]], data[entry.args["group"]]
            )
            keys = ("ICC1", "ICC2", "F", "MSB", "MSW")
            ours = [found.icc1, found.icc2, found.f, found.ms_between, found.ms_within]
            yield ours, [entry.values[k] for k in keys]


def mixed_models() -> Pairs:
    """Log-likelihood, fixed effects and their standard errors."""
    from tests.aggregation.test_mixed_model import fitted

    for name in NESTED:
        for entry in case(name).entries("", "lmer"):
            if entry.package != "lme4" or entry.values["singular"]:
                continue
            found, known = fitted(name, entry, bool(entry.values["REML"])), entry.values
            yield found.loglik, known["logLik"]
            yield found.fixed["est"], known["fixed"]["Estimate"]
            yield found.fixed["se"], known["fixed"]["Std. Error"]


TWO_LEVEL = ("sim_mlcfa", "bhr2000_items")
ML_SETS = ("hs1939", "bfi_ac", "sim_cte18")
AREAS = (
    Area("Item statistics", "psych::describe", item_statistics),
    Area("Cronbach's alpha, with interval", "psych::alpha", alphas),
    Area("Guttman's lambdas, split halves, greatest lower bound", "psych", splits_and_bounds),
    Area(
        "Omega, alpha, AVE of models, also ordinal", "semTools::compRelSEM, AVE", model_reliability
    ),
    Area("Six ICCs, with intervals", "psych::ICC", intraclass),
    Area("KMO, Bartlett", "psych::KMO, cortest.bartlett", adequacies),
    Area("EFA loadings, minres", "psych::fa", extraction("minres")),
    Area("EFA loadings, ml", "psych::fa", extraction("ml")),
    Area("Rotations, thirteen criteria", "GPArotation", rotations),
    Area("Polychoric correlations", "lavaan::lavCor", polychorics),
    Area("CFA: estimates", "lavaan::cfa", lavaan_fits(ML_SETS, "cfa.", "est")),
    Area("CFA: standard errors", "lavaan::cfa", lavaan_fits(ML_SETS, "cfa.", "se")),
    Area("CFA: fit measures", "lavaan::cfa", lavaan_fits(ML_SETS, "cfa.", "fit")),
    Area("FIML: estimates", "lavaan", lavaan_fits(("bfi_ac", "sim_cte12"), "fiml.", "est")),
    Area("FIML: fit measures", "lavaan", lavaan_fits(("bfi_ac", "sim_cte12"), "fiml.", "fit")),
    Area("Ordinal CFA: estimates", "lavaan", lavaan_fits(("bfi_ac", "datcat"), "ord.", "est")),
    Area("Ordinal CFA: fit measures", "lavaan", lavaan_fits(("bfi_ac", "datcat"), "ord.", "fit")),
    Area("Two-level CFA: estimates", "lavaan", lavaan_fits(TWO_LEVEL, "twolevel.", "est")),
    Area("Two-level CFA: fit", "lavaan", lavaan_fits(TWO_LEVEL, "twolevel.", "fit")),
    Area("rwg(j), r*wg(j), awg", "multilevel", agreements),
    Area("ICC(1), ICC(2), F", "multilevel::ICC1, ICC2", mean_squares),
    Area("Mixed models", "lme4::lmer", mixed_models),
)


def largest(pairs: Pairs) -> tuple[int, float]:
    """Count the figures, and return the largest difference relative to max(1, abs(R's))."""
    count, worst = 0, 0.0
    for ours, theirs in pairs:
        a, b = np.asarray(ours, dtype=float).ravel(), np.asarray(theirs, dtype=float).ravel()
        both = np.isfinite(b)
        if not np.isfinite(a[both]).all():
            raise ValueError("a figure that R gives is missing here")
        count += int(both.sum())
        difference = np.abs(a[both] - b[both]) / np.maximum(1.0, np.abs(b[both]))
        worst = max(worst, float(difference.max(initial=0.0)))
    return count, worst


def table() -> pd.DataFrame:
    """Return the table of areas."""
    rows = []
    for area in AREAS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cte.CTEWarning)
            count, worst = largest(area.pairs())
        if count == 0:
            raise ValueError(f"{area.title}: no entry was compared")
        rows.append((area.title, area.function, count, f"{worst:.0e}"))
    columns = ["area", "R", "figures", "largest difference"]
    return pd.DataFrame(rows, columns=columns).set_index("area")
