"""People for use (客户): addresses for channels, who somebody is, what forbids reaching them, merges.

The only place where identifiers leave the store in clear: one address a touch, or one person looked up by an
operator.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from koipond.facts.people import PersonRef
from koipond.facts.schemas import FACTS
from koipond.ingest.people import normal_phone
from koipond.ingest.spellings import normal_email, plain_id
from koipond.store import links
from koipond.store.bulk import Row, any_of, group, update_rows
from koipond.store.cipher import ERASED_CIPHER, Lookup, Vault
from koipond.store.engine import Database
from koipond.store.erased import erased_lookups
from koipond.store.instants import from_s, to_s
from koipond.store.keys import KeyRing
from koipond.store.rotation import require_found
from koipond.store.tables import customer, identifier, identity_link, import_batch

ROWS_AT_ONCE = 10_000
ROOT = sa.func.coalesce(customer.c.survivor_no, customer.c.customer_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLink:
    """One merge: ``customer_no`` was found to be ``other_no``, by an identifier of ``kind``."""

    link_no: int
    customer_no: int
    other_no: int
    kind: str
    linked_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFlags:
    """What is known of a customer that forbids or shapes a touch; None leaves it as it is."""

    customer_no: int
    staff: bool | None = None
    minor: bool | None = None
    profiling_refused: bool | None = None
    zone: str | None = None


class StoredPeople:
    """Customers of one store."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._db = database
        self._ring = ring
        self._lookups = tuple(Lookup(key) for key in ring.live)
        self._vault = Vault(ring)

    def addresses(
        self, customer_nos: Collection[int], kind: str, source: str | None = None
    ) -> dict[int, str]:
        """Return the identifier of ``kind`` (phone, email, or shop_id of ``source``) of each customer that
        has one.

        A linked person is reached at any member's address: a verified one first, then the newest.
        """
        with self._db.read() as connection:
            roots = roots_of(connection, customer_nos)
            members = members_of(connection, set(roots.values()))
            columns = (
                identifier.c.customer_no,
                identifier.c.key_hash,
                identifier.c.cipher,
                identifier.c.key_id,
            )
            query = (
                sa.select(*columns)
                .where(any_of(connection, identifier.c.customer_no, members), identifier.c.kind == kind)
                .where(identifier.c.cipher != ERASED_CIPHER)
                .order_by(identifier.c.verified, identifier.c.seen_s, identifier.c.key_hash)
            )
            if source is not None:
                query = query.where(identifier.c.scope == source)
            best = {members[row.customer_no]: row for row in connection.execute(query)}  # the last one wins
        opened = {no: self._vault.open(row.cipher, row.key_hash, row.key_id) for no, row in best.items()}
        return {number: opened[root] for number, root in roots.items() if root in opened}

    def identifiers(self, customer_no: int) -> list[tuple[str, str, bool]]:
        """Return (kind, value, verified) of all identifiers of the person ``customer_no`` belongs to."""
        with self._db.read() as connection:
            members = members_of(connection, set(roots_of(connection, [customer_no]).values()))
            query = sa.select(identifier).where(any_of(connection, identifier.c.customer_no, members))
            query = query.where(identifier.c.cipher != ERASED_CIPHER)
            rows = connection.execute(query.order_by(identifier.c.kind, identifier.c.key_hash)).all()
        return [
            (row.kind, self._vault.open(row.cipher, row.key_hash, row.key_id), row.verified) for row in rows
        ]

    def with_shop_id(self, pattern: str) -> list[int]:
        """Return the customers of whom some shop id matches the regular expression ``pattern``.

        Opens every shop id, a few microseconds each: for commands that people wait for, not for loops.
        """
        wanted, found = re.compile(pattern), set()
        columns = [identifier.c[name] for name in ("customer_no", "cipher", "key_hash", "key_id")]
        query = sa.select(*columns).where(
            identifier.c.kind == "shop_id", identifier.c.cipher != ERASED_CIPHER
        )
        with self._db.read() as connection:
            for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
                if wanted.search(self._vault.open(row.cipher, row.key_hash, row.key_id)):
                    found.add(row.customer_no)
        return sorted(found)

    def find(self, words: str, source: str | None = None, region: str = "CN") -> list[PersonRef]:
        """Return whom ``words`` names: a shop id (of ``source`` or any), phone, e-mail; else our uid, number.

        A phone may be written as people of ``region`` do. Digits that are somebody's identifier never mean
        our own number. Raises RefusedError while identifiers stand under a key that is not looked up.
        """
        mine = customer.c.customer_uid == words
        if words.isascii() and words.isdigit() and len(words) < 19:
            mine = sa.or_(mine, customer.c.customer_no == int(words))
        columns = customer.c.customer_no, customer.c.customer_uid
        with self._db.read() as connection:
            require_found(connection, self._ring)
            sources = (
                [source] if source else connection.scalars(sa.select(import_batch.c.source).distinct()).all()
            )
            hashes = self._hashes(connection, words, sources, region)
            held = sa.select(identifier.c.customer_no).where(
                any_of(connection, identifier.c.key_hash, hashes)
            )
            rows = connection.execute(sa.select(*columns).where(customer.c.customer_no.in_(held))).all()
            if not rows and source is None:
                rows = connection.execute(sa.select(*columns).where(mine)).all()
        return [PersonRef(row.customer_no, row.customer_uid) for row in sorted(rows, key=tuple)]

    def _hashes(
        self, connection: sa.Connection, words: str, sources: Sequence[str], region: str
    ) -> list[str]:
        phone, email = normal_phone(words, region), normal_email(words)
        named = ("shop_id", plain_id(words)), ("phone", phone), ("email", email)
        return [
            lookup.hash(kind, scope, value)
            for lookup in (*self._lookups, *erased_lookups(connection, self._ring))
            for kind, value in named
            if value is not None
            for scope in ("", *sources)
        ]

    def uids(self, customer_nos: Collection[int]) -> dict[int, str]:
        """Return customer → our opaque id of it, in the order of the numbers."""
        columns = customer.c.customer_no, customer.c.customer_uid
        with self._db.read() as connection:
            query = sa.select(*columns).where(any_of(connection, columns[0], customer_nos))
            return {row[0]: row[1] for row in connection.execute(query.order_by(columns[0]))}

    def members(self, customer_no: int) -> list[int]:
        """Return every number of the person that ``customer_no`` belongs to."""
        with self._db.read() as connection:
            return sorted(members_of(connection, set(roots_of(connection, [customer_no]).values())))

    def survivor(self, customer_no: int) -> int:
        """Return the oldest customer of the same person: ``customer_no`` itself when nobody was linked."""
        with self._db.read() as connection:
            return roots_of(connection, [customer_no]).get(customer_no, customer_no)

    def set_flags(self, people: Sequence[PersonFlags], now: datetime | None = None) -> None:
        """Set what each of ``people`` says; what it leaves open stays. ``now``: since when it is known."""
        names = ("staff", "minor", "profiling_refused", "zone")
        with self._db.write() as connection:
            links.lock_customers(connection, {one.customer_no for one in people})
            for name in names:
                rows = [(p.customer_no, getattr(p, name)) for p in people if getattr(p, name) is not None]
                update_rows(connection, customer, ("customer_no",), (name,), list(dict(rows).items()))
            _note_since(connection, now)

    def mirror_flags(self, rows: pa.Table, now: datetime | None = None, *, clearing: bool = True) -> int:
        """Make the flags of all customers what ``rows`` say; return how many customers changed.

        ``rows`` (customer_no, staff, minor, profiling_refused) names whoever has any of them: imports bring
        these facts to the warehouse, the gate must know them too. ``now``: since when it is known; not
        ``clearing``: nobody loses a flag.
        """
        names = ("staff", "minor", "profiling_refused")
        columns = (rows.column(name).to_pylist() for name in ("customer_no", *names))
        wanted = {number: tuple(map(bool, flags)) for number, *flags in zip(*columns, strict=True)}
        query = sa.select(customer.c.customer_no, *(customer.c[name] for name in names))
        with self._db.write() as connection:
            flagged = sa.or_(*(customer.c[name] for name in names))
            held = {row[0]: tuple(row[1:]) for row in connection.execute(query.where(flagged))}
            none = (False,) * len(names)
            if not clearing:
                for number, before in held.items():
                    wanted[number] = tuple(map(max, before, wanted.get(number, none)))
            changed: list[Row] = [
                (number, *wanted.get(number, none))
                for number in sorted(wanted.keys() | held.keys())
                if wanted.get(number, none) != held.get(number, none)
            ]
            links.lock_customers(connection, [row[0] for row in changed])
            update_rows(connection, customer, ("customer_no",), names, changed)
            _note_since(connection, now)
        return len(changed)

    def links(self, customer_no: int | None = None) -> list[IdentityLink]:
        """Return the log of merges, the oldest first, of one customer or of all."""
        query = sa.select(identity_link).order_by(identity_link.c.link_no)
        if customer_no is not None:
            ends = identity_link.c.customer_no, identity_link.c.other_no
            query = query.where(sa.or_(*(end == customer_no for end in ends)))
        with self._db.read() as connection:
            return [
                IdentityLink(
                    link_no=row.link_no,
                    customer_no=row.customer_no,
                    other_no=row.other_no,
                    kind=row.kind,
                    linked_at=from_s(row.linked_s),
                    undone_at=None if row.undone_s is None else from_s(row.undone_s),
                )
                for row in connection.execute(query)
            ]

    def unmerge(self, link_no: int, author: str, now: datetime) -> set[int]:
        """Undo one merge for good and return the customers concerned; both keep all they had."""
        with self._db.write() as connection:
            return links.undo(connection, [link_no], author, to_s(now))

    def count(self) -> int:
        """Return how many people there are (linked customers count once)."""
        query = sa.select(sa.func.count()).where(customer.c.survivor_no.is_(None))
        with self._db.read() as connection:
            return int(connection.execute(query).scalar_one())

    def export_links(self) -> pa.Table:
        """Return FACTS ``identity_links``: each merged customer and its survivor."""
        query = sa.select(customer.c.customer_no, customer.c.survivor_no).where(
            customer.c.survivor_no.is_not(None)
        )
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(customer.c.customer_no)).all()
        return arrow("identity_links", rows)

    def export_reachable(self, kinds: Mapping[str, str]) -> pa.Table:
        """Return FACTS ``reachable``; ``kinds`` says by which identifier each channel reaches people."""
        pairs = sa.select(identifier.c.customer_no, identifier.c.kind).distinct()
        with self._db.read() as connection:
            pairs = pairs.where(identifier.c.cipher != ERASED_CIPHER)
            rows = connection.execute(pairs.where(identifier.c.kind.in_(set(kinds.values())))).all()
        held = [
            (number, channel, None) for number, kind in rows for channel in kinds if kinds[channel] == kind
        ]
        return arrow("reachable", held)

    def export_inboxes(self, kinds: Collection[str]) -> pa.Table:
        """Return FACTS ``inboxes``: who holds an address of ``kinds`` that others hold as well."""
        mine = identifier.c.address_hash.is_not(None) & identifier.c.kind.in_(sorted(kinds))
        several = sa.func.min(identifier.c.customer_no) < sa.func.max(identifier.c.customer_no)
        address = identifier.c.address_hash
        shared = sa.select(address).where(mine).group_by(address).having(several)
        columns = address, identifier.c.kind, identifier.c.customer_no
        query = sa.select(*columns).where(mine, address.in_(shared)).distinct()
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        holders = group(rows, lambda row: (row[1], row[0]))
        inboxes = sorted((kind, sorted({row[2] for row in found})) for (kind, _), found in holders.items())
        return arrow("inboxes", [(n, kind, no) for no, (kind, found) in enumerate(inboxes) for n in found])


