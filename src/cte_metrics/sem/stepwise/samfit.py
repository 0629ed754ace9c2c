"""The result of a fit in two steps.

Classes: ``SAMFit``. Functions: ``make_result``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cte_metrics.results.base import Result
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.status import Status
from cte_metrics.sem.fit.measures import fit_measures
from cte_metrics.sem.inference.frames import parameter_frame, vcov_frame
from cte_metrics.sem.semfit import SEMFit
from cte_metrics.sem.stepwise.options import SAMMethod
from cte_metrics.sem.stepwise.steps import TwoSteps
from cte_metrics.sem.verdict import Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "chisq", "df", "pvalue", "chisq_scaled", "pvalue_scaled", "cfi", "cfi_robust", "rmsea",
    "rmsea_robust", "srmr",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SAMFit(Result):
    """A structural model fitted after its measurement part.

    Attributes
    ----------
    parameters : DataFrame
        The structural part, with the columns of ``SEMFit.parameters``: regressions, (co)variances
        and means of the latent variables and of observed ones that are no indicators, defined
        parameters last.
    vcov : DataFrame
        Covariance matrix of the free structural parameters; nan where it is not defined.
    measurement : dict of str to SEMFit
        The measurement blocks, each by the names of its factors; their standard errors are those
        of the blocks.
    reliability : Series
        Reliability of the factor scores that stand for each factor, ``Var(eta) / M S M'``, by
        factor; with groups by group and factor. At most 1; below 0 for a factor whose variance is
        negative.
    fit_measures : dict of str to float
        Of the structural part given the latent covariances (``method="local"``), or of the whole
        model at the estimates of both steps (``"global"``), by lavaan's names with underscores.
        Figures with ``_scaled`` and ``_robust`` take in that the latent covariances are estimates;
        the others take them as known. There are only the others with ``missing="fiml"``, for
        Moments, and where loadings are equal across groups.

    References
    ----------
    Rosseel, Y. & Loh, W. W. (2022). A structural after measurement approach to structural equation
    modeling. Psychological Methods.
    """

    _title: ClassVar[str] = "Structural after measurement"

    parameters: pd.DataFrame
    vcov: pd.DataFrame
    measurement: dict[str, SEMFit]
    reliability: pd.Series
    fit_measures: dict[str, float]

    @property
    def table(self) -> pd.DataFrame:
        """The structural parameters, for ``to_frame``."""
        return self.parameters

    def _blocks(self) -> list[Block]:
        shown = [(k, self.fit_measures[k]) for k in SHOWN if k in self.fit_measures]
        columns = ["lhs", "op", "rhs", "est", "se", "z", "pvalue", "std_all"]
        table = self.parameters
        if table["group"].max() > 1:
            columns.insert(3, "group")
        return [
            Block("Fit", shown),
            Block("Structural part", table[columns]),
            Block("Measurement part", _measurement_frame(self.measurement)),
            Block("Reliability", self.reliability),
        ]


def make_result(steps: TwoSteps, method: SAMMethod) -> SAMFit:
    """Judge both steps and gather their figures.

    Raises
    ------
    EstimationError, IdentificationError
        If a block or the structural part has no solution.
    """
    blocks = {name: SEMFit.of(block) for name, block in steps.blocks.items()}
    verdict = judge(steps.structural)
    whole = steps.structural if method == "local" else steps.joint
    return SAMFit(
        parameters=_parameters(steps),
        vcov=_vcov(steps),
        measurement=blocks,
        reliability=_reliability(steps),
        fit_measures=fit_measures(whole),
        status=_status(blocks, verdict),
        notes=_notes(steps, blocks, verdict, method),
        provenance=Provenance(
            method=f"Structural after measurement ({method}), {steps.joint.options.asked}",
            n_used=steps.joint.data.n_used,
            n_dropped=steps.joint.data.n_dropped,
            settings={
                "model": steps.joint.request.text,
                "groups": list(steps.joint.data.labels) if len(steps.latent) > 1 else [],
            },
            reference="Rosseel, Y. & Loh, W. W. (2022). A structural after measurement approach "
            "to structural equation modeling. Psychological Methods.",
        ),
    )


def _parameters(steps: TwoSteps) -> pd.DataFrame:
    frame = parameter_frame(steps.joint, 0.95)
    keep = np.ones(len(frame), dtype=bool)
    keep[: len(steps.parts.structural)] = steps.parts.structural
    return frame[keep].reset_index(drop=True)


def _vcov(steps: TwoSteps) -> pd.DataFrame:
    table = steps.joint.table
    own = table.free[steps.parts.structural]
    at = own[own > 0] - 1
    return vcov_frame(steps.joint).iloc[at, at]


def _reliability(steps: TwoSteps) -> pd.Series:
    import pandas as pd

    labels, scene = steps.joint.data.labels, steps.scene
    several = len(steps.latent) > 1
    values = {
        (labels[g], name) if several else name: float(value)
        for g, latent in enumerate(steps.latent)
        for name, value in zip(scene.every, latent.reliability, strict=True)
        if name in scene.factors
    }
    found = pd.Series(values, name="reliability")
    found.index.names = ["group", "factor"] if several else ["factor"]
    return found


def _measurement_frame(blocks: Mapping[str, SEMFit]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {k: fit.fit_measures[k] for k in ("npar", "chisq", "df", "pvalue")}
        for fit in blocks.values()
    ]
    return pd.DataFrame(rows, index=pd.Index(list(blocks), name="block"))


def _status(blocks: Mapping[str, SEMFit], verdict: Verdict) -> Status:
    every = [*(fit.status for fit in blocks.values()), verdict.status]
    return next((s for s in every if s is not Status.CONVERGED), Status.CONVERGED)


def _notes(
    steps: TwoSteps, blocks: Mapping[str, SEMFit], verdict: Verdict, method: SAMMethod
) -> tuple[str, ...]:
    shared = (*steps.joint.data.notes, *steps.joint.estimator.notes)
    notes = [*shared]
    for name, fit in blocks.items():
        notes += [f"Measurement block of {name}: {n}" for n in fit.notes if n not in shared]
    notes += [n for n in verdict.notes if n not in shared]
    if steps.joint.resamples is not None:
        notes += steps.joint.resamples.notes
    if steps.parts.left_out:
        notes.append(
            f"In no regression, and so not in the structural part: "
            f"{', '.join(steps.parts.left_out)}."
        )
    if method == "global":
        notes.append(
            "Fit measures are those of the whole model at the estimates of two steps, where its "
            "chi-square is not at its minimum: the test rejects too often."
        )
    elif "chisq_scaled" not in fit_measures(steps.structural):
        notes.append(
            "The test of the structural part takes the latent covariances as known, which makes "
            "its chi-square too large."
        )
    if method == "local":
        notes += [
            f"Only {latent.share:.3f} of the error variance was taken off the covariances of the "
            "factors, which would not be positive definite otherwise (Fuller's correction)."
            for latent in steps.latent
            if latent.share < 1.0
        ]
    return tuple(dict.fromkeys(notes))
