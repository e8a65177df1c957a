import numpy as np
import pytest

from koipond.rehearsal.brand import BrandParameters, SimulatedBrand

PARAMETERS = BrandParameters(customers=40_000)


def brand(seed: int = 1) -> SimulatedBrand:
    made = SimulatedBrand(PARAMETERS, start=20_000.0, seed=seed)
    made.purchases_until(20_000.0)
    return made


def test_the_same_seed_gives_the_same_brand() -> None:
    one, two = (
        SimulatedBrand(PARAMETERS, start=20_000.0, seed=7).purchases_until(20_030.0) for _ in range(2)
    )
    for left, right in zip(one, two, strict=True):
        assert np.array_equal(left, right)


def test_each_purchase_is_told_once_and_in_order() -> None:
    whole = SimulatedBrand(PARAMETERS, start=20_000.0, seed=3)
    first = whole.purchases_until(20_000.0)
    second = whole.purchases_until(20_010.0)
    assert first[0].max() < 20_000.0 <= second[0].min()
    assert np.all(np.diff(first[0]) >= 0)


def test_the_stated_chance_is_the_true_one() -> None:
    made = brand()
    everyone = np.arange(PARAMETERS.customers)
    chance = made.chance_to_buy(everyone, 20_000.0, 30.0)
    bought = made.next < 20_030.0
    error = np.sqrt((chance * (1 - chance)).sum()) / everyone.size
    assert abs(bought.mean() - chance.mean()) < 4 * error
    low = chance < np.median(chance)
    assert abs(bought[low].mean() - chance[low].mean()) < 6 * error


def test_a_planted_effect_lifts_the_batch_by_that_factor() -> None:
    made = brand()
    who = np.arange(PARAMETERS.customers)
    chance = made.chance_to_buy(who, 20_000.0, 14.0)
    natural = made.next[who] < 20_014.0
    moved, planted = made.touch(who, 20_000.0, 14.0, 0.25)
    assert planted == pytest.approx(0.25)
    assert not np.any(natural & moved)
    expected = 1.25 * chance.mean()
    error = np.sqrt(expected * (1 - expected) / who.size)
    assert abs((natural | moved).mean() - expected) < 4 * error


def test_who_was_moved_buys_inside_the_window() -> None:
    made = brand()
    moved = np.flatnonzero(made.touch(np.arange(PARAMETERS.customers), 20_000.0, 14.0, 0.25)[0])
    _, buyers, _ = made.purchases_until(20_014.0)
    assert np.isin(moved, buyers).all()


def test_no_more_is_planted_than_there_are_buyers_to_win() -> None:
    made = brand(3)
    who = np.arange(PARAMETERS.customers)
    alone = made.chance_to_buy(who, 20_000.0, 90.0).sum()
    moved, planted = made.touch(who, 20_000.0, 90.0, 3.0)
    assert planted == pytest.approx((who.size - alone) / alone)
    idle = made.next >= 20_000.0 + 90.0
    assert np.array_equal(moved, idle), "whoever would not have bought does now"
