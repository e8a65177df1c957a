import numpy as np

from koipond.strategy.allocation import rounding
from koipond.strategy.allocation.dual import Dual, best_prices
from koipond.strategy.allocation.problem import Problem
from koipond.strategy.allocation.rounding import round_to_whole, standing


def drawn(customers: int, *, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    limits = np.full((2, 1 + 2 + 1), np.inf)
    limits[0, 0], limits[1, 1] = 0.5 * customers, 0.1 * customers
    return Problem(
        value=rng.gamma(2.0, 2.0, (2, customers)),
        cost=rng.integers(1, 9, (2, customers)).astype(float),
        segment=np.zeros(customers, dtype=np.intp),
        limits=limits,
    )


def test_standing_names_the_best_option_and_its_lead() -> None:
    limits = np.full((2, 4), np.inf)
    given = Problem(
        value=np.array([[5.0, 1.0, 2.0], [4.0, 0.5, 9.0]]),
        cost=np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 2.0]]),
        segment=np.zeros(3, dtype=np.intp),
        limits=limits,
    )
    prices = np.zeros((2, 4))
    prices[0, 0] = 2.0
    choice, lead = standing(given, prices)
    assert choice.tolist() == [0, -1, 1]
    assert lead.tolist() == [1.0, 1.0, 5.0]  # 3 against 2; none against -1; 5 against none


def test_bad_prices_cost_value_but_never_a_limit() -> None:
    given = drawn(500)
    good = best_prices(given)
    for factor in (0.0, 0.2, 5.0, 100.0):
        prices = good.prices * factor
        cells = given.segment_count * given.pieces
        mixture = tuple((cell, 1.0, prices) for cell in range(cells))
        choice = round_to_whole(given, Dual(prices=prices, bound=good.bound, mixture=mixture))
        assert bool((given.usage(choice) <= given.limits).all())
        assert given.worth(choice) > 0.8 * good.bound


def test_many_customers_are_rounded_by_their_least_decided_ones_alone(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    given = drawn(3_000)
    whole = round_to_whole(given, best_prices(given))
    monkeypatch.setattr(rounding, "_CONTESTED_MAX", 200)
    part = round_to_whole(given, best_prices(given))
    assert bool((given.usage(part) <= given.limits).all())
    assert given.worth(part) > given.worth(whole) * (1 - 1e-3)
