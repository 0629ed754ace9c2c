"""semopy as a peer of structural.py."""

import warnings

from timing import TWO_FACTORS, received, serve

# isort: split
import semopy

warnings.simplefilter("ignore")
x = received("small")


def cfa() -> None:
    model = semopy.Model(TWO_FACTORS)
    model.fit(x)
    semopy.calc_stats(model)
    model.inspect(std_est=True)


serve({"CFA ML with fit measures and tables, 2,000 x 12": cfa})
