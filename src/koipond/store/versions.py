"""Versions and leases of the warehouse, kept in the store (port `koipond.ingest.ports.VersionLog`)."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.facts.ports import FileRecord, Holder, Manifest
from koipond.kernel import BusyError, stable_json, wall_time
from koipond.store import leases
from koipond.store.bulk import update_rows, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import to_s
from koipond.store.tables import lease as lease_
from koipond.store.tables import warehouse_file as file_
from koipond.store.tables import warehouse_version as version_

KEPT_VERSIONS = 3
_FILE_COLUMNS = ("dataset", "file", "sha256", "bytes", "version")


class StoredVersionLog:
    """The record of versions. A writer holds until it releases or its process dies; readers expire."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def current(self) -> Manifest:
        with self._db.read() as connection:
            return _newest(connection)

    def newest_number(self) -> int:
        """Return the number of the newest version, 0 before the first: what a running process watches."""
        newest = sa.select(sa.func.coalesce(sa.func.max(version_.c.version), 0))
        with self._db.read() as connection:
            return int(connection.execute(newest).scalar_one())

    def kept(self, now: datetime) -> Sequence[Manifest]:
        with self._db.read() as connection:
            return [_manifest(row) for row in connection.execute(_kept(to_s(now)))]

    def open_reader(self, holder: Holder, now: datetime) -> tuple[str, Manifest]:
        with self._db.write() as connection:
            gone = sa.delete(lease_).where(lease_.c.kind == "reader", lease_.c.until_s <= to_s(now))
            connection.execute(gone)
            manifest = _newest(connection)
            return leases.add(connection, "reader", holder, to_s(now), version=manifest.version), manifest

    def close_reader(self, lease: str) -> None:
        self._drop(lease)

    def acquire_writer(self, holder: Holder, now: datetime, is_alive: Callable[[Holder], bool]) -> str:
        try:
            with self._db.write() as connection:
                leases.end_lapsed(connection, {"reader"}, to_s(now), is_alive)
                standing = leases.end_lapsed(connection, {"writer"}, to_s(now), is_alive)
                if not standing:
                    return leases.add(connection, "writer", holder, to_s(now))
        except sa.exc.IntegrityError as error:  # two took it at once: one of them lost
            raise BusyError("another process has just taken the warehouse lease; try again") from error
        raise _busy(standing[0], now)  # what was seen of a holder whose clock is ahead stays on record

    def release_writer(self, lease: str) -> None:
        self._drop(lease)

    def publish(
        self,
        lease: str,
        manifest: Manifest,
        now: datetime,
        *,
        nonce: str = "",
        files: Sequence[FileRecord] = (),
    ) -> int:
        held = sa.select(lease_.c.purpose).where(lease_.c.lease == lease, lease_.c.kind == "writer")
        with self._db.write() as connection:
            purpose = connection.execute(held.with_for_update()).scalar_one_or_none()
            if purpose is None:
                raise BusyError(
                    "the warehouse lease was lost; run the command again: nothing is half-written"
                )
            version = _newest(connection).version + 1
            body = {
                "datasets": {k: list(v) for k, v in manifest.datasets.items()},
                "meta": dict(manifest.meta),
            }
            connection.execute(
                sa.insert(version_).values(
                    version=version,
                    manifest=stable_json(body),
                    publisher=purpose,
                    published_s=to_s(now),
                    nonce=nonce or uuid.uuid4().hex,
                )
            )
            rows = [(one.dataset, one.file, one.sha256, one.bytes, version) for one in files]
            upsert_rows(connection, file_, _FILE_COLUMNS, rows, "ON CONFLICT DO NOTHING")
            _forget_old(connection, version, to_s(now))
        return version

    def files(self) -> Mapping[tuple[str, str], FileRecord]:
        with self._db.read() as connection:
            rows = connection.execute(sa.select(file_)).all()
        return {
            (row.dataset, row.file): FileRecord(
                dataset=row.dataset, file=row.file, sha256=row.sha256, bytes=row.bytes
            )
            for row in rows
        }

    def retired(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Return the files on record that no kept version names, and note since when that is so."""
        with self._db.write() as connection:
            kept = [_manifest(row) for row in connection.execute(_kept(to_s(now)))]
            named = {(d, f) for m in kept for d, files in m.datasets.items() for f in files}
            rows = connection.execute(sa.select(file_.c.dataset, file_.c.file, file_.c.retired_s)).all()
            gone = sorted((row.dataset, row.file) for row in rows if (row.dataset, row.file) not in named)
            noted = {(row.dataset, row.file) for row in rows if row.retired_s is not None}
            fresh = [(dataset, file, to_s(now)) for dataset, file in gone if (dataset, file) not in noted]
            update_rows(connection, file_, ("dataset", "file"), ("retired_s",), fresh)
        return gone

    def forget_files(self, files: Sequence[tuple[str, str]]) -> None:
        if not files:
            return
        gone = sa.delete(file_).where(
            file_.c.dataset == sa.bindparam("d"),
            file_.c.file == sa.bindparam("f"),
            file_.c.retired_s.is_not(None),
        )
        with self._db.write() as connection:
            connection.execute(gone, [{"d": dataset, "f": file} for dataset, file in files])

    def _drop(self, lease: str) -> None:
        with self._db.write() as connection:
            connection.execute(sa.delete(lease_).where(lease_.c.lease == lease))


def _newest(connection: sa.Connection) -> Manifest:
    row = connection.execute(sa.select(version_).order_by(version_.c.version.desc()).limit(1)).one_or_none()
    return Manifest(version=0, datasets={}, meta={}) if row is None else _manifest(row)


def _kept(now_s: int) -> sa.Select[Any]:
    """Return the query of the versions that must stay: the newest and those a reader holds."""
    held = sa.select(lease_.c.version).where(lease_.c.kind == "reader", lease_.c.until_s > now_s)
    newest = sa.select(version_.c.version).order_by(version_.c.version.desc()).limit(KEPT_VERSIONS)
    wanted = sa.or_(version_.c.version.in_(held), version_.c.version.in_(newest))
    return sa.select(version_).where(wanted).order_by(version_.c.version)


def _manifest(row: Any) -> Manifest:
    body = json.loads(row.manifest)
    datasets = {name: tuple(files) for name, files in body["datasets"].items()}
    return Manifest(version=row.version, datasets=datasets, meta=body["meta"])


def _busy(held: leases.HeldLease, now: datetime) -> BusyError:
    holder, since = held.holder, wall_time(held.since)
    until = wall_time(min(held.until, now + leases.TTL))  # a clock that is ahead is not waited for
    return BusyError(
        "{purpose} (process {pid} on {host_name}) writes since {since}; wait for it: when "
        "it beats no more its lease ends by {until} at the latest (see: koipond leases)",
        purpose=holder.purpose,
        pid=holder.pid,
        host_name=holder.host_name,
        since=since,
        until=until,
    )


def _forget_old(connection: sa.Connection, newest: int, now_s: int) -> None:
    held = sa.select(lease_.c.version).where(lease_.c.kind == "reader", lease_.c.until_s > now_s)
    old = version_.c.version <= newest - KEPT_VERSIONS
    connection.execute(sa.delete(version_).where(old, version_.c.version.not_in(held)))
