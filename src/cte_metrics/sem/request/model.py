"""What the caller of a fit asked for: every option by its name, checked, nothing settled yet.

``ModelRequest`` is built once, by the public functions, and travels with the fit, which can ask the
same of another text or of other data. ``FitKeywords`` are its options as
keywords.

Classes: ``ModelRequest``, ``ModelKeywords``, ``FitKeywords``. Functions: ``model_request``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.arguments import is_list
from cte_metrics.core.naming import name_text
from cte_metrics.core.randomness import Seed
from cte_metrics.errors import InputTypeError, one_of
from cte_metrics.kernels.factor.rotation import Method as Rotation
from cte_metrics.sem.model.moments import InformationKind
from cte_metrics.sem.table.options import GroupEqual

ModelType = Literal["sem", "cfa", "growth", "lavaan"]
OnFailure = Literal["raise", "warn", "return"]
EstimatorName = Literal[
    "ML", "MLM", "MLMV", "MLMVS", "MLR", "ULS", "ULSM", "ULSMV", "ULSMVS", "GLS", "WLS", "DWLS",
    "WLSM", "WLSMV", "WLSMVS",
]  # fmt: skip
Missing = Literal["listwise", "fiml", "pairwise"]
Identification = Literal["marker", "variance", "effects"]
Likelihood = Literal["normal", "wishart"]
Parameterization = Literal["delta", "theta"]
StandardErrors = Literal[
    "standard", "robust", "robust.sem", "robust.huber.white", "first.order", "bootstrap", "none"
]
TestName = Literal[
    "standard", "satorra.bentler", "scaled.shifted", "mean.var.adjusted", "yuan.bentler",
    "yuan.bentler.mplus", "bollen.stine", "none",
]  # fmt: skip
Bounds = Literal["none", "positive_variances"]

SYNONYMS = {
    "missing": {"ml": "fiml", "direct": "fiml"},
    "identification": {"std.lv": "variance", "std_lv": "variance"},
    "se": {
        "sandwich": "robust.huber.white",
        "robust.mlr": "robust.huber.white",
        "robust.mlm": "robust.sem",
        "boot": "bootstrap",
    },
    "test": {"bootstrap": "bollen.stine", "boot": "bollen.stine"},
}


class ModelKeywords(TypedDict, total=False):
    """Options of ``sem.fit`` but its groups and clusters, for functions that hand them on."""

    estimator: EstimatorName | None
    missing: Missing
    ordered: bool | Sequence[str]
    group_partial: str | Sequence[str]
    identification: Identification
    orthogonal: bool
    meanstructure: bool | None
    fixed_x: bool | None
    likelihood: Likelihood
    information: InformationKind | None
    parameterization: Parameterization
    se: StandardErrors | None
    test: TestName | None
    rotation: Rotation
    weights: Any
    bounds: Bounds
    on_failure: OnFailure
    start: Array | None
    n_resamples: int
    rng: Seed
    sample_cov: Any
    sample_mean: Any
    n_obs: Any


class FitKeywords(ModelKeywords, total=False):
    """All options of ``sem.fit``."""

    group: Any
    group_equal: GroupEqual | Sequence[GroupEqual]
    cluster: Any


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModelRequest:
    """What was asked of a model; ``None`` leaves an option to the rule of ``settle_options``.

    ``text`` is the model; the other fields are the options of ``sem.fit``.

    Created by: ``cte_metrics.sem.request.model.model_request``.
    Consumed by: ``cte_metrics.sem.request.options.settle_options``,
    ``cte_metrics.sem.solving.solve_request``, ``cte_metrics.sem.semfit.SEMFit``.
    """

    text: str
    model_type: ModelType = "sem"
    estimator: EstimatorName | None = None
    missing: Missing = "listwise"
    ordered: bool | tuple[str, ...] = ()
    group: Any = None
    group_equal: tuple[str, ...] = ()
    group_partial: tuple[str, ...] = ()
    cluster: Any = None
    identification: Identification = "marker"
    orthogonal: bool = False
    meanstructure: bool | None = None
    fixed_x: bool | None = None
    likelihood: Likelihood = "normal"
    information: InformationKind | None = None
    parameterization: Parameterization = "delta"
    se: StandardErrors | None = None
    test: TestName | None = None
    rotation: Rotation = "geomin"
    weights: Any = None
    bounds: Bounds = "none"
    on_failure: OnFailure = "raise"
    start: Array | None = None
    n_resamples: int = 1000
    rng: Seed = None


def model_request(text: str, **options: Any) -> ModelRequest:
    """Check every option by itself and write it under its usual name.

    Raises
    ------
    InputError
        If an option is none of those that there are.
    """
    found = dict(options)
    for name, (allowed, write) in CHOICES.items():
        if found.get(name) is not None:
            found[name] = _chosen(found[name], name, allowed, write)
    for name in ("group_equal", "group_partial"):
        found[name] = _names(found.get(name, ()), name)
    ordered = found.get("ordered", ())
    found["ordered"] = (
        bool(ordered) if isinstance(ordered, bool | int | np.bool_) else _names(ordered, "ordered")
    )
    if found.get("start") is not None:
        found["start"] = np.array(found["start"], dtype=np.float64)
    return ModelRequest(text=text, **found)


def _plain(name: str) -> str:
    return name


def _dotted(name: str) -> str:
    return name.lower().replace("_", ".").replace("-", ".")


CHOICES: dict[str, tuple[Any, Callable[[str], str]]] = {
    "model_type": (ModelType, _plain),
    "estimator": (EstimatorName, str.upper),
    "missing": (Missing, _plain),
    "identification": (Identification, _plain),
    "likelihood": (Likelihood, _plain),
    "information": (InformationKind, _plain),
    "parameterization": (Parameterization, _plain),
    "se": (StandardErrors, _dotted),
    "test": (TestName, _dotted),
    "rotation": (Rotation, _plain),
    "bounds": (Bounds, _plain),
    "on_failure": (OnFailure, _plain),
}


def _chosen(value: object, name: str, allowed: Any, write: Callable[[str], str]) -> str:
    if not isinstance(value, str):
        raise InputTypeError(f"{name} is a name; got {type(value).__name__}.")
    written = write(value)
    return one_of(SYNONYMS.get(name, {}).get(written, written), allowed, name)


def _names(value: Any, option: str) -> tuple[str, ...]:
    if not is_list(value):
        raise InputTypeError(f"{option} takes names; got {type(value).__name__} {value!r}.")
    return tuple(map(name_text, (value,) if isinstance(value, str) else value))
