"""Audit and settings (审计): who did what, and the few values a workspace keeps about itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.kernel import stable_json
from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import audit_log, workspace_setting


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


class StoredSettings:
    """Values a workspace keeps about itself, such as its zone once facts exist. JSON values."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> Any:
        """Return the value of ``name``, or None."""
        query = sa.select(workspace_setting.c.value).where(workspace_setting.c.name == name)
        with self._db.read() as connection:
            value = connection.execute(query).scalar_one_or_none()
        return None if value is None else json.loads(value)

    def set(self, name: str, value: Any) -> None:
        """Keep ``value`` as ``name``."""
        replace = "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        with self._db.write() as connection:
            upsert_rows(
                connection, workspace_setting, ("name", "value"), [(name, stable_json(value))], replace
            )


def write(connection: sa.Connection, entry: AuditEntry) -> None:
    """Append ``entry`` inside the caller's transaction."""
    connection.execute(
        sa.insert(audit_log).values(
            at_s=to_s(entry.at),
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=stable_json(dict(entry.detail)),
        )
    )
