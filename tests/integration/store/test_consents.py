from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from koipond.facts.people import PersonKeys
from koipond.facts.schemas import FACTS
from koipond.ingest.ports import ConsentBook
from koipond.store import ConsentStatement, Store, Suppression
from koipond.testing.imports import MemoryConsents

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def book(store_or_fake: Store | None) -> ConsentBook:
    if store_or_fake is None:
        return MemoryConsents()
    make_people(store_or_fake)
    return store_or_fake.consents


def make_people(store: Store) -> None:
    store.identity.resolve([PersonKeys(source="s", shop_id=str(n)) for n in range(5)], NOW)


def rows(*said: tuple[int, str, str, bool, int]) -> pa.Table:
    names = FACTS["consents"].names
    return pa.Table.from_pylist(
        [dict(zip(names, one, strict=True)) for one in said], schema=FACTS["consents"]
    )


def state(book: ConsentBook) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values()) for row in book.current().to_pylist())


def test_the_newest_statement_holds_and_a_refusal_wins_a_tie(book: ConsentBook) -> None:
    said = rows(
        (1, "email", "marketing", True, 100),
        (1, "email", "marketing", False, 90),
        (2, "email", "marketing", True, 100),
        (2, "email", "marketing", False, 100),
        (2, "sms", "marketing", True, 5),
    )
    assert book.record(said, import_no=1, proof="list.csv", now=NOW) == 5
    assert state(book) == [
        (1, "email", "marketing", True, 100),
        (2, "email", "marketing", False, 100),
        (2, "sms", "marketing", True, 5),
    ]
    assert book.current().schema == FACTS["consents"]


def test_the_same_rows_again_change_nothing(book: ConsentBook) -> None:
    said = rows((1, "email", "marketing", True, 100), (1, "email", "marketing", True, 100))
    assert book.record(said, import_no=1, proof="", now=NOW) == 1
    assert book.record(said, import_no=2, proof="", now=NOW) == 0
    assert state(book) == [(1, "email", "marketing", True, 100)]


def test_undoing_an_import_brings_back_what_held_before(book: ConsentBook) -> None:
    book.record(rows((1, "email", "marketing", True, 100)), import_no=1, proof="", now=NOW)
    second = rows((1, "email", "marketing", False, 200), (3, "sms", "marketing", True, 200))
    book.record(second, import_no=2, proof="", now=NOW)
    assert book.void_import(2, NOW) == 2
    assert state(book) == [(1, "email", "marketing", True, 100)]
    assert book.void_import(2, NOW) == 0
    assert book.record(second, import_no=3, proof="", now=NOW) == 2
    assert state(book) == [(1, "email", "marketing", False, 200), (3, "sms", "marketing", True, 200)]


def test_withdrawal_is_at_once_and_keeps_its_proof(store: Store) -> None:
    make_people(store)
    granted = ConsentStatement(
        customer_no=1, channel="email", purpose="marketing", granted=True, at=NOW, source="form", proof="p1"
    )
    assert store.consents.append([granted], NOW) == 1
    later = NOW + timedelta(hours=1)
    store.consents.withdraw(1, "email", "marketing", now=later, source="one-click", proof="t1")
    assert [(said.granted, said.proof) for said in store.consents.history([1])] == [
        (True, "p1"),
        (False, "t1"),
    ]
    assert [row["granted"] for row in store.consents.current().to_pylist()] == [False]


def test_a_suppression_stands_until_it_is_lifted(store: Store) -> None:
    make_people(store)
    first = Suppression(customer_no=1, reason="hard_bounce", at=NOW, channel="email", note="550")
    store.consents.suppress([first, Suppression(customer_no=2, reason="complaint", at=NOW)])
    store.consents.suppress([Suppression(customer_no=1, reason="hard_bounce", at=NOW, channel="email")])
    assert store.consents.suppressions([1]) == [first]
    assert store.consents.export_suppressions().num_rows == 2
    assert store.consents.lift(1, "hard_bounce", "email")
    assert not store.consents.lift(1, "hard_bounce", "email")
    assert store.consents.suppressions([1]) == []
