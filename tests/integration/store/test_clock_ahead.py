"""D10: what a sender whose clock ran ahead admitted is due when it was asked for, once its clock is gone."""

from datetime import timedelta

import sqlalchemy as sa
from tests.integration.store import outreach_scene as scene
from tests.integration.store.outreach_scene import EVENING, MORNING, NOON, PLACE, SHEET

from koipond.store import Store

DAY = timedelta(days=1)
LONG = {"expires_at": NOON + timedelta(days=4)}


def test_what_a_clock_a_day_ahead_admitted_goes_today(store: Store) -> None:
    scene.admit(store, range(1, 4), now=NOON + DAY, **LONG)
    assert store.outbox(PLACE).next_due("email", NOON) == NOON + DAY
    assert scene.send(store, NOON) == [1, 2, 3]
    assert scene.broken(store) == {}


def test_it_is_not_brought_back_before_it_was_asked_for(store: Store) -> None:
    asked = NOON + timedelta(hours=3)
    scene.admit(store, range(1, 3), now=NOON + DAY, due_at=asked, **LONG)
    assert scene.send(store, NOON) == []
    assert store.outbox(PLACE).next_due("email", NOON) == asked
    assert scene.send(store, asked) == [1, 2]


def test_quiet_hours_hold_for_what_is_brought_back(store: Store) -> None:
    scene.admit(store, range(1, 3), now=EVENING + DAY, **LONG)
    assert scene.send(store, EVENING) == []
    assert store.outbox(PLACE).next_due("email", EVENING) == MORNING
    assert scene.send(store, MORNING) == [1, 2]


def test_what_is_put_off_for_its_quota_is_not_brought_back_again(store: Store) -> None:
    """Else a claim would find it anew for ever."""
    quotas = {"email": 1}
    scene.admit(store, range(1, 3), now=NOON + DAY, quotas={"email": 2}, **LONG)
    assert scene.send(store, NOON, quotas=quotas) == [1]
    box = store.outbox(PLACE, quotas=quotas)
    claim = box.claim(SHEET, 10, NOON)
    assert (claim.touches, claim.examined) == ([], 0)
    box.close()
    assert scene.send(store, NOON + DAY, quotas=quotas) == [2]
    assert scene.broken(store, NOON + DAY) == {}


def test_what_a_right_clock_put_off_stays_put_off(store: Store) -> None:
    scene.admit(store, range(1, 3), now=NOON, due_at=NOON + DAY, **LONG)
    scene.admit(store, range(3, 5), now=EVENING, **LONG)
    assert scene.send(store, EVENING) == []
    assert store.outbox(PLACE).next_due("email", EVENING) == MORNING


def test_a_refused_touch_keeps_its_wait(store: Store) -> None:
    scene.admit(store, range(1, 2), now=NOON + DAY, **LONG)
    assert scene.send(store, NOON, "refused") == [1]
    assert scene.send(store, NOON) == []


def test_what_was_admitted_before_the_upgrade_keeps_its_hour(store: Store) -> None:
    scene.admit(store, range(1, 2), now=NOON + DAY, **LONG)
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE outbox SET asked_s = NULL"))
    assert scene.send(store, NOON) == []
    assert scene.send(store, NOON + DAY) == [1]
