"""What waits in the outbox, whatever plan it is of (等待发送): counted by channel, for health."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import outbox
from koipond.store.tables.outreach import QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Touches of one channel that are not sent yet. ``due``: those whose time has come."""

    touches: int
    due: int
    next_due: datetime


class StoredWaiting:
    """The queue of one store, read alone."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def by_channel(self, now: datetime) -> dict[str, Waiting]:
        """Return channel → what waits for it; channels for which nothing waits are not in it."""
        due = sa.func.sum(sa.case((outbox.c.due_s <= to_s(now), 1), else_=0))
        query = (
            sa.select(outbox.c.channel, sa.func.count(), due, sa.func.min(outbox.c.due_s))
            .where(QUEUED, outbox.c.expires_s > to_s(now))
            .group_by(outbox.c.channel)
            .order_by(outbox.c.channel)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return {row[0]: Waiting(touches=row[1], due=int(row[2]), next_due=from_s(row[3])) for row in rows}
