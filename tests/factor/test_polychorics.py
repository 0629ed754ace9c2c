"""The public polychoric correlations: against lavaan, by hand, refusals, rendering."""

import json

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.factor import polychoric
from tests.reference_case import case


def reference_data(name, entry):
    frame = case(name).data
    if name == "sim_cte21":  # the references reverse the negatively worded items
        items = [c for c in frame if c.startswith("g")]
        frame = frame.dropna(subset=items)
        negative = [f"g{i:02d}" for i in (2, 4, 5, 8, 9, 11, 13, 15, 16, 19, 21)]
        frame[negative] = 7 - frame[negative]
    return frame[entry.args["items"]]


@pytest.mark.parametrize("name", ["bfi_ac", "datcat", "sim_cte21"])
def test_lavcor(name):
    """Tolerance 1e-7: lavaan's own search stops at about 3e-8."""
    c = case(name)
    entry = c["lavCor.polychoric"]
    result = polychoric(reference_data(name, entry))
    expected = entry.values["rho"]
    np.testing.assert_allclose(result.correlations, expected, atol=1e-7)
    cuts = c["lavCor.thresholds"].values
    for item, tau in result.thresholds.items():
        np.testing.assert_allclose(
            tau, [cuts[f"{item}|t{t + 1}"] for t in range(len(tau))], atol=1e-9
        )
    se = c["lavCor.se"].values
    ours = [result.standard_errors.loc[a, b] for a, b in zip(se["lhs"], se["rhs"], strict=True)]
    np.testing.assert_allclose(ours, se["se"], atol=1e-7)


def test_tetrachoric():
    entry = case("ability")["lavCor.tetrachoric"]
    expected = entry.values
    result = polychoric(case("ability").data[list(expected.columns)])
    np.testing.assert_allclose(result.correlations, expected, atol=1e-7)


@pytest.mark.parametrize("entry", case("polychoric_edges").entries(), ids=lambda e: e.id)
def test_awkward_tables_equal_lavaan(entry):
    """Where the likelihood keeps rising, lavaan stops short of the limit (6e-4)."""
    args = entry.args
    result = polychoric(
        case("polychoric_edges").data[args["items"]],
        missing=args["missing"],
        ordered=args["ordered"],
        correction=tuple(args.get("zero.add", (0.5, 0.0))),
    )
    atol = 1e-3 if "no_correction" in entry.id else 1e-7
    expected = entry.values["cor"].to_numpy()
    np.testing.assert_allclose(result.correlations.to_numpy(), expected, atol=atol)


def test_default_correction_is_lavaans():
    entry = case("polychoric_edges")["one_empty_cell"]
    result = polychoric(case("polychoric_edges").data[entry.args["items"]])
    np.testing.assert_allclose(result.correlations, entry.values["cor"], atol=1e-7)
    assert any("0.5 was added in 2 x 2 tables" in n for n in result.notes)


def test_gamma_is_named_as_lavaan_names_it():
    entry = case("polychoric_edges")["unequal"]
    result = polychoric(case("polychoric_edges").data[entry.args["items"]])
    gamma = entry.values["gamma"]
    assert list(result.acov.columns) == list(gamma.columns)
    spread = np.sqrt(np.outer(np.diag(gamma), np.diag(gamma)))
    np.testing.assert_allclose(result.acov / spread, gamma / spread, atol=1e-7)
    n = result.provenance.n_used
    assert result.standard_errors.iloc[0, 1] == pytest.approx(
        np.sqrt(result.acov.loc["b1~~s3", "b1~~s3"] / (n - 1))
    )
    assert result.correlation_acov.shape == (10, 10)


def test_perfect_association_is_said():
    data = case("polychoric_edges").data
    binary = polychoric(data[["b1", "p1", "b2"]])
    assert binary.correlations.loc["b1", "p1"] == 1.0
    assert any("Perfect association" in n and "b1 with p1" in n for n in binary.notes)
    four = polychoric(data[["q4", "q4b", "s5"]])
    assert four.correlations.loc["q4", "q4b"] == pytest.approx(0.999)
    assert any("Perfect association" in n for n in four.notes)


def test_numeric_columns_are_named():
    entry = case("polychoric_edges")["mixed"]
    result = polychoric(case("polychoric_edges").data[entry.args["items"]])
    assert any(n == "Taken as numeric, not ordinal: x1, x2." for n in result.notes)
    assert set(result.thresholds) == {"b1", "s5", "s7"}
    two = case("polychoric_edges").data[["x1", "x2"]]
    plain = polychoric(two, ordered=False).correlations
    np.testing.assert_allclose(plain, two.corr(), atol=1e-12)


def test_scale_of_a_numeric_column_does_not_matter():
    data = case("polychoric_edges").data[["b1", "s5", "x1"]]
    one = polychoric(data)
    two = polychoric(data.assign(x1=-1000.0 * data["x1"] + 7.0))
    assert two.correlations.loc["b1", "x1"] == pytest.approx(-one.correlations.loc["b1", "x1"])
    assert two.standard_errors.loc["b1", "x1"] == pytest.approx(one.standard_errors.loc["b1", "x1"])


