"""Intervals are checked against Newcombe 1998 (Statistics in Medicine 17, 873-890), table II, method 10."""

import pytest

from koipond.experiments.columns import sums_of
from koipond.experiments.proportions import compare_proportions, newcombe, wilson
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError

Z = 1.959963984540054


def arm(k: int, n: int) -> MetricSums:
    return MetricSums(n=n, columns=("bought",), sums=(k,), products=(k,))


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0000),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_newcombe_interval_equals_the_published_table(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    found = newcombe(control, treated, z=Z)
    assert found[0] == pytest.approx(low, abs=5.1e-5)
    assert found[1] == pytest.approx(high, abs=5.1e-5)


def test_few_converts_get_newcombe_and_many_get_wald() -> None:
    assert "Newcombe" in compare_proportions(arm(9, 1000), arm(50, 1000), "bought").method
    assert "Wald" in compare_proportions(arm(10, 1000), arm(50, 1000), "bought").method
    assert "Newcombe" in compare_proportions(arm(950, 1000), arm(995, 1000), "bought").method


def test_nobody_converting_is_no_evidence_but_still_an_interval() -> None:
    effect = compare_proportions(arm(0, 100), arm(0, 100), "bought")
    assert (effect.difference, effect.p) == (0.0, 1.0)
    assert effect.low == pytest.approx(-effect.high)
    assert effect.high == pytest.approx(wilson(0, 100, z=Z)[1])
    assert effect.relative.estimate is None
    assert "not defined" in effect.relative.method


def test_one_customer_an_arm_is_enough_for_a_defined_if_useless_answer() -> None:
    effect = compare_proportions(arm(0, 1), arm(1, 1), "bought")
    assert effect.difference == 1.0
    assert -1 <= effect.low < 0 < effect.high <= 1


def test_an_arm_of_nobody_and_values_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(InputError, match="no customers"):
        compare_proportions(MetricSums.empty(["bought"]), arm(1, 2), "bought")
    with pytest.raises(InputError, match="0 and 1"):
        compare_proportions(sums_of({"bought": [0, 2]}), arm(1, 2), "bought")
    with pytest.raises(InputError, match="0 and 1"):
        compare_proportions(sums_of({"bought": [0.5, 0.5]}), arm(1, 2), "bought")


@pytest.mark.parametrize("share", [0, 1])
def test_when_nobody_differs_the_difference_has_width_and_the_lift_is_not_defined(share: int) -> None:
    found = compare_proportions(arm(30 * share, 30), arm(40 * share, 40), "bought")
    assert found.low < -0.05 < 0.05 < found.high
    assert (found.p, found.relative.estimate, found.relative.low) == (1.0, None, None)
    assert found.relative.method == (
        "not defined: nobody differs" if share else "not defined: the control is not positive"
    )
    with pytest.raises(InputError, match="nobody differs"):
        compare_proportions(arm(30 * share, 30), arm(40 * share, 40), "bought", interval="wald")
