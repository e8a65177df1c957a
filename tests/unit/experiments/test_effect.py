import numpy as np
import pytest

from koipond.experiments.columns import sums_of
from koipond.experiments.means import compare_means
from koipond.experiments.ratios import compare_ratios
from koipond.experiments.relative import ArmEstimate, relative_lift
from koipond.kernel import InputError


def test_the_t_interval_is_wider_than_the_normal_one_for_few_customers() -> None:
    control, treated = sums_of({"x": [1.0, 2.0, 4.0]}), sums_of({"x": [3.0, 5.0, 9.0]})
    effect = compare_means(control, treated, "x")
    assert effect.high - effect.low > 2 * 1.96 * effect.se
    assert (effect.p < 0.05) == (effect.low > 0)


def test_nobody_differing_in_either_arm_is_refused_and_in_one_arm_is_not() -> None:
    flat, varied = sums_of({"x": [2, 2, 2]}), sums_of({"x": [1, 2, 3]})
    with pytest.raises(InputError, match="nothing can be tested"):
        compare_means(flat, flat, "x")
    assert np.isfinite(compare_means(flat, varied, "x").p)


def test_an_arm_of_one_customer_has_no_variance_and_is_refused() -> None:
    with pytest.raises(InputError, match="at least two customers"):
        compare_means(sums_of({"x": [2]}), sums_of({"x": [1, 2]}), "x")


def test_the_two_relative_methods_differ_and_are_named() -> None:
    control, treated = (
        ArmEstimate(n=100, value=10.0, variance=1.0),
        ArmEstimate(n=100, value=12.0, variance=1.0),
    )
    delta = relative_lift(control, treated, z=1.96, method="delta")
    log_ratio = relative_lift(control, treated, z=1.96, method="log-ratio")
    assert delta.estimate == log_ratio.estimate == pytest.approx(0.2)
    assert (delta.method, log_ratio.method) == ("delta", "log-ratio")
    assert delta.high is not None
    assert delta.low is not None
    assert delta.high - 0.2 == pytest.approx(0.2 - delta.low)
    assert log_ratio.low is not None
    assert log_ratio.high is not None
    assert (1 + log_ratio.low) * (1 + log_ratio.high) == pytest.approx(1.2**2)
    # the same variance of the ratio lies behind both: (var_t + ratio² var_c) / control²
    assert (delta.high - 0.2) / 1.2 == pytest.approx(np.log((1 + log_ratio.high) / 1.2))


@pytest.mark.parametrize("control", [0.0, -3.0])
def test_lift_over_a_control_that_is_not_positive_is_not_defined_and_says_so(control: float) -> None:
    lift = relative_lift(
        ArmEstimate(n=9, value=control, variance=1.0), ArmEstimate(n=9, value=5.0, variance=1.0), z=2.0
    )
    assert lift.to_dict() == {
        "estimate": None,
        "low": None,
        "high": None,
        "method": "not defined: the control is not positive",
    }


def test_a_ratio_needs_denominators_above_zero() -> None:
    some, none = sums_of({"a": [1, 2], "b": [1, 1]}), sums_of({"a": [0, 0], "b": [0, 0]})
    with pytest.raises(InputError, match="denominators sum to 0"):
        compare_ratios(some, none, "a", "b")


def test_a_ratio_that_every_customer_shares_has_no_variance() -> None:
    arm = sums_of({"a": [0.3, 0.6, 0.9], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match="nothing can be tested"):
        compare_ratios(arm, arm, "a", "b")
