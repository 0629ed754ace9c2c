"""Alpha and omega beside psych, lavaan and semTools, and alpha beside one cross-product."""

from __future__ import annotations

import timing
from timing import Here, Peer, items, peak, race, state, survey

# isort: split
import numpy as np

from cte_metrics.kernels.numerics.distributions import f_quantile
from cte_metrics.reliability import cronbach_alpha, hierarchical_omega, mcdonald_omega


def small_samples(peer: Peer, small) -> None:
    """The coefficients of 2,000 respondents."""
    twelve = small.iloc[:, :12]
    race("alpha, 2,000 x 21", lambda: cronbach_alpha(small), peer, at_least=20, name="psych")
    race(
        "bootstrap interval of alpha, 2,000 resamples",
        lambda: cronbach_alpha(small, interval="bootstrap", n_resamples=2000, rng=1),
        peer,
        at_least=40,
        name="psych",
    )
    race(
        "omega hierarchical, 3 group factors, 21 items",
        lambda: hierarchical_omega(small, 3),
        peer,
        at_least=5,
        name="psych",
    )
    race(
        "ordinal omega, 21 items",
        lambda: mcdonald_omega(small, ordinal=True),
        peer,
        at_least=10,
        name="semTools",
    )
    race(
        "bootstrap interval of omega, 100 refits",
        lambda: mcdonald_omega(twelve, interval="bootstrap", n_resamples=100, rng=1),
        peer,
        at_least=20,
        name="lavaan",
    )


def one_pass(x: np.ndarray) -> tuple:
    """Alpha, its interval and the item table from one covariance matrix: the arithmetic needed."""
    n, k = x.shape
    c = np.cov(x, rowvar=False)
    total, rows, own = c.sum(), c.sum(axis=0), np.diag(c)
    alpha = k / (k - 1) * (1 - own.sum() / total)
    rest = total - 2 * rows + own
    interval = [1 - (1 - alpha) * f_quantile(q, n - 1, (n - 1) * (k - 1)) for q in (0.975, 0.025)]
    dropped = (k - 1) / (k - 2) * (1 - (own.sum() - own) / rest)
    return alpha, interval, (rows - own) / np.sqrt(own * rest), dropped


def million(peer: Peer, large) -> None:
    """A million respondents: psych, one cross-product, a yardstick, and memory."""
    task = "alpha, 1,000,000 x 21"
    floats = large.astype(float)
    matrix = np.ascontiguousarray(floats.to_numpy())
    product = Here("one X'X", lambda: matrix.T @ matrix)
    race(task, lambda: cronbach_alpha(large), peer, at_least=150, name="psych")
    for kind, data in {"int8": large, "float64": floats}.items():
        race(f"{task}, {kind}", lambda data=data: cronbach_alpha(data), product, at_most=6)
        yardstick = Here("one pass in numpy", lambda: one_pass(matrix))
        race(f"{task}, {kind}", lambda data=data: cronbach_alpha(data), yardstick, at_least=1)
        if timing.wanted(task):
            ratio = peak(lambda data=data: cronbach_alpha(data)) / matrix.nbytes
            state(f"peak memory of {task}, {kind}", ratio, at_most=3, peer="raw float64 answers")


def run() -> None:
    small, large = items(survey(100, 20, 21)), items(survey(50_000, 20, 21))
    peer = Peer.r("reliability", {"small": small, "large": large})
    small_samples(peer, small)
    million(peer, large)


if __name__ == "__main__":
    timing.main(run)
