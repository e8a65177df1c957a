"""Pauses (暂停): what operators hold back: everything, a channel, a strategy. What waits goes later."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.store import audit
from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause: ``scope`` is all, channel:KEY or strategy:KEY."""

    scope: str
    author: str
    reason: str
    since: datetime


class StoredPauses:
    """Pauses of one workspace. They act on the next intent, whoever sends."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[Pause]:
        """Return every pause, the oldest first."""
        query = sa.select(pause).order_by(pause.c.since_s, pause.c.scope)
        with self._db.read() as connection:
            return [
                Pause(scope=row.scope, author=row.author, reason=row.reason, since=from_s(row.since_s))
                for row in connection.execute(query)
            ]

    def pause(self, scope: str, *, by: str, reason: str, now: datetime) -> bool:
        """Hold ``scope`` back from now on; one that is paused already keeps its first instant. Say whether it
        is new."""
        row = (scope, by, reason, to_s(now))
        with self._db.write() as connection:
            columns = ("scope", "author", "reason", "since_s")
            made = bool(upsert_rows(connection, pause, columns, [row], "ON CONFLICT DO NOTHING"))
            if made:
                detail = {"reason": reason}
                entry = audit.AuditEntry(at=now, actor=by, action="pause", subject=scope, detail=detail)
                audit.write(connection, entry)
        return made

    def resume(self, scope: str, *, by: str, now: datetime) -> Pause | None:
        """Let ``scope`` go again; return the pause that ends, None when there was none."""
        with self._db.write() as connection:
            query = sa.select(pause).where(pause.c.scope == scope)
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None:
                return None
            connection.execute(sa.delete(pause).where(pause.c.scope == scope))
            detail = {"since_s": row.since_s, "author": row.author, "reason": row.reason}
            entry = audit.AuditEntry(at=now, actor=by, action="resume", subject=scope, detail=detail)
            audit.write(connection, entry)
        return Pause(scope=row.scope, author=row.author, reason=row.reason, since=from_s(row.since_s))
