"""Plans and their approval (计划与审批): nothing is sent from a plan that nobody approved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from koipond.kernel import InputError, RefusedError, epoch_day, from_epoch_day, stable_json
from koipond.store import audit
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import plan

PlanStatus = Literal["draft", "approved", "sent", "withdrawn"]


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
        summary: Mapping[str, Any],
        now: datetime,
    ) -> StoredPlan:
        """Keep a new draft and return it."""
        row = {
            "as_of_day": epoch_day(as_of),
            "status": "draft",
            "strategies": stable_json(dict(strategies)),
            "definition_version": definition_version,
            "warehouse_version": warehouse_version,
            "summary": stable_json(dict(summary)),
            "made_s": to_s(now),
        }
        with self._db.write() as connection:
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

    def set_summary(self, key: str, summary: Mapping[str, Any]) -> None:
        """Replace the summary of a draft, such as once its candidates are published."""
        with self._db.write() as connection:
            _find(connection, key)
            update = sa.update(plan).where(plan.c.plan_no == _number(key), plan.c.status == "draft")
            connection.execute(update.values(summary=stable_json(dict(summary))))

    def approve(self, key: str, by: str, now: datetime) -> StoredPlan:
        """Approve a draft; once more changes nothing. Raise RefusedError when it was sent or withdrawn."""
        with self._db.write() as connection:
            found = _find(connection, key, lock=True)
            if found.status == "approved":
                return found
            if found.status != "draft":
                raise RefusedError(f"plan {key} is {found.status} and cannot be approved; make a new one")
            update = sa.update(plan).where(plan.c.plan_no == _number(key))
            connection.execute(update.values(status="approved", approved_by=by, approved_s=to_s(now)))
            entry = audit.AuditEntry(
                at=now, actor=by, action="approve", subject=f"plan:{key}", detail=dict(found.summary)
            )
            audit.write(connection, entry)
            return _find(connection, key)

    def require_approved(self, key: str) -> StoredPlan:
        """Return a plan that may be sent; raise RefusedError when nobody approved it."""
        found = self.get(key)
        if found.status not in ("approved", "sent"):
            raise RefusedError(f"plan {key} is {found.status}; run: koipond approve {key} --by NAME")
        return found

    def end(self, key: str, status: Literal["sent", "withdrawn"], now: datetime) -> None:
        """Record that the gate has seen all of a plan, or that an operator withdrew it."""
        with self._db.write() as connection:
            _find(connection, key)
            update = sa.update(plan).where(plan.c.plan_no == _number(key))
            connection.execute(update.values(status=status, ended_s=to_s(now)))


def _find(connection: sa.Connection, key: str, *, lock: bool = False) -> StoredPlan:
    query = sa.select(plan).where(plan.c.plan_no == _number(key))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise InputError(f"there is no plan '{key}'; make one with: koipond plan")
    return _from_row(row)


def _number(key: str) -> int:
    digits = key.removeprefix("p")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0


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
