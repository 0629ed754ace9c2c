"""cte_metrics: measurement of Collective Teacher Efficacy.

Scores, reliability, factor models and school-level aggregation of survey answers, with the
evidence behind each figure. The public names are loaded when first used.

Examples
--------
>>> import cte_metrics as cte
>>> cte.Interval(0.2, 0.4, 0.95).high
0.4
"""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics import (
        aggregation,
        factor,
        quality,
        reliability,
        scoring,
        sem,
    )
    from cte_metrics.core.instrument import Instrument, Item, ResponseScale, Subscale
    from cte_metrics.core.ingest import read_responses
    from cte_metrics.core.registry import list_instruments, load_instrument
    from cte_metrics.core.responses import Responses
    from cte_metrics.errors import CTEError, CTEWarning
    from cte_metrics.report.validation import Validation, validate
    from cte_metrics.results import Interval, Moments
    from cte_metrics.simulation import load_example, simulate_responses

__version__ = "0.1.0"

__getattr__, __dir__, _public = attach(
    __name__,
    {
        "core.instrument": ["Instrument", "Item", "ResponseScale", "Subscale"],
        "core.registry": ["list_instruments", "load_instrument"],
        "core.responses": ["Responses"],
        "core.ingest": ["read_responses"],
        "simulation": ["load_example", "simulate_responses"],
        "results": ["Interval", "Moments"],
        "report.validation": ["Validation", "validate"],
        "errors": [
            "CTEError",
            "CTEWarning",
            "DataWarning",
            "EstimationError",
            "IdentificationError",
            "ImproperSolutionWarning",
            "InputError",
            "InputTypeError",
            "InstrumentError",
            "MissingExtraError",
            "ModelSyntaxError",
            "NonConvergenceWarning",
            "UnknownNameError",
        ],
    },
    submodules=["aggregation", "factor", "quality", "reliability", "scoring", "sem"],
)

__all__ = [*_public, "__version__"]  # noqa: PLE0604
