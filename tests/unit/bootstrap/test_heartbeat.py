"""The heart of a process: it beats for what is held, and for nothing else."""

import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from koipond.bootstrap.heartbeat import Heartbeat
from koipond.kernel import FixedClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
NEVER = timedelta(hours=9)


class Beats:
    """A store that knows some leases."""

    def __init__(self, *known: str) -> None:
        self.known = {*known}
        self.seen: list[tuple[list[str], datetime]] = []
        self.came = threading.Event()

    def __call__(self, leases: Collection[str], now: datetime) -> set[str]:
        self.seen.append((list(leases), now))
        self.came.set()
        return {*leases} & self.known


def test_it_beats_for_what_is_held() -> None:
    beats = Beats("a", "b")
    heart = Heartbeat(beats, CLOCK, NEVER)
    heart.beat()
    with heart.holding("b"):
        heart.hold("a")
        heart.beat()
    heart.beat()
    heart.drop("a")
    heart.beat()
    heart.close()
    assert beats.seen == [(["a", "b"], NOW), (["a"], NOW)]


def test_what_has_ended_is_known_until_it_is_dropped() -> None:
    heart = Heartbeat(Beats("a"), CLOCK, NEVER)
    heart.hold("a")
    heart.hold("gone")
    heart.beat()
    assert [heart.has_lost(lease) for lease in ("a", "gone")] == [False, True]
    heart.drop("gone")
    assert not heart.has_lost("gone")
    heart.close()


def test_the_thread_beats_by_itself_and_outlives_a_store_that_is_away() -> None:
    beats = Beats("a")
    turns = iter([True])

    def first_away(leases: Collection[str], now: datetime) -> set[str]:
        if next(turns, False):
            raise OSError("away")
        return beats(leases, now)

    heart = Heartbeat(first_away, CLOCK, timedelta(milliseconds=1))
    heart.hold("a")
    assert beats.came.wait(30)
    heart.close()


def test_where_nothing_ends_by_silence_there_is_no_thread() -> None:
    before = threading.active_count()
    heart = Heartbeat(None, CLOCK, timedelta(milliseconds=1))
    with heart.holding("a"):
        assert threading.active_count() == before
        heart.beat()
    heart.close()
