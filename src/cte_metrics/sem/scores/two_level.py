"""Factor scores of a two-level model: of the cases at level 1, of the clusters at level 2.

The random parts b of a cluster are estimated by their expectation given all answers in it. The
factors of level 2 are then scored from E(b) (and the cluster's own variables), those of level 1
from y - E(b), each with the weights of its level. At level 2 this is E(eta | data), the empirical
Bayes mean, which shrinks small clusters towards the mean.

lavaan sets variables of level 2 only to zero when it scores level 2; here they have their values.

Reference: Skrondal, A. & Rabe-Hesketh, S. (2004). Generalized latent variable modeling, ch. 7.
CRC.

Functions: ``two_level_scores``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cte_metrics.errors import InputError
from cte_metrics.sem.estimators.two_level import TwoLevel
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.scores.linear import Method, linear_scores

if TYPE_CHECKING:
    import pandas as pd


def two_level_scores(solution: Solution, method: Method, level: int) -> pd.DataFrame:
    """Score the factors of one level.

    Parameters
    ----------
    method : {"regression", "bartlett", "ebm"}
        ``ebm`` equals ``regression``.
    level : {1, 2}
        Cases or clusters.

    Returns
    -------
    DataFrame
        Level 1: a row a case, index of the data. Level 2: a row a cluster, in order of first
        appearance, indexed by the clusters' names (and groups, where there are several).
    """
    import pandas as pd

    estimator = solution.estimator
    assert isinstance(estimator, TwoLevel)  # ordinal items are refused before
    frames = []
    for g, sample in enumerate(estimator.samples):
        block = 2 * g + level - 1
        names = solution.table.blocks[block].lv_names
        if not names:
            raise InputError(f"The model has no latent variables at level {level}.")
        within, between = (solution.states[2 * g + k] for k in (0, 1))
        moments = sample.level_moments(within.moments, between.moments)
        expected = sample.expected_random_parts(moments)
        if level == 1:
            spread = np.zeros((sample.n_clusters, expected.shape[1] + len(sample.within_names)))
            spread[:, sample.place] = expected
            deviations = sample.y - moments.mean_within
            deviations = deviations - spread[sample.codes, : len(sample.within_names)]
        else:
            deviations = expected - moments.mean_between
        scores = linear_scores(solution.states[block], deviations, bartlett=method == "bartlett")[
            :, : len(names)
        ]
        frames.append(pd.DataFrame(scores, columns=list(names)))
    if level == 2:
        return _clusters(solution, frames)
    rows = np.concatenate([s.rows for s in estimator.samples if s.rows is not None])
    order = np.argsort(rows, kind="stable")
    out = pd.concat(frames).iloc[order]
    labels = solution.data.index
    out.index = pd.RangeIndex(len(out)) if labels is None else pd.Index(labels)[rows[order]]
    return out


def _clusters(solution: Solution, frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    estimator = solution.estimator
    assert isinstance(estimator, TwoLevel)  # ordinal items are refused before
    name = solution.data.cluster_name or "cluster"
    out = pd.concat(frames)
    clusters = [label for s in estimator.samples for label in s.labels]
    if len(estimator.samples) == 1:
        out.index = pd.Index(clusters, name=name)
        return out
    groups = [s.label for s in estimator.samples for _ in s.labels]
    out.index = pd.MultiIndex.from_arrays(
        [groups, clusters], names=[solution.data.group_name or "group", name]
    )
    return out
