"""An option that names what is not there is refused by its name."""

from __future__ import annotations

import pytest

import cte_metrics as cte


def test_picture_of_an_unknown_scale_or_column_is_refused() -> None:
    survey = cte.load_example().at_wave(1)
    with pytest.raises(cte.InputError, match=r"scale='totl' is not one of .* mean 'total'"):
        cte.aggregation.aggregate(survey).plot(scale="totl")
    with pytest.raises(cte.InputError, match=r"column='rwgj' is not one of .* mean 'rwg_j'"):
        cte.aggregation.agreement(survey, "school").plot(column="rwgj")
