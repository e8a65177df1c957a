"""Versions and leases of the warehouse, kept in the store (port `koipond.ingest.ports.VersionLog`)."""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from koipond.ingest.ports import Holder, Manifest
from koipond.kernel import BusyError, stable_json
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import warehouse_lease as lease_
from koipond.store.tables import warehouse_version as version_

KEPT_VERSIONS = 3
READER_LEASE = timedelta(hours=6)  # a reader that died keeps its version on disk no longer than this


class StoredVersionLog:
    """The record of versions. A writer holds until it releases or its process dies; readers expire."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def current(self) -> Manifest:
        with self._db.read() as connection:
            return _newest(connection)

    def kept(self, now: datetime) -> Sequence[Manifest]:
        held = sa.select(lease_.c.version).where(lease_.c.kind == "reader", lease_.c.until_s > to_s(now))
        newest = sa.select(version_.c.version).order_by(version_.c.version.desc()).limit(KEPT_VERSIONS)
        wanted = sa.or_(version_.c.version.in_(held), version_.c.version.in_(newest))
        with self._db.read() as connection:
            rows = connection.execute(sa.select(version_).where(wanted).order_by(version_.c.version))
            return [_manifest(row) for row in rows]

    def open_reader(self, holder: Holder, now: datetime) -> tuple[str, Manifest]:
        lease = uuid.uuid4().hex
        with self._db.write() as connection:
            connection.execute(
                sa.delete(lease_).where(lease_.c.kind == "reader", lease_.c.until_s <= to_s(now))
            )
            manifest = _newest(connection)
            row = _lease_row(lease, "reader", holder, now)
            row |= {"version": manifest.version, "until_s": to_s(now + READER_LEASE)}
            connection.execute(sa.insert(lease_).values(row))
        return lease, manifest

    def close_reader(self, lease: str) -> None:
        self._drop(lease)

    def acquire_writer(self, holder: Holder, now: datetime, is_alive: Callable[[Holder], bool]) -> str:
        lease = uuid.uuid4().hex
        try:
            with self._db.write() as connection:
                _evict(connection, is_alive)
                connection.execute(sa.insert(lease_).values(_lease_row(lease, "writer", holder, now)))
        except sa.exc.IntegrityError as error:  # two took it at once: one of them lost
            raise BusyError("another process has just taken the warehouse lease; try again") from error
        return lease

    def release_writer(self, lease: str) -> None:
        self._drop(lease)

    def publish(self, lease: str, manifest: Manifest, now: datetime) -> int:
        held = sa.select(lease_.c.purpose).where(lease_.c.lease == lease, lease_.c.kind == "writer")
        with self._db.write() as connection:
            purpose = connection.execute(held.with_for_update()).scalar_one_or_none()
            if purpose is None:
                raise BusyError("the warehouse lease was lost; run the command again")
            version = _newest(connection).version + 1
            body = {
                "datasets": {k: list(v) for k, v in manifest.datasets.items()},
                "meta": dict(manifest.meta),
            }
            connection.execute(
                sa.insert(version_).values(
                    version=version, manifest=stable_json(body), publisher=purpose, published_s=to_s(now)
                )
            )
            _forget_old(connection, version, to_s(now))
        return version

    def _drop(self, lease: str) -> None:
        with self._db.write() as connection:
            connection.execute(sa.delete(lease_).where(lease_.c.lease == lease))


def _newest(connection: sa.Connection) -> Manifest:
    row = connection.execute(sa.select(version_).order_by(version_.c.version.desc()).limit(1)).one_or_none()
    return Manifest(version=0, datasets={}, meta={}) if row is None else _manifest(row)


def _manifest(row: Any) -> Manifest:
    body = json.loads(row.manifest)
    datasets = {name: tuple(files) for name, files in body["datasets"].items()}
    return Manifest(version=row.version, datasets=datasets, meta=body["meta"])


def _lease_row(lease: str, kind: str, holder: Holder, now: datetime) -> dict[str, Any]:
    return {
        "lease": lease,
        "kind": kind,
        "host": holder.host,
        "pid": holder.pid,
        "started": holder.started,
        "purpose": holder.purpose,
        "since_s": to_s(now),
    }


def _evict(connection: sa.Connection, is_alive: Callable[[Holder], bool]) -> None:
    """Remove a dead writer's lease; raise BusyError when it lives."""
    query = sa.select(lease_).where(lease_.c.kind == "writer").with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return
    holder = Holder(host=row.host, pid=row.pid, started=row.started, purpose=row.purpose)
    if is_alive(holder):
        since = from_s(row.since_s).isoformat()
        raise BusyError(
            f"{holder.purpose} (process {holder.pid} on {holder.host}) writes since {since}; wait for it",
            holder=holder.purpose,
            pid=holder.pid,
            since=since,
        )
    connection.execute(sa.delete(lease_).where(lease_.c.lease == row.lease))


def _forget_old(connection: sa.Connection, newest: int, now_s: int) -> None:
    held = sa.select(lease_.c.version).where(lease_.c.kind == "reader", lease_.c.until_s > now_s)
    old = version_.c.version <= newest - KEPT_VERSIONS
    connection.execute(sa.delete(version_).where(old, version_.c.version.not_in(held)))
