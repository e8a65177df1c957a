import numpy as np
import pytest

from koipond.recommend.again import due_days, frequency_scores, learn_returns
from koipond.recommend.baskets import Baskets, pairs_of, popularity, read_baskets


def _baskets(rows: list[tuple[str, str, int]]) -> Baskets:
    table = {name: [row[i] for row in rows] for i, name in enumerate(("c", "i", "d"))}
    return read_baskets(table, customer="c", item="i", at="d")


def test_lines_of_a_day_are_one_purchase() -> None:
    baskets = _baskets([("b", "x", 3), ("a", "y", 1), ("a", "x", 2), ("a", "x", 2), ("a", "x", 5)])
    pairs = pairs_of(baskets)
    assert pairs.customer.tolist() == [0, 0, 1]
    assert pairs.item.tolist() == [0, 1, 0]
    assert pairs.day_count.tolist() == [2, 1, 1]
    assert pairs.last_day.tolist() == [5, 1, 3]


def test_popularity_counts_customers_of_the_window_only() -> None:
    baskets = _baskets([("a", "x", 100), ("a", "x", 101), ("b", "x", 71), ("c", "x", 70), ("a", "y", 100)])
    assert popularity(baskets, until=100).tolist() == [2, 1]
    assert popularity(baskets, until=101, count="purchases").tolist() == [2, 1]
    assert popularity(baskets, until=1_000).tolist() == [0, 0]


def test_frequency_ranks_and_popularity_only_breaks_ties() -> None:
    baskets = _baskets([("a", "x", 1), ("a", "x", 2), ("a", "y", 1), ("a", "z", 1)])
    scores = frequency_scores(pairs_of(baskets), np.array([0.0, 1.0, 500.0]))
    assert scores[0] > scores[2] > scores[1]


def test_a_pair_is_due_one_shrunk_cycle_after_its_last_day() -> None:
    baskets = _baskets([("a", "x", 10), ("a", "x", 30), ("a", "x", 70), ("b", "y", 50)])
    due = due_days(baskets, pairs_of(baskets))
    g0 = 30.0
    cycle = np.exp((3 * np.log(g0) + np.log(20) + np.log(40)) / 5)
    assert due == pytest.approx([70 + cycle, 50 + g0])
    once = _baskets([("a", "x", 10), ("b", "y", 50)])
    assert np.all(np.isnan(due_days(once, pairs_of(once))))


def test_an_item_with_200_gaps_is_its_own_prior() -> None:
    rows = [(f"c{i}", "milk", 10 + 7 * n) for i in range(100) for n in range(3)]
    rows += [(f"d{i}", "coat", 10 + 300 * n) for i in range(60) for n in range(2)]
    rows += [(f"e{i}", "soap", 10 + 30 * n) for i in range(200) for n in range(2)]
    rows += [("new", "milk", 20), ("new", "coat", 20), ("new", "soap", 20)]
    baskets = _baskets(rows)
    coat, milk, soap = due_days(baskets, pairs_of(baskets))[-3:]
    assert (milk, soap) == pytest.approx((20 + 7, 20 + 30))
    assert coat == pytest.approx(20 + 30)  # 60 gaps only: everybody's median


def test_own_returns_learn_that_some_pairs_come_back_and_some_do_not() -> None:
    rows = []
    for i in range(400):
        rows += [(f"c{i}", "milk", day) for day in (1, 20, 40, 60, 80)]
        rows += [(f"c{i}", "sofa", 61), (f"c{i}", "soap", 30)]
    baskets = _baskets(rows)
    table = learn_returns(baskets, until=80, window_days=20)
    pairs = pairs_of(baskets.between(1, 60))
    scores = table.scores(pairs, today=60, popular=np.zeros(3))
    milk, soap = (scores[pairs.item == code] for code in (0, 1))
    assert milk.min() > 0.9
    assert soap.max() < 0.1
