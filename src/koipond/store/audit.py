"""Audit (审计): who did what.

Each entry carries a SHA-256 over itself and the hash of the one before it, so that an entry that was changed,
taken out or put in between later breaks the chain (`audit_breaks`). Cutting off its end shows in the number
of entries, which a workspace keeps beside it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.kernel import Message, stable_json
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import audit_log
from koipond.store.workspace_values import keep_value, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act of an operator or of the system."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class StoredAudit:
    """The audit log: append-only."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def write(self, entry: AuditEntry) -> None:
        """Append ``entry``."""
        with self._db.write() as connection:
            write(connection, entry)

    def entries(self, limit: int, subject: str | None = None) -> Sequence[AuditEntry]:
        """Return at most ``limit`` entries, the newest first."""
        query = sa.select(audit_log).order_by(audit_log.c.seq.desc()).limit(limit)
        if subject is not None:
            query = query.where(audit_log.c.subject == subject)
        with self._db.read() as connection:
            return [
                AuditEntry(
                    at=from_s(row.at_s),
                    actor=row.actor,
                    action=row.action,
                    subject=row.subject,
                    detail=json.loads(row.detail),
                )
                for row in connection.execute(query)
            ]


_HEAD = "audit_entries"
_LOCK = 7_318_204  # whoever writes an entry on PostgreSQL waits for the entry before it
_COLUMNS = ("at_s", "actor", "action", "subject", "detail")


def write(connection: sa.Connection, entry: AuditEntry) -> None:
    """Append ``entry`` inside the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    values = {
        "at_s": to_s(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": stable_json(dict(entry.detail)),
    }
    last = sa.select(audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    before = connection.execute(last).scalar_one_or_none() or ""
    connection.execute(sa.insert(audit_log).values(**values, hash=_chained(before, values)))
    keep_value(connection, _HEAD, _entries(connection) + 1)


def audit_breaks(connection: sa.Connection) -> Iterator[str]:
    """Every entry of the audit is as it was written, in its place, and none is missing."""
    before, found = "", 0
    query = sa.select(audit_log).order_by(audit_log.c.seq).execution_options(yield_per=5_000)
    for row in connection.execute(query):
        if row.hash is None and not before:
            continue  # of an earlier release
        values = {name: getattr(row, name) for name in _COLUMNS}
        if row.hash != _chained(before, values):
            yield Message("entry {seq} of the audit is not as it was written", seq=row.seq)
        before, found = row.hash or "", found + 1
    if (kept := _entries(connection)) != found:
        yield Message("the audit holds {found} entries, {kept} were written", found=found, kept=kept)


def _chained(before: str, values: Mapping[str, Any]) -> str:
    text = stable_json([before, *(values[name] for name in _COLUMNS)])
    return hashlib.sha256(text.encode()).hexdigest()


def _entries(connection: sa.Connection) -> int:
    return int(value_of(connection, _HEAD) or 0)
