"""The door for randomness."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.core.randomness import generator
from cte_metrics.reliability import cronbach_alpha


def test_a_seed_repeats_and_a_generator_is_used_as_it_is():
    assert generator(5).random() == generator(5).random()
    own = np.random.default_rng(1)
    assert generator(own) is own


@pytest.mark.parametrize(("rng", "error"), [("a", cte.InputTypeError), (-1, cte.InputError)])
def test_what_is_no_seed_is_refused(rng, error):
    answers = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 3, 5]})
    with pytest.raises(error, match=f"rng.*{rng}"):
        cronbach_alpha(answers, interval="bootstrap", n_resamples=10, rng=rng)
