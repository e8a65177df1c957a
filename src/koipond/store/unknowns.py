"""Unknown touches (结果未知): handed over or not, nobody has said. Settled by a receipt, by the provider, or
by an operator; never sent again by themselves. Rule: design §7.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.outreach.model import TouchState
from koipond.store import audit, ends
from koipond.store.bulk import any_of
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.last_look import Tally
from koipond.store.tables import outbox, touch

UNKNOWN = outbox.c.state == "unknown"
OPERATOR = "settled by an operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTouch:
    """One touch that may have gone out; ``since``: when the intent to send it was committed."""

    key: str
    customer_no: int
    channel: str
    plan: str
    since: datetime


class StoredUnknowns:
    """Unknown touches of one store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self, limit: int, channel: str | None = None) -> list[UnknownTouch]:
        """Return at most ``limit`` of them, the oldest first."""
        since = sa.func.coalesce(outbox.c.sent_s, outbox.c.due_s).label("since_s")
        columns = touch.c.touch_key, touch.c.customer_no, touch.c.channel, touch.c.plan, since
        query = sa.select(*columns).join(outbox, outbox.c.touch_no == touch.c.touch_no).where(UNKNOWN)
        if channel is not None:
            query = query.where(outbox.c.channel == channel)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(since, touch.c.touch_no).limit(limit)).all()
        return [
            UnknownTouch(
                key=row.touch_key,
                customer_no=row.customer_no,
                channel=row.channel,
                plan=row.plan,
                since=from_s(row.since_s),
            )
            for row in rows
        ]

    def count(self) -> int:
        """Return how many there are."""
        query = sa.select(sa.func.count()).select_from(outbox).where(UNKNOWN)
        with self._db.read() as connection:
            return int(connection.execute(query).scalar_one())

    def states(self, keys: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return key → (state, detail) of those of ``keys`` that are touches of ours."""
        columns = touch.c.touch_key, outbox.c.state, outbox.c.detail
        query = sa.select(*columns).join(outbox, outbox.c.touch_no == touch.c.touch_no)
        with self._db.read() as connection:
            rows = connection.execute(query.where(any_of(connection, touch.c.touch_key, list(keys))))
            return {row.touch_key: (row.state, row.detail) for row in rows}

    def settle(
        self, verdicts: Mapping[str, bool], *, detail: str, now: datetime, by: str | None = None
    ) -> Tally:
        """Settle those of ``verdicts`` (touch key → was it accepted) that are unknown; return what became of
        whose plan. ``by``: the operator whose word it is, for the audit."""
        ended: Tally = Counter()
        with self._db.write() as connection:
            for accepted, state in ((True, "accepted"), (False, "failed")):
                keys = [key for key, said in verdicts.items() if said == accepted]
                rows = _find(connection, keys)
                moved = ends.settle(connection, list(rows), state, ("unknown",), to_s(now), detail)
                ended.update((rows[number][1], TouchState(state)) for number in moved)
                if by is not None:
                    _note(connection, [rows[number][0] for number in moved], state, by, now)
        return ended


def _find(connection: sa.Connection, keys: Sequence[str]) -> dict[int, tuple[str, str]]:
    if not keys:
        return {}
    query = sa.select(touch.c.touch_no, touch.c.touch_key, touch.c.plan)
    found = connection.execute(query.where(any_of(connection, touch.c.touch_key, keys)))
    return {row.touch_no: (row.touch_key, row.plan) for row in found}


def _note(connection: sa.Connection, keys: Sequence[str], state: str, by: str, now: datetime) -> None:
    for key in keys:
        entry = audit.AuditEntry(
            at=now, actor=by, action="settle", subject=f"touch:{key}", detail={"state": state}
        )
        audit.write(connection, entry)
