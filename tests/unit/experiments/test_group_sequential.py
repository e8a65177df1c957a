import numpy as np
import pytest

from koipond.experiments.group_sequential import GroupSequentialBound
from koipond.experiments.sequential import spending_bounds
from koipond.kernel import InputError


def test_a_look_near_a_planned_one_counts_as_that_look() -> None:
    bound = GroupSequentialBound(planned_customers=10_000)
    assert bound.looks_until(2000) == (0.2,)
    assert bound.looks_until(4200) == (0.2, 0.42)
    assert bound.multiplier(4200) == spending_bounds([0.2, 0.42])[-1]
    assert bound.multiplier(10_000) == pytest.approx(2.031, abs=5e-4)


def test_looks_really_taken_replace_the_planned_ones() -> None:
    bound = GroupSequentialBound(planned_customers=10_000).with_looks(1500, 7000)
    assert bound.looks_until(9000) == (0.15, 0.7, 0.9)
    assert bound.multiplier(9000) == spending_bounds([0.15, 0.7, 0.9])[-1]
    with pytest.raises(InputError, match="no more than at the look before"):
        bound.looks_until(7000)


def test_the_p_is_below_alpha_exactly_when_the_bound_is_reached() -> None:
    bound = GroupSequentialBound(planned_customers=1000)
    for customers in (200, 400, 800, 1000):
        z = bound.multiplier(customers)
        assert bound.p_value(z, customers) == pytest.approx(0.05, rel=1e-6)
        assert bound.p_value(z + 0.1, customers) < 0.05 < bound.p_value(-z + 0.1, customers)
    assert bound.p_value(0.0, 1000) == 1.0
    assert 0 < bound.p_value(40.0, 1000) <= 1e-15


def test_a_look_that_may_spend_nothing_gives_a_wide_finite_interval() -> None:
    early = GroupSequentialBound(planned_customers=1_000_000, information=(0.001, 1.0))
    full = GroupSequentialBound(planned_customers=1000).with_looks(500, 1000)
    for bound, customers in ((early, 1000), (full, 1200)):
        assert bound.multiplier(customers) == 37.0
        assert bound.p_value(5.0, customers) > 0.05


def test_more_customers_than_planned_only_end_the_plan() -> None:
    bound = GroupSequentialBound(planned_customers=1000)
    assert bound.looks_until(1300) == (0.2, 0.4, 0.6, 0.8, 1.3)
    assert bound.multiplier(1300) < bound.multiplier(1000) + 0.1


def test_the_only_look_at_the_end_is_the_fixed_test() -> None:
    bound = GroupSequentialBound(planned_customers=100, information=(1.0,))
    assert bound.multiplier(100) == pytest.approx(1.959964, abs=1e-6)
    assert bound.p_value(2.5, 100) == pytest.approx(0.0124193, rel=1e-5)


def test_false_positives_stay_at_alpha_when_customers_come_unevenly() -> None:
    rng = np.random.default_rng(5)
    bound = GroupSequentialBound(planned_customers=1000).with_looks(150, 480, 700)
    sizes = [150, 480, 700, 1000]
    taken = GroupSequentialBound(planned_customers=1000)
    limits = [taken.with_looks(*sizes[:k]).multiplier(n) for k, n in enumerate(sizes)]
    assert limits[-1] == bound.multiplier(1000)
    steps = np.diff([0, *sizes])
    walk = np.cumsum(rng.normal(size=(40_000, 4)) * np.sqrt(steps), axis=1)
    rejected = (np.abs(walk) / np.sqrt(sizes) >= limits).any(axis=1).mean()
    assert rejected == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 40_000))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"planned_customers": 1}, "customers in both arms"),
        ({"planned_customers": 100, "information": (0.5, 1.2)}, "end at 1"),
        ({"planned_customers": 100, "information": (0.5, 0.4)}, "must rise"),
        ({"planned_customers": 100, "taken": (0.5, 0.4)}, "must rise"),
        ({"planned_customers": 100, "alpha": 2.0}, "alpha"),
    ],
)
def test_senseless_plans_are_refused(settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GroupSequentialBound(**settings)
