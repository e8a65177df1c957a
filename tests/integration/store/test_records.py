from datetime import UTC, datetime

import pytest

from koipond.facts.people import PersonKeys
from koipond.ingest.ports import ImportJournal, ImportStart, PeopleVerdicts
from koipond.kernel import BusyError, InputError
from koipond.store import DefinitionChange, Store
from koipond.store.audit import AuditEntry
from koipond.testing.imports import MemoryJournal, MemoryVerdicts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
START = ImportStart(kind="orders", source="shop", file="orders.csv", fingerprint="ab")


def change(key: str, was: int, body: dict[str, object] | None) -> DefinitionChange:
    return DefinitionChange(kind="segment", key=key, was=was, fingerprint=f"{key}{was}", body=body)


@pytest.fixture
def journal(store_or_fake: Store | None) -> ImportJournal:
    return MemoryJournal() if store_or_fake is None else store_or_fake.imports


@pytest.fixture
def verdicts(store_or_fake: Store | None) -> PeopleVerdicts:
    if store_or_fake is None:
        return MemoryVerdicts()
    store_or_fake.identity.resolve([PersonKeys(source="s", shop_id=str(n)) for n in range(5)], NOW)
    return store_or_fake.verdicts


def test_imports_are_numbered_upwards_and_keep_how_they_ended(journal: ImportJournal) -> None:
    assert [journal.begin(START, NOW), journal.begin(START, NOW)] == [1, 2]
    journal.finish(1, "done", {"read": 3, "quarantined": {"unparsable": 1}}, NOW)
    newest, first = journal.entries(5)
    assert (newest.import_no, newest.outcome, newest.began_at) == (2, None, NOW)
    assert (first.start, first.outcome, first.summary["read"]) == (START, "done", 3)
    assert len(journal.entries(1)) == 1


def test_an_unknown_import_cannot_end(store: Store) -> None:
    with pytest.raises(InputError, match="no import 9"):
        store.imports.finish(9, "done", {}, NOW)


def test_a_verdict_counts_once_and_the_newest_holds(verdicts: PeopleVerdicts) -> None:
    assert verdicts.decide("test_account", [1, 2], verdict="confirmed", by="wang", now=NOW) == 2
    assert verdicts.decide("test_account", [2, 2, 3], verdict="confirmed", by="wang", now=NOW) == 1
    assert verdicts.decide("test_account", [1], verdict="cleared", by="wang", now=NOW) == 1
    held = [tuple(row.values()) for row in verdicts.current().to_pylist()]
    assert held == [
        ("test_account", 1, "cleared"),
        ("test_account", 2, "confirmed"),
        ("test_account", 3, "confirmed"),
    ]


def test_versions_of_a_definition_never_change(store: Store) -> None:
    book = store.definitions
    assert book.version() == 0
    (first,) = book.apply([change("vip", 0, {"rule": "a"})], author="li", now=NOW)
    (second,) = book.apply([change("vip", 1, {"rule": "b"})], author="wang", now=NOW)
    assert (first.version, second.version, second.author) == (1, 2, "wang")
    assert [one.body for one in book.history("segment", "vip")] == [{"rule": "a"}, {"rule": "b"}]
    assert book.current() == [second]
    assert book.get("segment", "vip", 1) == first
    assert book.version() == 2


def test_an_archived_definition_leaves_and_comes_back_as_a_new_version(store: Store) -> None:
    book = store.definitions
    book.apply([change("vip", 0, {"rule": "a"}), change("new", 0, {"rule": "n"})], author="li", now=NOW)
    (gone,) = book.apply([change("vip", 1, None)], author="li", now=NOW)
    assert gone.archived
    assert [one.key for one in book.current()] == ["new"]
    (back,) = book.apply([change("vip", 1, {"rule": "a"})], author="li", now=NOW)
    assert (back.version, back.archived) == (2, False)


def test_an_apply_on_an_outdated_diff_applies_nothing(store: Store) -> None:
    store.definitions.apply([change("vip", 0, {"rule": "a"})], author="li", now=NOW)
    with pytest.raises(BusyError, match="segment/vip"):
        store.definitions.apply([change("x", 0, {}), change("vip", 0, {"rule": "c"})], author="li", now=NOW)
    assert [one.key for one in store.definitions.current()] == ["vip"]
    assert store.definitions.version() == 1


def test_audit_and_settings_come_back_as_written(store: Store) -> None:
    entry = AuditEntry(at=NOW, actor="li", action="approve", subject="plan:1", detail={"touches": 5})
    store.audit.write(entry)
    store.settings.set("zone", "Asia/Shanghai")
    store.settings.set("zone", {"name": "Asia/Jakarta"})
    assert store.audit.entries(10) == [entry]
    assert store.audit.entries(10, subject="plan:2") == []
    assert store.settings.get("zone") == {"name": "Asia/Jakarta"}
    assert store.settings.get("nothing") is None


def test_numbers_are_dense_and_never_given_twice(store: Store) -> None:
    assert [store.numbers.reserve("order_no", 10), store.numbers.reserve("order_no", 5)] == [1, 11]
    assert store.numbers.reserve("other", 1) == 1
