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
    from cte_metrics import aggregation as aggregation
    from cte_metrics import factor as factor
    from cte_metrics import planning as planning
    from cte_metrics import quality as quality
    from cte_metrics import reliability as reliability
    from cte_metrics import scoring as scoring
    from cte_metrics import sem as sem
    from cte_metrics.core.files.ingest import read_responses as read_responses
    from cte_metrics.core.instrument.instrument import Instrument as Instrument
    from cte_metrics.core.instrument.parts import Item as Item
    from cte_metrics.core.instrument.parts import Subscale as Subscale
    from cte_metrics.core.instrument.registry import list_instruments as list_instruments
    from cte_metrics.core.instrument.registry import load_instrument as load_instrument
    from cte_metrics.core.instrument.response_scale import ResponseScale as ResponseScale
    from cte_metrics.core.survey.responses import Responses as Responses
    from cte_metrics.errors import CTEError as CTEError
    from cte_metrics.errors import CTEWarning as CTEWarning
    from cte_metrics.errors import DataWarning as DataWarning
    from cte_metrics.errors import EstimationError as EstimationError
    from cte_metrics.errors import IdentificationError as IdentificationError
    from cte_metrics.errors import ImproperSolutionWarning as ImproperSolutionWarning
    from cte_metrics.errors import InputError as InputError
    from cte_metrics.errors import InputTypeError as InputTypeError
    from cte_metrics.errors import InstrumentError as InstrumentError
    from cte_metrics.errors import MissingExtraError as MissingExtraError
    from cte_metrics.errors import ModelSyntaxError as ModelSyntaxError
    from cte_metrics.errors import NonConvergenceWarning as NonConvergenceWarning
    from cte_metrics.errors import UnknownNameError as UnknownNameError
    from cte_metrics.report.records import from_dict as from_dict
    from cte_metrics.report.validation import Validation as Validation
    from cte_metrics.report.validation import validate as validate
    from cte_metrics.results.estimate import Interval as Interval
    from cte_metrics.simulation import load_example as load_example
    from cte_metrics.simulation import simulate_responses as simulate_responses
    from cte_metrics.summaries.moments import Moments as Moments

__version__ = "0.1.0"

attach(
    __name__,
    {
        "core.instrument.instrument": ["Instrument"],
        "core.instrument.parts": ["Item", "Subscale"],
        "core.instrument.response_scale": ["ResponseScale"],
        "core.instrument.registry": ["list_instruments", "load_instrument"],
        "core.survey.responses": ["Responses"],
        "core.files.ingest": ["read_responses"],
        "simulation": ["load_example", "simulate_responses"],
        "results.estimate": ["Interval"],
        "summaries.moments": ["Moments"],
        "report.records": ["from_dict"],
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
    submodules=["aggregation", "factor", "planning", "quality", "reliability", "scoring", "sem"],
)
