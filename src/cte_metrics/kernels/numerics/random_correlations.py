r"""Correlation matrices of unrelated variables, drawn in batches.

Normal variables: with n respondents the cross-product matrix about the mean has a Wishart
distribution with n - 1 degrees of freedom, so it is drawn directly as ``A A'`` with A lower
triangular, standard normal below the diagonal and chi variables on it (Bartlett 1933). The cost
does not depend on n.

Ordered answers: each item's answers are put in random order, which keeps its category proportions
and removes every association. The polychoric correlation of such a pair is close to zero, where one
scoring step from zero gives it without iteration: with the scores
``a_c = (pdf(t_c-1) - pdf(t_c)) / p_c`` of the categories, ``r = mean(a b) / (mean a^2  mean b^2)``.

References
----------
Bartlett, M. S. (1933). On the theory of statistical regression. Proceedings of the Royal Society
    of Edinburgh, 53, 260-283.

Functions: ``normal_correlations, shuffled_correlations, category_scores``.
"""

from __future__ import annotations

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import normal_pdf, normal_quantile


def normal_correlations(
    n_respondents: int, n_items: int, n_draws: int, rng: np.random.Generator
) -> Array:
    """Correlation matrices (n_draws, p, p) of independent normal variables."""
    root = np.zeros((n_draws, n_items, n_items))
    below = np.tril_indices(n_items, -1)
    root[:, below[0], below[1]] = rng.standard_normal((n_draws, below[0].size))
    freedom = n_respondents - 1 - np.arange(n_items)
    place = np.arange(n_items)
    root[:, place, place] = np.sqrt(rng.chisquare(freedom, (n_draws, n_items)))
    root /= np.sqrt((root * root).sum(axis=2, keepdims=True))
    return np.asarray(root @ np.swapaxes(root, 1, 2))


def category_scores(values: Array) -> Array:
    """Normal scores of the answers divided by their information, (n, p); see the module."""
    scores = np.empty_like(values)
    for j, answers in enumerate(values.T):
        _, code, count = np.unique(answers, return_inverse=True, return_counts=True)
        share = count / count.sum()
        edge = normal_pdf(normal_quantile(np.concatenate([[0.0], np.cumsum(share)[:-1], [1.0]])))
        score = -np.diff(edge) / share
        scores[:, j] = (score / float(share @ score**2))[code]
    return scores


def shuffled_correlations(
    values: Array, n_draws: int, rng: np.random.Generator, *, polychoric: bool
) -> Array:
    """Correlation matrices (n_draws, p, p) of ``values`` (n, p) with each column in random order.

    ``polychoric`` gives the one-step polychorics of the module, else product-moment correlations.
    """
    n, p = values.shape
    if polychoric:
        columns = category_scores(values) / np.sqrt(n)
    else:
        columns = values - values.mean(axis=0)
        columns = columns / np.sqrt((columns * columns).sum(axis=0))
    columns = np.ascontiguousarray(columns.T)
    out = np.empty((n_draws, p, p))
    for draw in range(n_draws):
        mixed = rng.permuted(columns, axis=1)
        out[draw] = mixed @ mixed.T
    place = np.arange(p)
    out[:, place, place] = 1.0
    return out
