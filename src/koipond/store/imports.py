"""Imports and verdicts on people (ports `ImportJournal` and `PeopleVerdicts` of `koipond.ingest.ports`)."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import sqlalchemy as sa

from koipond.facts.ports import Holder
from koipond.ingest.ports import ImportEntry, ImportStart
from koipond.kernel import InputError, stable_json
from koipond.store import consent_log, leases
from koipond.store.audit import AuditEntry, write
from koipond.store.bulk import any_of, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import consent, customer, identifier, import_batch, lease, people_verdict
from koipond.store.tables import consent_log as consent_log_

_PUT_BY = "put_by"
"""The member of a summary with the rows that wait for a writer."""
GROWN = (customer, identifier, consent, consent_log_)
"""What an import makes longer."""


class Heart(Protocol):
    """Beats for leases while their holder works."""

    def hold(self, lease: str) -> None:
        """Keep ``lease`` alive from now on."""
        ...

    def drop(self, lease: str) -> None:
        """Beat for ``lease`` no more."""
        ...


class StoredJournal:
    """Who imported what when. An import holds a lease: without it, one that never ended is dead.

    ``process``: describes this process as a holder; ``is_alive``: says whether a holder still runs.
    """

    def __init__(
        self,
        database: Database,
        process: Callable[[str], Holder] = lambda purpose: Holder(
            host="", pid=0, started="", purpose=purpose
        ),
        is_alive: leases.IsAlive = lambda _: True,
        heart: Heart | None = None,
    ) -> None:
        self._db = database
        self._process = process
        self._is_alive = is_alive
        self._heart = heart
        self._held: dict[int, str] = {}

    def live_as(
        self, process: Callable[[str], Holder], is_alive: leases.IsAlive, heart: Heart | None = None
    ) -> None:
        """Say how this process describes itself, tells whether another runs, and beats for its leases."""
        self._process, self._is_alive, self._heart = process, is_alive, heart or self._heart

    def begin(self, start: ImportStart, now: datetime) -> int:
        holder = self._process(f"import {start.kind} {start.file}")
        row: dict[str, Any] = {
            "kind": start.kind,
            "source": start.source,
            "file": start.file,
            "fingerprint": start.fingerprint,
            "summary": "{}",
            "began_s": to_s(now),
        }
        insert = sa.insert(import_batch).returning(import_batch.c.import_no)
        with self._db.write() as connection:
            row["lease"] = held = leases.add(connection, "import", holder, to_s(now))
            if start.kind == "consents":
                row["heard_no"] = consent_log.next_heard(connection)
            import_no = int(connection.execute(insert.values(row)).scalar_one())
        self._held[import_no] = held
        if self._heart is not None:
            self._heart.hold(held)
        return import_no

    def finish(self, import_no: int, outcome: str, summary: Mapping[str, Any], now: datetime) -> None:
        update = sa.update(import_batch).where(import_batch.c.import_no == import_no)
        with self._db.write() as connection:
            done = connection.execute(
                update.values(outcome=outcome, summary=stable_json(dict(summary)), ended_s=to_s(now))
            )
            if done.rowcount != 1:
                raise InputError("there is no import {import_no}", import_no=import_no)
            held = self._held.get(import_no)
            if outcome != "published" and held is not None:
                connection.execute(sa.delete(lease).where(lease.c.lease == held))
        if outcome == "published":
            self._db.recount(GROWN)
        elif held is not None:
            del self._held[import_no]
            if self._heart is not None:
                self._heart.drop(held)

    def entry(self, import_no: int) -> ImportEntry | None:
        query = sa.select(import_batch).where(import_batch.c.import_no == import_no)
        with self._db.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _from_row(row)

    def dead(self, now: datetime) -> Sequence[ImportEntry]:
        with self._db.write() as connection:
            leases.end_lapsed(connection, {"import"}, to_s(now), self._is_alive)
            query = sa.select(import_batch).where(unended()).order_by(import_batch.c.import_no)
            return [_from_row(row) for row in connection.execute(query)]

    def put_by(self, import_no: int, rows: Sequence[Mapping[str, Any]]) -> int:
        mine = import_batch.c.import_no == import_no
        with self._db.write() as connection:
            held = connection.execute(sa.select(import_batch.c.summary).where(mine)).scalar_one()
            summary = {name: value for name, value in json.loads(held).items() if name != _PUT_BY}
            kept = [{name: row[name] for name in ("row", "rule", "field", "values")} for row in rows]
            if kept:
                summary[_PUT_BY] = kept
            connection.execute(sa.update(import_batch).where(mine).values(summary=stable_json(summary)))
        return len(kept)

    def put_by_rows(self) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        columns = import_batch.c.import_no, import_batch.c.summary
        waiting = sa.select(*columns).where(import_batch.c.summary.contains(f'"{_PUT_BY}":', autoescape=True))
        with self._db.read() as connection:
            rows = connection.execute(waiting.order_by(import_batch.c.import_no)).all()
        found = {number: json.loads(summary).get(_PUT_BY) for number, summary in rows}
        return {number: kept for number, kept in found.items() if kept}

    def beat(self, import_no: int, now: datetime) -> None:
        if import_no in self._held:
            leases.StoredLeases(self._db).beat([self._held[import_no]], now)

    def entries(self, limit: int) -> Sequence[ImportEntry]:
        query = sa.select(import_batch).order_by(import_batch.c.import_no.desc()).limit(limit)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query)]


def unended() -> sa.ColumnElement[bool]:
    """Return the condition that an import never ended and no lease says that it still runs."""
    outcome = import_batch.c.outcome
    alive = sa.exists().where(lease.c.lease == import_batch.c.lease)
    return sa.or_(outcome.is_(None), outcome == "published") & ~alive


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an operator decided about one person by one rule."""

    rule: str
    customer_no: int
    verdict: str  # confirmed | cleared
    by: str
    at: datetime


