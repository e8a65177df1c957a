"""The store's half of the pair (配对): its ids, and what it is before anything is written to it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from koipond.ingest.belonging import PairIds, Point, StoreSide
from koipond.kernel import InputError, stable_json
from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.migrate import revision
from koipond.store.tables import workspace_setting

IDS = ("workspace_id", "store_id", "warehouse_id")
_DAMAGES_MAX = 5
_TABLES = ("workspace_setting", "warehouse_version")


class StoredBelonging:
    """The ids of one store, kept among the workspace's settings."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ids(self) -> PairIds | None:
        """Return the ids, None in a store that nobody has claimed (rehearsals)."""
        with self._db.read() as connection:
            found = _ids(connection)
        return PairIds(**found) if len(found) == len(IDS) else None

    def damages(self) -> list[str]:
        """Return what is wrong with the store's file, nothing when it is sound."""
        with self._db.read() as connection:
            return damages(connection)

    def claim(self, workspace_id: str) -> PairIds:
        """Take the store for ``workspace_id`` and draw the other ids, unless that is done; return them.

        Raises InputError when another workspace has taken it meanwhile.
        """
        drawn = {
            "workspace_id": workspace_id,
            "store_id": uuid.uuid4().hex,
            "warehouse_id": uuid.uuid4().hex,
        }
        rows = [(name, stable_json(value)) for name, value in drawn.items()]
        with self._db.write() as connection:
            columns, keep = ("name", "value"), "ON CONFLICT (name) DO NOTHING"
            upsert_rows(connection, workspace_setting, columns, rows, keep)
            ids = PairIds(**_ids(connection))
        if ids.workspace_id != workspace_id:
            raise InputError(
                f"another workspace (id {ids.workspace_id}) has just taken the store; use another key"
            )
        return ids


def damages(connection: sa.Connection) -> list[str]:
    """Return what SQLite finds wrong with its own file; PostgreSQL checks its pages by itself."""
    if connection.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA quick_check({_DAMAGES_MAX})")]
    return [] if found == ["ok"] else found


def look_at(database: Database, place: str) -> tuple[StoreSide, dict[str, int | None]]:
    """Return what is in ``database`` and the files of its version, as DATASET/FILE → bytes where recorded.

    Writes nothing, not even the file of an SQLite store. Reads older revisions as well.
    """
    if database.dialect == "sqlite" and not database.in_memory:
        file = Path(database.reader.url.database or "")
        if not file.exists() or not file.stat().st_size:
            parts = [Path(f"{file}{end}") for end in ("-wal", "-journal")]
            remains = tuple(part.name for part in parts if part.exists() and part.stat().st_size)
            return StoreSide(place=place, kept=False, remains=remains), {}
    with database.read() as connection:
        if revision(connection) is None or not _has_tables(connection):
            return StoreSide(place=place, kept=False), {}
        found = _ids(connection)
        at, datasets = _newest(connection)
        side = StoreSide(
            place=place,
            kept=True,
            at=at,
            workspace_id=found.get("workspace_id"),
            store_id=found.get("store_id"),
            warehouse_id=found.get("warehouse_id"),
        )
        return side, _named(connection, datasets)


def newest_point(connection: sa.Connection) -> Point:
    """Return the newest published version, 0 when there is none."""
    return _newest(connection)[0]


def _newest(connection: sa.Connection) -> tuple[Point, Mapping[str, Sequence[str]]]:
    columns = {column["name"] for column in sa.inspect(connection).get_columns("warehouse_version")}
    nonce = "nonce" if "nonce" in columns else "''"
    row = connection.exec_driver_sql(
        f"SELECT version, {nonce}, manifest FROM warehouse_version ORDER BY version DESC LIMIT 1"
    ).one_or_none()
    if row is None:
        return Point(version=0, nonce=""), {}
    return Point(version=row[0], nonce=row[1]), json.loads(row[2])["datasets"]


def _named(connection: sa.Connection, datasets: Mapping[str, Sequence[str]]) -> dict[str, int | None]:
    sizes: dict[str, int] = {}
    if sa.inspect(connection).has_table("warehouse_file"):
        rows = connection.exec_driver_sql("SELECT dataset, file, bytes FROM warehouse_file").all()
        sizes = {f"{row.dataset}/{row.file}": row.bytes for row in rows}
    names = (f"{dataset}/{file}" for dataset, files in datasets.items() for file in files)
    return {name: sizes.get(name) for name in names}


def _has_tables(connection: sa.Connection) -> bool:
    return all(sa.inspect(connection).has_table(name) for name in _TABLES)


def _ids(connection: sa.Connection) -> dict[str, str]:
    columns = workspace_setting.c.name, workspace_setting.c.value
    query = sa.select(*columns).where(workspace_setting.c.name.in_(IDS))
    return {row.name: str(json.loads(row.value)) for row in connection.execute(query)}
