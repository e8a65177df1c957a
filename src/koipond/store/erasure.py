"""Erase people (删除个人信息): what names them goes, what proves their no stays.

Of an identifier the cipher goes and the keyed hash stays, under the key of then: a file that names the same
person again finds the erased one and brings nobody back. One transaction: killed, it has not happened;
again, it changes nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.store import ends, suppressing
from koipond.store.audit import AuditEntry, write
from koipond.store.bulk import any_of
from koipond.store.cipher import ERASED_CIPHER
from koipond.store.consents import Suppression, suppress
from koipond.store.engine import Database
from koipond.store.erased import ERASED_KEYS, erased_keys
from koipond.store.instants import to_s
from koipond.store.people import members_of, roots_of
from koipond.store.tables import (
    customer,
    customer_list_member,
    customer_staff,
    identifier,
    manual_tag,
    outbox,
    suppression,
    tag_act,
    touch,
    touch_event,
)
from koipond.store.workspace_values import keep_value

ERASED = "erased"
_WAITING = ("queued", "leased")
_ROWS = {"lists": customer_list_member, "tags": manual_tag, "tag_history": tag_act, "staff": customer_staff}


class StoredErasure:
    """People of one store who are not to be reached, or not to be known any more."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def count(self, customer_nos: Collection[int]) -> dict[str, int]:
        """Return what `erase` would remove, and change nothing."""
        with self._db.read() as connection:
            members = _members(connection, customer_nos)
            return {
                "customers": len(members),
                "identifiers": _count(connection, identifier, members, identifier.c.cipher != ERASED_CIPHER),
                "touches_ended": len(_waiting(connection, members)),
                "messages_emptied": _count(connection, touch, members, touch.c.variables != "{}"),
                **{name: _count(connection, table, members) for name, table in _ROWS.items()},
            }

    def erase(self, customer_nos: Collection[int], *, by: str, now: datetime) -> dict[str, int]:
        """Erase the people to whom ``customer_nos`` belong, audited; return what was removed."""
        with self._db.write() as connection:
            members = _members(connection, customer_nos)
            counts = {"customers": len(members), **_forget_identifiers(connection, members)}
            mine = [Suppression(customer_no=one, reason="erased", at=now) for one in members]
            suppress(connection, mine)
            waiting = _waiting(connection, members)
            counts["touches_ended"] = len(
                ends.settle(connection, waiting, "failed", _WAITING, to_s(now), ERASED)
            )
            counts["messages_emptied"] = _empty_messages(connection, members)
            for name, table in _ROWS.items():
                gone = sa.delete(table).where(any_of(connection, table.c.customer_no, members))
                counts[name] = connection.execute(gone).rowcount
            whom = any_of(connection, customer.c.customer_no, members)
            connection.execute(
                sa.update(customer).where(whom, customer.c.zone.is_not(None)).values(zone=None)
            )
            if any(count for name, count in counts.items() if name != "customers"):
                subject = f"customers {', '.join(map(str, members))}"
                write(
                    connection, AuditEntry(at=now, actor=by, action="erase", subject=subject, detail=counts)
                )
        return counts

    def suppress(
        self, customer_nos: Collection[int], reason: str, channel: str, note: str, *, by: str, now: datetime
    ) -> int:
        """Suppress people by an operator's word, audited; return how many were not yet."""
        with self._db.write() as connection:
            return suppressing.suppress_by(connection, customer_nos, reason, channel, note, by=by, now=now)

    def lift(
        self, customer_nos: Collection[int], reason: str | None, channel: str, *, by: str, now: datetime
    ) -> int:
        """Take suppressions back, audited; return how many. That of the erased stays."""
        with self._db.write() as connection:
            return suppressing.lift_by(connection, customer_nos, reason, channel, by=by, now=now)

    def shown(self, customer_no: int) -> dict[str, Any]:
        """Return what the gate knows of a person, as plain values."""
        with self._db.read() as connection:
            return suppressing.shown(connection, customer_no)

    def erased(self) -> Sequence[int]:
        """Return the customers that were erased."""
        query = sa.select(suppression.c.customer_no).where(suppression.c.reason == ERASED)
        with self._db.read() as connection:
            return connection.scalars(query.order_by(suppression.c.customer_no)).all()

    def touch_keys(self, customer_nos: Collection[int]) -> Sequence[str]:
        """Return the keys of all touches of ``customer_nos``."""
        with self._db.read() as connection:
            query = sa.select(touch.c.touch_key).where(any_of(connection, touch.c.customer_no, customer_nos))
            return connection.scalars(query).all()


def _members(connection: sa.Connection, customer_nos: Collection[int]) -> list[int]:
    return sorted(members_of(connection, set(roots_of(connection, customer_nos).values())))


def _count(
    connection: sa.Connection, table: sa.Table, members: Collection[int], *more: sa.ColumnElement[bool]
) -> int:
    whom = any_of(connection, table.c.customer_no, members)
    return int(connection.execute(sa.select(sa.func.count()).where(whom, *more)).scalar_one())


def _waiting(connection: sa.Connection, members: Collection[int]) -> Sequence[int]:
    query = (
        sa.select(outbox.c.touch_no)
        .join(touch, touch.c.touch_no == outbox.c.touch_no)
        .where(any_of(connection, touch.c.customer_no, members), outbox.c.state.in_(_WAITING))
    )
    return connection.scalars(query.order_by(outbox.c.touch_no)).all()


def _forget_identifiers(connection: sa.Connection, members: Collection[int]) -> dict[str, int]:
    """Empty the ciphers, and note under which keys the hashes stand."""
    mine = any_of(connection, identifier.c.customer_no, members) & (identifier.c.cipher != ERASED_CIPHER)
    keys = set(connection.scalars(sa.select(identifier.c.key_id).where(mine).distinct()))
    gone = connection.execute(sa.update(identifier).where(mine).values(cipher=ERASED_CIPHER)).rowcount
    if keys:
        keep_value(connection, ERASED_KEYS, sorted(keys | set(erased_keys(connection))))
    return {"identifiers": gone}


def _empty_messages(connection: sa.Connection, members: Collection[int]) -> int:
    """Take names and answers out of touches; what a provider said may name an address."""
    mine = any_of(connection, touch.c.customer_no, members)
    numbers = connection.scalars(sa.select(touch.c.touch_no).where(mine)).all()
    emptied = sa.update(touch).where(mine, touch.c.variables != "{}").values(variables="{}")
    for table in (touch_event, outbox):
        theirs = any_of(connection, table.c.touch_no, numbers)
        told = sa.update(table).where(theirs, table.c.detail.not_in(("", ERASED)))
        connection.execute(told.values(detail=""))
    noted = sa.update(suppression).where(any_of(connection, suppression.c.customer_no, members))
    connection.execute(noted.where(suppression.c.note != "").values(note=""))
    return connection.execute(emptied).rowcount
