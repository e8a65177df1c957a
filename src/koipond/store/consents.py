"""Consent (授权同意): every statement with its proof, the state that follows, and suppressions.

Implements port `koipond.ingest.ports.ConsentBook`. Nothing is deleted: undoing an import voids its rows.
What holds follows from the order in which statements were heard: `koipond.outreach.consent`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from koipond.facts.schemas import FACTS
from koipond.kernel import BusyError
from koipond.outreach.consent import ALL
from koipond.store import consent_log as log
from koipond.store.bulk import any_of, chunks, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.people import arrow
from koipond.store.permissions import Effective, effective_consents, effective_suppressions
from koipond.store.tables import consent, consent_log, import_batch, suppression

Purpose = Literal["marketing", "transactional", "profiling"]
SuppressionReason = Literal["erased", "complaint", "unfriended", "hard_bounce", "operator"]
EVERY_CHANNEL = ALL
CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentStatement:
    """What a customer said about being reached; ``proof`` names the evidence, ``text_version`` the words."""

    customer_no: int
    channel: str
    purpose: str  # a Purpose, or * for all
    granted: bool
    at: datetime
    source: str
    text_version: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Somebody who may not be reached on ``channel``, whatever they consented to."""

    customer_no: int
    reason: SuppressionReason
    at: datetime
    channel: str = EVERY_CHANNEL
    note: str = ""


class StoredConsents:
    """Consent of one store. The log is append-only: the same statement again changes nothing."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, statements: Sequence[ConsentStatement], now: datetime) -> int:
        """Log ``statements`` and bring the current state up to date; return how many are new."""
        with self._db.write() as connection:
            return append(connection, statements, to_s(now))

    def record(
        self, rows: pa.Table, *, import_no: int, proof: str, now: datetime, closes: bool = False
    ) -> int:
        """Log ``rows`` (columns of FACTS["consents"]) in one transaction; return how many are new.

        A further column ``undated`` marks the noes without a time of their own, stamped now. ``closes``:
        these are the grants of an import of which everything else is durable; they take force and the import
        is done in one commit. Raises BusyError when the import was given up for dead meanwhile.
        """
        said = _said(rows, import_no, proof)
        with self._db.write() as connection:
            _require_under_way(connection, import_no)
            heard_no = log.heard_of(connection, import_no)
            fresh = log.add(connection, said, heard_no=heard_no, now_s=to_s(now), import_no=import_no)
            if closes:
                _close(connection, import_no, now)
        return fresh

    def count_new(self, rows: pa.Table, *, import_no: int) -> int:
        """Return how many of ``rows`` `record` would log, or take over from an import that never ended."""
        with self._db.read() as connection:
            return log.count_unheard(connection, _said(rows, import_no, ""), import_no)

    def hand_over(self, import_no: int, to: int) -> None:
        """Let the rows of import ``import_no`` be those of ``to``: the same file, in force already."""
        mine = sa.update(consent_log).where(consent_log.c.import_no == import_no)
        with self._db.write() as connection:
            connection.execute(mine.values(import_no=to))

    def void_import(self, import_no: int, now: datetime, *, grants_only: bool = False) -> int:
        """Take the rows that import ``import_no`` logged out of force; return how many."""
        with self._db.write() as connection:
            return log.void(connection, import_no, to_s(now), grants_only=grants_only)

    def current(self) -> pa.Table:
        """Return FACTS ``consents``: what holds for each (customer, channel, purpose), as the gate sees it.

        Noes of merged customers and of co-holders of an address count for all of them.
        """
        columns = (
            consent.c.customer_no,
            consent.c.channel,
            consent.c.purpose,
            consent.c.granted,
            consent.c.at_s,
        )
        with self._db.read() as connection:
            rows = connection.execute(sa.select(*columns).order_by(*columns)).all()
            return _told("consents", rows, effective_consents(connection))

    def withdraw(
        self, customer_no: int, channel: str, purpose: str, *, now: datetime, source: str, proof: str = ""
    ) -> None:
        """Take consent back at once, such as by one click in an e-mail."""
        said = ConsentStatement(
            customer_no=customer_no,
            channel=channel,
            purpose=purpose,
            granted=False,
            at=now,
            source=source,
            proof=proof,
        )
        self.append([said], now)

    def suppress(self, people: Sequence[Suppression]) -> None:
        """Forbid reaching ``people``; a suppression that already stands keeps its first instant."""
        for part in chunks(people, CHUNK):
            with self._db.write() as connection:
                suppress(connection, part)

    def lift(self, customer_no: int, reason: SuppressionReason, channel: str = EVERY_CHANNEL) -> bool:
        """Remove a suppression, an operator's decision; say whether it stood. The caller audits it."""
        gone = sa.delete(suppression).where(
            suppression.c.customer_no == customer_no,
            suppression.c.reason == reason,
            suppression.c.channel == channel,
        )
        with self._db.write() as connection:
            return bool(connection.execute(gone).rowcount)

    def history(self, customer_nos: Sequence[int]) -> list[ConsentStatement]:
        """Return every statement of ``customer_nos``, in the order they were recorded."""
        with self._db.read() as connection:
            query = sa.select(consent_log).where(any_of(connection, consent_log.c.customer_no, customer_nos))
            rows = connection.execute(query.order_by(consent_log.c.seq)).all()
        return [
            ConsentStatement(
                customer_no=row.customer_no,
                channel=row.channel,
                purpose=row.purpose,
                granted=row.granted,
                at=from_s(row.at_s),
                source=row.source,
                text_version=row.text_version,
                proof=row.proof,
            )
            for row in rows
        ]

    def suppressions(self, customer_nos: Sequence[int]) -> list[Suppression]:
        """Return what forbids reaching ``customer_nos``."""
        with self._db.read() as connection:
            query = sa.select(suppression).where(any_of(connection, suppression.c.customer_no, customer_nos))
            rows = connection.execute(query.order_by(suppression.c.at_s, suppression.c.reason)).all()
        return [
            Suppression(
                customer_no=row.customer_no,
                reason=row.reason,
                at=from_s(row.at_s),
                channel=row.channel,
                note=row.note,
            )
            for row in rows
        ]

    def export_suppressions(self) -> pa.Table:
        """Return FACTS ``suppressions``: what bars each customer, as the gate sees it."""
        columns = suppression.c.customer_no, suppression.c.channel, suppression.c.reason, suppression.c.at_s
        with self._db.read() as connection:
            rows = connection.execute(sa.select(*columns).order_by(*columns)).all()
            return _told("suppressions", rows, effective_suppressions(connection))