class StoredVerdicts:
    """What operators decided about flagged people."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def decide(self, rule: str, customer_nos: Sequence[int], *, verdict: str, by: str, now: datetime) -> int:
        if verdict not in ("confirmed", "cleared"):
            raise InputError("a verdict is 'confirmed' or 'cleared', not '{verdict}'", verdict=verdict)
        rows = [(rule, number, verdict, by, to_s(now)) for number in sorted(set(customer_nos))]
        changed = (
            "ON CONFLICT (rule, customer_no) DO UPDATE SET verdict = excluded.verdict, "
            "author = excluded.author, at_s = excluded.at_s WHERE people_verdict.verdict <> excluded.verdict"
        )
        columns = ("rule", "customer_no", "verdict", "author", "at_s")
        with self._db.write() as connection:
            made = upsert_rows(connection, people_verdict, columns, rows, changed)
            detail = {"people": len(rows), "changed": made}
            act = "quality.confirm" if verdict == "confirmed" else "quality.clear"
            write(connection, AuditEntry(at=now, actor=by, action=act, subject=rule, detail=detail))
        return made

    def of(self, customer_nos: Collection[int]) -> list[Verdict]:
        """Return what was decided about ``customer_nos``, the oldest first."""
        columns = [people_verdict.c[name] for name in ("rule", "customer_no", "verdict", "author", "at_s")]
        with self._db.read() as connection:
            mine = any_of(connection, people_verdict.c.customer_no, customer_nos)
            query = sa.select(*columns).where(mine).order_by(people_verdict.c.at_s, people_verdict.c.rule)
            rows = connection.execute(query).all()
        return [Verdict(rule, no, verdict, author, from_s(at_s)) for rule, no, verdict, author, at_s in rows]

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
        summary={name: value for name, value in json.loads(row.summary).items() if name != _PUT_BY},
    )
