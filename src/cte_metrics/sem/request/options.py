"""What an estimator's name stands for: discrepancy, standard errors, test, information.

========= ===== ================== =====================
estimator F     standard errors    test
========= ===== ================== =====================
ML        ML    standard           standard
MLM       ML    robust.sem         satorra.bentler
MLMV      ML    robust.sem         scaled.shifted
MLMVS     ML    robust.sem         mean.var.adjusted
MLR       ML    robust.huber.white yuan.bentler.mplus
ULS       ULS   standard           standard
ULSMV     ULS   robust.sem         scaled.shifted
GLS, WLS  same  standard           standard
DWLS      DWLS  standard           standard
WLSM      DWLS  robust.sem         satorra.bentler
WLSMV     DWLS  robust.sem         scaled.shifted
WLSMVS    DWLS  robust.sem         mean.var.adjusted
========= ===== ================== =====================

Functions: ``settle_options``.
"""

from __future__ import annotations

from dataclasses import dataclass

from cte_metrics.errors import InputError, one_of

ESTIMATORS: dict[str, tuple[str, str, str]] = {
    "ML": ("ML", "standard", "standard"),
    "MLM": ("ML", "robust.sem", "satorra.bentler"),
    "MLMV": ("ML", "robust.sem", "scaled.shifted"),
    "MLMVS": ("ML", "robust.sem", "mean.var.adjusted"),
    "MLR": ("ML", "robust.huber.white", "yuan.bentler.mplus"),
    "ULS": ("ULS", "standard", "standard"),
    "ULSM": ("ULS", "robust.sem", "satorra.bentler"),
    "ULSMV": ("ULS", "robust.sem", "scaled.shifted"),
    "ULSMVS": ("ULS", "robust.sem", "mean.var.adjusted"),
    "GLS": ("GLS", "standard", "standard"),
    "WLS": ("WLS", "standard", "standard"),
    "DWLS": ("DWLS", "standard", "standard"),
    "WLSM": ("DWLS", "robust.sem", "satorra.bentler"),
    "WLSMV": ("DWLS", "robust.sem", "scaled.shifted"),
    "WLSMVS": ("DWLS", "robust.sem", "mean.var.adjusted"),
}
ORDINAL_ONLY = ("WLSM", "WLSMV", "WLSMVS")
STANDARD_ERRORS = ("standard", "robust.sem", "robust.huber.white", "first.order", "none")
TESTS = (
    "standard",
    "satorra.bentler",
    "scaled.shifted",
    "mean.var.adjusted",
    "yuan.bentler",
    "yuan.bentler.mplus",
    "none",
)
GAMMA_TESTS = ("satorra.bentler", "scaled.shifted", "mean.var.adjusted")
SCORE_TESTS = ("yuan.bentler", "yuan.bentler.mplus")


class DefaultEstimator(str):
    """The default of ``estimator``: ``"ML"``, or ``"WLSMV"`` where items are ordered."""


class DefaultSwitch(int):
    """The default of ``fixed_x``: on, except for least squares on continuous items."""

    def __repr__(self) -> str:
        """Write the default as a switch."""
        return repr(bool(self))


