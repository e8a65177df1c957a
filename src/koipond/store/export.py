"""Facts the store makes (触达事实): what happened since a cursor, in the schemas of `koipond.facts.schemas`.

Rows are told once a change: a touch that moved on is told again with its new state, and the warehouse
replaces it by its key. A touch that never went out is told as failed or expired, for the warehouse to drop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa

from koipond.kernel import day_of, epoch_day
from koipond.store.bulk import any_of
from koipond.store.ends import DEAD
from koipond.store.engine import Database
from koipond.store.people import arrow
from koipond.store.tables import assignment, outbox, touch, touch_event

CHUNK = 200_000  # events told at once
RESPONSES = ("delivered", "opened", "clicked", "replied", "complained", "unsubscribed", "unfriended")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCursor:
    """How far the warehouse has been told."""

    touch_no: int = 0
    event_seq: int = 0
    assignment_seq: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return plain values, to be published with the facts themselves."""
        return {"touch_no": self.touch_no, "event_seq": self.event_seq, "assignment_seq": self.assignment_seq}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is new. ``touches`` and ``dropped`` are disjoint; ``done``: nothing more waits."""

    touches: pa.Table  # FACTS touches, to replace by touch_key
    dropped: Sequence[str]  # touch keys that are no facts any more
    responses: pa.Table  # FACTS responses, to append
    assignments: pa.Table  # FACTS assignments, to append
    cursor: ExportCursor
    done: bool


class StoredExport:
    """The facts of one store, days counted in the workspace's zone."""

    def __init__(self, database: Database, place: ZoneInfo) -> None:
        self._db = database
        self._place = place
        self._days: dict[int, int] = {}

    def since(self, cursor: ExportCursor) -> Export:
        """Return what happened after ``cursor``, at most 200,000 rows of each kind."""
        end = self._horizon(cursor)
        with self._db.read() as connection:
            told = sa.and_(touch_event.c.seq > cursor.event_seq, touch_event.c.seq <= end.event_seq)
            moved = set(connection.scalars(sa.select(touch_event.c.touch_no).where(told)))
            fresh = range(cursor.touch_no + 1, end.touch_no + 1)
            rows = _touches(connection, moved | set(fresh))
            responses = self._responses(connection, told)
            assignments = self._assignments(connection, cursor.assignment_seq, end.assignment_seq)
        kept = [row for row in rows if row.state not in DEAD]
        return Export(
            touches=arrow("touches", [self._touch(row) for row in kept]),
            dropped=[row.touch_key for row in rows if row.state in DEAD],
            responses=responses,
            assignments=assignments,
            cursor=end,
            done=end == self._horizon(end),
        )

    def _horizon(self, cursor: ExportCursor) -> ExportCursor:
        """Return how far rows are complete: on PostgreSQL numbers are given before they are committed, so
        writers are waited for."""
        with self._db.write() as connection:
            if connection.dialect.name == "postgresql":
                names = ", ".join(table.name for table in (touch, touch_event, assignment))
                connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
            tops = [
                int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one())
                for column in (touch.c.touch_no, touch_event.c.seq, assignment.c.seq)
            ]
        return ExportCursor(
            touch_no=min(tops[0], cursor.touch_no + CHUNK),
            event_seq=min(tops[1], cursor.event_seq + CHUNK),
            assignment_seq=min(tops[2], cursor.assignment_seq + CHUNK),
        )

    def _day(self, seconds: int) -> int:
        hour = seconds // 900  # every zone's offset is a multiple of a quarter of an hour
        if hour not in self._days:
            self._days[hour] = epoch_day(day_of(datetime.fromtimestamp(seconds, UTC), self._place))
        return self._days[hour]

    def _touch(self, row: Any) -> tuple[object, ...]:
        at_s = row.due_s if row.sent_s is None else row.sent_s
        place = (row.touch_key, row.customer_no, row.strategy, row.strategy_version, row.play, row.variant)
        cost = row.cost_fen + row.offer_cost_fen
        return (*place, row.channel, row.purpose, at_s, self._day(at_s), row.content, cost, row.state, None)

    def _responses(self, connection: sa.Connection, told: Any) -> pa.Table:
        query = (
            sa.select(touch.c.touch_key, touch.c.customer_no, touch_event.c.kind, touch_event.c.at_s)
            .join(touch, touch.c.touch_no == touch_event.c.touch_no)
            .where(told, touch_event.c.kind.in_(RESPONSES))
            .order_by(touch_event.c.seq)
        )
        rows = connection.execute(query).all()
        return arrow("responses", [(*row, self._day(row.at_s)) for row in rows])

    def _assignments(self, connection: sa.Connection, after: int, until: int) -> pa.Table:
        names = ("scope", "customer_no", "arm", "play", "variant", "drawn_s", "strategy_version", "plan")
        query = (
            sa.select(*(assignment.c[name] for name in names))
            .where(assignment.c.seq > after, assignment.c.seq <= until)
            .order_by(assignment.c.seq)
        )
        rows = connection.execute(query).all()
        return arrow("assignments", [(*row[:6], self._day(row.drawn_s), *row[6:]) for row in rows])


def cursor_from(value: Mapping[str, int] | None) -> ExportCursor:
    """Return the cursor published earlier, the beginning when there is none."""
    return ExportCursor(**value) if value else ExportCursor()


def _touches(connection: sa.Connection, touch_nos: set[int]) -> Sequence[Any]:
    names = ("touch_key", "customer_no", "strategy", "strategy_version", "play", "variant", "channel")
    more = ("purpose", "content", "cost_fen", "offer_cost_fen")
    query = (
        sa.select(*(touch.c[n] for n in (*names, *more)), outbox.c.due_s, outbox.c.sent_s, outbox.c.state)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(any_of(connection, touch.c.touch_no, touch_nos))
        .order_by(touch.c.touch_no)
    )
    return connection.execute(query).all()
