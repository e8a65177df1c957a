"""Dense numbers (连续编号): handed out inside the transaction that uses them, so a rollback leaves no gap."""

import sqlalchemy as sa

from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.tables import counter


def take(connection: sa.Connection, name: str, count: int) -> int:
    """Reserve ``count`` numbers and return the first; holds the counter's row until commit."""
    update = (
        sa.update(counter)
        .where(counter.c.name == name)
        .values(value=counter.c.value + count)
        .returning(counter.c.value)
    )
    value = connection.execute(update).scalar_one_or_none()
    if value is None:
        upsert_rows(connection, counter, ("name", "value"), [(name, 0)], "ON CONFLICT DO NOTHING")
        value = connection.execute(update).scalar_one()
    return int(value) - count + 1


class Counters:
    """Numbers for other parts, such as ``order_no``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def reserve(self, name: str, count: int) -> int:
        """Reserve ``count`` consecutive numbers, from 1 up, and return the first."""
        with self._db.write() as connection:
            return take(connection, name, count)