def _told(dataset: str, rows: Sequence[Sequence[object]], effective: Effective) -> pa.Table:
    """Return ``rows`` with those of the customers of ``effective`` replaced, in order."""
    table = arrow(dataset, rows)
    if not effective.customers:
        return table
    theirs = pc.is_in(table["customer_no"], value_set=pa.array(effective.customers, pa.int32()))
    both = pa.concat_tables([table.filter(pc.invert(theirs)), arrow(dataset, effective.rows)])
    return both.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


def append(connection: sa.Connection, statements: Sequence[ConsentStatement], now_s: int) -> int:
    """Log ``statements`` in the caller's transaction, update the state; return how many are new."""
    if not statements:
        return 0
    said = [
        log.Said(
            customer_no=one.customer_no,
            channel=one.channel,
            purpose=one.purpose,
            granted=one.granted,
            at_s=to_s(one.at),
            source=one.source,
            text_version=one.text_version,
            proof=one.proof,
        )
        for one in statements
    ]
    return log.add(connection, said, heard_no=log.next_heard(connection), now_s=now_s)


def _said(rows: pa.Table, import_no: int, proof: str) -> list[log.Said]:
    names = list(FACTS["consents"].names)
    columns = [rows.column(name).to_pylist() for name in names]
    marks = rows.column("undated").to_pylist() if "undated" in rows.column_names else [False] * rows.num_rows
    source = f"import {import_no}"
    return [
        log.Said(row[0], row[1], row[2], row[3], row[4], source, "", proof, bool(mark))
        for *row, mark in zip(*columns, marks, strict=True)
    ]


def _require_under_way(connection: sa.Connection, import_no: int) -> None:
    """Raise BusyError when the import ended: undone, or given up for dead while its process slept."""
    query = sa.select(import_batch.c.outcome).where(import_batch.c.import_no == import_no)
    if connection.execute(query.with_for_update()).scalar_one_or_none() not in (None, "published"):
        raise BusyError(
            "import {import_no} was given up for dead meanwhile; import the file again", import_no=import_no
        )


def _close(connection: sa.Connection, import_no: int, now: datetime) -> None:
    """Mark the import done in the transaction that took its grants."""
    mine = sa.update(import_batch).where(import_batch.c.import_no == import_no)
    connection.execute(mine.values(outcome="done", ended_s=to_s(now)))


def suppress(connection: sa.Connection, people: Sequence[Suppression]) -> None:
    """Record ``people`` as suppressed inside the caller's transaction."""
    rows = {(one.customer_no, one.channel, one.reason): (to_s(one.at), one.note) for one in people}
    columns = ("customer_no", "channel", "reason", "at_s", "note")
    flat = [(*place, *rest) for place, rest in sorted(rows.items())]
    upsert_rows(connection, suppression, columns, flat, "ON CONFLICT DO NOTHING")
