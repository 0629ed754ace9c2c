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

Classes: ``FitOptions``. Functions: ``settle_options``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.request.model import (
    EstimatorName,
    Likelihood,
    Missing,
    ModelRequest,
    StandardErrors,
    TestName,
)
from cte_metrics.sem.table.table import ParameterTable

Discrepancy = Literal["ML", "GLS", "ULS", "WLS", "DWLS"]

ESTIMATORS: dict[EstimatorName, tuple[Discrepancy, StandardErrors, TestName]] = {
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
FEWEST = 2
ORDINAL_ONLY = ("WLSM", "WLSMV", "WLSMVS")
GAMMA_TESTS = ("satorra.bentler", "scaled.shifted", "mean.var.adjusted")
SCORE_TESTS = ("yuan.bentler", "yuan.bentler.mplus")


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Settled options of one fit: what the request says, and what follows where it is silent.

    ``asked`` is the estimator by name, ``discrepancy`` the function minimised, ``test`` the scaled
    test or ``standard``.

    Created by: ``cte_metrics.sem.request.options.settle_options``.
    Consumed by: ``cte_metrics.sem.estimators.choice.make_estimator``,
    ``cte_metrics.sem.inference.solved.Solved``.
    """

    asked: EstimatorName
    discrepancy: Discrepancy
    se: StandardErrors
    test: TestName
    information: InformationKind
    likelihood: Likelihood
    missing: Missing
    ordinal: bool
    clustered: bool
    two_level: bool

    @property
    def fixes_covariates(self) -> bool:
        """Lavaan's default of ``fixed_x``: on, except for least squares on continuous items."""
        return self.discrepancy == "ML" or self.ordinal

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


def settle_options(request: ModelRequest, outline: ParameterTable) -> FitOptions:
    """Fill in what the estimator's name implies, and refuse what contradicts itself.

    Raises
    ------
    InputError
        If two options contradict each other.
    """
    ordinal = _has_ordinal(request, outline)
    clustered, two_level = request.cluster is not None, outline.n_levels > 1
    asked = _asked(request, ordinal=ordinal)
    discrepancy, default_se, default_test = ESTIMATORS[asked]
    if clustered and not two_level and asked == "ML":
        default_se, default_test = ESTIMATORS["MLR"][1:]
    missing, likelihood = request.missing, request.likelihood
    casewise = missing == "fiml" or (clustered and not ordinal)
    se = _standard_errors(request.se, default_se, casewise=casewise)
    test = request.test or default_test
    if missing == "pairwise" and not ordinal:
        raise InputError(
            "missing='pairwise' is for ordinal items, and no item is declared ordinal.",
            hint="Use missing='fiml', which uses every answer of continuous items.",
        )
    _check_missing(asked, missing, clustered=clustered, ordinal=ordinal, two_level=two_level)
    _check_likelihood(discrepancy, likelihood, se, test)
    if casewise and not ordinal and (se == "robust.sem" or test in GAMMA_TESTS):
        raise InputError(
            f"se={se!r} and test={test!r} are for complete, unclustered answers.",
            hint="Use estimator='MLR': robust.huber.white with yuan.bentler.mplus.",
        )
    _check_resampling(request, test, casewise=casewise or ordinal)
    observed = casewise or se in ("robust.huber.white", "first.order")
    return FitOptions(
        asked=asked,
        discrepancy=discrepancy,
        se=se,
        test=test,
        information=request.information or ("observed" if observed else "expected"),
        likelihood=likelihood,
        missing=missing,
        ordinal=ordinal,
        clustered=clustered,
        two_level=two_level,
    )


def _has_ordinal(request: ModelRequest, outline: ParameterTable) -> bool:
    """Whether any item is ordinal; exogenous covariates are numbers, however they are declared."""
    if isinstance(request.ordered, bool) and request.ordered:
        return True
    named = request.ordered if isinstance(request.ordered, tuple) else ()
    return "|" in outline.op or bool(set(named) - set(outline.ov_x))


def _asked(request: ModelRequest, *, ordinal: bool) -> EstimatorName:
    name = request.estimator
    if name is None:
        return "WLSMV" if ordinal else "MLR" if request.weights is not None else "ML"
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


def _check_resampling(request: ModelRequest, test: TestName, *, casewise: bool) -> None:
    if request.se != "bootstrap" and test != "bollen.stine":
        return
    asked = "se='bootstrap'" if request.se == "bootstrap" else "test='bollen.stine'"
    if not isinstance(request.n_resamples, int | np.integer):
        raise InputTypeError(f"n_resamples is a whole number; got {request.n_resamples!r}.")
    if request.n_resamples < FEWEST:
        raise InputError(
            f"n_resamples={request.n_resamples}; {asked} needs at least {FEWEST} resamples."
        )
    if test == "bollen.stine" and casewise:
        raise InputError(
            "test='bollen.stine' is for complete, unclustered answers to continuous items.",
            hint="Use estimator='MLR' (clusters, missing answers) or 'WLSMV' (ordinal items).",
        )


def _standard_errors(
    se: StandardErrors | None, default: StandardErrors, *, casewise: bool
) -> StandardErrors:
    if se != "robust":
        return se or default
    return "robust.huber.white" if casewise or default == "robust.huber.white" else "robust.sem"


def _check_missing(
    asked: EstimatorName, missing: Missing, *, clustered: bool, ordinal: bool, two_level: bool
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


def _check_likelihood(
    discrepancy: Discrepancy, likelihood: Likelihood, se: StandardErrors, test: TestName
) -> None:
    if likelihood == "wishart" and discrepancy != "ML":
        raise InputError(f"likelihood='wishart' has no meaning for {discrepancy}.")
    if discrepancy != "ML" and (se in ("robust.huber.white", "first.order") or test in SCORE_TESTS):
        raise InputError(
            f"se={se!r} and test={test!r} need a likelihood; {discrepancy} has none.",
            hint="Use se='robust.sem' and test='satorra.bentler' or 'scaled.shifted'.",
        )
