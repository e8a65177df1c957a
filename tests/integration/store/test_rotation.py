from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonKeys, PersonRef
from koipond.kernel import BusyError, RefusedError
from koipond.store import KeyRing, Store, confirm_backup, load_keys, rotation, save_keys
from koipond.store.keys import with_new_key, with_retired

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


class Killed(BaseException):
    """The process ends here."""


STEPS = ("key made", "key saved", "key in force", "some rows", "all rows", "old key retired")


def kill_at(step: str, patch: pytest.MonkeyPatch) -> None:
    """Let the next rotation end right after ``step``."""
    save, force, rewrite = rotation.save_keys, rotation._put_in_force, rotation._rewrite

    def saving(ring: KeyRing) -> KeyRing:
        retired = len(ring.live) == 1
        if step == "key made" and not retired:
            raise Killed
        save(ring)
        if step == ("old key retired" if retired else "key saved"):
            raise Killed
        return ring

    def forcing(connection: sa.Connection, ring: KeyRing) -> None:
        force(connection, ring)
        if step == "key in force":
            connection.commit()
            raise Killed

    def rewriting(connection: sa.Connection, *given: object) -> int:
        done = rewrite(connection, *given)  # type: ignore[arg-type]
        if (step == "some rows" and done) or (step == "all rows" and not done):
            connection.commit()
            raise Killed
        return done

    patch.setattr(rotation, "BATCH", 7)
    patch.setattr(rotation, "save_keys", saving)
    patch.setattr(rotation, "_put_in_force", forcing)
    patch.setattr(rotation, "_rewrite", rewriting)


@pytest.mark.parametrize("times", [1, 2], ids=["first rotation", "second rotation"])
@pytest.mark.parametrize("step", STEPS)
def test_a_rotation_killed_at_any_step_goes_on_by_itself_and_by_command(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, times: int
) -> None:
    """A30: whoever writes next finds everybody, and `keys rotate` ends it."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    first = Store(store.database, load_keys("pond", environ))
    known = first.identity.resolve(PEOPLE, NOW)
    reached = first.people.addresses(range(1, 50), "phone")
    for _ in range(times - 1):
        first.rotate_keys()
    with monkeypatch.context() as patch:
        kill_at(step, patch)
        with pytest.raises(Killed):
            first.rotate_keys()
    after = Store(store.database, load_keys("pond", environ))
    more = [PersonKeys(source="s", shop_id="new", phone="+8613800000777")]
    assert after.identity.resolve(PEOPLE, NOW) == known
    [fresh] = after.identity.resolve(more, NOW)
    assert after.people.addresses(range(1, 50), "phone") == {**reached, fresh.customer_no: "+8613800000777"}
    again = Store(store.database, load_keys("pond", environ))
    ring = again.rotate_keys()
    assert key_ids(store) == {ring.active.key_id}
    assert load_keys("pond", environ) == ring
    assert len(ring.live) == 1
    assert again.identity.resolve([*PEOPLE, *more], NOW) == [*known, fresh]


def test_two_rotations_at_once_make_one_key(store: Store, tmp_path: Path) -> None:
    """Neighbour of A30: the second read the file before the first had made its key."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    first, second = (Store(store.database, load_keys("pond", environ)) for _ in range(2))
    known = first.identity.resolve(PEOPLE, NOW)
    first.rotate_keys()
    second.rotate_keys()
    third = Store(store.database, load_keys("pond", environ))
    assert third.identity.resolve(PEOPLE, NOW) == known
    assert third.people.addresses([5], "phone") == {5: "+8613800000004"}


