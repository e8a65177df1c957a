import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.recommend.ranking import Eligibility, top_lists

EVERYTHING = Eligibility(allowed=np.ones(6, dtype=bool))


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 8)
)
def test_the_best_come_first_and_ties_go_to_the_lower_code(scores: list[list[int]], k: int) -> None:
    table = np.array(scores, dtype=float)
    found = top_lists(lambda who: table[who], np.arange(len(table)), EVERYTHING, k=k)
    for customer in range(len(table)):
        expected = sorted(range(6), key=lambda item: (-table[customer, item], item))[:k]
        assert found.item[found.customer == customer].tolist() == expected
        assert found.rank[found.customer == customer].tolist() == list(range(1, len(expected) + 1))


def test_what_may_not_be_shown_is_not_and_lists_may_be_short() -> None:
    allowed = np.array([True, False, True, True, False, False])
    scores = np.array([[1.0, 9, 3, -np.inf, 9, 9]])
    found = top_lists(lambda who: scores[who], np.zeros(1, dtype=int), Eligibility(allowed=allowed), k=4)
    assert found.item.tolist() == [2, 0]


def test_a_category_fills_no_more_than_its_share() -> None:
    category = np.array([0, 0, 0, 1, 1, -1])
    limited = Eligibility(allowed=np.ones(6, dtype=bool), category=category, per_category_max=1)
    scores = np.array([[9.0, 8, 7, 6, 5, 4], [1.0, 2, 3, 4, 5, 6]])
    found = top_lists(lambda who: scores[who], np.arange(2), limited, k=3)
    assert found.item.tolist() == [0, 3, 5, 5, 4, 2]


def test_many_items_are_ranked_in_blocks_of_customers_as_few_are() -> None:
    scores = np.random.default_rng(0).random((24, 6))
    items = 400
    asked: list[int] = []

    def score(who: np.ndarray) -> np.ndarray:
        asked.append(len(who))
        out = np.full((len(who), items), -2.0)
        out[:, :6] = scores[who]
        return out

    every = Eligibility(allowed=np.ones(items, dtype=bool))
    found = top_lists(score, np.arange(24), every, k=3, block_bytes=20 * items * 8)
    expected = top_lists(lambda who: scores[who], np.arange(24), EVERYTHING, k=3)
    assert found.item.tolist() == expected.item.tolist()
    assert asked == [20, 4]


def test_nobody_asked_for_gives_empty_lists() -> None:
    found = top_lists(lambda who: np.zeros((len(who), 6)), np.arange(0), EVERYTHING, k=3)
    assert found.customer.tolist() == []
    assert found.score.dtype == np.float64


def test_the_score_comes_with_the_item() -> None:
    found = top_lists(lambda who: np.arange(6.0)[None, :], np.zeros(1, dtype=int), EVERYTHING, k=2)
    assert found.score.tolist() == pytest.approx([5.0, 4.0])
