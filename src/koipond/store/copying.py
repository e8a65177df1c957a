"""A copy of the whole store at one moment (快照), beside running processes, and back into an empty place.

SQLite: its online backup over a read transaction that stays open, so that writers beside it neither wait nor
show. PostgreSQL: COPY of each table inside one REPEATABLE READ transaction. A copy holds no lease, and of the
warehouse's versions only the newest: its files are the ones that are copied with it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from koipond.ingest.belonging import Point
from koipond.kernel import InputError
from koipond.store.belonging import IDS, damages, newest_point
from koipond.store.engine import Database
from koipond.store.migrate import HEAD, create_schema, upgrade
from koipond.store.tables import METADATA, lease, outbox, warehouse_file, warehouse_version, workspace_setting

Progress = Callable[[int, int], None]
"""Told how many of how many parts are done; may raise to stop."""
SQLITE_FILE = "store.sqlite"
_PAGES = 2_000
_WAITING = ("planned", "queued", "leased", "sending")
_SCHEMA_DIGITS_MAX = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCopy:
    """What a copy holds. ``numbers``: table → the highest number it has given out: which of two is newer.

    ``waiting``: touches that had yet to go out, or whose answer was not known.
    """

    dialect: str
    revision: str
    at: Point
    ids: Mapping[str, str]
    rows: Mapping[str, int]
    columns: Mapping[str, Sequence[str]]
    numbers: Mapping[str, int]
    sequences: Mapping[str, int]
    waiting: int


class Snapshot:
    """The store as it stood when `snapshot` began."""

    def __init__(self, at: Point, write: Callable[[Path, Progress], StoreCopy]) -> None:
        self.at = at
        self.write = write
        """Write the copy below a folder; return what it holds."""


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """Hold the store still for a copy; others go on writing."""
    if database.dialect == "sqlite":
        source = Path(database.reader.url.database or "")
        with closing(_open_read_only(source)) as raw:
            raw.execute("BEGIN")
            row = raw.execute(
                "SELECT version, nonce FROM warehouse_version ORDER BY version DESC LIMIT 1"
            ).fetchone()  # the transaction begins here and stays as it is until the copy is made
            at = Point(version=row[0], nonce=row[1]) if row else Point(version=0, nonce="")
            yield Snapshot(at, lambda folder, told: _write_sqlite(raw, at, folder, told))
        return
    with database.reader.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ")
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        at = newest_point(connection)
        yield Snapshot(at, lambda folder, told: _write_postgres(connection, at, folder, told))


def copy_sqlite(source: Path, target: Path, told: Progress = lambda _done, _all: None) -> None:
    """Copy any SQLite file while others write to it; the copy is one file, readable by its owner alone."""
    with closing(_open_read_only(source)) as raw:
        raw.execute("BEGIN")
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _copy_pages(raw, target, told)


def numbers_of(connection: sa.Connection) -> dict[str, int]:
    """Return the highest number that each numbered table has given out."""
    found = {}
    for table in METADATA.sorted_tables:
        [column, *more] = table.primary_key.columns
        if not more and column.autoincrement is True and sa.inspect(connection).has_table(table.name):
            found[table.name] = int(connection.scalar(sa.select(sa.func.max(column))) or 0)
    return found


def load_postgres(database: Database, copied: StoreCopy, folder: Path, told: Progress) -> None:
    """Fill the schema of ``database``, which must not be there yet, from a copy; whole or not at all."""
    create_schema(database)
    with database.write() as connection:
        upgrade(connection, copied.revision)
        driver: Any = connection.connection.driver_connection
        names = [name for name in copied.columns if name != "alembic_version"]
        for name in reversed(names):  # migrations make rows of their own
            connection.exec_driver_sql(f"DELETE FROM {name}")
        for done, name in enumerate(names):
            told(done, len(names))
            columns = ", ".join(copied.columns[name])
            with (
                (folder / f"{name}.copy").open("rb") as rows,
                driver.cursor() as cursor,
                cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy,
            ):
                while block := rows.read(2**20):
                    copy.write(block)
        for name, value in copied.sequences.items():
            connection.execute(sa.select(sa.func.setval(name, value)))


def swap_schemas(database: Database, staged: str, aside: str) -> bool:
    """Give ``staged`` the name of the store's schema; the present one becomes ``aside``. Say whether it was
    there."""
    own = database.schema
    query = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    with database.write() as connection:
        there = connection.execute(query, {"name": own}).scalar_one_or_none() is not None
        if there:
            connection.exec_driver_sql(f'ALTER SCHEMA "{own}" RENAME TO "{aside}"')
        connection.exec_driver_sql(f'ALTER SCHEMA "{staged}" RENAME TO "{own}"')
    return there


def schema_beside(schema: str, what: str) -> str:
    """Return the name of a schema beside the store's own."""
    return f"{schema[: _SCHEMA_DIGITS_MAX - len(what) - 1]}_{what}"


