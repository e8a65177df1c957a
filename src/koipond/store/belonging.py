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
from koipond.store.tables import workspace_setting

IDS = ("workspace_id", "store_id", "warehouse_id")
_DAMAGES_MAX = 5
_TABLES = ("alembic_version", "workspace_setting", "warehouse_version")
_PAIRS_SINCE = "0006"


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
                "another workspace (id {workspace_id}) has just taken the store; use another key",
                workspace_id=ids.workspace_id,
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
        tables = _tables(connection)
        if not tables.issuperset(_TABLES) or not (stands_at := _revision(connection)):
            return StoreSide(place=place, kept=False), {}
        found = _ids(connection)
        at, datasets = _newest(connection, with_nonce=stands_at >= _PAIRS_SINCE)
        side = StoreSide(
            place=place,
            kept=True,
            at=at,
            workspace_id=found.get("workspace_id"),
            store_id=found.get("store_id"),
            warehouse_id=found.get("warehouse_id"),
        )
        return side, _named(connection, datasets, with_sizes="warehouse_file" in tables)


def newest_point(connection: sa.Connection) -> Point:
    """Return the newest published version, 0 when there is none."""
    return _newest(connection, with_nonce=True)[0]


def _newest(connection: sa.Connection, *, with_nonce: bool) -> tuple[Point, Mapping[str, Sequence[str]]]:
    nonce = "nonce" if with_nonce else "''"
    row = connection.exec_driver_sql(
        f"SELECT version, {nonce}, manifest FROM warehouse_version ORDER BY version DESC LIMIT 1"
    ).one_or_none()
    if row is None:
        return Point(version=0, nonce=""), {}
    return Point(version=row[0], nonce=row[1]), json.loads(row[2])["datasets"]


def _named(
    connection: sa.Connection, datasets: Mapping[str, Sequence[str]], *, with_sizes: bool
) -> dict[str, int | None]:
    sizes: dict[str, int] = {}
    if with_sizes:
        rows = connection.exec_driver_sql("SELECT dataset, file, bytes FROM warehouse_file").all()
        sizes = {f"{row.dataset}/{row.file}": row.bytes for row in rows}
    names = (f"{dataset}/{file}" for dataset, files in datasets.items() for file in files)
    return {name: sizes.get(name) for name in names}


def _tables(connection: sa.Connection) -> set[str]:
    """Return the store's tables by one query: reflection takes many, and every command comes by here."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if connection.dialect.name == "sqlite"
        else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )
    return set(connection.exec_driver_sql(query).scalars())


def _revision(connection: sa.Connection) -> str:
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found or "")


def _ids(connection: sa.Connection) -> dict[str, str]:
    columns = workspace_setting.c.name, workspace_setting.c.value
    query = sa.select(*columns).where(workspace_setting.c.name.in_(IDS))
    return {row.name: str(json.loads(row.value)) for row in connection.execute(query)}
