"""Surveys drawn from known parameters, and the bundled simulated example."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.simulation.draw import SimulatedSurvey as SimulatedSurvey
    from cte_metrics.simulation.draw import simulate_responses as simulate_responses
    from cte_metrics.simulation.draw import simulate_survey as simulate_survey
    from cte_metrics.simulation.example import load_example as load_example

attach(
    __name__,
    {
        "draw": ["SimulatedSurvey", "simulate_responses", "simulate_survey"],
        "example": ["load_example"],
    },
)
