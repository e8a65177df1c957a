"""A file of codes may give codes in stock another last day; what a customer was promised stays."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.store import outreach_scene as scene
from tests.integration.store.outreach_scene import NOON

from koipond.store import Store
from koipond.store.codes import CodesAdded
from koipond.store.instants import to_s
from koipond.store.tables import offer_code

SOON, LATE = NOON + timedelta(days=3), NOON + timedelta(days=30)


def ends(store: Store) -> dict[str, int | None]:
    with store.database.read() as connection:
        rows = connection.execute(sa.select(offer_code.c.code, offer_code.c.expires_s)).all()
    return {row.code: row.expires_s for row in rows}


@pytest.mark.parametrize("later", [SOON, LATE])
def test_a_free_code_takes_the_new_day_and_an_issued_one_keeps_its_own(store: Store, later: object) -> None:
    first, second = (LATE, SOON) if later == SOON else (SOON, LATE)
    assert store.codes.add("ten", ["A", "B", "C"], first) == CodesAdded(new=3)
    scene.admit(store, range(1, 2), code_list="ten")  # A is issued
    added = store.codes.add("ten", ["A", "B", "C", "D"], ends=[second, second, first, second])
    assert added == CodesAdded(new=1, moved=1, promised=1)
    was, now = to_s(first), to_s(second)
    assert ends(store) == {"A": was, "B": now, "C": was, "D": now}


def test_no_day_takes_none_away_and_a_day_ends_an_endless_code(store: Store) -> None:
    store.codes.add("ten", ["A", "B"], ends=[SOON, None])
    assert store.codes.add("ten", ["A", "B"], ends=[None, LATE]) == CodesAdded(new=0, moved=1, undated=1)
    assert ends(store) == {"A": to_s(SOON), "B": to_s(LATE)}


def test_a_code_in_stock_that_has_ended_is_given_no_more(store: Store) -> None:
    """It is not added when it is new; when it is known, its end is what counts."""
    store.codes.add("ten", ["A", "B"], LATE)
    over = NOON - timedelta(days=1)
    added = store.codes.add("ten", ["A", "Z"], over, over_at=NOON)
    assert added == CodesAdded(new=0, moved=1, over=1)
    assert "Z" not in ends(store)
    assert store.codes.stock(NOON)[0].left == 1


def test_a_wrong_file_moves_no_day(store: Store) -> None:
    store.codes.add("ten", ["A"], SOON)
    with pytest.raises(Exception, match="line 2"):
        store.codes.add("ten", ["A", "a"], LATE)
    assert ends(store) == {"A": to_s(SOON)}
