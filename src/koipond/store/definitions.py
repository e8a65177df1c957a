"""Applied definitions (已应用的定义): the only place the runtime reads them from. Versions never change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from koipond.kernel import BusyError, stable_json
from koipond.store.audit import AuditEntry, write
from koipond.store.engine import Database
from koipond.store.fixed import Forbidden, forbidden, refuse_fixed
from koipond.store.instants import from_s, to_s
from koipond.store.tables import definition, definition_apply


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDefinition:
    """One version of one object, as it was applied; ``body`` is the canonical content."""

    kind: str
    key: str
    version: int
    fingerprint: str
    body: Mapping[str, Any]
    managed_by: str
    author: str
    applied_at: datetime
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionChange:
    """What an apply does to one object: ``body`` None archives it. ``was`` is the version the diff was made
    against (0 = there was none), so that two people applying at once do not undo each other."""

    kind: str
    key: str
    was: int
    fingerprint: str = ""
    body: Mapping[str, Any] | None = None
    managed_by: Literal["file", "console"] = "file"


class StoredDefinitions:
    """Definitions of one store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def current(self) -> list[AppliedDefinition]:
        """Return the newest version of every object that is not archived, by kind and key."""
        return [one for one in self.newest() if not one.archived]

    def at(self, number: int | None = None) -> tuple[int, list[AppliedDefinition]]:
        """Return an apply's number and what it left in force, by kind and key; None = the last apply."""
        with self._db.read() as connection:
            if number is None:
                number = int(connection.execute(sa.select(_LAST)).scalar_one())
            rows = rows_at(connection, number)
        return number, [_from_row(row) for row in rows]

    def forbidden(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Forbidden]:
        """Return what may not change from body ``before`` to ``after``: setting, why, and the fix."""
        with self._db.read() as connection:
            return list(forbidden(connection, before, after))

    def version(self) -> int:
        """Return the number of the last apply, 0 before the first: the ``definition_version`` of answers."""
        with self._db.read() as connection:
            return int(connection.execute(sa.select(_LAST)).scalar_one())

    def get(self, kind: str, key: str, version: int) -> AppliedDefinition | None:
        """Return one version, whatever came after it."""
        query = _ROWS.where(
            definition.c.kind == kind, definition.c.key == key, definition.c.version == version
        )
        with self._db.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _from_row(row)

    def history(self, kind: str, key: str) -> list[AppliedDefinition]:
        """Return every version of one object, the oldest first."""
        query = _ROWS.where(definition.c.kind == kind, definition.c.key == key)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query.order_by(definition.c.version))]

    def apply(
        self, changes: Sequence[DefinitionChange], *, author: str, now: datetime, note: str = ""
    ) -> list[AppliedDefinition]:
        """Apply ``changes`` in one transaction; return the versions made or archived.

        Raises BusyError when an object has moved on since the diff, RefusedError when settings would change
        under which facts were counted: nothing is applied then.
        """
        if not changes:
            return []
        with self._db.write() as connection:
            apply_no = apply_changes(connection, changes, author=author, now=now, note=note)
            rows = connection.execute(_newest_rows()).all()
        return [_from_row(row) for row in rows if apply_no in (row.apply_no, row.archived_no)]

    def newest(self) -> list[AppliedDefinition]:
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(_newest_rows())]


def apply_changes(
    connection: sa.Connection,
    changes: Sequence[DefinitionChange],
    *,
    author: str,
    now: datetime,
    note: str = "",
    approved_by: str | None = None,
) -> int:
    """Apply ``changes`` in the caller's transaction and note who did; return the number of the apply."""
    apply_no = _begin(connection, author, note, to_s(now), approved_by)
    newest = {(row.kind, row.key): row for row in connection.execute(_newest_rows())}
    _refuse_stale(changes, newest)
    refuse_fixed(connection, changes, newest)
    made = [_change(connection, one, apply_no) for one in changes]
    detail: dict[str, Any] = {"changes": [f"{kind}/{key} v{version}" for kind, key, version in made]}
    if approved_by is not None:
        detail["approved_by"] = approved_by
    entry = AuditEntry(
        at=now, actor=author, action="definitions.apply", subject=f"apply:{apply_no}", detail=detail
    )
    write(connection, entry)
    return apply_no


_LAST = sa.func.coalesce(sa.func.max(definition_apply.c.apply_no), 0)
_ROWS = sa.select(definition, definition_apply.c.author, definition_apply.c.applied_s).join(
    definition_apply, definition_apply.c.apply_no == definition.c.apply_no
)


def rows_at(connection: sa.Connection, number: int) -> list[Any]:
    """Return what the apply ``number`` left in force, by kind and key; what came after it changes nothing."""
    rows = connection.execute(_newest_rows(number)).all()
    return [row for row in rows if row.archived_no is None or row.archived_no > number]


def _newest_rows(number: int | None = None) -> sa.Select[Any]:
    """Select the newest version of each object, archived ones too; with ``number`` as of that apply."""
    places = definition.c.kind, definition.c.key
    versions = sa.select(*places, sa.func.max(definition.c.version).label("version")).group_by(*places)
    if number is not None:
        versions = versions.where(definition.c.apply_no <= number)
    newest = versions.subquery()
    match = sa.and_(*(definition.c[name] == newest.c[name] for name in ("kind", "key", "version")))
    return _ROWS.join(newest, match).order_by(*places)


def _begin(connection: sa.Connection, author: str, note: str, now_s: int, approved_by: str | None) -> int:
    """Number this apply; on PostgreSQL others that apply wait until it ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {definition_apply.name} IN EXCLUSIVE MODE")
    values = {"author": author, "note": note, "applied_s": now_s, "approved_by": approved_by}
    insert = sa.insert(definition_apply).values(**values)
    return int(connection.execute(insert.returning(definition_apply.c.apply_no)).scalar_one())


def _refuse_stale(changes: Sequence[DefinitionChange], newest: Mapping[tuple[str, str], Any]) -> None:
    moved = []
    for one in changes:
        row = newest.get((one.kind, one.key))
        if (row.version if row is not None else 0) != one.was:
            moved.append(f"{one.kind}/{one.key}")
    if moved:
        raise BusyError("somebody applied {moved} meanwhile; run: koipond diff", moved=", ".join(moved))


def _change(connection: sa.Connection, one: DefinitionChange, apply_no: int) -> tuple[str, str, int]:
    if one.body is None:
        mine = [definition.c.kind == one.kind, definition.c.key == one.key, definition.c.version == one.was]
        connection.execute(sa.update(definition).where(*mine).values(archived_no=apply_no))
        return one.kind, one.key, one.was
    connection.execute(
        sa.insert(definition).values(
            kind=one.kind,
            key=one.key,
            version=one.was + 1,
            fingerprint=one.fingerprint,
            body=stable_json(one.body),
            managed_by=one.managed_by,
            apply_no=apply_no,
        )
    )
    return one.kind, one.key, one.was + 1


def _from_row(row: Any) -> AppliedDefinition:
    return AppliedDefinition(
        kind=row.kind,
        key=row.key,
        version=row.version,
        fingerprint=row.fingerprint,
        body=json.loads(row.body),
        managed_by=row.managed_by,
        author=row.author,
        applied_at=from_s(row.applied_s),
        archived=row.archived_no is not None,
    )
