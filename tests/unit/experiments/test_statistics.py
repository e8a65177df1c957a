from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from koipond.experiments.columns import sums_of
from koipond.experiments.statistics import MetricSums, aggregates, combined_variance
from koipond.kernel import InputError


def test_sums_of_integers_are_exact_integers_however_large() -> None:
    spend = [10**17 + 1, 10**17 + 3, 10**17 + 8]
    whole = sums_of({"spend_fen": spend})
    assert whole.total("spend_fen") == sum(spend)
    assert isinstance(whole.total("spend_fen"), int)
    assert whole.variance("spend_fen") == float(Fraction(13))


def test_raw_integer_sums_beyond_64_bits_keep_the_variance_that_floats_would_lose() -> None:
    values = [10**12 + i for i in range(1000)]
    raw = MetricSums(n=1000, columns=("x",), sums=(sum(values),), products=(sum(v * v for v in values),))
    assert raw.variance("x") == pytest.approx(np.var(np.arange(1000), ddof=1), rel=1e-15)


def test_products_too_large_for_64_bits_are_summed_exactly() -> None:
    huge = np.array([2**40, -(2**40), 2**40 + 1, 5] * 50)
    stats = sums_of({"x": huge}).about((0,))
    assert stats.products == (sum(int(v) ** 2 for v in huge),)
    enormous = np.array([2**60, -(2**60), 3])
    assert sums_of({"x": enormous}).about((0,)).products == (2**121 + 9,)


def test_float_sums_whose_variance_was_eaten_by_rounding_are_refused() -> None:
    values = 1e9 + np.random.default_rng(1).normal(size=1000)
    raw = MetricSums(n=1000, columns=("x",), sums=(values.sum(),), products=(values @ values,))
    with pytest.raises(InputError, match="rounded too much"):
        raw.variance("x")
    shifted = values - 1e9
    about = MetricSums(
        n=1000, columns=("x",), sums=(shifted.sum(),), products=(shifted @ shifted,), shifts=(1e9,)
    )
    assert about.variance("x") == pytest.approx(values.var(ddof=1), rel=1e-9)
    assert about.mean("x") == pytest.approx(values.mean(), rel=1e-15)


def test_a_constant_column_has_variance_exactly_zero() -> None:
    assert sums_of({"x": np.full(1000, 0.1)}).variance("x") == 0.0
    assert (sums_of({"x": np.full(7, 0.1)}) + sums_of({"x": np.full(9, 0.1)})).variance("x") == 0.0


def test_an_engine_is_told_what_to_aggregate_and_its_row_is_read_back() -> None:
    spend, before = np.array([3, 0, 9, 4]), np.array([1, 2, 3, 5])
    wanted = aggregates(["spend", "before"])
    assert wanted == {
        "n": (),
        "s0": ("spend",),
        "s1": ("before",),
        "s0_0": ("spend", "spend"),
        "s0_1": ("spend", "before"),
        "s1_1": ("before", "before"),
    }
    data = {"spend": spend, "before": before}
    row = {
        name: Decimal(int(np.prod([data[f] for f in factors], axis=0).sum())) if factors else 4
        for name, factors in wanted.items()
    }
    stats = MetricSums.from_aggregates(["spend", "before"], row)
    assert stats.covariance("spend", "before") == pytest.approx(np.cov(spend, before)[0, 1])
    assert stats.sums == (16, 11)


def test_no_rows_give_the_empty_statistics() -> None:
    row = {"n": 0, "s0": None, "s0_0": None}
    assert MetricSums.from_aggregates(["x"], row) == MetricSums.empty(["x"])
    part = sums_of({"x": [1, 2]})
    assert part + MetricSums.empty(["x"]) == part
    assert sum([part, part]).n == 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"n": 2, "s0": 1}, "lack s0_0"),
        ({"n": 2, "s0": None, "s0_0": 4}, "null although"),
        ({"n": 2, "s0": 9, "s0_0": 4}, "cannot both be right"),
        ({"n": 2, "s0": 1, "s0_0": -4}, "negative"),
        ({"n": 2, "s0": float("nan"), "s0_0": 4.0}, "finite"),
        ({"n": 2, "s0": 1.0, "s0_0": float("inf")}, "finite"),
    ],
)
def test_impossible_sums_are_refused(row: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MetricSums.from_aggregates(["x"], row)


def test_statistics_of_other_shape_or_columns_do_not_add() -> None:
    with pytest.raises(InputError, match="columns differ"):
        sums_of({"x": [1]}) + sums_of({"y": [1]})
    with pytest.raises(InputError, match="products has 1 values, not 3"):
        MetricSums(n=1, columns=("a", "b"), sums=(1, 1), products=(1,))
    with pytest.raises(InputError, match="named twice"):
        MetricSums(n=1, columns=("a", "a"), sums=(1, 1), products=(1, 1, 1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, float("nan")], "missing or infinite"),
        ([1.0, float("inf")], "missing or infinite"),
        (["a", "b"], "must hold numbers"),
        ([[1, 2], [3, 4]], "one value per customer"),
        ([1e308, -1e308], "squares overflow"),
        ([2**62, -(2**62)], "spans more than 2\\^62"),
        (np.array([2**63], dtype=np.uint64), "above 2\\^62"),
    ],
)
def test_values_that_are_no_finite_numbers_are_refused(values: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sums_of({"x": values})  # type: ignore[dict-item]


def test_mean_and_variance_of_too_few_customers_are_refused() -> None:
    with pytest.raises(InputError, match="no customers"):
        MetricSums.empty(["x"]).mean("x")
    with pytest.raises(InputError, match="at least two"):
        sums_of({"x": [3]}).variance("x")
    with pytest.raises(InputError, match="no sums of column z"):
        sums_of({"x": [3]}).mean("z")


def test_a_combination_that_cancels_has_variance_exactly_zero() -> None:
    x = np.random.default_rng(2).normal(size=100)
    stats = sums_of({"x": x, "y": 2 * x})
    assert combined_variance(stats, {"x": -2.0, "y": 1.0}) == 0.0
    assert combined_variance(stats, {"x": 1.0, "y": 1.0}) == pytest.approx(9 * x.var(ddof=1))
