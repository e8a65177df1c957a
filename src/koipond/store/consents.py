"""Consent (授权同意): every statement with its proof, the state that follows, and suppressions.

Implements port `koipond.ingest.ports.ConsentBook`. Nothing is deleted: undoing an import voids its rows.

The newest statement about (customer, channel, purpose) counts; of two at one instant the refusal does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa
import sqlalchemy as sa

from koipond.ingest.facts import FACTS
from koipond.store.bulk import Row, any_of, chunks, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.people import arrow
from koipond.store.tables import consent, consent_log, suppression

Purpose = Literal["marketing", "transactional", "profiling"]
SuppressionReason = Literal["erased", "complaint", "unfriended", "hard_bounce"]
EVERY_CHANNEL = "*"
CHUNK = 20_000
_PLACE = ("customer_no", "channel", "purpose")

_NEWER = (
    "ON CONFLICT (customer_no, channel, purpose) DO UPDATE "
    "SET granted = excluded.granted, at_s = excluded.at_s, heard_s = excluded.heard_s "
    "WHERE excluded.at_s > consent.at_s OR (excluded.at_s = consent.at_s AND NOT excluded.granted)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentStatement:
    """What a customer said about being reached; ``proof`` names the evidence, ``text_version`` the words."""

    customer_no: int
    channel: str
    purpose: Purpose
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

    def record(self, rows: pa.Table, *, import_no: int, proof: str, now: datetime) -> int:
        """Log ``rows`` (columns of FACTS["consents"]) in one transaction; return how many are new."""
        source = f"import {import_no}"
        columns = [rows.column(name).to_pylist() for name in FACTS["consents"].names]
        said = [(*row, source, "", proof, import_no) for row in zip(*columns, strict=True)]
        with self._db.write() as connection:
            return _append_rows(connection, said, to_s(now))

    def void_import(self, import_no: int, now: datetime) -> int:
        """Take the rows that import ``import_no`` logged out of force; return how many."""
        mine = (consent_log.c.import_no == import_no) & consent_log.c.void_s.is_(None)
        with self._db.write() as connection:
            query = sa.select(*(consent_log.c[name] for name in _PLACE)).where(mine).distinct()
            places = connection.execute(query).all()
            gone = connection.execute(sa.update(consent_log).where(mine).values(void_s=to_s(now))).rowcount
            _recompute(connection, [tuple(place) for place in places])
        return gone

    def current(self) -> pa.Table:
        """Return FACTS ``consents``: what holds for each (customer, channel, purpose)."""
        columns = (
            consent.c.customer_no,
            consent.c.channel,
            consent.c.purpose,
            consent.c.granted,
            consent.c.at_s,
        )
        with self._db.read() as connection:
            return arrow("consents", connection.execute(sa.select(*columns).order_by(*columns)).all())

    def withdraw(
        self, customer_no: int, channel: str, purpose: Purpose, *, now: datetime, source: str, proof: str = ""
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
        """Return FACTS ``suppressions``."""
        columns = suppression.c.customer_no, suppression.c.channel, suppression.c.reason, suppression.c.at_s
        with self._db.read() as connection:
            return arrow("suppressions", connection.execute(sa.select(*columns)).all())


def append(connection: sa.Connection, statements: Sequence[ConsentStatement], now_s: int) -> int:
    """Log ``statements`` in the caller's transaction, update the state; return how many are new."""
    rows = []
    for said in statements:
        place = (said.customer_no, said.channel, said.purpose)
        rows.append((*place, said.granted, to_s(said.at), said.source, said.text_version, said.proof, None))
    return _append_rows(connection, rows, now_s)


def _append_rows(connection: sa.Connection, rows: list[Row], now_s: int) -> int:
    columns = (*_PLACE, "granted", "at_s", "source", "text_version", "proof", "import_no", "recorded_s")
    fresh = 0
    for part in chunks([(*row, now_s) for row in rows], CHUNK):
        fresh += upsert_rows(connection, consent_log, columns, list(part), "ON CONFLICT DO NOTHING")
        latest: dict[Row, tuple[int, bool]] = {}
        for row in part:
            rank = (row[4], not row[3])
            latest[row[:3]] = max(latest.get(row[:3], rank), rank)
        state = [(*place, not refused, at_s, now_s) for place, (at_s, refused) in sorted(latest.items())]
        upsert_rows(connection, consent, (*columns[:5], "heard_s"), state, _NEWER)
    return fresh


def _recompute(connection: sa.Connection, places: list[Row]) -> None:
    """Set the state of ``places`` from what stands in the log."""
    numbers = {place[0] for place in places}
    gone = sa.delete(consent).where(*(consent.c[name] == sa.bindparam(f"old_{name}") for name in _PLACE))
    for part in chunks(places, CHUNK):
        connection.execute(gone, [{f"old_{n}": v for n, v in zip(_PLACE, row, strict=True)} for row in part])
    query = sa.select(*(consent_log.c[name] for name in (*_PLACE, "granted", "at_s", "recorded_s"))).where(
        any_of(connection, consent_log.c.customer_no, numbers), consent_log.c.void_s.is_(None)
    )
    latest: dict[Row, tuple[int, bool, int]] = {}
    for *place, granted, at_s, heard_s in connection.execute(query):
        rank = (at_s, not granted, heard_s)
        latest[tuple(place)] = max(latest.get(tuple(place), rank), rank)
    state = [
        (*place, not refused, at_s, heard_s) for place, (at_s, refused, heard_s) in sorted(latest.items())
    ]
    upsert_rows(connection, consent, (*_PLACE, "granted", "at_s", "heard_s"), state, _NEWER)


def suppress(connection: sa.Connection, people: Sequence[Suppression]) -> None:
    """Record ``people`` as suppressed inside the caller's transaction."""
    rows = {(one.customer_no, one.channel, one.reason): (to_s(one.at), one.note) for one in people}
    columns = ("customer_no", "channel", "reason", "at_s", "note")
    flat = [(*place, *rest) for place, rest in sorted(rows.items())]
    upsert_rows(connection, suppression, columns, flat, "ON CONFLICT DO NOTHING")
