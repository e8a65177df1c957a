"""Boundaries and false positives of science B4, and a second route to each at unequal looks."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from koipond.experiments.sequential import constant, crossing, spending_bounds
from koipond.experiments.spending import spent
from koipond.kernel import InputError

UNEQUAL = [
    (0.13, 0.31, 0.34, 0.77, 1.0),
    (0.05, 0.5, 0.52, 0.9, 0.97, 1.0),
    (0.4, 1.0),
    (0.3, 0.6, 0.85),
]


def equal(looks: int) -> list[float]:
    return [(k + 1) / looks for k in range(looks)]


def dense_grid(
    information, bounds, drift: float = 0.0, step: float = 0.004
) -> tuple[list[float], list[float]]:
    """Chance of first crossing up and down at each look, by convolution on an even grid (trapezoid rule).

    An independent route: increments are added on one grid for all looks by FFT, no quadrature nodes move.
    """
    reach = 9.0 + abs(drift)
    s = np.arange(-reach, reach + step, step)
    density, up, down, before = None, [], [], 0.0
    for time, bound in zip(information, bounds, strict=True):
        gap = time - before
        if density is None:
            z = bound * np.sqrt(time)
            up.append(ndtr(-(z - drift * time) / np.sqrt(time)))
            down.append(ndtr((-z - drift * time) / np.sqrt(time)))
            density = np.exp(-0.5 * (s - drift * time) ** 2 / time) / np.sqrt(2 * np.pi * time)
        else:
            z = bound * np.sqrt(time)
            up.append(float(np.sum(density * ndtr((s + drift * gap - z) / np.sqrt(gap))) * step))
            down.append(float(np.sum(density * ndtr((-s - drift * gap - z) / np.sqrt(gap))) * step))
            width = np.arange(-len(s) + 1, len(s)) * step
            kernel = np.exp(-0.5 * (width - drift * gap) ** 2 / gap) / np.sqrt(2 * np.pi * gap)
            size = len(s) + len(width) - 1
            full = np.fft.irfft(np.fft.rfft(density, size) * np.fft.rfft(kernel, size), size)
            density = full[len(s) - 1 : 2 * len(s) - 1] * step
        # the cells at the bound are cut in proportion, which keeps the error of order step²
        inside = np.clip((z - np.abs(s)) / step + 0.5, 0.0, 1.0)
        density = density * inside
        before = time
    return up, down


@pytest.mark.parametrize(
    ("looks", "percent"), [(1, 5.0), (2, 8.3), (3, 10.7), (4, 12.6), (5, 14.2), (10, 19.3), (20, 24.8)]
)
def test_false_positives_of_peeking_with_1_96(looks: int, percent: float) -> None:
    z = float(-ndtri(0.025))
    assert round(100 * crossing(equal(looks), [z] * looks).total, 1) == percent


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087)],
)
def test_classical_constants(looks: int, pocock: float, obrien_fleming: float) -> None:
    assert round(constant(looks, shape=0.5), 3) == pocock
    assert round(constant(looks, shape=0.0), 3) == obrien_fleming


def test_lan_demets_obrien_fleming_0_025_a_side() -> None:
    found = spending_bounds(equal(5))
    assert [round(z, 3) for z in found] == [4.877, 3.357, 2.680, 2.290, 2.031]


def test_lan_demets_with_one_spending_function_on_0_05() -> None:
    found = spending_bounds(equal(5), sides="both")
    assert [round(z, 3) for z in found] == [4.383, 3.100, 2.553, 2.254, 2.064]


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("information", UNEQUAL)
def test_unequal_looks_spend_what_the_function_allows_by_an_independent_recursion(
    information, spending
) -> None:
    bounds = spending_bounds(information, spending=spending)
    up, down = dense_grid(information, bounds)
    allowed = [0.0, *(spent(spending, time, alpha=0.05) for time in information)]
    for k, (before, after) in enumerate(pairwise(allowed)):
        assert up[k] + down[k] == pytest.approx(after - before, rel=2e-4, abs=2e-7)


@pytest.mark.parametrize("information", UNEQUAL[:1] + UNEQUAL[2:])
def test_unequal_looks_agree_with_the_multivariate_normal_integral(information) -> None:
    from scipy.stats import multivariate_normal

    bounds = spending_bounds(information)
    times = np.array(information)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = multivariate_normal(np.zeros(len(times)), correlation).cdf(
        np.array(bounds), lower_limit=-np.array(bounds), rng=np.random.default_rng(1)
    )
    assert 1 - inside == pytest.approx(spent("obrien_fleming", information[-1], alpha=0.05), abs=2e-5)


@pytest.mark.parametrize("drift", [0.0, 1.3, 3.2, -2.0])
def test_power_at_unequal_looks_by_an_independent_recursion(drift: float) -> None:
    information = UNEQUAL[0]
    bounds = spending_bounds(information, spending="pocock")
    found = crossing(information, bounds, drift=drift)
    up, down = dense_grid(information, bounds, drift)
    assert found.upper == pytest.approx(up, rel=2e-4, abs=1e-7)
    assert found.lower == pytest.approx(down, rel=2e-4, abs=1e-7)


def test_all_of_alpha_is_spent_at_the_end_and_not_before() -> None:
    for spending in ("obrien_fleming", "pocock"):
        assert spent(spending, 1.0, alpha=0.05) == pytest.approx(0.05)
        assert spent(spending, 1.7, alpha=0.05) == pytest.approx(0.05)
        assert spent(spending, 0.5, alpha=0.05) < 0.05
        times = equal(7)
        assert crossing(times, spending_bounds(times, spending=spending)).total == pytest.approx(
            0.05, abs=1e-9
        )


def test_a_final_look_before_the_plan_is_full_spends_the_rest() -> None:
    early = spending_bounds([0.3, 0.8])
    final = spending_bounds([0.3, 0.8], final=True)
    assert final[0] == early[0]
    assert final[1] < early[1]
    assert crossing([0.3, 0.8], final).total == pytest.approx(0.05, abs=1e-9)


def test_a_look_that_may_spend_nothing_never_stops() -> None:
    bounds = spending_bounds([0.001, 1.0])
    assert bounds[0] == float("inf")
    assert crossing([0.001, 1.0], bounds).total == pytest.approx(0.05, abs=1e-9)
    assert spending_bounds([0.5, 1.0, 1.2])[2] == float("inf")  # the plan was already full


def test_two_hundred_looks_are_no_trouble() -> None:
    times = equal(200)
    assert crossing(times, spending_bounds(times)).total == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize(
    "information", [[], [0.0, 1.0], [0.5, 0.5], [0.7, 0.3], [float("nan"), 1.0], [0.1] * 2000]
)
def test_looks_out_of_order_or_too_many_are_refused(information) -> None:
    with pytest.raises(InputError, match=r"looks|information"):
        spending_bounds(information)


def test_bad_bounds_and_unknown_spending_are_refused() -> None:
    with pytest.raises(InputError, match="bounds above 0"):
        crossing([0.5, 1.0], [1.96])
    with pytest.raises(InputError, match="bounds above 0"):
        crossing([0.5, 1.0], [1.96, float("nan")])
    with pytest.raises(InputError, match="spending must be"):
        spending_bounds([1.0], spending="haybittle")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="looks must be"):
        constant(0)
