"""The interval of a relative lift: Fieller's, its limits, and how often it holds the truth."""

from math import log

import numpy as np
import pytest

from koipond.experiments.effect import effect_of
from koipond.experiments.proportions import compare_proportions
from koipond.experiments.relative import ArmEstimate, relative_lift
from koipond.experiments.statistics import MetricSums

Z = 1.959963984540054


def estimate(value: float, variance: float) -> ArmEstimate:
    return ArmEstimate(n=500, value=value, variance=variance)


def test_fieller_solves_its_own_equation_and_leans_to_the_high_side() -> None:
    control, treated = estimate(10.0, 1.0), estimate(12.0, 1.0)
    lift = relative_lift(control, treated, z=Z, method="fieller")
    assert lift.method == "Fieller"
    assert lift.low is not None
    assert lift.high is not None
    for ratio in (1 + lift.low, 1 + lift.high):  # just not different from zero
        assert (12.0 - ratio * 10.0) ** 2 == pytest.approx(Z**2 * (1.0 + ratio**2 * 1.0))
    assert lift.high - 0.2 > 0.2 - lift.low


def test_fieller_holds_zero_exactly_when_the_interval_of_the_difference_does() -> None:
    for value in np.linspace(10.5, 13.5, 61):
        effect = effect_of(estimate(10.0, 0.5), estimate(float(value), 0.7), method="z", relative="fieller")
        assert effect.relative.low is not None
        assert (effect.relative.low > 0) == (effect.low > 0)


def test_fieller_has_no_end_where_the_control_may_be_zero_and_the_logarithm_has() -> None:
    control, treated = estimate(0.5, 0.25), estimate(1.8, 0.0145)
    assert "may be zero" in relative_lift(control, treated, z=Z, method="fieller").method
    lift = relative_lift(control, treated, z=Z)
    assert lift.method == "log-ratio"
    assert lift.low is not None
    assert -1 < lift.low < 0


@pytest.mark.parametrize("method", ["log-ratio", "fieller", "delta"])
def test_u19_no_interval_falls_below_a_loss_of_everything(method) -> None:
    lift = relative_lift(estimate(0.10, 0.0004), estimate(0.02, 0.0009), z=Z, method=method)
    assert lift.low is not None
    assert -1 <= lift.low < -0.9
    nothing = relative_lift(estimate(0.10, 0.0004), estimate(0.0, 0.0009), z=Z, method=method)
    assert nothing.low == -1


def test_an_arm_that_lost_money_has_no_lift_and_says_so() -> None:
    lift = relative_lift(estimate(5.0, 1.0), estimate(-2.0, 1.0), z=Z)
    assert lift.to_dict() == {
        "estimate": None,
        "low": None,
        "high": None,
        "method": "not defined: the arm is below zero",
    }


def share(k: int, n: int) -> MetricSums:
    return MetricSums(n=n, columns=("b",), sums=(k,), products=(k,))


WORLDS = [(300, 4, 0.15, 0.25), (150, 4, 0.15, 0.5), (1000, 4, 0.05, 0.2), (60, 19, 0.15, 0.2)]


@pytest.mark.parametrize(("held", "times", "rate", "lift"), WORLDS)
def test_the_lift_of_a_share_is_held_as_often_as_it_says(
    held: int, times: int, rate: float, lift: float
) -> None:
    random = np.random.default_rng([held, int(100 * lift)])
    runs, held_in, above, symmetric_above = 5000, 0, 0, 0
    ones, twos = random.binomial(held, rate, runs), random.binomial(times * held, rate * (1 + lift), runs)
    for one, two in zip(ones, twos, strict=True):
        arms = share(int(one), held), share(int(two), times * held)
        found = compare_proportions(*arms, "b").relative
        held_in += bool(found.low is not None and found.high is not None and found.low <= lift <= found.high)
        above += bool(found.low is not None and found.low > lift)
        low = compare_proportions(*arms, "b", relative="delta").relative.low
        symmetric_above += bool(low is not None and low > lift)
    assert held_in / runs == pytest.approx(0.95, abs=0.01)
    # the symmetric interval misses on one side alone
    assert above > 2 * symmetric_above


def test_the_log_ratio_is_symmetric_on_its_own_scale() -> None:
    lift = relative_lift(estimate(10.0, 1.0), estimate(12.0, 1.0), z=Z, method="log-ratio")
    assert lift.low is not None
    assert lift.high is not None
    assert log(1.2) - log(1 + lift.low) == pytest.approx(log(1 + lift.high) - log(1.2))
