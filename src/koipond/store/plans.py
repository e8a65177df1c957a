"""Plans and their approval (计划与审批): nothing is sent from a plan that nobody approved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from koipond.kernel import (
    BusyError,
    InputError,
    Message,
    RefusedError,
    epoch_day,
    from_epoch_day,
    stable_json,
)
from koipond.outreach.model import Reason
from koipond.store import audit, ends
from koipond.store.approvals import digest_of
from koipond.store.engine import Database
from koipond.store.in_force import plan_number
from koipond.store.instants import from_s, to_s
from koipond.store.tables import outbox, plan, touch

PlanStatus = Literal["making", "draft", "approved", "sent", "withdrawn", "unfinished"]
"""making: its summary is not there yet · unfinished: whoever made it was killed."""
UNFINISHED = ("making", "unfinished")
_ENDED_ROWS = 5_000  # touches that one transaction of a withdrawal ends


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """One plan. ``strategies``: key → version; ``summary``: what the plan command answered."""

    key: str
    as_of: date
    status: PlanStatus
    strategies: Mapping[str, int]
    definition_version: int
    warehouse_version: int
    summary: Mapping[str, Any]
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class StoredPlans:
    """Plans of one workspace. Keys read ``p1``, ``p2``, …"""

    def __init__(self, database: Database) -> None:
        self._db = database

    def make(
        self,
        *,
        as_of: date,
        strategies: Mapping[str, int],
        definition_version: int,
        warehouse_version: int,
        now: datetime,
    ) -> StoredPlan:
        """Begin a new plan and return it; those begun before and never finished are marked so.

        Plans are made one at a time, under the warehouse's lease.
        """
        row = {
            "as_of_day": epoch_day(as_of),
            "status": "making",
            "strategies": stable_json(dict(strategies)),
            "definition_version": definition_version,
            "warehouse_version": warehouse_version,
            "summary": "{}",
            "made_s": to_s(now),
        }
        with self._db.write() as connection:
            dead = sa.update(plan).where(plan.c.status == "making")
            connection.execute(dead.values(status="unfinished", ended_s=to_s(now)))
            number = connection.execute(sa.insert(plan).values(row).returning(plan.c.plan_no)).scalar_one()
        return self.get(f"p{number}")

    def get(self, key: str) -> StoredPlan:
        """Return a plan; raise InputError when there is none of that key."""
        with self._db.read() as connection:
            return _find(connection, key)

    def all(self, limit: int = 100) -> list[StoredPlan]:
        """Return at most ``limit`` plans, the newest first."""
        with self._db.read() as connection:
            rows = connection.execute(sa.select(plan).order_by(plan.c.plan_no.desc()).limit(limit)).all()
        return [_from_row(row) for row in rows]

    def unfinished(self) -> list[str]:
        """Return the keys of the plans whose making was killed."""
        with self._db.read() as connection:
            numbers = connection.scalars(sa.select(plan.c.plan_no).where(plan.c.status == "unfinished"))
            return [f"p{number}" for number in numbers]

    def finish(self, key: str, summary: Mapping[str, Any]) -> None:
        """Make a plan a draft that can be approved, once its candidates are published, with its summary.

        Raises BusyError when another run has taken this one for dead meanwhile.
        """
        with self._db.write() as connection:
            update = sa.update(plan).where(plan.c.plan_no == plan_number(key), plan.c.status == "making")
            values = {"status": "draft", "summary": stable_json(dict(summary))}
            if connection.execute(update.values(**values)).rowcount != 1:
                raise BusyError("plan {key} was given up meanwhile; run: koipond plan", key=key)

    def approve(self, key: str, by: str, now: datetime) -> StoredPlan:
        """Approve a draft; once more changes nothing.

        Raises RefusedError when it was sent or withdrawn, or when it has no candidates at all.
        """
        with self._db.write() as connection:
            found = _find(connection, key, lock=True)
            if found.status == "approved":
                return found
            if found.status in UNFINISHED:
                raise RefusedError(
                    "plan {key} was never finished; make a new one with: koipond plan", key=key
                )
            if found.status != "draft":
                raise RefusedError(
                    "plan {key} is {status} and cannot be approved; make a new one",
                    key=key,
                    status=Message(found.status),
                )
            if found.summary.get("considered") == 0:
                raise RefusedError(
                    "plan {key} has no candidates: there is nothing to approve or to send; to see why, run:"
                    " koipond refresh, then: koipond plan",
                    key=key,
                )
            digest = digest_of(connection, _row(connection, key))
            update = sa.update(plan).where(plan.c.plan_no == plan_number(key))
            values = {"status": "approved", "approved_by": by, "approved_s": to_s(now), "digest": digest}
            connection.execute(update.values(**values))
            detail = {**found.summary, "digest": digest}
            entry = audit.AuditEntry(at=now, actor=by, action="approve", subject=f"plan:{key}", detail=detail)
            audit.write(connection, entry)
            return _find(connection, key)

    def require_approved(self, key: str) -> StoredPlan:
        """Return a plan that may be sent; raise RefusedError when nobody approved it, or it is not what was
        approved."""
        with self._db.read() as connection:
            row = _row(connection, key)
            changed = row.digest is not None and row.digest != digest_of(connection, row)
        found = _from_row(row)
        if changed:
            raise RefusedError(
                "plan {key} is not what was approved any more; see: koipond verify; then: koipond plan",
                key=key,
            )
        if found.status in UNFINISHED:
            raise RefusedError("plan {key} was never finished; make a new one with: koipond plan", key=key)
        if found.status == "withdrawn":
            raise RefusedError("plan {key} was withdrawn; make a new one with: koipond plan", key=key)
        if found.status not in ("approved", "sent"):
            raise RefusedError(
                "plan {key} is {status}; run: koipond approve {key} --by NAME",
                key=key,
                status=Message(found.status),
            )
        return found

    def end(self, key: str, now: datetime) -> None:
        """Record that the gate has seen all of a plan; one that was withdrawn meanwhile stays so."""
        with self._db.write() as connection:
            _find(connection, key)
            open_ = plan.c.status.in_(("approved", "sent"))
            update = sa.update(plan).where(plan.c.plan_no == plan_number(key), open_)
            connection.execute(update.values(status="sent", ended_s=to_s(now)))

    def withdraw(self, key: str, *, by: str, reason: str, now: datetime) -> int:
        """Withdraw a plan and end its touches that wait; return how many. Once more ends what is left.

        What they hold of caps, budgets and codes is given back. Raises RefusedError for a plan that was never
        finished.
        """
        with self._db.write() as connection:
            found = _find(connection, key, lock=True)
            if found.status in UNFINISHED:
                raise RefusedError("plan {key} was never finished: nothing of it waits", key=key)
            if found.status != "withdrawn":
                update = sa.update(plan).where(plan.c.plan_no == plan_number(key))
                connection.execute(update.values(status="withdrawn", ended_s=to_s(now)))
                detail = {"reason": reason, "status": found.status}
                entry = audit.AuditEntry(
                    at=now, actor=by, action="withdraw", subject=f"plan:{key}", detail=detail
                )
                audit.write(connection, entry)
        ended = 0
        while some := self._end_waiting(key, now):
            ended += some
        return ended

    def _end_waiting(self, key: str, now: datetime) -> int:
        """End some of the touches of ``key`` that wait; return how many; a sender looks at what it holds."""
        query = (
            sa.select(touch.c.touch_no)
            .join(outbox, outbox.c.touch_no == touch.c.touch_no)
            .where(touch.c.plan == key, outbox.c.state.in_(("queued", "leased")))
            .order_by(touch.c.touch_no)
            .limit(_ENDED_ROWS)
            .with_for_update(of=outbox, skip_locked=True)
        )
        with self._db.write() as connection:
            numbers = connection.scalars(query).all()
            among = ("queued", "leased")
            return len(ends.settle(connection, numbers, "failed", among, to_s(now), str(Reason.NOT_RUNNING)))


def _find(connection: sa.Connection, key: str, *, lock: bool = False) -> StoredPlan:
    return _from_row(_row(connection, key, lock=lock))


def _row(connection: sa.Connection, key: str, *, lock: bool = False) -> Any:
    query = sa.select(plan).where(plan.c.plan_no == plan_number(key))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise InputError("there is no plan '{key}'; make one with: koipond plan", key=key)
    return row


def _from_row(row: Any) -> StoredPlan:
    return StoredPlan(
        key=f"p{row.plan_no}",
        as_of=from_epoch_day(row.as_of_day),
        status=row.status,
        strategies=json.loads(row.strategies),
        definition_version=row.definition_version,
        warehouse_version=row.warehouse_version,
        summary=json.loads(row.summary),
        made_at=from_s(row.made_s),
        approved_by=row.approved_by,
        approved_at=None if row.approved_s is None else from_s(row.approved_s),
    )
