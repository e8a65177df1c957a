"""Quotas, codes, money and addresses dealt out together, against a loop over the candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.strategy.plan.dealing import BESIDE, GETS, Addresses, Supply, deal

KINDS, BOXES = 4, 5
supplies_ = st.lists(
    st.tuples(st.integers(0, 20), st.lists(st.integers(0, 3), min_size=KINDS, max_size=KINDS)), max_size=4
)
candidates = st.lists(
    st.tuples(st.integers(0, KINDS - 1), st.lists(st.integers(0, BOXES - 1), unique=True, max_size=3)),
    max_size=60,
)


def addresses(boxes: list[list[int]], used: list[int]) -> Addresses:
    pairs = [(row, box) for row, mine in enumerate(boxes) for box in mine]
    row, box = (np.array([pair[n] for pair in pairs], dtype=np.int64) for n in (0, 1))
    gone = np.zeros(BOXES, dtype=bool)
    gone[used] = True
    return Addresses(row=row, box=box, used=gone)


@given(candidates, supplies_, st.lists(st.integers(0, BOXES - 1), unique=True, max_size=1))
def test_all_get_what_a_loop_over_the_candidates_gives_them(rows, limits, used) -> None:
    kinds = np.array([kind for kind, _ in rows], dtype=np.int64)
    supplies = [Supply(left=left, takes=np.array(takes)) for left, takes in limits]
    shared = addresses([boxes for _, boxes in rows], used)
    found = deal(kinds, supplies, shared)
    left, gone = [one.left for one in supplies], set(used)
    for row, (kind, boxes) in enumerate(rows):
        short = [n for n, one in enumerate(supplies) if one.takes[kind] > left[n]]
        if gone & {*boxes}:
            assert found[row] == BESIDE, row
        elif short:
            assert found[row] == short[0], row
        else:
            assert found[row] == GETS, row
            gone |= {*boxes}
            left = [room - int(one.takes[kind]) for room, one in zip(left, supplies, strict=True)]
    assert {*np.flatnonzero(shared.used)} == gone


def test_a_code_that_the_budget_refuses_goes_to_the_next() -> None:
    """Two codes, money for one dear and one cheap message: the second dear one takes neither."""
    dear, cheap = 0, 1
    codes = Supply(left=2, takes=np.array([1, 1]))
    money = Supply(left=14, takes=np.array([10, 3]))
    assert deal(np.array([dear, dear, cheap]), [codes, money]).tolist() == [GETS, 1, GETS]


def test_an_address_whose_first_holder_cannot_be_paid_goes_to_the_next() -> None:
    dear, cheap = 0, 1
    money = Supply(left=5, takes=np.array([10, 3]))
    shared = addresses([[0], [0], [0]], [])
    assert deal(np.array([dear, cheap, cheap]), [money], shared).tolist() == [0, GETS, BESIDE]


def test_who_loses_one_address_leaves_his_other_to_the_next() -> None:
    shared = addresses([[0], [0, 1], [1]], [])
    assert deal(np.array([0, 0, 0]), [], shared).tolist() == [GETS, BESIDE, GETS]


@pytest.mark.parametrize("used", [[], [2]])
def test_nobody_is_nothing(used: list[int]) -> None:
    assert deal(np.array([], dtype=np.int64), [], addresses([], used)).tolist() == []
