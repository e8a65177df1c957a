"""Leases (租约): who holds what, kept alive by a heartbeat, ended by its silence.

A holder beats every `BEAT`; a lease whose last beat is older than `TTL` has ended, whoever held it: a renamed
host, a re-created container and a stopped process hold nothing for longer. A dead process of this host ends
its leases at once. A holder whose clock is ahead writes ends that lie further away than any honest one: of
such a lease the beats are watched, and when they stand still for `TTL` it has ended too. Instants are the
machine's, never the workspace's.

A lease fences: whoever acts under one asks `stands` in the transaction that acts.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from koipond.facts.ports import Holder
from koipond.store import audit
from koipond.store.audit import AuditEntry
from koipond.store.bulk import any_of
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import lease

LeaseKind = Literal["reader", "writer", "sender", "import"]
IsAlive = Callable[[Holder], bool]
TTL = timedelta(seconds=60)
BEAT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """A lease on record. ``until``: when it ends unless its holder beats again, on the holder's clock."""

    lease: str
    kind: LeaseKind
    holder: Holder
    since: datetime
    until: datetime
    version: int | None


class StoredLeases:
    """The leases of one store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def open(self, kind: LeaseKind, holder: Holder, now: datetime) -> str:
        """Take a lease that several may hold at once (sender, import); return its id."""
        with self._db.write() as connection:
            return add(connection, kind, holder, to_s(now))

    def beat(self, leases: Collection[str], now: datetime) -> set[str]:
        """Keep ``leases`` alive; return those that still stand."""
        until_s = to_s(now + TTL)
        with self._db.write() as connection:
            mine = any_of(connection, lease.c.lease, leases)
            order = sa.select(lease.c.lease).where(mine).order_by(lease.c.lease)
            connection.execute(order.with_for_update()).all()  # in one order everywhere: no deadlock
            moved = sa.update(lease).where(mine).values(until_s=until_s, beats=lease.c.beats + 1)
            return set(connection.scalars(moved.returning(lease.c.lease)))

    def close(self, held: str) -> None:
        """Give a lease back; one that has ended already does not matter."""
        with self._db.write() as connection:
            connection.execute(sa.delete(lease).where(lease.c.lease == held))

    def held(self) -> list[HeldLease]:
        """Return every lease on record, the oldest first."""
        query = sa.select(lease).order_by(lease.c.since_s, lease.c.lease)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query)]

    def free(self, held: str, entry: AuditEntry) -> bool:
        """End somebody's lease by an operator's word, which ``entry`` keeps; say whether it stood."""
        with self._db.write() as connection:
            stood = bool(connection.execute(sa.delete(lease).where(lease.c.lease == held)).rowcount)
            if stood:
                audit.write(connection, entry)
            return stood


def add(
    connection: sa.Connection, kind: LeaseKind, holder: Holder, now_s: int, *, version: int | None = None
) -> str:
    """Write a lease in the caller's transaction and return its id."""
    held = uuid.uuid4().hex
    row = {
        "lease": held,
        "kind": kind,
        "version": version,
        "host": holder.host,
        "pid": holder.pid,
        "started": holder.started,
        "purpose": holder.purpose,
        "since_s": now_s,
        "until_s": now_s + int(TTL.total_seconds()),
        "beats": 0,
    }
    connection.execute(sa.insert(lease).values(row))
    return held


def stands(connection: sa.Connection, held: str, kind: LeaseKind) -> bool:
    """Say whether a lease is still on record, and keep it there until the caller's transaction ends."""
    return connection.execute(_STANDS, {"held": held, "kind": kind}).one_or_none() is not None


_STANDS = (
    sa.select(lease.c.lease)
    .where(lease.c.lease == sa.bindparam("held"), lease.c.kind == sa.bindparam("kind"))
    .with_for_update(key_share=True)
)


def end_lapsed(
    connection: sa.Connection, kinds: Collection[LeaseKind], now_s: int, is_alive: IsAlive
) -> list[HeldLease]:
    """Remove the leases of ``kinds`` that have ended in the caller's transaction; return those that stand.

    ``is_alive``: says whether a holder's process runs; it must say True where it cannot tell.
    """
    query = sa.select(lease).where(lease.c.kind.in_(sorted(kinds))).order_by(lease.c.lease)
    standing, gone = [], []
    for row in connection.execute(query.with_for_update()).all():
        if _has_ended(connection, row, now_s, is_alive):
            gone.append(row.lease)
        else:
            standing.append(_from_row(row))
    if gone:
        connection.execute(sa.delete(lease).where(any_of(connection, lease.c.lease, gone)))
    return standing


def _has_ended(connection: sa.Connection, row: Any, now_s: int, is_alive: IsAlive) -> bool:
    ttl_s = int(TTL.total_seconds())
    if not is_alive(_holder(row)) or row.until_s <= now_s:
        return True
    if row.until_s <= now_s + 2 * ttl_s:
        return False
    watched = row.seen_s is not None and row.seen_beats == row.beats and row.seen_s <= now_s
    if watched:
        return bool(now_s - row.seen_s >= ttl_s)
    seen = sa.update(lease).where(lease.c.lease == row.lease)
    connection.execute(seen.values(seen_beats=row.beats, seen_s=now_s))
    return False


def _holder(row: Any) -> Holder:
    return Holder(host=row.host, pid=row.pid, started=row.started, purpose=row.purpose)


def _from_row(row: Any) -> HeldLease:
    return HeldLease(
        lease=row.lease,
        kind=row.kind,
        holder=_holder(row),
        since=from_s(row.since_s),
        until=from_s(row.until_s),
        version=row.version,
    )
