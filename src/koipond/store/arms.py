"""Arms a plan drew (已抽取的分组): recorded for every candidate that reached the hold-out check.

The gate records the arms of those it is asked for; a report also needs whoever lost to a cap, a budget or
another strategy afterwards (intention to treat, design §8). A recorded arm is never changed.
"""

from datetime import datetime

import pyarrow as pa

from koipond.store.bulk import Row, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import to_s
from koipond.store.tables import assignment, held_out

CHUNK = 20_000
ARM_COLUMNS = (
    "customer_no",
    "scope",
    "salt",
    "arm",
    "play",
    "variant",
    "drawn_s",
    "strategy_version",
    "plan",
)
HELD_COLUMNS = ("customer_no", "strategy", "strategy_version", "play", "occurrence", "scope", "at_s", "plan")


class StoredArms:
    """Arms of one workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(self, rows: pa.Table, *, salt: str, occurrence: str, now: datetime) -> int:
        """Record ``rows`` (scope, customer_no, arm, play, variant, strategy_version, plan); return new ones.

        A held-out candidate uses up its ``occurrence``, as a touched one does. Known arms stay as they are.
        """
        now_s, fresh = to_s(now), 0
        for batch in rows.to_batches(CHUNK):
            drawn: list[Row] = []
            kept: list[Row] = []
            for row in batch.to_pylist():
                version, plan = row["strategy_version"], row["plan"]
                place = (row["customer_no"], row["scope"], salt, row["arm"], row["play"], row["variant"])
                drawn.append((*place, now_s, version, plan))
                if row["arm"] == "holdout":
                    turn = (row["customer_no"], row["scope"], version, row["play"], occurrence)
                    kept.append((*turn, row["scope"], now_s, plan))
            with self._db.write() as connection:
                fresh += upsert_rows(connection, assignment, ARM_COLUMNS, drawn, "ON CONFLICT DO NOTHING")
                upsert_rows(connection, held_out, HELD_COLUMNS, kept, "ON CONFLICT DO NOTHING")
        return fresh