DEFAULT_ESTIMATOR = DefaultEstimator("ML")
DEFAULT_FIXED_X = DefaultSwitch(True)


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Settled options of one fit.

    ``asked`` is the estimator by name, ``discrepancy`` the function minimised, ``test`` the scaled
    test or ``standard``; ``missing`` is ``listwise`` or ``fiml``.
    """

    asked: str
    discrepancy: str
    se: str
    test: str
    information: str
    likelihood: str
    missing: str
    ordinal: bool
    clustered: bool
    two_level: bool

    @property
    def casewise(self) -> bool:
        """Whether the likelihood is that of single cases or clusters (means are needed)."""
        return self.missing == "fiml" or (self.clustered and not self.ordinal)

    @property
    def test_keeps_curvature(self) -> bool:
        """Whether the scaled test inverts the whole observed information (lavaan: ``hessian``).

        Otherwise the curvature of the moments is left out (``h1``), as lavaan does for tests that
        are asked for beside the standard one, and for clusters with plain ``ML``.
        """
        return self.test == "yuan.bentler.mplus" and self.asked == "MLR"

    @property
    def scaled(self) -> bool:
        """Whether there is a scaled test beside the standard one."""
        return self.test in (*GAMMA_TESTS, *SCORE_TESTS)


def settle_options(
    *,
    estimator: str,
    se: str | None,
    test: str | None,
    information: str | None,
    likelihood: str,
    missing: str,
    ordinal: bool,
    clustered: bool,
    two_level: bool,
    weighted: bool,
) -> FitOptions:
    """Check the options and fill in what the estimator's name implies.

    Raises
    ------
    InputError
        If an option is unknown, or two of them contradict each other.
    """
    asked = _asked(estimator, ordinal=ordinal, weighted=weighted)
    discrepancy, default_se, default_test = ESTIMATORS[asked]
    if clustered and not two_level and asked == "ML":
        default_se, default_test = ESTIMATORS["MLR"][1:]
    missing = {"ml": "fiml", "direct": "fiml"}.get(missing, missing)
    one_of(missing, ("listwise", "fiml", "pairwise"), "missing")
    one_of(likelihood, ("normal", "wishart"), "likelihood")
    casewise = missing == "fiml" or (clustered and not ordinal)
    chosen_se = _standard_errors(se, default_se, casewise=casewise)
    chosen_test = default_test if test is None else one_of(_dotted(test), TESTS, "test")
    if missing == "pairwise" and not ordinal:
        raise InputError(
            "missing='pairwise' is for ordinal items, and no item is declared ordinal.",
            hint="Use missing='fiml', which uses every answer of continuous items.",
        )
    _check_missing(asked, missing, clustered=clustered, ordinal=ordinal, two_level=two_level)
    _check_likelihood(discrepancy, likelihood, chosen_se, chosen_test)
    if casewise and not ordinal and (chosen_se == "robust.sem" or chosen_test in GAMMA_TESTS):
        raise InputError(
            f"se={chosen_se!r} and test={chosen_test!r} are for complete, unclustered answers.",
            hint="Use estimator='MLR': robust.huber.white with yuan.bentler.mplus.",
        )
    if information is None:
        observed = casewise or chosen_se in ("robust.huber.white", "first.order")
        information = "observed" if observed else "expected"
    one_of(information, ("expected", "observed"), "information")
    return FitOptions(
        asked=asked,
        discrepancy=discrepancy,
        se=chosen_se,
        test=chosen_test,
        information=information,
        likelihood=likelihood,
        missing=missing,
        ordinal=ordinal,
        clustered=clustered,
        two_level=two_level,
    )


def _asked(estimator: str, *, ordinal: bool, weighted: bool) -> str:
    name = str(estimator).upper()
    if isinstance(estimator, DefaultEstimator):
        name = "WLSMV" if ordinal else "MLR" if weighted else name
    one_of(name, tuple(ESTIMATORS), "estimator")
    if name in ORDINAL_ONLY and not ordinal:
        raise InputError(
            f"estimator={name!r} is for ordinal items, and no item is declared ordinal.",
            hint="Pass ordered=True, or ordered=[...] with the ordinal items; for continuous "
            "items use estimator='MLR' or 'MLM'.",
        )
    if ordinal and ESTIMATORS[name][0] in ("ML", "GLS"):
        raise InputError(
            f"estimator={name!r} cannot be used with ordered items.",
            hint="Use estimator='WLSMV' (or 'ULSMV', 'WLS', 'DWLS'), or leave out ordered.",
        )
    return name


def _dotted(name: str) -> str:
    return str(name).lower().replace("_", ".").replace("-", ".")


def _standard_errors(se: str | None, default: str, *, casewise: bool) -> str:
    if se is None:
        return default
    name = _dotted(se)
    if name == "robust":
        return "robust.huber.white" if casewise or default == "robust.huber.white" else "robust.sem"
    name = {"sandwich": "robust.huber.white", "robust.mlr": "robust.huber.white"}.get(name, name)
    name = {"robust.mlm": "robust.sem"}.get(name, name)
    return one_of(name, STANDARD_ERRORS, "se")


def _check_missing(
    asked: str, missing: str, *, clustered: bool, ordinal: bool, two_level: bool
) -> None:
    if missing == "fiml" and asked not in ("ML", "MLR"):
        raise InputError(
            f"missing='fiml' cannot be combined with estimator={asked!r}.",
            hint="Full information maximum likelihood is estimator='ML' or 'MLR'.",
        )
    if clustered and ESTIMATORS[asked][0] in ("DWLS", "WLS", "ULS") and ordinal and two_level:
        return
    if clustered and ordinal and not two_level:
        raise InputError(
            "cluster= with ordered items needs a two-level model.",
            hint="Write 'level: 1' and 'level: 2' blocks; their standard errors allow for the "
            "clusters.",
        )
    if clustered and asked not in ("ML", "MLR"):
        raise InputError(
            f"cluster= cannot be combined with estimator={asked!r}.",
            hint="Two-level models are fitted by estimator='ML' or 'MLR'.",
        )


def _check_likelihood(discrepancy: str, likelihood: str, se: str, test: str) -> None:
    if likelihood == "wishart" and discrepancy != "ML":
        raise InputError(f"likelihood='wishart' has no meaning for {discrepancy}.")
    if discrepancy != "ML" and (se in ("robust.huber.white", "first.order") or test in SCORE_TESTS):
        raise InputError(
            f"se={se!r} and test={test!r} need a likelihood; {discrepancy} has none.",
            hint="Use se='robust.sem' and test='satorra.bentler' or 'scaled.shifted'.",
        )
