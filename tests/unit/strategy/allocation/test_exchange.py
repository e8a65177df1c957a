import numpy as np
import pytest

from koipond.strategy.allocation.exchange import exchange
from koipond.strategy.allocation.problem import Problem


def one_offer(value: list[float], cost: list[float], budget: float) -> Problem:
    limits = np.full((2, 3), np.inf)
    limits[0, 0] = budget
    return Problem(
        value=np.array([value]),
        cost=np.array([cost]),
        segment=np.zeros(len(value), dtype=np.intp),
        limits=limits,
    )


def test_a_customer_makes_room_for_one_who_gains_more() -> None:
    given = one_offer([5.0, 9.0], [3.0, 4.0], 4.0)
    traded = exchange(given, np.zeros(2), np.array([0, -1]))
    assert traded.tolist() == [-1, 0]


def test_a_customer_who_fits_is_added_alone() -> None:
    given = one_offer([5.0, 9.0], [3.0, 4.0], 7.0)
    assert exchange(given, np.zeros(2), np.array([0, -1])).tolist() == [0, 0]


def test_nothing_changes_where_nothing_gains() -> None:
    given = one_offer([5.0, 9.0], [3.0, 4.0], 4.0)
    start = np.array([-1, 0])
    assert exchange(given, np.zeros(2), start).tolist() == [-1, 0]
    assert start.tolist() == [-1, 0]


def test_exchanges_keep_every_limit_and_never_lose_value() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        limits = np.full((2, 1 + 3 + 2), np.inf)
        limits[0, 0], limits[1, 2], limits[0, 5] = 40.0, 6.0, 15.0
        given = Problem(
            value=rng.gamma(2.0, 2.0, (3, 60)),
            cost=rng.integers(1, 6, (3, 60)).astype(float),
            segment=rng.integers(0, 2, 60),
            limits=limits,
        )
        start = np.full(60, -1)
        start[rng.permutation(60)[:5]] = 0
        start = start if bool((given.usage(start) <= limits).all()) else np.full(60, -1)
        traded = exchange(given, rng.random(60), start)
        assert bool((given.usage(traded) <= limits).all())
        assert given.worth(traded) > given.worth(start)


@pytest.mark.parametrize("nearest", [0, 1])
def test_only_the_least_decided_take_part_when_there_are_many(nearest: int) -> None:
    given = one_offer([1.0] * 5_000, [1.0] * 5_000, 5_000.0)
    lead = np.ones(5_000)
    lead[[7, 4_000][nearest]] = 0.0
    traded = exchange(given, lead, np.full(5_000, -1))
    assert traded[[7, 4_000][nearest]] == 0
    assert (traded == 0).sum() < 5_000
