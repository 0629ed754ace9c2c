"""factor_analyzer as a peer of exploratory_factors.py; its ``fit`` needs scikit-learn < 1.8."""

import warnings

from timing import received, serve

# isort: split
from factor_analyzer import FactorAnalyzer

warnings.simplefilter("ignore")
x = received("answers")


def efa() -> None:
    FactorAnalyzer(2, method="minres", rotation="oblimin").fit(x)


efa()
serve({"EFA minres + oblimin, 2,000 x 21": efa})
