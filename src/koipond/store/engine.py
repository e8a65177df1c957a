"""Connections to the two databases (状态库连接): one way to read, one gate to write.

SQLite: WAL, synchronous=FULL, and BEGIN IMMEDIATE on a separate write engine behind one lock, because a
transaction that begins deferred and then writes fails under concurrency ("database is locked").
PostgreSQL: READ COMMITTED, one schema a workspace through search_path. Sources: design §2, ops §4.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

from koipond.kernel import BusyError, InputError
from koipond.kernel.private_files import make_private

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
BUSY_TIMEOUT_MS = 30_000
DEADLOCKS_MAX = 5
_DEADLOCK = "40P01"
T = TypeVar("T")
CACHE_KIB = 65_536
_SESSION = "-ctimezone=UTC -cidle_in_transaction_session_timeout=600000 -cjit=off"
"""Without compiling statements: it takes 100 to 200 ms for one of 2 ms whenever a table has grown since
PostgreSQL last counted it."""
_LINE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A line that is cut without a word is noticed within a minute; a statement may take as long as it needs."""


class WriteGate:
    """Lets one thread of this process write at a time. To ask twice in one thread is our own bug."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise AssertionError("a transaction was opened inside another of the same thread")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()


class Database:
    """One store. `read` and `write` open transactions; never nest them in one thread."""

    def __init__(
        self, reader: sa.Engine, writer: sa.Engine, gate: AbstractContextManager[Any], schema: str | None
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.schema = schema
        self.dialect = writer.dialect.name
        self.in_memory = reader is writer and self.dialect == "sqlite"
        self._gate = gate

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._gate if self.in_memory else nullcontext(), self.reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open the writing transaction; it commits at the end, and rolls back on an error.

        Raises BusyError when another process has been writing for too long.
        """
        with self._gate, ExitStack() as stack:
            try:
                connection = stack.enter_context(self.writer.begin())
            except sa.exc.OperationalError as error:
                if "locked" in str(error.orig):
                    raise BusyError("another process keeps the store to itself; try again") from error
                raise
            yield connection

    def recount(self, tables: Sequence[sa.Table]) -> None:
        """Let PostgreSQL count ``tables`` that have just grown: until it does by itself, a minute later, it
        reads the whole of them to find one customer."""
        if self.dialect == "postgresql":
            with self.write() as connection:
                connection.exec_driver_sql(f"ANALYZE {', '.join(table.name for table in tables)}")

    def close(self) -> None:
        """Close every connection."""
        self.reader.dispose()
        self.writer.dispose()


def retried(act: Callable[[], T]) -> T:
    """Return what ``act``, one whole transaction, returns. It begins anew when the database ended it because
    two waited for each other."""
    for _ in range(DEADLOCKS_MAX):
        try:
            return act()
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                raise
    return act()


def open_database(url: str, schema: str | None = None) -> Database:
    """Open ``sqlite:///FILE``, ``sqlite://`` (memory) or ``postgresql://…`` with ``schema``.

    Raises InputError when the URL or the schema's name cannot be used.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise InputError("the store's URL cannot be read; write sqlite:///FILE or postgresql://…") from error
    name = parsed.get_backend_name()
    if name == "sqlite":
        return _memory() if parsed.database in (None, "", ":memory:") else _sqlite(parsed)
    if name == "postgresql":
        return _postgres(parsed, schema or "koipond")
    raise InputError("a store cannot be kept in '{name}'; use sqlite:///FILE or postgresql://…", name=name)


def _sqlite(url: sa.URL) -> Database:
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000}}
    reader = sa.create_engine(url, pool_size=5, max_overflow=35, **options)
    writer = sa.create_engine(url, pool_size=1, max_overflow=0, **options)
    _prepare(writer, begin="BEGIN IMMEDIATE", more=("journal_mode=WAL",))
    _prepare(reader, begin="BEGIN", more=("journal_mode=WAL", "query_only=ON"))
    return Database(reader, writer, WriteGate(), None)


def keep_private(database: Database) -> None:
    """Make the file of an SQLite store for its owner alone; its -wal and -shm get the same rights.

    Called before the first write and not when a store is opened: one that is refused leaves no file.
    """
    file = database.reader.url.database
    if database.dialect == "sqlite" and not database.in_memory and file:
        make_private(Path(file))


def settle(database: Database) -> None:
    """Bring everything of an SQLite store into its one file."""
    with database.writer.connect() as connection:
        raw: Any = connection.connection.driver_connection
        connection.rollback()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _memory() -> Database:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine, begin="BEGIN IMMEDIATE")
    return Database(engine, engine, WriteGate(), None)


def _prepare(engine: sa.Engine, *, begin: str, more: tuple[str, ...] = ()) -> None:
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin by itself
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            *more,
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _postgres(url: sa.URL, schema: str) -> Database:
    if not _SCHEMA_NAME.fullmatch(schema):
        raise InputError("'{schema}' cannot name a schema; use small letters, digits and _", schema=schema)
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=32,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "options": f"-csearch_path={schema} {_SESSION}",
            "application_name": "koipond",
            "connect_timeout": 10,
            **_LINE,
        },
    )
    return Database(engine, engine, nullcontext(), schema)
