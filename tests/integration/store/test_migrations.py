"""The migrated database equals the tables, on both databases, and the way back works."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from koipond.kernel import InputError
from koipond.store import Store
from koipond.store import migrate as migrations
from koipond.store.engine import open_database
from koipond.store.tables import METADATA


@pytest.fixture
def schema(postgres: sa.Engine) -> Iterator[str]:
    """A schema for one test: these take the tables apart."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    with postgres.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def shape(connection: sa.Connection) -> dict[str, Any]:
    """Everything the database says about its tables, CHECK constraints too (autogenerate misses those)."""
    inspector = sa.inspect(connection)
    tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
    found = {
        name: {
            "columns": inspector.get_columns(name),
            "pk": inspector.get_pk_constraint(name),
            "unique": sorted(inspector.get_unique_constraints(name), key=str),
            "checks": sorted(inspector.get_check_constraints(name), key=str),
            "fks": sorted(inspector.get_foreign_keys(name), key=str),
            "indexes": sorted(inspector.get_indexes(name), key=str),
        }
        for name in tables
    }
    return json.loads(json.dumps(found, default=str, sort_keys=True))


def without_rowid(connection: sa.Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    return sorted(name for name, sql in rows if "WITHOUT ROWID" in sql)


def test_the_migrated_database_equals_the_tables(store: Store) -> None:
    with store.database.write() as connection:
        migrations.downgrade(connection, "base")
        migrations.upgrade(connection, "head")
        migrated, bare = shape(connection), without_rowid(connection)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        migrations.downgrade(connection, "base")
        METADATA.create_all(connection)
        assert shape(connection) == migrated
        assert without_rowid(connection) == bare


def test_the_way_back_leaves_nothing_and_forward_again_works(store: Store) -> None:
    with store.database.write() as connection:
        before = shape(connection)
        migrations.downgrade(connection, "base")
        assert shape(connection) == {}
        migrations.upgrade(connection, "head")
        assert shape(connection) == before
        assert migrations.revision(connection) == migrations.HEAD


def test_a_store_of_a_newer_release_is_refused(store: Store) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InputError, match="9999"):
        migrations.migrate(store.database)


def test_a_failed_migration_leaves_nothing_half_made(store: Store) -> None:
    with store.database.write() as connection:
        migrations.downgrade(connection, "base")
        connection.exec_driver_sql("CREATE TABLE staff (x INTEGER)")  # in the way of a later statement
    with pytest.raises(sa.exc.DBAPIError):
        migrations.migrate(store.database)
    with store.database.read() as connection:
        assert set(shape(connection)) == {"staff"}


def test_a_store_in_memory_has_the_same_tables() -> None:
    database = open_database("sqlite://")
    migrations.migrate(database)
    with database.read() as connection:
        assert set(shape(connection)) == set(METADATA.tables)
    database.close()


@pytest.mark.parametrize(
    ("url", "schema"), [("mysql://h/x", None), ("nonsense", None), ("postgresql://h/x", "No Schema;")]
)
def test_a_store_that_cannot_be_used_is_refused(url: str, schema: str | None) -> None:
    with pytest.raises(InputError):
        open_database(url, schema)