def _note_since(connection: sa.Connection, now: datetime | None) -> None:
    """Note since when staff and minors are known; who is neither any more is known for nothing."""
    if now is None:
        return
    for flag, since in ((customer.c.staff, customer.c.staff_s), (customer.c.minor, customer.c.minor_s)):
        noted = sa.update(customer).where(flag, since.is_(None)).values({since.name: to_s(now)})
        connection.execute(noted)
        connection.execute(sa.update(customer).where(~flag, since.is_not(None)).values({since.name: None}))


def roots_of(connection: sa.Connection, customer_nos: Collection[int]) -> dict[int, int]:
    """Return customer → root (the oldest customer of the same person)."""
    query = sa.select(customer.c.customer_no, ROOT).where(
        any_of(connection, customer.c.customer_no, customer_nos)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def members_of(connection: sa.Connection, roots: Collection[int]) -> dict[int, int]:
    """Return member → root for everybody who belongs to one of ``roots``."""
    query = sa.select(customer.c.customer_no, customer.c.survivor_no).where(
        any_of(connection, customer.c.survivor_no, roots)
    )
    members = {number: number for number in roots}
    members.update({row[0]: row[1] for row in connection.execute(query)})
    return members


def arrow(dataset: str, rows: Sequence[Sequence[object]]) -> pa.Table:
    """Return ``rows`` as a table in the schema of the fact ``dataset``."""
    schema = FACTS[dataset]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
