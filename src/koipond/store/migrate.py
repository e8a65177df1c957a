"""Migrations (迁移), shipped in the package and run when a store is opened.

An empty store is made from the tables at once; a test holds both ways equal. On PostgreSQL an advisory
lock, on SQLite BEGIN IMMEDIATE, lets one process migrate while others wait.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from koipond.kernel import InputError
from koipond.store.engine import Database, keep_private
from koipond.store.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"
_LOCK = 7_405_118  # any number of our own
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Bring the store to `HEAD`; raise InputError when a newer release has written it."""
    if database.in_memory:
        with database.write() as connection:
            METADATA.create_all(connection)
        return
    keep_private(database)
    if database.schema is not None:
        create_schema(database)
    with database.read() as connection:
        found = revision(connection)
    if found == HEAD:
        return
    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = revision(connection)
        if found is not None and found > HEAD:
            raise InputError(
                "the store is at {found}, this release knows {head}: install the newer release",
                found=found,
                head=HEAD,
            )
        if found is None and not sa.inspect(connection).get_table_names():
            METADATA.create_all(connection)
            stamp(connection, HEAD)
        else:
            upgrade(connection, HEAD)


def is_current(database: Database) -> bool:
    """Say whether the store stands at `HEAD`: opening it changes nothing."""
    with database.read() as connection:
        return revision(connection) == HEAD


def revision(connection: sa.Connection) -> str | None:
    """Return the revision the store stands at, None when it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one_or_none()
    return None if row is None else str(row[0])


def upgrade(connection: sa.Connection, target: str) -> None:
    """Run the migrations up to ``target`` inside the caller's transaction."""
    from alembic import command

    command.upgrade(_config(connection), target)


def stamp(connection: sa.Connection, revision_: str) -> None:
    """Note that the tables are those of ``revision_``, inside the caller's transaction."""
    from alembic import command

    command.stamp(_config(connection), revision_)


def downgrade(connection: sa.Connection, target: str) -> None:
    """Run the migrations back to ``target`` inside the caller's transaction."""
    from alembic import command

    command.downgrade(_config(connection), target)


def _config(connection: sa.Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def create_schema(database: Database) -> None:
    """Make the schema unless it is there (two processes may try at once)."""
    present = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    with database.read() as connection:
        if connection.execute(present, {"name": database.schema}).scalar_one_or_none():
            return
    with database.write() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"')