def test_a_confirmed_backup_does_not_bring_the_former_key_back(store: Store, tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    former = load_keys("pond", environ)
    first = Store(store.database, former)
    known = first.identity.resolve(PEOPLE, NOW)
    ring = first.rotate_keys()
    confirm_backup(former, NOW)
    assert load_keys("pond", environ).active == ring.active
    assert Store(store.database, load_keys("pond", environ)).identity.resolve(PEOPLE, NOW) == known


def test_a_store_from_before_a_rotation_says_keys_rotate(store: Store, tmp_path: Path) -> None:
    """Neighbour of A11 and A30: an older store under a key that the file has retired since."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    first = Store(store.database, load_keys("pond", environ))
    known = first.identity.resolve(PEOPLE, NOW)
    first.rotate_keys()
    save_keys(with_retired(with_new_key(load_keys("pond", environ))))
    after = Store(store.database, load_keys("pond", environ))
    with pytest.raises(RefusedError, match="koipond keys rotate"):
        after.identity.resolve(PEOPLE, NOW)
    after.rotate_keys()
    assert after.identity.resolve(PEOPLE, NOW) == known


def never_rotated(store: Store, environ: dict[str, str]) -> list[PersonRef]:
    """Make a store like one that is brought back from before the first rotation: it names no key."""
    first = Store(store.database, load_keys("pond", environ))
    known = first.identity.resolve(PEOPLE, NOW)
    save_keys(with_retired(with_new_key(load_keys("pond", environ))))
    with store.database.read() as connection:
        assert rotation.in_force(connection) is None
    return known


def test_a_store_from_before_the_first_rotation_looks_nobody_up(store: Store, tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    known = never_rotated(store, environ)
    after = Store(store.database, load_keys("pond", environ))
    with pytest.raises(RefusedError, match="run: koipond keys rotate"):
        after.identity.resolve(PEOPLE, NOW)
    with pytest.raises(RefusedError, match="run: koipond keys rotate"):
        after.identity.find(PEOPLE)
    with pytest.raises(RefusedError, match="run: koipond keys rotate"):
        after.people.find("1")
    assert after.people.count() == 41
    assert [one.partition(",")[0] for one in after.unfindable()] == ["85 identifiers stand under key k1"]
    assert broken_keys(after) == 1
    after.rotate_keys()
    assert after.identity.resolve(PEOPLE, NOW) == known
    assert after.identity.find(PEOPLE) == [one.customer_no for one in known]
    assert (after.unfindable(), broken_keys(after)) == ([], 0)


def broken_keys(store: Store) -> int:
    [check] = [one for one in store.checks.all(ZoneInfo("UTC"), NOW) if one.name == "keys"]
    return check.breaks


def test_a_store_from_the_middle_of_a_rotation_looks_nobody_up(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the key of now, and some of its rows stand under the one that was retired after it."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    first = Store(store.database, load_keys("pond", environ))
    known = first.identity.resolve(PEOPLE, NOW)
    with monkeypatch.context() as patch:
        kill_at("some rows", patch)
        with pytest.raises(Killed):
            first.rotate_keys()
    save_keys(with_retired(load_keys("pond", environ)))
    after = Store(store.database, load_keys("pond", environ))
    with pytest.raises(RefusedError, match="run: koipond keys rotate"):
        after.identity.resolve(PEOPLE, NOW)
    assert broken_keys(after) == 1
    after.rotate_keys()
    assert after.identity.resolve(PEOPLE, NOW) == known


def test_an_empty_store_takes_the_key_of_now(store: Store, tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    load_keys("pond", environ)
    save_keys(with_retired(with_new_key(load_keys("pond", environ))))
    after = Store(store.database, load_keys("pond", environ))
    known = after.identity.resolve(PEOPLE, NOW)
    assert key_ids(store) == {"k2"}
    assert after.identity.resolve(PEOPLE, NOW) == known


def test_identifiers_are_not_looked_through_once_they_all_stand_under_the_key_of_now(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at every row, for each part of an import, would take longer than the import."""
    store.identity.resolve(PEOPLE, NOW)
    store.rotate_keys()
    monkeypatch.setattr(rotation, "keys_in_use", lambda _connection: pytest.fail("every row was looked at"))
    store.identity.resolve(PEOPLE, NOW)
