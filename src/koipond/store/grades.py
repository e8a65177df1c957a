"""Held value grades (当前等级): what customers are treated by, kept from the first apply on (science D4).

A monthly run folds everybody's snapshot grade into what is held, between two runs a higher snapshot lifts at
once; both are one transaction, and a month has one run however many processes try.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from koipond.kernel import epoch_day, from_epoch_day
from koipond.segments.layers.grade import GRADES, GradeDefinition, run_due
from koipond.segments.layers.holding import NO_DAY, NONE, Held, Ints, hold_all, lift_all
from koipond.store.bulk import any_of
from koipond.store.engine import Database
from koipond.store.grade_rows import HeldRows
from koipond.store.instants import from_s, to_s
from koipond.store.people import arrow, members_of, roots_of
from koipond.store.tables import grade_change, grade_run, held_grade

COUNTS = ("began", "up", "down", "kept", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRun:
    """One monthly run: people by what became of their held grade.

    ``began`` held none before; ``ended`` have no snapshot grade any more; ``layers_version``: fingerprint of
    the layer definitions; ``definition_version``: the apply they came with.
    """

    day: date
    ran_at: datetime
    definition_version: int
    layers_version: str
    began: int
    up: int
    down: int
    kept: int
    ended: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"day": self.day.isoformat(), "ran_at": self.ran_at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldState:
    """What one customer holds. ``definition_version``: the apply under which the grade was reached."""

    grade: str
    runs_below: int
    since: date
    definition_version: int


class StoredGrades:
    """Held grades of one workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def last_run(self) -> GradeRun | None:
        """Return the newest monthly run, None before the first."""
        with self._db.read() as connection:
            row = _last(connection)
        return None if row is None else _run(row)

    def run(
        self,
        people: Iterable[pa.RecordBatch],
        *,
        day: date,
        definition: GradeDefinition,
        definition_version: int,
        layers_version: str,
        now: datetime,
    ) -> GradeRun | None:
        """Fold the snapshot grades of ``day`` into what is held; None when the month has had its run.

        ``people``: everybody in the profile, ascending by customer_no over all batches, with ``grade`` and
        ``joined_day``, both null where there is none. Days before the last run change nothing.
        """
        on = epoch_day(day)
        fold = partial(_hold, definition=definition, day=on)
        with self._db.write() as connection:
            row = _locked(connection)
            if not run_due(None if row is None else from_epoch_day(row.day), day):
                return None
            rows = HeldRows(connection, on, definition_version)
            for batch in people:
                rows.fold_range(*_columns(batch), fold)
            rows.fold_rest(fold)
            made = {
                "day": on,
                "seen_day": on,
                "ran_s": to_s(now),
                "definition_version": definition_version,
                "layers_version": layers_version,
                **{name: rows.counts[name] for name in COUNTS},
            }
            connection.execute(sa.insert(grade_run).values(month=day.year * 12 + day.month - 1, **made))
            return _run(_last(connection))

    def lift(self, people: pa.Table, *, day: date, definition_version: int) -> int:
        """Lift whoever of ``people`` (columns as in `run`) has a higher snapshot grade; return how many.

        Nothing happens before the first run, nor on days before the last refresh that changed anything.
        """
        on = epoch_day(day)
        with self._db.write() as connection:
            row = _locked(connection)
            if row is None or on < row.seen_day:
                return 0
            rows = HeldRows(connection, on, definition_version)
            for batch in people.sort_by("customer_no").to_batches():
                rows.fold_some(*_columns(batch), lambda held, snapshot, _: lift_all(held, snapshot, on))
            seen = sa.update(grade_run).where(grade_run.c.month == row.month)
            connection.execute(seen.values(seen_day=on))
        return rows.counts["began"] + rows.counts["up"]

    def of(self, customer_no: int) -> HeldState | None:
        """Return what the person ``customer_no`` belongs to holds: the highest grade of their numbers."""
        with self._db.read() as connection:
            roots = set(roots_of(connection, [customer_no]).values()) or {customer_no}
            mine = any_of(connection, held_grade.c.customer_no, members_of(connection, roots))
            rows = connection.execute(sa.select(held_grade).where(mine)).all()
        if not rows:
            return None
        best = min(rows, key=lambda row: (GRADES.index(row.grade), row.runs_below, row.since_day))
        return HeldState(
            grade=best.grade,
            runs_below=best.runs_below,
            since=from_epoch_day(best.since_day),
            definition_version=best.definition_version,
        )

    def changes(self, after: int, limit: int) -> pa.Table:
        """Return FACTS ``grade_changes`` numbered above ``after``, at most ``limit``, in order.

        Complete: whoever writes changes waits for whoever began before, so numbers appear in order.
        """
        names = ("change_no", "customer_no", "from_grade", "to_grade", "day", "definition_version")
        query = sa.select(*(grade_change.c[name] for name in names)).where(grade_change.c.change_no > after)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(grade_change.c.change_no).limit(limit)).all()
        return arrow("grade_changes", rows)


def _hold(held: Held, snapshot: Ints, joined_day: Ints, *, definition: GradeDefinition, day: int) -> Held:
    return hold_all(held, snapshot, joined_day, definition=definition, day=day)


def _locked(connection: sa.Connection) -> Any:
    """Return the last run, nobody else running before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {grade_run.name} IN EXCLUSIVE MODE")
    return _last(connection)


def _last(connection: sa.Connection) -> Any:
    query = sa.select(grade_run).order_by(grade_run.c.month.desc()).limit(1)
    return connection.execute(query).one_or_none()


def _run(row: Any) -> GradeRun:
    return GradeRun(
        day=from_epoch_day(row.day),
        ran_at=from_s(row.ran_s),
        definition_version=row.definition_version,
        layers_version=row.layers_version,
        **{name: getattr(row, name) for name in COUNTS},
    )


def _columns(batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints]:
    """Return numbers, snapshot places and joining days."""
    places = pc.fill_null(pc.index_in(batch.column("grade"), pa.array(GRADES, pa.string())), NONE)
    joined = pc.fill_null(batch.column("joined_day"), NO_DAY)
    columns = batch.column("customer_no"), places, joined
    numbers, snapshot, days = (np.asarray(column.cast(pa.int64())) for column in columns)
    return numbers, snapshot, days
