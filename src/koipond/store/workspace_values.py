"""The few values a workspace keeps about itself (工作区取值), such as what brings it up to date. JSON."""

import json
from typing import Any

import sqlalchemy as sa

from koipond.kernel import stable_json
from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.tables import workspace_setting

_REPLACE = "ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def value_of(connection: sa.Connection, name: str) -> Any:
    """Return the value of ``name``, None when there is none."""
    query = sa.select(workspace_setting.c.value).where(workspace_setting.c.name == name)
    value = connection.execute(query).scalar_one_or_none()
    return None if value is None else json.loads(value)


def keep_value(connection: sa.Connection, name: str, value: Any) -> None:
    """Keep ``value`` as ``name`` in the caller's transaction."""
    upsert_rows(connection, workspace_setting, ("name", "value"), [(name, stable_json(value))], _REPLACE)


class StoredSettings:
    """Those values, one transaction each."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> Any:
        """Return the value of ``name``, or None."""
        with self._db.read() as connection:
            return value_of(connection, name)

    def set(self, name: str, value: Any) -> None:
        """Keep ``value`` as ``name``."""
        with self._db.write() as connection:
            keep_value(connection, name, value)
