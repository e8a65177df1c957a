"""Who is who (身份识别): find or create customers by keyed hashes (port `IdentityStore` of `ingest.ports`).

A shop's own customer id names one customer of that source. A verified phone or e-mail links customers; an
unverified one counts only within its source, and only when the row carries no shop id. Rule: design §5.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from koipond.facts.people import PersonKeys, PersonRef
from koipond.kernel import InputError
from koipond.store import counters
from koipond.store.bulk import any_of, chunks, insert_rows
from koipond.store.cipher import ERASED_CIPHER, Lookup, Vault
from koipond.store.engine import Database
from koipond.store.erased import Named, move_on
from koipond.store.instants import to_s
from koipond.store.keys import KeyRing
from koipond.store.links import LinkLimits, Shared, link, undo_shared
from koipond.store.rotation import guard, require_found
from koipond.store.tables import customer, identifier

CHUNK = 20_000  # people a transaction
NewUids = Callable[[int, int], list[str]]


def random_uids(_first_no: int, count: int) -> list[str]:
    """Return opaque ids of 128 random bits (a rehearsal passes its own, from its seed)."""
    pool = os.urandom(16 * count).hex()
    return [pool[place : place + 32] for place in range(0, 32 * count, 32)]


class _Entry(NamedTuple):
    """One identifier of one row; ``names`` says that it may find the customer of that row."""

    key_hash: str
    kind: str
    scope: str
    value: str
    verified: bool
    names: bool


@dataclass(slots=True)
class _Batch:
    """What a chunk adds: customers, identifiers, and pairs that share a verified identifier."""

    holders: dict[str, dict[int, None]]
    uids: dict[int, str]
    refs: list[int] = field(default_factory=list)
    attached: list[tuple[_Entry, int]] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    crowded: set[str] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)  # customers of whom nothing may be kept any more
    created_count: int = 0


class StoredIdentity:
    """Identifiers of one store. ``limits`` guard against shared devices and numbers."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        limits: LinkLimits | None = None,
        new_uids: NewUids = random_uids,
    ) -> None:
        self._db = database
        self._ring = ring
        self._limits = limits or LinkLimits()
        self._new_uids = new_uids
        self._lookups = tuple(Lookup(key) for key in ring.live)
        self._vault = Vault(ring)
        self._blinds = Lookup(ring.oldest)

    def blind(self, text: str) -> str:
        """Return a keyed one-way name for ``text``; under the oldest key, so that rotation changes none."""
        return "id:" + self._blinds.hash("blind", "", text)

    def resolve(self, people: Sequence[PersonKeys], now: datetime) -> list[PersonRef]:
        """Find or create the customer of each of ``people``, in order; one transaction a chunk.

        A customer keeps its own number when it is linked to another. Raises InputError for rows that
        identify nobody.
        """
        refs: list[PersonRef] = []
        for part in chunks(people, CHUNK):
            refs.extend(self._resolve_chunk(part, to_s(now)))
        return refs

    def find(self, people: Sequence[PersonKeys]) -> list[int | None]:
        """Return the customer of each of ``people``, in order, creating nobody; None for a stranger.

        An identifier that several customers hold names the oldest of them. Raises RefusedError when somebody
        who is known could be taken for a stranger.
        """
        found: list[int | None] = []
        for part in chunks(people, CHUNK):
            rows = list(self._entries(part))
            with self._db.read() as connection:
                require_found(connection, self._ring)
                batch = self._known(connection, rows)
            holders, erased = batch.holders, batch.erased
            for row in rows:
                numbers = (min(holders[e.key_hash]) for e in row if e.names and holders.get(e.key_hash))
                numbers = (number for number in numbers if number not in erased)
                found.append(next(numbers, None))
        return found

    def _resolve_chunk(self, people: Sequence[PersonKeys], now_s: int) -> list[PersonRef]:
        rows = list(self._entries(people))
        with self._db.write() as connection:
            guard(connection, self._ring)
            named = (Named(one.key_hash, one.kind, one.scope, one.value) for row in rows for one in row)
            move_on(connection, self._ring, named)
            first_no = counters.take(connection, "customer_no", 0)
            batch = self._known(connection, rows)
            _assign(batch, rows, first_no, self._limits)
            self._write(connection, batch, first_no, now_s)
        return [PersonRef(number, batch.uids[number]) for number in batch.refs]

    def _entries(self, people: Sequence[PersonKeys]) -> Iterator[list[_Entry]]:
        """Yield the identifiers of each row, the most trusted first."""
        digest = self._lookups[0].hash
        for place, person in enumerate(people):
            source, shop_id = person.source, person.shop_id
            alone = shop_id is None  # with a shop id, others only link: a merge can then be undone
            sure = person.verified
            scope = "" if sure else source
            row = []
            if shop_id is not None:
                key_hash = digest("shop_id", source, shop_id)
                row.append(_Entry(key_hash, "shop_id", source, shop_id, False, True))
            for kind, value in (("phone", person.phone), ("email", person.email)):
                if value is not None:
                    row.append(_Entry(digest(kind, scope, value), kind, scope, value, sure, alone))
            if not row:
                raise InputError(
                    "person {place} of the batch carries no identifier; leave such rows out", place=place
                )
            yield row

    def _known(self, connection: sa.Connection, rows: list[list[_Entry]]) -> _Batch:
        """Load who holds the identifiers of ``rows``, looking under every live key."""
        entries = {entry.key_hash: entry for row in rows for entry in row}
        today = {key_hash: key_hash for key_hash in entries}
        for lookup in self._lookups[1:]:
            for key_hash, entry in entries.items():
                today[lookup.hash(entry.kind, entry.scope, entry.value)] = key_hash
        query = (
            sa.select(
                identifier.c.key_hash,
                customer.c.customer_no,
                customer.c.customer_uid,
                (identifier.c.cipher == ERASED_CIPHER).label("erased"),
            )
            .join(customer, customer.c.customer_no == identifier.c.customer_no)
            .where(any_of(connection, identifier.c.key_hash, today))
            .order_by(customer.c.customer_no)
        )
        batch = _Batch(holders={}, uids={})
        for key_hash, number, uid, erased in connection.execute(query):
            batch.holders.setdefault(today[key_hash], {})[number] = None
            batch.uids[number] = uid
            if erased:
                batch.erased.add(number)
        return batch

    def _write(self, connection: sa.Connection, batch: _Batch, first_no: int, now_s: int) -> None:
        if batch.created_count:
            first = counters.take(connection, "customer_no", batch.created_count)
            assert first == first_no, "the counter's row is locked since the chunk began"
            uids = self._new_uids(first_no, batch.created_count)
            batch.uids.update(zip(range(first_no, first_no + batch.created_count), uids, strict=True))
            columns = ("customer_no", "customer_uid", "created_s", "staff", "minor", "profiling_refused")
            created = [(first_no + place, uid, now_s, False, False, False) for place, uid in enumerate(uids)]
            insert_rows(connection, customer, columns, created)
        self._write_identifiers(connection, batch, now_s)
        if batch.crowded:
            undo_shared(connection, batch.crowded, now_s)
        wanted = [one for one in batch.shared if one.key_hash not in batch.crowded]
        link(connection, wanted, self._limits, now_s)

    def _write_identifiers(self, connection: sa.Connection, batch: _Batch, now_s: int) -> None:
        hashes = [entry.key_hash for entry, _ in batch.attached]
        sealed = self._vault.seal_all([entry.value for entry, _ in batch.attached], hashes)
        names = ("key_hash", "customer_no", "kind", "scope", "verified", "cipher", "key_id", "seen_s")
        key_id, address = self._vault.key_id, self._lookups[0].address
        rows = [
            (key_hash, number, kind, scope, verified, cipher, key_id, now_s, address(kind, value))
            for ((key_hash, kind, scope, value, verified, _), number), cipher in zip(
                batch.attached, sealed, strict=True
            )
        ]
        rows.sort()  # near keys land on the same pages
        insert_rows(connection, identifier, (*names, "address_hash"), rows)


def _assign(batch: _Batch, rows: list[list[_Entry]], next_no: int, limits: LinkLimits) -> None:
    """Give each row its customer; note new identifiers and who shares a verified one."""
    holders = batch.holders
    for row in rows:
        home = next((next(iter(holders[e.key_hash])) for e in row if e.names and e.key_hash in holders), None)
        if home is None:
            home = next_no + batch.created_count
            batch.created_count += 1
        batch.refs.append(home)
        if home in batch.erased:
            continue
        for entry in row:
            held = holders.setdefault(entry.key_hash, {})
            if home not in held:
                held[home] = None
                batch.attached.append((entry, home))
            if entry.verified and len(held) > 1:
                _share(batch, entry, home, held, limits)


def _share(batch: _Batch, entry: _Entry, home: int, held: dict[int, None], limits: LinkLimits) -> None:
    if len(held) > limits.holders_max:
        batch.crowded.add(entry.key_hash)
        return
    skip = {home, *batch.erased}
    batch.shared.extend(
        Shared(home, other, entry.kind, entry.key_hash) for other in held if other not in skip
    )
