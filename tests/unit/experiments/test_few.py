"""Few buyers in an arm: false alarms of ratios and means where there is no effect (case B21 and its kind)."""

import numpy as np
import pandas as pd
import pytest

import koipond
from koipond.experiments.adjustment import Target, compare_cuped
from koipond.experiments.columns import sums_of
from koipond.experiments.few import NOTE
from koipond.experiments.means import compare_means
from koipond.experiments.ratios import compare_ratios
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError

RUNS = 1500
SIGMA = 0.8  # of the logarithm of a basket


def arm(random: np.random.Generator, customers: int, buyers: int, orders_each: int = 1) -> MetricSums:
    """Return the sums of an arm whose first ``buyers`` customers bought log-normal baskets."""
    orders = np.zeros(customers, dtype=np.int64)
    orders[:buyers] = orders_each
    baskets = random.lognormal(0.0, SIGMA, (buyers, orders_each)).sum(axis=1)
    revenue = np.zeros(customers)
    revenue[:buyers] = baskets
    before = random.lognormal(0.0, SIGMA, customers)
    return sums_of({"rev": revenue, "orders": orders, "before": before})


def alarms(compare, held: int, touched: int, orders_each: int = 1) -> float:
    """Return the share of worlds without any effect in which ``compare`` finds one at 5 %."""
    random = np.random.default_rng([held, touched])
    found = 0
    for _ in range(RUNS):
        control = arm(random, 200, held, orders_each)
        found += compare(control, arm(random, 3800, touched, orders_each)).p < 0.05
    return found / RUNS


@pytest.mark.parametrize(("held", "touched"), [(2, 2), (2, 76), (4, 76), (10, 76), (40, 760), (90, 1500)])
def test_b21_a_ratio_with_few_orders_in_an_arm_keeps_its_level(held: int, touched: int) -> None:
    assert alarms(lambda a, b: compare_ratios(a, b, "rev", "orders"), held, touched) <= 0.06


def test_b21_an_own_spread_of_four_orders_would_not() -> None:
    alone = alarms(lambda a, b: compare_ratios(a, b, "rev", "orders", spread="own"), 4, 76)
    assert alone > 0.15


def test_b21_with_a_covariate_and_with_two_orders_each_alike() -> None:
    target = Target(numerator="rev", denominator="orders")
    assert alarms(lambda a, b: compare_cuped(a, b, target, ["before"]), 4, 76) <= 0.06
    assert alarms(lambda a, b: compare_ratios(a, b, "rev", "orders"), 4, 76, orders_each=2) <= 0.06


def chance_alarms(compare, share: float) -> float:
    """Return the same share where buying itself is left to chance, in both arms alike."""
    random = np.random.default_rng(7)
    found = tested = 0
    while tested < RUNS:
        held, touched = (int(random.binomial(n, share)) for n in (200, 3800))
        if held:
            tested += 1
            found += compare(arm(random, 200, held), arm(random, 3800, touched)).p < 0.05
    return found / RUNS


def test_a_mean_per_customer_that_few_earned_keeps_its_level() -> None:
    assert chance_alarms(lambda a, b: compare_means(a, b, "rev"), 0.02) <= 0.06
    assert chance_alarms(lambda a, b: compare_means(a, b, "rev", spread="own"), 0.02) > 0.12
    adjusted = chance_alarms(lambda a, b: compare_cuped(a, b, Target(numerator="rev"), ["before"]), 0.02)
    assert adjusted <= 0.06


def test_b21_one_order_of_the_hold_out_lies_within_the_spread_of_the_others() -> None:
    control = pd.DataFrame({"arm": "control", "rev": [100.0] + [0.0] * 199, "orders": [1] + [0] * 199})
    rest = {"rev": [75.0, 105.0] * 38 + [0.0] * 3724, "orders": [1] * 76 + [0] * 3724}
    both = pd.concat([control, pd.DataFrame({"arm": "t", **rest})])
    made = koipond.compare(
        both, metrics={"aov": ("ratio", "rev", "orders")}, expected={"control": 0.05, "t": 0.95}
    )
    (effect,) = made.effects
    # 100 against 90 with a spread of 15: 0.66 deviations
    assert effect.difference == pytest.approx(-10)
    assert effect.p == pytest.approx(0.51, abs=0.01)
    assert NOTE in effect.method


def test_one_order_in_each_arm_tells_nothing_and_is_refused() -> None:
    random = np.random.default_rng(1)
    with pytest.raises(InputError, match="too few to tell"):
        compare_ratios(arm(random, 50, 1), arm(random, 50, 1), "rev", "orders")


def test_an_arm_with_many_buyers_and_plain_measurements_is_left_alone() -> None:
    random = np.random.default_rng(2)
    many = arm(random, 2000, 1000), arm(random, 2000, 1000)
    assert NOTE not in compare_ratios(*many, "rev", "orders").method
    plain = sums_of({"x": [1.0, 2.0, 4.0]}), sums_of({"x": [3.0, 5.0, 9.0]})
    assert compare_means(*plain, "x").method == "Welch t"


def test_kish_counts_equal_customers_as_they_are_and_unequal_ones_as_fewer() -> None:
    assert sums_of({"x": [0, 0, 3, 3, 3]}).effective_count("x") == pytest.approx(3)
    assert sums_of({"x": [1.0, 3.0]}).effective_count("x") == pytest.approx(1.6)
    assert sums_of({"x": [0, 0]}).effective_count("x") == 0
