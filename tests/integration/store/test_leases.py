"""Leases end (decision 0012): by the death of their process, by the silence of its heart, never later."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from koipond.facts.ports import Holder
from koipond.kernel import BusyError
from koipond.store import Store, leases
from koipond.store.audit import AuditEntry
from koipond.store.leases import BEAT, TTL

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOLDER = Holder(host="here~boot~1", pid=1, started="9", purpose="import orders")
OTHER = replace(HOLDER, pid=2, purpose="refresh")


def lives(_holder: Holder) -> bool:
    return True


def dies(_holder: Holder) -> bool:
    return False


def standing(store: Store, now: datetime, is_alive: leases.IsAlive = lives) -> list[str]:
    with store.database.write() as connection:
        kinds: set[leases.LeaseKind] = {"reader", "writer", "sender", "import"}
        return sorted(
            one.lease for one in leases.end_lapsed(connection, kinds, int(now.timestamp()), is_alive)
        )


def test_a_lease_without_a_heart_ends_after_its_time(store: Store) -> None:
    """A29: whoever held it, under whatever name: a renamed host, a container made anew, a stopped process."""
    held = store.leases.open("import", HOLDER, NOW)
    assert standing(store, NOW + TTL - timedelta(seconds=1)) == [held]
    assert standing(store, NOW + TTL) == []
    assert store.leases.held() == []


def test_a_heart_keeps_it(store: Store) -> None:
    held, other = store.leases.open("sender", HOLDER, NOW), store.leases.open("sender", OTHER, NOW)
    now = NOW
    for _ in range(20):
        now += BEAT
        assert store.leases.beat([held], now) == {held}
    assert standing(store, now + timedelta(seconds=1)) == [held]
    assert store.leases.beat([held, other], now) == {held}, "who has lost a lease is told"


def test_a_dead_process_holds_nothing_at_once(store: Store) -> None:
    store.leases.open("import", HOLDER, NOW)
    held = store.leases.open("sender", OTHER, NOW)
    assert standing(store, NOW, lambda holder: holder != HOLDER) == [held]


def test_a_clock_that_is_ahead_is_watched_and_its_silence_ends_it(store: Store) -> None:
    """A44: its end lies a day away; what counts is whether it beats."""
    held = store.leases.open("sender", HOLDER, NOW + timedelta(days=1))
    assert standing(store, NOW) == [held]
    assert standing(store, NOW + TTL - timedelta(seconds=1)) == [held]
    assert standing(store, NOW + TTL) == []


def test_a_clock_that_is_ahead_and_beats_is_kept(store: Store) -> None:
    held = store.leases.open("sender", HOLDER, NOW + timedelta(days=1))
    now = NOW
    for _ in range(10):
        assert standing(store, now) == [held]
        now += BEAT
        store.leases.beat([held], now + timedelta(days=1))
    assert standing(store, now + TTL - timedelta(seconds=1)) == [held]


def test_an_observer_whose_clock_went_back_watches_anew(store: Store) -> None:
    held = store.leases.open("sender", HOLDER, NOW + timedelta(days=1))
    assert standing(store, NOW) == [held]
    back = NOW - timedelta(hours=5)
    assert standing(store, back) == [held]
    assert standing(store, back + TTL) == []


def test_a_clock_that_is_behind_loses_it_and_publishes_nothing(store: Store) -> None:
    """It may lose its lease to another, never act beside it."""
    slow = store.versions.acquire_writer(HOLDER, NOW - timedelta(minutes=10), lives)
    lease = store.versions.acquire_writer(OTHER, NOW, lives)
    with pytest.raises(BusyError, match="nothing is half-written"):
        store.versions.publish(slow, store.versions.current(), NOW)
    assert store.versions.current().version == 0
    assert store.versions.publish(lease, store.versions.current(), NOW) == 1


def test_a_writer_is_told_until_when_it_waits_at_the_latest(store: Store) -> None:
    store.versions.acquire_writer(HOLDER, NOW, lives)
    with pytest.raises(BusyError, match=r"import orders \(process 1 on here\).*2026-03-01 0[08]:01 "):
        store.versions.acquire_writer(OTHER, NOW, lives)
    store.versions.acquire_writer(OTHER, NOW + TTL, lives)


def test_a_writer_whose_clock_is_ahead_is_waited_for_no_longer_than_its_heart(store: Store) -> None:
    """A29, A44: the refusal itself must not undo what was seen."""
    store.versions.acquire_writer(HOLDER, NOW + timedelta(days=30), lives)
    with pytest.raises(BusyError, match=r"by 2026-03-01 0[08]:01 "):
        store.versions.acquire_writer(OTHER, NOW, lives)
    store.versions.acquire_writer(OTHER, NOW + TTL, lives)


def test_a_writer_takes_what_dead_readers_held(store: Store) -> None:
    store.versions.open_reader(HOLDER, NOW + timedelta(days=1))
    store.versions.acquire_writer(OTHER, NOW, dies)
    assert [held.kind for held in store.leases.held()] == ["writer"]


def test_a_lease_is_freed_once_and_that_is_kept(open_store: Callable[[], Store]) -> None:
    store = open_store()
    held = store.leases.open("import", HOLDER, NOW)
    entry = AuditEntry(at=NOW, actor="anna", action="free lease", subject=held, detail={"kind": "import"})
    assert store.leases.free(held, entry)
    assert not store.leases.free(held, entry)
    assert [(one.actor, one.subject) for one in store.audit.entries(9)] == [("anna", held)]


def test_whoever_acts_under_a_lease_asks_in_the_same_transaction(store: Store) -> None:
    held = store.leases.open("sender", HOLDER, NOW)
    with store.database.write() as connection:
        assert leases.stands(connection, held, "sender")
        assert not leases.stands(connection, held, "import")
    store.leases.close(held)
    store.leases.close(held)
    with store.database.write() as connection:
        assert not leases.stands(connection, held, "sender")
