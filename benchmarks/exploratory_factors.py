"""EFA and parallel analysis from raw answers, beside psych, factor_analyzer and Wishart draws."""

from __future__ import annotations

import timing
from timing import Here, Peer, items, race, survey

# isort: split
import numpy as np

from cte_metrics.factor import efa, n_factors


def wishart(n: int, k: int, draws: int) -> np.ndarray:
    """The 95th percentiles of the eigenvalues of random correlation matrices."""
    rng = np.random.default_rng(1)
    values = []
    for _ in range(draws):
        root = np.tril(rng.standard_normal((k, k)), -1)
        root[np.diag_indices(k)] = np.sqrt(rng.chisquare(n - 1 - np.arange(k)))
        cross = root @ root.T
        scale = 1 / np.sqrt(np.diag(cross))
        values.append(np.linalg.eigvalsh(cross * np.outer(scale, scale)))
    return np.percentile(values, 95, axis=0)


def run() -> None:
    data = items(survey(100, 20, 21))
    psych = Peer.r("exploratory_factors", {"answers": data})
    other = Peer.python("factor_analyzer", {"answers": data})
    task = "EFA minres + oblimin, 2,000 x 21"
    race(task, lambda: efa(data, 2), psych, at_least=3, name="psych")
    race(task, lambda: efa(data, 2), other, at_least=3)

    def parallel():
        return n_factors(data, methods=("parallel",), n_resamples=1000, rng=1)

    task = "parallel analysis, 1,000 resamples, 2,000 x 21"
    race(task, parallel, psych, at_least=100, name="psych")
    race(
        task,
        parallel,
        Here("Wishart draws in numpy, components only", lambda: wishart(2000, 21, 1000)),
        at_least=1,
    )


if __name__ == "__main__":
    timing.main(run)
