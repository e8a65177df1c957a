from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from koipond.ingest.ports import PersonKeys
from koipond.kernel import BusyError
from koipond.store import Store, rotation

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = [
    PersonKeys(source="s", shop_id=str(n), phone=f"+86138{n:08d}", email="x@example.org" if n < 3 else None)
    for n in range(40)
] + [PersonKeys(source="t", shop_id="a", phone="+8613900000000", verified=True)] * 2


def key_ids(store: Store) -> set[str]:
    with store.database.read() as connection:
        return set(connection.scalars(sa.text("SELECT DISTINCT key_id FROM identifier")))


def test_everybody_is_found_and_reached_under_the_new_key(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    before = store.identity.resolve(PEOPLE, NOW)
    store.identity.resolve([PersonKeys(source="u", shop_id="b", phone="+8613900000000", verified=True)], NOW)
    reached = store.people.addresses(range(1, 50), "phone")
    ring = store.rotate_keys()
    assert key_ids(store) == {ring.active.key_id} == {"k2"}
    assert store.identity.resolve(PEOPLE, NOW) == before
    assert store.people.addresses(range(1, 50), "phone") == reached
    assert store.people.count() == 41
    numbers = [
        PersonKeys(source="v", shop_id=str(n), phone="+8613900000000", verified=True) for n in range(9)
    ]
    store.identity.resolve(numbers, NOW)  # too many hold it now: the links by that phone are found and undone
    assert store.people.export_links().num_rows == 0


def test_a_rotation_that_was_stopped_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    before = store.identity.resolve(PEOPLE, NOW)
    turns = iter([True, True, False])
    rewrite = rotation._rewrite

    def stop(*arguments: object) -> int:
        if not next(turns):
            raise KeyboardInterrupt
        return rewrite(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "_rewrite", stop)
    ring = rotation.with_new_key(store.keys)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(store.database, ring)
    assert key_ids(store) == {"k1", "k2"}
    monkeypatch.setattr(rotation, "_rewrite", rewrite)
    half = Store(store.database, ring)
    assert half.identity.resolve(PEOPLE, NOW) == before
    assert half.people.addresses([5], "phone") == {5: "+8613800000004"}
    rotation.rotate(store.database, ring)
    assert key_ids(store) == {"k2"}


def test_a_process_with_the_old_key_creates_nobody(open_store: Callable[[], Store]) -> None:
    first, second = open_store(), open_store()
    first.identity.resolve(PEOPLE, NOW)
    first.rotate_keys()
    with pytest.raises(BusyError, match="rotated"):
        second.identity.resolve(PEOPLE, NOW)
    assert first.people.count() == 41
