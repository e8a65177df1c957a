"""Identifiers that an earlier release kept in another spelling (写法补齐): under the hash of the one of now.

``bo@bücher.example`` and ``bo@xn--bcher-kva.example`` are one mailbox, ``'007`` and ``007`` one account: a no
to one must hold at the other. Rows stay under their own key, so a rotation that was stopped goes on.
Customers who thereby hold one verified address or one account are linked as an import would link them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from koipond.ingest.spellings import respelled
from koipond.store.bulk import any_of, group, insert_rows
from koipond.store.cipher import ERASED_CIPHER, Lookup, Vault
from koipond.store.engine import Database
from koipond.store.erased import SPELLED_FORMERLY, drop_doubles
from koipond.store.keys import KeyRing
from koipond.store.links import LinkLimits, Shared, link
from koipond.store.tables import identifier, identity_link
from koipond.store.workspace_values import keep_value

CHUNK = 10_000
_SPELLED = ("shop_id", "email")
_PLACE = sa.tuple_(identifier.c.key_hash, identifier.c.customer_no)


class _Change(NamedTuple):
    row: Any
    key_hash: str
    address_hash: str | None
    cipher: bytes


def respell(database: Database, ring: KeyRing) -> None:
    """Give every identifier the spelling of now; one commit a chunk, and idempotent."""
    _note_erased(database)
    vault, last = Vault(ring), ("", 0)
    while True:
        query = (
            sa.select(identifier)
            .where(last < _PLACE, identifier.c.kind.in_(_SPELLED), identifier.c.cipher != ERASED_CIPHER)
            .order_by(identifier.c.key_hash, identifier.c.customer_no)
            .limit(CHUNK)
        )
        with database.write() as connection:
            rows = connection.execute(query.with_for_update()).all()
            if not rows:
                return
            changes = _changes(rows, vault, ring)
            for change in changes:
                _apply(connection, change)
                _carry_along(connection, change)
            _link(connection, changes)
        last = (rows[-1].key_hash, rows[-1].customer_no)


def _note_erased(database: Database) -> None:
    erased = sa.select(identifier.c.customer_no).where(identifier.c.cipher == ERASED_CIPHER).limit(1)
    with database.write() as connection:
        if connection.scalars(erased).first() is not None:
            keep_value(connection, SPELLED_FORMERLY, True)


def _changes(rows: Sequence[Any], vault: Vault, ring: KeyRing) -> list[_Change]:
    lookups = {key_id: Lookup(ring.find(key_id)) for key_id in {row.key_id for row in rows}}
    found = []
    for row in rows:
        value = vault.open(row.cipher, row.key_hash, row.key_id)
        new = respelled(row.kind, value)
        if new == value:
            continue
        lookup = lookups[row.key_id]
        key_hash = lookup.hash(row.kind, row.scope, new)
        [cipher] = vault.seal_all([new], [key_hash], row.key_id)
        found.append(_Change(row, key_hash, lookup.address(row.kind, new), cipher))
    return found


def _apply(connection: sa.Connection, change: _Change) -> None:
    """Put a row under its new hash; with a row of the same customer there it becomes one."""
    columns = [column.name for column in identifier.columns]
    row, one = change.row, identifier.c
    former = (one.key_hash == row.key_hash) & (one.customer_no == row.customer_no)
    connection.execute(sa.delete(identifier).where(former))
    same = (one.key_hash == change.key_hash) & (one.customer_no == row.customer_no)
    held = connection.execute(sa.select(identifier).where(same)).one_or_none()
    if held is None:
        new = {**row._mapping, **change._asdict()}
        insert_rows(connection, identifier, columns, [tuple(new[name] for name in columns)])
    else:
        seen = {"verified": held.verified or row.verified, "seen_s": max(held.seen_s, row.seen_s)}
        connection.execute(sa.update(identifier).where(same).values(seen))


def _carry_along(connection: sa.Connection, change: _Change) -> None:
    """Rename what tells no value of its own: merges that rest on it, and the erased who held the same."""
    row, erased = change.row, identifier.c.cipher == ERASED_CIPHER
    merges = sa.update(identity_link).where(identity_link.c.key_hash == row.key_hash)
    connection.execute(merges.values(key_hash=change.key_hash))
    drop_doubles(connection, row.key_hash, change.key_hash)
    same = sa.update(identifier).where(erased, identifier.c.key_hash == row.key_hash)
    connection.execute(same.values(key_hash=change.key_hash))
    if row.address_hash is not None:
        there = sa.update(identifier).where(erased, identifier.c.address_hash == row.address_hash)
        connection.execute(there.values(address_hash=change.address_hash))


def _link(connection: sa.Connection, changes: Sequence[_Change]) -> None:
    """Link who holds one verified address or one account, unless too many do."""
    if not changes:
        return
    proof = identifier.c.verified | (identifier.c.kind == "shop_id")
    hashes = {change.key_hash for change in changes}
    query = sa.select(identifier).where(
        any_of(connection, identifier.c.key_hash, hashes), proof, identifier.c.cipher != ERASED_CIPHER
    )
    held = group(connection.execute(query.order_by(identifier.c.customer_no)), lambda row: row.key_hash)
    limits, shared = LinkLimits(), []
    for first, *others in held.values():
        if len(others) < limits.holders_max:
            shared += [Shared(o.customer_no, first.customer_no, o.kind, o.key_hash) for o in others]
    link(connection, shared, limits, max(change.row.seen_s for change in changes))