def _open_read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)


def _write_sqlite(raw: sqlite3.Connection, at: Point, folder: Path, told: Progress) -> StoreCopy:
    target = folder / SQLITE_FILE
    _copy_pages(raw, target, told)
    engine = sa.create_engine(f"sqlite:///{target}")
    try:
        with engine.begin() as connection:
            _keep_newest_alone(connection, at.version)
            connection.execute(sa.delete(lease))
            if wrong := damages(connection):
                raise InputError(
                    "the store is damaged ({wrong}): no backup was made; bring back both "
                    "sides with: koipond restore BACKUP --replace",
                    wrong=wrong[0],
                    code="damaged",
                )
            found = _content(connection, "sqlite", at)
    finally:
        engine.dispose()
    return found


def _copy_pages(raw: sqlite3.Connection, target: Path, told: Progress) -> None:
    with closing(sqlite3.connect(target, isolation_level=None)) as out:
        target.chmod(0o600)
        raw.backup(out, pages=_PAGES, progress=lambda _status, left, total: told(total - left, total))
        out.execute("PRAGMA journal_mode=DELETE").fetchall()


def _keep_newest_alone(connection: sa.Connection, version: int) -> None:
    """Forget versions whose files are not copied."""
    text = connection.scalar(
        sa.select(warehouse_version.c.manifest).where(warehouse_version.c.version == version)
    )
    connection.execute(sa.delete(warehouse_version).where(warehouse_version.c.version != version))
    named = _named(text)
    rows = connection.execute(sa.select(warehouse_file.c.dataset, warehouse_file.c.file)).all()
    for row in rows:
        if (row.dataset, row.file) not in named:
            those = warehouse_file.c.dataset == row.dataset, warehouse_file.c.file == row.file
            connection.execute(sa.delete(warehouse_file).where(*those))


def _named(manifest: str | None) -> set[tuple[str, str]]:
    datasets = json.loads(manifest)["datasets"] if manifest else {}
    return {(dataset, file) for dataset, files in datasets.items() for file in files}


def _write_postgres(connection: sa.Connection, at: Point, folder: Path, told: Progress) -> StoreCopy:
    driver: Any = connection.connection.driver_connection
    tables = [table for table in METADATA.sorted_tables if table is not lease]
    for done, table in enumerate(tables):
        told(done, len(tables))
        columns = ", ".join(column.name for column in table.columns)
        query = f"SELECT {columns} FROM {table.name}{_condition(table, connection, at)}"
        with (
            (folder / f"{table.name}.copy").open("xb") as rows,
            driver.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT") as copy,
        ):
            for block in copy:
                rows.write(block)
    return _content(connection, "postgresql", at)


def _condition(table: sa.Table, connection: sa.Connection, at: Point) -> str:
    """Return which rows of a table are copied: of versions and their files those of the newest."""
    if table is warehouse_version:
        return f" WHERE version = {at.version}"
    if table is warehouse_file:
        newest = sa.select(warehouse_version.c.manifest).where(warehouse_version.c.version == at.version)
        named = _named(connection.scalar(newest))
        pairs = ", ".join(f"({_quoted(dataset)}, {_quoted(file)})" for dataset, file in sorted(named))
        return f" WHERE (dataset, file) IN ({pairs})" if pairs else " WHERE false"
    return ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _content(connection: sa.Connection, dialect: str, at: Point) -> StoreCopy:
    tables = [table for table in METADATA.sorted_tables if table is not lease]
    setting = workspace_setting.c
    ids = connection.execute(sa.select(setting.name, setting.value).where(setting.name.in_(IDS)))
    waiting = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state.in_(_WAITING))
    return StoreCopy(
        dialect=dialect,
        revision=HEAD,
        at=at,
        ids={row.name: str(json.loads(row.value)) for row in ids},
        rows={t.name: int(connection.scalar(sa.select(sa.func.count()).select_from(t)) or 0) for t in tables},
        columns={table.name: [column.name for column in table.columns] for table in tables},
        numbers=numbers_of(connection),
        sequences=_sequences(connection) if dialect == "postgresql" else {},
        waiting=int(connection.scalar(waiting) or 0),
    )


def _sequences(connection: sa.Connection) -> dict[str, int]:
    query = (
        "SELECT sequencename, last_value FROM pg_sequences"
        " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
    )
    return {row[0]: int(row[1]) for row in connection.exec_driver_sql(query)}
