"""Alpha: by hand, against psych, psychometric and itself, refused and rendered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.errors import InputError, UnknownNameError
from cte_metrics.kernels.reliability.alpha import alpha_figures, dropped_figures, item_total
from cte_metrics.reliability import cronbach_alpha, guttman_lambdas
from tests.reference_case import case
from tests.reliability.keyed_case import keyed, numbers

CASES = ["ability", "bfi_ac", "bhr2000_items", "sim_cte12", "sim_cte18", "sim_cte21"]
ALPHAS = [
    (name, entry.id)
    for name in CASES
    for entry in case(name).entries("alpha.", function="alpha")
    if "key" in entry.args
]
STANDARDIZED = {
    "standardized_alpha": "std.alpha",
    "guttman6": "G6(smc)",
    "average_r": "average_r",
    "median_r": "median_r",
    "signal_noise": "S/N",
}
METHODS = ("feldt", "duhachek", "bonett", "fisher")


def survey(seed: int = 1, n: int = 80, k: int = 5, missing: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = np.clip(np.rint(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, k))), 1, 5)
    x[rng.random(x.shape) < missing] = np.nan
    return pd.DataFrame(x, columns=[f"q{j + 1}" for j in range(k)])


# --- by hand ------------------------------------------------------------------------------------


def test_alpha_by_hand() -> None:
    # variances 4, 9; covariance 3: alpha = 2 (1 - 13 / 19); r = 3 / 6
    found = cronbach_alpha(np.array([[4.0, 3.0], [3.0, 9.0]]), n_obs=30)
    assert found.alpha == pytest.approx(2 * (1 - 13 / 19), abs=1e-14)
    assert found.standardized_alpha == pytest.approx(2 * 0.5 / 1.5, abs=1e-14)
    assert found.average_r == found.median_r == 0.5
    assert found.signal_noise == pytest.approx(2.0)
    assert found.guttman6 == pytest.approx(1 - 2 * 0.75 / 3)
    assert found.sem == pytest.approx(np.sqrt(19) / 2 * np.sqrt(1 - found.alpha))


def test_intervals_by_formula() -> None:
    matrix, n, k = np.full((4, 4), 0.4) + 0.6 * np.eye(4), 50, 4
    alpha, z = 4 / 3 * (1 - 4 / (4 + 12 * 0.4)), 1.959963984540054
    bonett = cronbach_alpha(matrix, n_obs=n, interval="bonett").ci
    half = z * np.sqrt(2 * k / ((k - 1) * (n - 2)))
    assert tuple(bonett) == pytest.approx(
        (1 - np.exp(np.log(1 - alpha) + half), 1 - np.exp(np.log(1 - alpha) - half)), abs=1e-12
    )
    fisher = cronbach_alpha(matrix, n_obs=n, interval="fisher").ci
    assert tuple(fisher) == pytest.approx(
        tuple(np.tanh(np.arctanh(alpha) + s * z / np.sqrt(n - 3)) for s in (-1, 1)), abs=1e-12
    )


# --- reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "entry_id"), ALPHAS)
def test_alpha_equals_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    data, values = keyed(name, entry), entry.values
    found = cronbach_alpha(data)
    total = values["total"]
    fields = {"alpha": "raw_alpha", "mean": "mean", "sd": "sd"}
    if data.notna().all(axis=None):  # psych 2.2.9 scales the pairwise covariances
        fields |= STANDARDIZED
    for field, key in fields.items():
        assert getattr(found, field) == pytest.approx(total[key], abs=1e-10), field
    empty = int(data.isna().all(axis=1).sum())
    assert found.n_respondents == len(data) - empty
    # psych counts rows without any answer; without such rows its intervals are ours
    if not empty:
        feldt = values["feldt"]
        assert tuple(found.ci) == pytest.approx((feldt["lower.ci"], feldt["upper.ci"]), abs=1e-9)
        assert found.se == pytest.approx(total["ase"], abs=1e-10)
        limits = cronbach_alpha(data, interval="duhachek").ci
        assert tuple(limits) == pytest.approx(tuple(values["duhachek_ci95"]), abs=1e-9)


@pytest.mark.parametrize(("name", "entry_id"), ALPHAS)
def test_item_table_equals_psych(name: str, entry_id: str) -> None:
    entry = case(name)[entry_id]
    data = keyed(name, entry)
    found = cronbach_alpha(data)
    stats, dropped = entry.values["item_stats"], entry.values["alpha_drop"]
    columns = {"n": "n", "mean": "mean", "sd": "sd", "r_total": "raw.r", "r_drop": "r.drop"}
    if_dropped = {"alpha_if_dropped": "raw_alpha"}
    if data.notna().all(axis=None):  # psych 2.2.9 scales the pairwise covariances
        columns |= {"r_standardized": "std.r", "r_corrected": "r.cor"}
        theirs = dict(STANDARDIZED, median_r="med.r")
        if_dropped |= {f"{ours}_if_dropped": name for ours, name in theirs.items()}
    for ours, theirs in columns.items():
        np.testing.assert_allclose(found.items[ours], numbers(stats[theirs]), atol=1e-10)
    for ours, theirs in if_dropped.items():
        np.testing.assert_allclose(found.items[ours], numbers(dropped[theirs]), atol=1e-9)
    if found.provenance.n_dropped == 0:
        np.testing.assert_allclose(
            found.items["se_if_dropped"], numbers(dropped["alpha se"]), atol=1e-10
        )


@pytest.mark.parametrize("name", CASES)
def test_feldt_equals_psychometric_at_any_level(name: str) -> None:
    for entry in case(name).entries("alpha_CI."):
        args, values = entry.args, entry.values
        k, alpha = args["k"], args["al"]
        r = alpha / (k - alpha * (k - 1))
        matrix = np.full((k, k), r) + (1 - r) * np.eye(k)
        found = cronbach_alpha(matrix, n_obs=args["N"], confidence=args["lv"])
        assert tuple(found.ci) == pytest.approx((values["LCL"], values["UCL"]), abs=1e-9)


@pytest.mark.parametrize("entry_id", ["alpha.a1_a6", "alpha.b1_b8", "alpha.b1_b2", "alpha.b1_b3"])
def test_alpha_on_other_data(entry_id: str) -> None:
    entry = case("reliability")[entry_id]
    items, values = entry.args["items"], entry.values
    data = case("reliability").data[items]
    found = cronbach_alpha(data)
    assert found.alpha == pytest.approx(values["total"]["raw_alpha"], abs=1e-10)
    if data.notna().all(axis=None):
        assert found.guttman6 == pytest.approx(values["total"]["G6(smc)"], abs=1e-10)
    np.testing.assert_allclose(
        found.items["r_total"], numbers(values["item_stats"]["raw.r"]), atol=1e-10
    )
    if found.provenance.n_dropped == 0:
        assert found.ci.low == pytest.approx(values["feldt"]["lower.ci"], abs=1e-9)


def test_correlation_matrix_with_n() -> None:
    entry = case("reliability")["alpha.matrix"]
    r = case("reliability").data[entry.args["items"]].corr()
    found = cronbach_alpha(r, n_obs=entry.args["n_obs"])
    assert found.alpha == pytest.approx(entry.values["total"]["raw_alpha"], abs=1e-10)
    assert found.se == pytest.approx(entry.values["total"]["ase"], abs=1e-10)
    assert found.ci.high == pytest.approx(entry.values["feldt"]["upper.ci"], abs=1e-9)


@pytest.mark.problem(
    "psych",
    "with missing answers the average correlation is not that of the pairwise correlations",
    "everything standardized rests on the pairwise correlations",
)
@pytest.mark.parametrize(("name", "entry_id"), ALPHAS)
def test_standardized_figures_rest_on_pairwise_correlations(name: str, entry_id: str) -> None:
    data = keyed(name, case(name)[entry_id])
    found, of_matrix = cronbach_alpha(data), cronbach_alpha(data.corr(), n_obs=len(data))
    for field in STANDARDIZED:
        assert getattr(found, field) == pytest.approx(getattr(of_matrix, field), abs=1e-10), field
        own, expected = (f.items[f"{field}_if_dropped"] for f in (found, of_matrix))
        np.testing.assert_allclose(own, expected, atol=1e-10)
    for column in ("r_standardized", "r_corrected"):
        np.testing.assert_allclose(found.items[column], of_matrix.items[column], atol=1e-10)
    bounds = guttman_lambdas(data, missing="pairwise", interval="delta")
    assert bounds.lambda3 == pytest.approx(found.standardized_alpha, abs=1e-10)
    row = bounds.table.loc["lambda3"]
    assert row["ci_low"] + row["ci_high"] == pytest.approx(2 * bounds.lambda3, abs=1e-9)


def test_the_average_correlation_of_five_items_with_gaps() -> None:
    """mean(cor(x, use = "pairwise")[lower.tri]) of R; psych 2.2.9 has .3248195."""
    data = case("bfi_ac").data[["A1", "A2", "A3", "A4", "A5"]]
    found = cronbach_alpha(data.assign(A1=7 - data["A1"]))
    assert found.average_r == pytest.approx(0.3242763, abs=1e-7)


@pytest.mark.problem(
    "psych",
    "a correlation matrix gives standardized alpha with the interval of raw alpha, unsaid",
    "a note says which alpha a correlation matrix gives, and what its interval supposes",
)
def test_alpha_of_a_correlation_matrix_says_that_it_is_standardized() -> None:
    found = cronbach_alpha(survey().corr(), n_obs=80)
    assert found.alpha == pytest.approx(found.standardized_alpha, abs=1e-14)
    assert "From a correlation matrix alpha is standardized alpha" in found.notes[0]
    assert not any(
        "correlation matrix" in n for n in cronbach_alpha(survey().cov(), n_obs=80).notes
    )


# --- equivalences and limits --------------------------------------------------------------------


@pytest.mark.parametrize("k", [3, 6, 11])
def test_dropped_figures_equal_those_of_the_smaller_matrix(k: int) -> None:
    c = survey(k=k, seed=k).cov().to_numpy()
    table = dropped_figures(c)
    for i in range(k):
        rest = np.delete(np.delete(c, i, 0), i, 1)
        whole = alpha_figures(rest)
        for name in ("alpha", "standardized", "guttman6", "median_r", "variance_factor"):
            assert getattr(table, name)[i] == pytest.approx(float(getattr(whole, name)), abs=1e-10)


def test_item_totals_equal_correlations_of_sums() -> None:
    data = survey(k=4)
    found = item_total(data.cov().to_numpy())
    for j, item in enumerate(data):
        rest = data.drop(columns=item).sum(axis=1)
        assert found.r_drop[j] == pytest.approx(data[item].corr(rest), abs=1e-12)
        assert found.r_total[j] == pytest.approx(data[item].corr(data.sum(axis=1)), abs=1e-12)


def test_answers_moments_and_matrix_agree() -> None:
    data = survey()
    raw = cronbach_alpha(data)
    merged = cte.Moments.from_data(data[:30]) + cte.Moments.from_data(data[30:])
    for other in (cronbach_alpha(merged), cronbach_alpha(data.cov(), n_obs=len(data))):
        assert other.alpha == pytest.approx(raw.alpha, abs=1e-12)
        assert tuple(other.ci) == pytest.approx(tuple(raw.ci), abs=1e-12)
        assert other.sem == pytest.approx(raw.sem, abs=1e-12)


def test_integer_answers_give_the_same() -> None:
    data = survey()
    small = data.astype("int8")
    assert cronbach_alpha(small).alpha == pytest.approx(cronbach_alpha(data).alpha, abs=1e-14)


def test_bootstrap_keeps_the_samples_estimate_and_repeats() -> None:
    data = survey(n=300)
    first = cronbach_alpha(data, interval="bootstrap", rng=7)
    again = cronbach_alpha(data, interval="bootstrap", rng=7)
    assert first.alpha == cronbach_alpha(data).alpha
    assert tuple(first.ci) == tuple(again.ci)
    assert tuple(first.ci) == pytest.approx(tuple(cronbach_alpha(data).ci), abs=0.03)


def test_bootstrap_with_gaps_equals_the_pairwise_definition() -> None:
    data = survey(n=40, missing=0.15)
    from cte_metrics.kernels.numerics.resampling import bootstrap_indices
    from cte_metrics.kernels.reliability.alpha import bootstrap_alpha

    found = bootstrap_alpha(data.to_numpy(), 25, np.random.default_rng(3))
    rows = np.concatenate(list(bootstrap_indices(40, 25, np.random.default_rng(3))))
    for value, chosen in zip(found, rows, strict=True):
        c = data.iloc[chosen].cov().to_numpy()
        assert value == pytest.approx(float(alpha_figures(c).alpha), abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 7), st.sampled_from([0.0, 0.1]))
def test_alpha_ignores_order_shift_and_empty_rows(seed: int, k: int, missing: float) -> None:
    data = survey(seed, k=k, missing=missing)
    base = cronbach_alpha(data)
    rng = np.random.default_rng(seed)
    shuffled = data.iloc[rng.permutation(len(data)), rng.permutation(k)]
    moved = data * 2.5 - 7
    longer = pd.concat([data, data.iloc[:1] * np.nan], ignore_index=True)
    tables = [shuffled, moved, longer, pl.from_pandas(data)]
    for other in map(cronbach_alpha, tables):
        assert other.alpha == pytest.approx(base.alpha, abs=1e-10)
        assert tuple(other.ci) == pytest.approx(tuple(base.ci), abs=1e-10)
    again = cronbach_alpha(shuffled).items.loc[base.items.index]
    pd.testing.assert_frame_equal(again, base.items, atol=1e-9, check_dtype=False)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_reversed_item_returns_through_its_key(seed: int) -> None:
    data = survey(seed)
    instrument = cte.Instrument(
        id="t", response_scale=cte.ResponseScale(1, 5), items=[cte.Item(c) for c in data]
    )
    turned = cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item(c, reverse=c == "q2") for c in data],
    )
    flipped = data.assign(q2=6 - data["q2"])
    a = cronbach_alpha(cte.Responses(data, instrument))
    b = cronbach_alpha(cte.Responses(flipped, turned))
    assert a.alpha == pytest.approx(b.alpha, abs=1e-12)


# --- what cannot be, and what must be said ------------------------------------------------------


def test_two_items_say_what_is_not_defined() -> None:
    found = cronbach_alpha(survey(k=2))
    assert found.items["alpha_if_dropped"].isna().all()
    assert np.allclose(found.items["r_drop"], found.average_r)
    assert "alpha-if-dropped is not defined" in " ".join(found.notes)


def test_negative_alpha_names_the_items_and_suspects_the_key() -> None:
    x = pd.DataFrame({"a": [1, 2, 3, 4, 5.0], "b": [5, 4, 3, 1, 2.0], "c": [3, 1, 3, 2, 2.0]})
    found = cronbach_alpha(x)
    text = " ".join(found.notes)
    assert found.alpha < 0
    assert "a with b" in text
    assert "First suspect" in text
    assert "Nothing was reversed here" in text


def test_cancelling_items_leave_alpha_undefined() -> None:
    x = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [4.0, 3, 2, 1]})
    found = cronbach_alpha(x)
    assert np.isnan(found.alpha)
    assert found.status is cte.reliability.cronbach_alpha(x).status
    assert not found.status.usable


def test_a_matrix_without_n_has_no_interval() -> None:
    found = cronbach_alpha(survey().corr())
    assert np.isnan(found.ci.low)
    assert "no interval" in " ".join(found.notes)
    assert "read as a correlation matrix of 5 items, not as answers" in " ".join(found.notes)


def test_symmetric_answers_are_answers_and_an_impossible_matrix_is_none() -> None:
    answers = np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]])
    assert cronbach_alpha(answers).n_respondents == 3
    with pytest.raises(InputError, match="item_1 and item_3 is 3, more than their variances"):
        cronbach_alpha(answers, n_obs=50)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda d: d.assign(q2=3.0), {}, "q2 is constant"),
        (lambda d: d.assign(q2=0.1), {}, "q2 is constant"),
        (lambda d: d.assign(q2=np.nan), {}, "q2: fewer than two answers"),
        (lambda d: d.assign(q2=np.nan), {"missing": "listwise"}, "No one answered q2"),
        (lambda d: d[["q1"]], {}, "at least 2 items"),
        (lambda d: d, {"interval": "felt"}, "Did you mean 'feldt'"),
        (lambda d: d, {"n_obs": 80}, "not symmetric"),
        (lambda d: d, {"confidence": 95}, "not between 0 and 1"),
        (lambda d: d, {"interval": "bootstrap", "n_resamples": 1}, "at least 2"),
        (lambda d: d.corr(), {"n_obs": 80, "interval": "bootstrap"}, "needs the answers"),
        (
            lambda d: d.assign(
                q1=d["q1"].where(np.arange(80) < 40), q2=d["q2"].where(np.arange(80) >= 40)
            ),
            {},
            "never answered by the same two",
        ),
    ],
)
def test_refusals(change, options, message) -> None:
    with pytest.raises(InputError, match=message):
        cronbach_alpha(change(survey()), **options)


@pytest.mark.problem(
    "psych",
    "an error advises what was done already",
    "the hint fits the data and what was asked",
)
def test_hints_fit_what_was_asked() -> None:
    gaps = pd.DataFrame({"a": [1, None, 3], "b": [None, 2, 4], "c": [1, 2, None]})
    with pytest.raises(InputError, match="1 of 1 rows") as caught:
        cronbach_alpha(survey().iloc[:1])
    assert "pairwise" not in caught.value.hint
    with pytest.raises(InputError, match="1 of 1 rows") as caught:
        cronbach_alpha(survey().iloc[:1], missing="listwise")
    assert "pairwise" not in caught.value.hint
    with pytest.raises(InputError, match="0 of 3 rows") as caught:
        cronbach_alpha(gaps, missing="listwise")
    assert "pairwise" in caught.value.hint
    with pytest.raises(InputError, match="No one answered z") as caught:
        cronbach_alpha(survey().assign(z=np.nan), missing="listwise")
    assert "Leave out z" in caught.value.hint


def test_an_unknown_item_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'q1'"):
        cronbach_alpha(survey(), items=["q11", "q2"])


def test_the_callers_frame_is_unchanged() -> None:
    data = survey(missing=0.1)
    before = data.copy()
    cronbach_alpha(data, interval="bootstrap", n_resamples=20, rng=1)
    pd.testing.assert_frame_equal(data, before)


THREE = pd.DataFrame({"a": [1, 2, 4], "b": [2, 3, 4], "c": [1, 3, 5]})
PERFECT = pd.DataFrame(dict.fromkeys("abcd", np.r_[1:6, 1:6, 1:6]))


@pytest.mark.problem(
    "psych, pingouin",
    "a perfect alpha has no interval",
    "its interval is [1, 1], by every method",
)
@pytest.mark.parametrize("method", [*METHODS, "bootstrap"])
@pytest.mark.parametrize("scale", [1.0, 1 / 3])
def test_a_perfect_alpha_has_the_interval_from_one_to_one(method: str, scale: float) -> None:
    found = cronbach_alpha(PERFECT * scale, interval=method, rng=1)
    assert found.alpha == pytest.approx(1.0, abs=1e-14)
    assert tuple(found.ci) == pytest.approx((1.0, 1.0), abs=1e-12)
    assert found.ci.high <= 1.0
    assert found.sem == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize(
    ("data", "method", "why"),
    [
        (THREE, "fisher", "at least 4 respondents, and there are 3"),
        (THREE[:2], "bonett", "at least 3 respondents"),
        (pd.DataFrame({"a": [1, 2, 3, 4, 5.0], "b": [5, 4, 3, 2, 2.0]}), "fisher", "not above -1"),
    ],
)
def test_an_interval_that_does_not_exist_has_a_sentence(data, method: str, why: str) -> None:
    found = cronbach_alpha(data, interval=method)
    assert np.isnan(found.ci.low)
    assert why in " ".join(found.notes)


def test_no_interval_of_alpha_reaches_above_one() -> None:
    found = cronbach_alpha(PERFECT + 0.3 * np.eye(15, 4), interval="duhachek", confidence=0.9999999)
    assert found.ci.high <= 1.0
    assert found.ci.low < found.alpha
    wide = cronbach_alpha(survey(n=8), interval="duhachek", confidence=0.999)
    assert wide.ci.high == 1.0
    assert "cut at 1" in " ".join(wide.notes)


# --- rendering ----------------------------------------------------------------------------------


def test_rendering() -> None:
    found = cronbach_alpha(survey(missing=0.05))
    text = found.summary()
    assert "Cronbach's alpha" in text
    assert "standardized alpha (no interval)" in text
    assert "alpha_if_dropped" in text
    assert "Answers are missing" in text
    assert "<table" in found._repr_html_()
    record = found.to_dict()
    assert record["alpha"] == found.alpha
    assert found.to_frame().loc[0, "ci_low"] == found.ci.low


@pytest.mark.slow
@pytest.mark.parametrize("method", [*METHODS, "bootstrap"])
def test_coverage_of_95_per_cent_intervals(method: str) -> None:
    rng = np.random.default_rng(20)
    truth = 5 / 4 * (1 - 5 / (5 + 20 * 0.4))
    root = np.linalg.cholesky(np.full((5, 5), 0.4) + 0.6 * np.eye(5))
    hits = 0
    for _ in range(1000):
        x = rng.normal(size=(150, 5)) @ root.T
        hits += truth in cronbach_alpha(x, interval=method, n_resamples=400, rng=rng).ci
    # fisher's z is known to be too wide for alpha: it may cover more
    assert 0.93 <= hits / 1000 <= (1.0 if method == "fisher" else 0.97)


@pytest.mark.parametrize("r", [0.1, 0.3, 0.37, 0.5, 0.7])
def test_lambda_6_with_an_item_twice_rests_on_the_pseudo_inverse_whatever_the_rounding(r):
    matrix = np.array([[1, 1, r], [1, 1, r], [r, r, 1]])
    found = cronbach_alpha(matrix, n_obs=50)
    assert found.guttman6 == pytest.approx(1 - (3 - r**2) / (5 + 4 * r), abs=1e-12)
    assert any("singular" in note for note in found.notes)
    rng = np.random.default_rng(3)
    answers = pd.DataFrame(rng.integers(1, 6, (40, 4)).astype(float), columns=list("abcd"))
    smc = [cronbach_alpha(answers.assign(e=s * answers["a"])).guttman6 for s in (1, 3, 0.1)]
    np.testing.assert_allclose(smc, smc[0], atol=1e-9)


def test_an_item_that_does_not_vary_where_two_meet_leaves_alpha_and_no_correlation():
    data = pd.DataFrame(
        {"a": [1, 2, 3, 4, np.nan, np.nan], "b": [2, 1, 4, 3, 5, 1], "c": [3, 3, 3, 3, 1, 5.0]}
    )
    found = cronbach_alpha(data)
    v = data.cov()  # pairwise
    assert found.alpha == pytest.approx(1.5 * (1 - np.trace(v) / v.to_numpy().sum()))
    assert np.isnan([found.average_r, found.standardized_alpha]).all()
    assert any("not defined for a with c" in note for note in found.notes)
