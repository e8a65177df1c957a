"""Touches of other tools (port `TouchHistory` of `ingest.ports`), and what one customer has seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from koipond.kernel import BusyError
from koipond.outreach.model import TouchState
from koipond.store.bulk import Row, any_of, chunks, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s
from koipond.store.people import members_of, roots_of
from koipond.store.tables import held_out, import_batch, outbox, past_touch, touch

CHUNK = 20_000
_COLUMNS = ("touch_key", "customer_no", "strategy", "channel", "purpose", "content", "at_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchRecord:
    """One touch of a customer, as `why` tells it."""

    touch_key: str
    customer_no: int
    strategy: str
    strategy_version: int
    play: str
    variant: str
    channel: str
    plan: str
    state: TouchState
    due_at: datetime
    sent_at: datetime | None
    detail: str


class StoredTouches:
    """Touches of one workspace, ours and others'."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def import_touches(self, rows: pa.Table, *, import_no: int, now: datetime) -> int:  # noqa: ARG002
        """Keep ``rows`` (columns of FACTS["touches"]); return how many ``touch_key`` were not known yet."""
        columns = [rows.column(name).to_pylist() for name in _COLUMNS]
        flat: list[Row] = [
            (*(value if value is not None else "" for value in row), import_no)
            for row in zip(*columns, strict=True)
        ]
        fresh = 0
        outcome = sa.select(import_batch.c.outcome).where(import_batch.c.import_no == import_no)
        with self._db.write() as connection:
            if connection.execute(outcome.with_for_update()).scalar_one_or_none() is not None:
                raise BusyError(
                    "import {import_no} was given up for dead meanwhile; import the file again",
                    import_no=import_no,
                )
            for part in chunks(flat, CHUNK):
                names = (*_COLUMNS, "import_no")
                fresh += upsert_rows(connection, past_touch, names, list(part), "ON CONFLICT DO NOTHING")
        return fresh

    def void_import(self, import_no: int, now: datetime) -> int:  # noqa: ARG002
        """Forget the touches of import ``import_no`` (undo); return how many."""
        with self._db.write() as connection:
            return connection.execute(
                sa.delete(past_touch).where(past_touch.c.import_no == import_no)
            ).rowcount

    def had(self, occurrence: str, strategies: Sequence[str]) -> dict[tuple[str, str], list[int]]:
        """Return (strategy, play) → the customers who have had this ``occurrence`` of it, whatever the
        version and whatever became of the touch."""
        found: dict[tuple[str, str], list[int]] = {}
        columns = touch.c.strategy, touch.c.play, touch.c.customer_no
        with self._db.read() as connection:
            query = sa.select(*columns).where(touch.c.occurrence == occurrence)
            for strategy, play, number in connection.execute(
                query.where(any_of(connection, touch.c.strategy, list(strategies)))
            ):
                found.setdefault((strategy, play), []).append(number)
        return found

    def held_out(self, occurrence: str, strategies: Sequence[str]) -> dict[tuple[str, str, str], list[int]]:
        """Return (strategy, play, scope) → the customers who were held out of this ``occurrence``."""
        found: dict[tuple[str, str, str], list[int]] = {}
        columns = (held_out.c[name] for name in ("strategy", "play", "scope", "customer_no"))
        with self._db.read() as connection:
            query = sa.select(*columns).where(held_out.c.occurrence == occurrence)
            for strategy, play, scope, number in connection.execute(
                query.where(any_of(connection, held_out.c.strategy, list(strategies)))
            ):
                found.setdefault((strategy, play, scope), []).append(number)
        return found

    def of(self, customer_no: int, limit: int = 1_000) -> Sequence[TouchRecord]:
        """Return our touches of the person ``customer_no`` belongs to, the newest first."""
        names = ("touch_key", "customer_no", "strategy", "strategy_version", "play", "variant", "plan")
        with self._db.read() as connection:
            members = members_of(connection, set(roots_of(connection, [customer_no]).values()))
            query = (
                sa.select(*(touch.c[name] for name in names), outbox)
                .join(outbox, outbox.c.touch_no == touch.c.touch_no)
                .where(any_of(connection, touch.c.customer_no, members))
                .order_by(touch.c.touch_no.desc())
            )
            rows = connection.execute(query.limit(limit)).all()
        return [
            TouchRecord(
                **{name: getattr(row, name) for name in names},
                channel=row.channel,
                state=TouchState(row.state),
                due_at=from_s(row.due_s),
                sent_at=None if row.sent_s is None else from_s(row.sent_s),
                detail=row.detail,
            )
            for row in rows
        ]
