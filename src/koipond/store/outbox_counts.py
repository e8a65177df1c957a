"""How the outbox stands (发件箱统计): touches by state, what waits and for whom, what did not go out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.outreach.model import TouchState
from koipond.store.bulk import any_of
from koipond.store.engine import Database
from koipond.store.instants import from_s
from koipond.store.tables import lease, outbox, touch
from koipond.store.tables.outreach import QUEUED, UNDER_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Touches that some sender has claimed. ``until``: when its lease ends unless it beats again, on its own
    clock; None when it has ended already."""

    lease: str
    host: str
    pid: int
    until: datetime | None
    touches: int


class OutboxCounts:
    """What of the outbox is only read."""

    _db: Database

    def counts(self, plan: str | None = None) -> Mapping[TouchState, int]:
        """Return how many touches (of ``plan``) stand in each state."""
        query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        if plan is not None:
            query = query.join(touch, touch.c.touch_no == outbox.c.touch_no).where(touch.c.plan == plan)
        with self._db.read() as connection:
            return {TouchState(state): count for state, count in connection.execute(query)}

    def counts_of(self, plans: Sequence[str]) -> Mapping[str, Mapping[TouchState, int]]:
        """Return, for each of ``plans``, how many of its touches stand in each state."""
        count = sa.func.count()
        found: dict[str, dict[TouchState, int]] = {plan: {} for plan in plans}
        with self._db.read() as connection:
            query = (
                sa.select(touch.c.plan, outbox.c.state, count)
                .join(outbox, outbox.c.touch_no == touch.c.touch_no)
                .where(any_of(connection, touch.c.plan, plans))
                .group_by(touch.c.plan, outbox.c.state)
            )
            for plan, state, touches in connection.execute(query):
                found[plan][TouchState(state)] = touches
        return found

    def waiting(self, plan: str) -> Mapping[str, int]:
        """Return channel → touches of ``plan`` that wait to be sent on it."""
        query = (
            sa.select(outbox.c.channel, sa.func.count())
            .join(touch, touch.c.touch_no == outbox.c.touch_no)
            .where(touch.c.plan == plan, QUEUED)
            .group_by(outbox.c.channel)
            .order_by(outbox.c.channel)
        )
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def waiting_strategies(self) -> list[str]:
        """Return the strategies whose touches wait to be sent."""
        query = sa.select(touch.c.strategy).join(outbox, outbox.c.touch_no == touch.c.touch_no)
        with self._db.read() as connection:
            return sorted(connection.scalars(query.where(QUEUED).distinct()))

    def problems(self, plan: str, limit: int = 20) -> list[tuple[str, str, int]]:
        """Return (state, what was said, touches) of those of ``plan`` that did not go out, most first.

        ``queued`` ones are tried again: their last call was refused.
        """
        ended, tried = outbox.c.state.in_(("failed", "unknown")), sa.and_(QUEUED, outbox.c.attempts > 0)
        said = sa.and_(outbox.c.detail != "", sa.or_(ended, tried))
        count = sa.func.count()
        query = (
            sa.select(outbox.c.state, outbox.c.detail, count)
            .join(touch, touch.c.touch_no == outbox.c.touch_no)
            .where(touch.c.plan == plan, sa.or_(said, outbox.c.state == "expired"))
            .group_by(outbox.c.state, outbox.c.detail)
            .order_by(count.desc(), outbox.c.state, outbox.c.detail)
            .limit(limit)
        )
        with self._db.read() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

    def under_way(self, plan: str | None = None) -> list[UnderWay]:
        """Return who has claimed how many touches (of ``plan``): they wait until that lease ends."""
        count = sa.func.count()
        columns = outbox.c.lease, lease.c.host, lease.c.pid, lease.c.until_s
        query = sa.select(*columns, count).outerjoin(lease, lease.c.lease == outbox.c.lease).where(UNDER_WAY)
        if plan is not None:
            query = query.join(touch, touch.c.touch_no == outbox.c.touch_no).where(touch.c.plan == plan)
        with self._db.read() as connection:
            rows = connection.execute(query.group_by(*columns).order_by(outbox.c.lease)).all()
        return [
            UnderWay(
                lease=held or "",
                host=host or "",
                pid=pid or 0,
                until=None if until_s is None else from_s(until_s),
                touches=touches,
            )
            for held, host, pid, until_s, touches in rows
        ]
