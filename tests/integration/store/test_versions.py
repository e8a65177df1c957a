from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from koipond.facts.ports import Holder, Manifest, VersionLog
from koipond.kernel import BusyError
from koipond.store import Store
from koipond.testing.versions import MemoryVersionLog

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOLDER = Holder(host="here", pid=1, started="9", purpose="import orders")


@pytest.fixture
def log(store_or_fake: Store | None) -> VersionLog:
    return MemoryVersionLog() if store_or_fake is None else store_or_fake.versions


def publish(log: VersionLog, name: str) -> int:
    lease = log.acquire_writer(HOLDER, NOW, lambda _: True)
    version = log.publish(lease, Manifest(version=0, datasets={"orders": (name,)}, meta={"k": [1]}), NOW)
    log.release_writer(lease)
    return version


def test_before_the_first_publish_there_is_an_empty_version_nought(log: VersionLog) -> None:
    assert log.current() == Manifest(version=0, datasets={}, meta={})
    assert list(log.kept(NOW)) == []


def test_each_publish_is_the_next_version(log: VersionLog) -> None:
    assert [publish(log, name) for name in "ab"] == [1, 2]
    assert log.current() == Manifest(version=2, datasets={"orders": ("b",)}, meta={"k": [1]})


def test_a_second_writer_is_told_who_writes_since_when(log: VersionLog) -> None:
    lease = log.acquire_writer(HOLDER, NOW, lambda _: True)
    with pytest.raises(BusyError, match=r"import orders.*2026-03-01[ T]0[08]:00"):
        log.acquire_writer(HOLDER, NOW, lambda _: True)
    log.release_writer(lease)
    log.release_writer(log.acquire_writer(HOLDER, NOW, lambda _: True))


def test_a_dead_writer_is_replaced_and_can_publish_no_more(log: VersionLog) -> None:
    dead = log.acquire_writer(HOLDER, NOW, lambda _: True)
    lease = log.acquire_writer(replace(HOLDER, pid=2), NOW, lambda _: False)
    with pytest.raises(BusyError, match="lost"):
        log.publish(dead, log.current(), NOW)
    log.release_writer(dead)
    assert log.publish(lease, log.current(), NOW) == 1


def test_the_last_three_and_what_a_reader_holds_are_kept(log: VersionLog) -> None:
    publish(log, "a")
    reader, manifest = log.open_reader(HOLDER, NOW)
    for name in "bcde":
        publish(log, name)
    assert manifest.version == 1
    assert [m.version for m in log.kept(NOW)] == [1, 3, 4, 5]
    log.close_reader(reader)
    assert [m.version for m in log.kept(NOW)] == [3, 4, 5]


def test_a_reader_that_died_is_forgotten_after_its_lease(store: Store) -> None:
    log = store.versions
    publish(log, "a")
    log.open_reader(HOLDER, NOW)
    for name in "bcde":
        publish(log, name)
    later = NOW + timedelta(hours=7)
    assert [m.version for m in log.kept(later)] == [3, 4, 5]


def test_leases_outlive_the_process_that_took_them(open_store: Callable[[], Store]) -> None:
    first = open_store()
    lease = first.versions.acquire_writer(HOLDER, NOW, lambda _: True)
    first.close()
    second = open_store().versions
    with pytest.raises(BusyError):
        second.acquire_writer(HOLDER, NOW, lambda _: True)
    assert second.publish(lease, second.current(), NOW) == 1
