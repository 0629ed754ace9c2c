"""Quality of answers and of figures: multivariate normality, a second opinion by peers."""

from typing import TYPE_CHECKING

from cte_metrics._lazy import attach

if TYPE_CHECKING:
    from cte_metrics.quality.multinormality import HenzeZirkler as HenzeZirkler
    from cte_metrics.quality.multinormality import Mardia as Mardia
    from cte_metrics.quality.multinormality import henze_zirkler as henze_zirkler
    from cte_metrics.quality.multinormality import mardia as mardia
    from cte_metrics.quality.peers import SecondOpinion as SecondOpinion
    from cte_metrics.quality.peers import second_opinion as second_opinion

attach(
    __name__,
    {
        "multinormality": ["HenzeZirkler", "Mardia", "henze_zirkler", "mardia"],
        "peers": ["SecondOpinion", "second_opinion"],
    },
)
