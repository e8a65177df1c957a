"""Quotas, codes and money dealt out together, against a loop over the candidates."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from koipond.strategy.plan.dealing import Supply, closings, together

KINDS = 4


@given(
    st.lists(st.integers(0, KINDS - 1), max_size=60),
    st.lists(
        st.tuples(st.integers(0, 20), st.lists(st.integers(0, 3), min_size=KINDS, max_size=KINDS)), max_size=4
    ),
)
def test_classes_close_where_a_loop_over_the_candidates_first_refuses_them(kinds, limits) -> None:
    supplies = [Supply(code=n, left=left, takes=np.array(takes)) for n, (left, takes) in enumerate(limits)]
    found = {end.kind: end for end in closings(np.array(kinds, dtype=np.int64), supplies)}
    left = [one.left for one in supplies]
    for row, kind in enumerate(kinds):
        short = [n for n, one in enumerate(supplies) if one.takes[kind] > left[n]]
        closed = kind in found and row >= found[kind].row
        assert closed == bool(short), (row, kind)
        if short and row == found[kind].row:
            assert found[kind].code == short[0]
        if not short:
            left = [room - int(one.takes[kind]) for room, one in zip(left, supplies, strict=True)]


def test_a_code_that_the_budget_refuses_goes_to_the_next() -> None:
    """Two codes, money for one dear and one cheap message: the second dear one takes neither."""
    dear, cheap = 0, 1
    codes = Supply(code=1, left=2, takes=np.array([1, 1]))
    money = Supply(code=2, left=14, takes=np.array([10, 3]))
    (end,) = closings(np.array([dear, dear, cheap]), [codes, money])
    assert (end.kind, end.row, end.code) == (dear, 1, 2)


def test_plays_without_a_common_supply_are_dealt_apart() -> None:
    assert together([1, 2, 3, 4], [[1, 3], [3], [4]]) == [[1, 3], [2], [4]]
