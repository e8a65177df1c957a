"""The audit is a chain: what was changed, taken out or cut off later shows."""

import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from tests.integration.store.outreach_scene import PLACE

from koipond.store import Store
from koipond.store.audit import AuditEntry

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def entry(number: int, actor: str = "anna") -> AuditEntry:
    return AuditEntry(at=NOW, actor=actor, action="pause", subject=f"s{number}", detail={"n": number})


def audit(store: Store) -> str:
    return next(one.detail for one in store.checks.all(PLACE, NOW) if one.name == "audit")


def test_a_chain_that_nobody_touched_holds(store: Store) -> None:
    assert audit(store) == ""
    for number in range(4):
        store.audit.write(entry(number))
    assert audit(store) == ""


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE subject = 's1'", "entry 2 of the audit"),
        ("UPDATE audit_log SET detail = '{}' WHERE subject = 's3'", "entry 4 of the audit"),
        ("DELETE FROM audit_log WHERE subject = 's1'", "entry 3 of the audit"),
        ("DELETE FROM audit_log WHERE subject = 's0'", "entry 2 of the audit"),
        ("DELETE FROM audit_log WHERE subject = 's3'", "3 entries, 4 were written"),
        ("DELETE FROM audit_log", "0 entries, 4 were written"),
        ("UPDATE audit_log SET hash = NULL WHERE subject = 's2'", "entry 3 of the audit"),
    ],
)
def test_what_was_done_to_it_later_shows(store: Store, sql: str, said: str) -> None:
    for number in range(4):
        store.audit.write(entry(number))
    with store.database.write() as connection:
        connection.execute(sa.text(sql))
    assert said in audit(store)


def test_entries_of_an_earlier_release_stand_before_the_chain(store: Store) -> None:
    columns = "at_s, actor, action, subject, detail"
    with store.database.write() as connection:
        connection.execute(sa.text(f"INSERT INTO audit_log ({columns}) VALUES (1, 'a', 'b', 'c', '{{}}')"))
    store.audit.write(entry(1))
    store.audit.write(entry(2))
    assert audit(store) == ""


def test_entries_written_at_once_make_one_chain(store: Store) -> None:
    def write(actor: str) -> None:
        for number in range(10):
            store.audit.write(entry(number, actor))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("anna", "budi", "citra")]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(store.audit.entries(100)) == 30
    assert audit(store) == ""


def test_deciding_on_people_lists_and_tags_is_audited(store: Store) -> None:
    store.lists.replace_list("guests", [], author="anna", now=NOW)
    store.verdicts.decide("test_account", [], verdict="confirmed", by="budi", now=NOW)
    acts = [(one.actor, one.action, one.subject) for one in store.audit.entries(5)]
    assert acts == [("budi", "quality.confirm", "test_account"), ("anna", "list.import", "list:guests")]
