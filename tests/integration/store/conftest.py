"""Both stores for every test: SQLite in a file, PostgreSQL in one schema that is emptied after each test."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from koipond.store import Store, memory_keys
from koipond.store.tables import METADATA

POSTGRES_URL = os.environ.get(
    "KOIPOND_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.Engine]:
    """A PostgreSQL server, or a loud skip; under CI=true its absence is a failure."""
    engine = sa.create_engine(POSTGRES_URL, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        message = f"no PostgreSQL answers at {POSTGRES_URL}; set KOIPOND_TEST_POSTGRES_URL ({error.orig})"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def schema(postgres: sa.Engine) -> Iterator[str]:
    """One schema a module: making the tables costs more than most tests."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    with postgres.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def empty(connection: sa.Connection) -> None:
    """Delete every row and number again from 1."""
    for table in reversed(METADATA.sorted_tables):
        if sa.inspect(connection).has_table(table.name):
            connection.execute(sa.delete(table))
    query = "SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()"
    for name in connection.scalars(sa.text(query)).all():
        connection.exec_driver_sql(f"ALTER SEQUENCE {name} RESTART")


@pytest.fixture
def open_kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Opens the one empty store of a kind, again and again, as several processes would."""
    ring = memory_keys(b"test")
    opened: list[Store] = []

    def opener(kind: str) -> Store:
        if kind == "postgresql":
            opened.append(Store.open(POSTGRES_URL, ring, schema=request.getfixturevalue("schema")))
        else:
            opened.append(Store.open(f"sqlite:///{tmp_path / 'store.db'}", ring))
        return opened[-1]

    yield opener
    for store in opened[:1]:
        if store.database.dialect == "postgresql":
            with store.database.write() as connection:
                empty(connection)
    for store in opened:
        store.close()


@pytest.fixture(params=BOTH)
def open_store(request: pytest.FixtureRequest, open_kind: Callable[[str], Store]) -> Callable[[], Store]:
    return lambda: open_kind(request.param)


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@pytest.fixture(params=["fake", *BOTH])
def store_or_fake(request: pytest.FixtureRequest, open_kind: Callable[[str], Store]) -> Store | None:
    """A store, or None for the fake that ships in `koipond.testing`."""
    return None if request.param == "fake" else open_kind(request.param)
