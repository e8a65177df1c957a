import numpy as np
import pytest

from koipond.experiments.quantiles import ValueCounts, compare_quantiles, quantile_estimate
from koipond.kernel import InputError


def test_quantiles_from_counts_equal_those_from_rows() -> None:
    values = np.random.default_rng(1).integers(0, 50, 777)
    counts = ValueCounts.of(values)
    for q in (0.1, 0.5, 0.9, 0.37):
        assert counts.quantile(q) == pytest.approx(np.quantile(values, q))


def test_counts_of_parts_add_to_the_counts_of_the_whole() -> None:
    values = np.random.default_rng(2).integers(0, 9, 100)
    whole, added = ValueCounts.of(values), ValueCounts.of(values[:30]) + ValueCounts.of(values[30:])
    assert np.array_equal(whole.values, added.values)
    assert np.array_equal(whole.counts, added.counts)


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    rng, runs = np.random.default_rng(3), 1500
    hits = 0
    for _ in range(runs):
        control, treated = (ValueCounts.of(rng.lognormal(size=300)) for _ in range(2))
        effect = compare_quantiles(control, treated, 0.5)
        hits += effect.low <= 0 <= effect.high
    assert abs(hits / runs - 0.95) < 4 * np.sqrt(0.95 * 0.05 / runs)


def test_the_variance_approaches_the_density_formula() -> None:
    rng, n = np.random.default_rng(4), 10_000
    found = [quantile_estimate(ValueCounts.of(rng.exponential(size=n)), 0.5).variance for _ in range(60)]
    assert np.mean(found) * n == pytest.approx(0.25 / 0.5**2, rel=0.08)  # q(1-q)/f² at the median


def test_a_quantile_among_equal_values_or_of_too_few_customers_is_refused() -> None:
    heap = ValueCounts.of([0] * 80 + list(range(1, 21)))
    with pytest.raises(InputError, match="customers who all have 0"):
        compare_quantiles(heap, heap, 0.5)
    with pytest.raises(InputError, match="needs 300 customers"):
        compare_quantiles(heap, heap, 0.9)
    with pytest.raises(InputError, match="between 0 and 1"):
        compare_quantiles(heap, heap, 1.0)
