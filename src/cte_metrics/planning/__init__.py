"""How many teachers and schools a survey needs."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.planning.schools import SchoolPlan as SchoolPlan
    from cte_metrics.planning.schools import schools as schools

attach(__name__, {"schools": ["SchoolPlan", "schools"]})
