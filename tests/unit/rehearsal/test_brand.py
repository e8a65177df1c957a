import numpy as np

from koipond.rehearsal.brand import BrandParameters, SimulatedBrand, odds

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
    moved = made.touch(who, 20_000.0, 14.0, np.full(who.size, 0.25 * odds(chance)))
    assert not np.any(natural & moved)
    expected = 1.25 * chance.mean()
    error = np.sqrt(expected * (1 - expected) / who.size)
    assert abs((natural | moved).mean() - expected) < 4 * error


def test_who_was_moved_buys_inside_the_window() -> None:
    made = brand()
    moved = np.flatnonzero(made.touch(np.arange(PARAMETERS.customers), 20_000.0, 14.0, np.array(0.3)))
    assert moved.size > 0
    _, buyers, _ = made.purchases_until(20_014.0)
    assert np.isin(moved, buyers).all()


def test_a_chance_of_one_wins_everybody_who_would_not_have_bought() -> None:
    made = brand(3)
    moved = made.touch(np.arange(PARAMETERS.customers), 20_000.0, 90.0, np.array(1.0))
    assert np.array_equal(moved, made.next >= 20_000.0 + 90.0)
