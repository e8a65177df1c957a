"""The always-valid bound: its formula, its simulated size with 200 peeks, and the figures of science B4."""

import numpy as np
import pytest

from koipond.experiments.always_valid import (
    AlwaysValidBound,
    best_mixture,
    mixture_multiplier,
    mixture_p,
    msprt_bounds,
)
from koipond.experiments.sequential import constant, crossing, spending_bounds
from koipond.kernel import InputError

RUNS, CHECKS, ARM, SHARE = 4000, 200, 20_000, 0.10


def peeks(rng: np.random.Generator, runs: int = RUNS, lift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return |z| (unpooled) and standard errors of two proportions at 200 checks, runs × checks."""
    step = ARM // CHECKS
    n = step * np.arange(1, CHECKS + 1)
    one = np.cumsum(rng.binomial(step, SHARE, (runs, CHECKS)), axis=1) / n
    two = np.cumsum(rng.binomial(step, SHARE + lift, (runs, CHECKS)), axis=1) / n
    se = np.sqrt((one * (1 - one) + two * (1 - two)) / n)
    return np.abs(two - one) / se, se


def test_the_interval_and_the_p_agree_on_what_is_significant() -> None:
    for x in (0.01, 1.0, 8.2, 1e4):
        for alpha in (0.2, 0.05, 1e-4):
            z = mixture_multiplier(x, alpha=alpha)
            assert mixture_p(z, x) == pytest.approx(alpha, rel=1e-9)
            assert mixture_p(z * 0.99, x) > alpha > mixture_p(z * 1.01, x)


def test_p_is_one_without_evidence_and_never_nan() -> None:
    assert mixture_p(0.0, 5.0) == 1.0
    assert mixture_p(float("inf"), 5.0) == pytest.approx(0.0, abs=1e-300)
    with pytest.raises(InputError, match="above 0"):
        mixture_multiplier(0.0, alpha=0.05)


def test_the_tuned_size_is_where_the_interval_is_narrowest() -> None:
    x = best_mixture(0.05)
    best = mixture_multiplier(x, alpha=0.05)
    assert best < min(mixture_multiplier(x * f, alpha=0.05) for f in (0.5, 0.9, 1.1, 2.0))
    # the prices that the module's text names
    assert mixture_multiplier(10 * x, alpha=0.05) / best == pytest.approx(1.07, abs=0.005)
    assert mixture_multiplier(x / 10, alpha=0.05) / best == pytest.approx(1.26, abs=0.005)
    assert best / 1.96 == pytest.approx(1.55, abs=0.005)
    default = AlwaysValidBound()
    assert max(default.multiplier(n) / best for n in (800, 5_000, 50_000, 500_000)) < 1.2


def test_naive_peeking_and_msprt_figures_of_b4() -> None:
    """The printed figures are simulated (4,000 runs): the exact value must lie within 3 standard errors."""
    times = [(k + 1) / CHECKS for k in range(CHECKS)]
    printed = {0.005: 0.7, 0.01: 1.8, 0.02: 2.5}
    variance = 2 * SHARE * (1 - SHARE) / ARM

    def close(exact: float, percent: float) -> None:
        assert abs(100 * exact - percent) < 300 * np.sqrt(exact * (1 - exact) / RUNS) + 0.05

    close(crossing(times, [1.959964] * CHECKS).total, 42.5)
    for tau, percent in printed.items():
        close(crossing(times, msprt_bounds([t / variance for t in times], tau=tau)).total, percent)
    fifths = [0.2, 0.4, 0.6, 0.8, 1.0]
    close(crossing(fifths, [constant(5)] * 5).total, 4.9)
    close(crossing(fifths, spending_bounds(fifths)).total, 4.9)


def test_power_figures_of_b4() -> None:
    times = [(k + 1) / CHECKS for k in range(CHECKS)]
    fifths = [0.2, 0.4, 0.6, 0.8, 1.0]
    variance = (SHARE * (1 - SHARE) + (SHARE + 0.01) * (0.99 - SHARE)) / ARM
    drift = 0.01 / np.sqrt(variance)

    def power(information, bounds) -> float:
        return 100 * sum(crossing(information, bounds, drift=drift).upper)

    error = 3 * 100 * np.sqrt(0.9 * 0.1 / RUNS)
    assert power([1.0], [1.959964]) == pytest.approx(90.6, abs=error)
    assert power(fifths, spending_bounds(fifths)) == pytest.approx(89.8, abs=error)
    assert power(fifths, spending_bounds(fifths, spending="pocock")) == pytest.approx(84.3, abs=error)
    null = 2 * SHARE * (1 - SHARE) / ARM
    for tau in (0.005, 0.01, 0.02):
        found = power(times, msprt_bounds([t / null for t in times], tau=tau))
        assert 62 - error < found < 70 + error


def test_the_power_that_each_tuning_buys_is_as_documented() -> None:
    times = [(k + 1) / CHECKS for k in range(CHECKS)]
    drift = 0.01 / np.sqrt((SHARE * (1 - SHARE) + (SHARE + 0.01) * (0.99 - SHARE)) / ARM)
    found = {}
    for tuned in (1000, 5000, 2 * ARM):
        bound = AlwaysValidBound(tuned_customers=tuned)
        bounds = [bound.multiplier(round(2 * ARM * time)) for time in times]
        found[tuned] = round(100 * sum(crossing(times, bounds, drift=drift).upper))
    assert found == {1000: 57, 5000: 65, 2 * ARM: 70}


def test_with_200_peeks_over_4000_runs_fewer_than_5_percent_ever_look_significant() -> None:
    z, _ = peeks(np.random.default_rng(20))
    naive = (z > 1.959964).any(axis=1).mean()
    assert naive > 0.4  # the same runs deceive the fixed-horizon test
    customers = 2 * (ARM // CHECKS) * np.arange(1, CHECKS + 1)
    for bound in (
        AlwaysValidBound(),
        AlwaysValidBound(tuned_customers=2 * ARM),
        AlwaysValidBound(tuned_customers=200),
    ):
        reject = z > [bound.multiplier(int(n)) for n in customers]
        assert reject.any(axis=1).mean() < 0.05


def test_skewed_money_is_safe_too_with_200_peeks() -> None:
    rng = np.random.default_rng(21)
    runs, step = 2000, 100
    bound = AlwaysValidBound()
    ever = np.zeros(runs, dtype=bool)
    sums = np.zeros((2, 2, runs))
    for k in range(1, 101):
        money = rng.lognormal(3.0, 1.0, (2, runs, step)) * (rng.random((2, runs, step)) < 0.3)
        sums[:, 0] += money.sum(axis=2)
        sums[:, 1] += (money**2).sum(axis=2)
        mean = sums[:, 0] / (k * step)
        variance = (sums[:, 1] / (k * step) - mean**2) / (k * step)
        ever |= np.abs(mean[1] - mean[0]) / np.sqrt(variance.sum(axis=0)) > bound.multiplier(2 * k * step)
    assert ever.mean() < 0.05


def test_a_real_effect_is_found_in_the_end() -> None:
    z, _ = peeks(np.random.default_rng(22), runs=400, lift=0.02)
    customers = 2 * (ARM // CHECKS) * np.arange(1, CHECKS + 1)
    assert (z > [AlwaysValidBound().multiplier(int(n)) for n in customers]).any(axis=1).mean() > 0.95


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(InputError, match="tuned_customers"):
        AlwaysValidBound(tuned_customers=0)
    with pytest.raises(InputError, match="alpha"):
        AlwaysValidBound(alpha=0.0)
