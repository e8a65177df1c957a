"""Imports and verdicts on people (ports `ImportJournal` and `PeopleVerdicts` of `koipond.ingest.ports`)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from koipond.ingest.ports import ImportEntry, ImportStart
from koipond.kernel import InputError, stable_json
from koipond.store.bulk import upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import import_batch, people_verdict


class StoredJournal:
    """Who imported what when."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, start: ImportStart, now: datetime) -> int:
        row = {
            "kind": start.kind,
            "source": start.source,
            "file": start.file,
            "fingerprint": start.fingerprint,
            "summary": "{}",
            "began_s": to_s(now),
        }
        insert = sa.insert(import_batch).values(row).returning(import_batch.c.import_no)
        with self._db.write() as connection:
            return int(connection.execute(insert).scalar_one())

    def finish(self, import_no: int, outcome: str, summary: Mapping[str, Any], now: datetime) -> None:
        update = sa.update(import_batch).where(import_batch.c.import_no == import_no)
        with self._db.write() as connection:
            done = connection.execute(
                update.values(outcome=outcome, summary=stable_json(dict(summary)), ended_s=to_s(now))
            )
            if done.rowcount != 1:
                raise InputError(f"there is no import {import_no}")

    def entries(self, limit: int) -> Sequence[ImportEntry]:
        query = sa.select(import_batch).order_by(import_batch.c.import_no.desc()).limit(limit)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query)]


class StoredVerdicts:
    """What operators decided about flagged people."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def decide(self, rule: str, customer_nos: Sequence[int], *, verdict: str, by: str, now: datetime) -> int:
        if verdict not in ("confirmed", "cleared"):
            raise InputError(f"a verdict is 'confirmed' or 'cleared', not '{verdict}'")
        rows = [(rule, number, verdict, by, to_s(now)) for number in sorted(set(customer_nos))]
        changed = (
            "ON CONFLICT (rule, customer_no) DO UPDATE SET verdict = excluded.verdict, "
            "author = excluded.author, at_s = excluded.at_s WHERE people_verdict.verdict <> excluded.verdict"
        )
        columns = ("rule", "customer_no", "verdict", "author", "at_s")
        with self._db.write() as connection:
            return upsert_rows(connection, people_verdict, columns, rows, changed)

    def current(self) -> pa.Table:
        columns = people_verdict.c.rule, people_verdict.c.customer_no, people_verdict.c.verdict
        with self._db.read() as connection:
            rows = connection.execute(sa.select(*columns).order_by(*columns)).all()
        schema = pa.schema({"rule": pa.string(), "customer_no": pa.int32(), "verdict": pa.string()})
        return pa.Table.from_pylist([dict(row._mapping) for row in rows], schema=schema)


def _from_row(row: Any) -> ImportEntry:
    start = ImportStart(kind=row.kind, source=row.source, file=row.file, fingerprint=row.fingerprint)
    return ImportEntry(
        import_no=row.import_no,
        start=start,
        began_at=from_s(row.began_s),
        outcome=row.outcome,
        summary=json.loads(row.summary),
    )
