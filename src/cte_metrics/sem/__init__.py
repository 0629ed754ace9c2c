"""Structural equation models: lavaan's syntax, estimators and figures.

``fit`` a model, ``compare`` fits; ``cfa``, ``growth`` and ``lavaan`` differ from ``fit`` in their
defaults. ``sam`` fits the measurement part first, then the structural part.
"""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.sem.comparison import compare as compare
    from cte_metrics.sem.fitting import cfa as cfa
    from cte_metrics.sem.fitting import fit as fit
    from cte_metrics.sem.fitting import growth as growth
    from cte_metrics.sem.fitting import lavaan as lavaan
    from cte_metrics.sem.inference.modification import ScoreTest as ScoreTest
    from cte_metrics.sem.inference.wald import WaldTest as WaldTest
    from cte_metrics.sem.semfit import SEMFit as SEMFit
    from cte_metrics.sem.stepwise.after_measurement import sam as sam
    from cte_metrics.sem.stepwise.samfit import SAMFit as SAMFit

attach(
    __name__,
    {
        "fitting": ["cfa", "fit", "growth", "lavaan"],
        "comparison": ["compare"],
        "inference.modification": ["ScoreTest"],
        "inference.wald": ["WaldTest"],
        "semfit": ["SEMFit"],
        "stepwise.after_measurement": ["sam"],
        "stepwise.samfit": ["SAMFit"],
    },
)