def test_row_and_item_order_do_not_matter():
    data = case("datcat").data[["u1", "u2", "u3", "u4"]]
    one = polychoric(data)
    shuffled = data.sample(frac=1.0, random_state=2)[["u4", "u2", "u1", "u3"]]
    two = polychoric(shuffled)
    np.testing.assert_allclose(two.correlations.loc[data.columns, data.columns], one.correlations)
    np.testing.assert_allclose(
        two.standard_errors.loc[data.columns, data.columns], one.standard_errors, atol=1e-12
    )


def test_labels_of_categories_do_not_matter():
    data = case("datcat").data[["u1", "u2", "u3"]]
    other = data.replace({1: 10.0, 2: 11.0, 3: 20.0, 4: 40.0, 5: 41.0})
    np.testing.assert_array_equal(polychoric(data).correlations, polychoric(other).correlations)


def test_polars_equals_pandas():
    polars = pytest.importorskip("polars")
    data = case("datcat").data[["u1", "u2", "u3"]]
    ours = polychoric(polars.from_pandas(data)).correlations
    np.testing.assert_array_equal(ours, polychoric(data).correlations)


def test_an_empty_row_changes_nothing_but_the_notes():
    data = case("datcat").data[["u1", "u2", "u3"]].astype(float)
    longer = pd.concat([data, pd.DataFrame([dict.fromkeys(data, np.nan)])], ignore_index=True)
    for missing in ("listwise", "pairwise"):
        result = polychoric(longer, missing=missing)
        np.testing.assert_array_equal(result.correlations, polychoric(data).correlations)
        np.testing.assert_allclose(result.acov, polychoric(data).acov, atol=1e-12)
        assert result.provenance.n_dropped == 1
        assert result.notes


def test_smoothing_only_on_request():
    r = pd.DataFrame({"a": [0, 0, 0, 1, 1, 1] * 20})
    r["b"] = [0, 0, 1, 1, 1, 1] * 20
    r["c"] = [1, 1, 0, 0, 0, 1] * 20
    raw = polychoric(r)
    assert np.linalg.eigvalsh(raw.correlations)[0] < 0
    assert any("not positive definite" in n for n in raw.notes)
    smooth = polychoric(r, smooth=True)
    assert np.linalg.eigvalsh(smooth.correlations)[0] > 0
    assert any("was smoothed; correlations changed by up to" in n for n in smooth.notes)


def test_refusals():
    data = case("datcat").data[["u1", "u2", "u3"]]
    with pytest.raises(cte.InputError, match=r"same answer to u2"):
        polychoric(data.assign(u2=3))
    with pytest.raises(cte.InputError, match="neither a number from 0 to 1"):
        polychoric(data, correction=3.0)
    with pytest.raises(cte.InputError, match="missing='all'"):
        polychoric(data, missing="all")
    with pytest.raises(cte.UnknownNameError, match="Did you mean 'u1'"):
        polychoric(data, ordered=["uu1"])
    with pytest.raises(cte.InputError, match="at least 2 items"):
        polychoric(data[["u1"]])
    apart = pd.DataFrame({"a": [1, 2, np.nan, np.nan], "b": [np.nan, np.nan, 1, 2]})
    with pytest.raises(cte.InputError, match="Fewer than two respondents answered both 'a' and"):
        polychoric(apart, missing="pairwise")


def test_rendering():
    result = polychoric(case("datcat").data[["u1", "u2", "u3"]])
    text = result.summary()
    assert "Polychoric correlations" in text
    assert "thresholds" in text
    assert "<table" in result._repr_html_()
    json.dumps(result.to_dict())
    table = result.to_frame()
    assert list(table.columns) == ["item_1", "item_2", "r", "se", "n"]
    assert len(table) == 3


def test_without_standard_errors():
    result = polychoric(case("datcat").data[["u1", "u2"]], standard_errors=False)
    assert result.acov.empty
    assert result.standard_errors.isna().all().all()
    result.summary()


@pytest.mark.slow
def test_standard_errors_cover():
    """95% intervals of 300 samples of 400 cover rho = .5 about 95 times in 100."""
    rng = np.random.default_rng(8)
    cover = np.zeros(2)
    for _ in range(300):
        z = rng.multivariate_normal([0, 0, 0], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], 400)
        x = np.column_stack([np.digitize(z[:, 0], [-1, 0, 1]), np.digitize(z[:, 1], [0.5])])
        frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": 0.5 * z[:, 0] + z[:, 2]})
        result = polychoric(frame)
        truth = np.array([0.5, 0.5 / np.sqrt(1.25)])
        est = result.correlations.loc["a", ["b", "c"]].to_numpy()
        se = result.standard_errors.loc["a", ["b", "c"]].to_numpy()
        cover += np.abs(est - truth) < 1.96 * se
    assert (cover / 300 > 0.91).all()
    assert (cover / 300 < 0.985).all()
