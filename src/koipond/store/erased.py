"""Hashes of erased identifiers (已删除标识): found and moved on by whoever names the same identifier again.

They stand under the key of their day, in the spelling of their day: without the value nobody can hash them
anew. So they are looked for under their own keys and in former spellings too, and what is found gets the hash
of now under the key in force.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from koipond.ingest.spellings import former_spellings
from koipond.store.bulk import any_of
from koipond.store.cipher import ERASED_CIPHER, Lookup
from koipond.store.keys import KeyRing
from koipond.store.tables import identifier
from koipond.store.workspace_values import value_of

ERASED_KEYS = "erased_keys"
SPELLED_FORMERLY = "erased_spelled_formerly"
"""Set when identifiers were erased before every spelling of one had the same hash."""


class Named(NamedTuple):
    """An identifier as a file names it, and its hash under the key in force."""

    key_hash: str
    kind: str
    scope: str
    value: str


def erased_keys(connection: sa.Connection) -> list[str]:
    """Return the ids of the keys under which hashes of erased identifiers stand."""
    return list(value_of(connection, ERASED_KEYS) or ())


def erased_lookups(connection: sa.Connection, ring: KeyRing) -> list[Lookup]:
    """Return look-ups under those of these keys that nothing else is looked up under any more."""
    live = {key.key_id for key in ring.live}
    return [Lookup(ring.find(key_id)) for key_id in erased_keys(connection) if key_id not in live]


def move_on(connection: sa.Connection, ring: KeyRing, named: Iterable[Named]) -> None:
    """Give the erased identifiers among ``named`` their hashes under the key in force."""
    lookups, formerly = erased_lookups(connection, ring), spelled_formerly(connection)
    if not lookups and not formerly:
        return
    today = Lookup(ring.active)
    spelled = [(one, one.value) for one in named]
    if formerly:
        spelled += [(one, old) for one, _ in spelled for old in former_spellings(one.kind, one.value)]
        lookups = [*(Lookup(key) for key in ring.live), *lookups]
    for lookup in lookups:
        hashes = {lookup.hash(one.kind, one.scope, value): one.key_hash for one, value in spelled}
        _rename(connection, identifier.c.key_hash, _changed(hashes), key_id=today.key_id)
        addresses = {
            old: today.address(one.kind, one.value)
            for one, value in spelled
            if (old := lookup.address(one.kind, value)) is not None
        }
        _rename(connection, identifier.c.address_hash, _changed(addresses))


def spelled_formerly(connection: sa.Connection) -> bool:
    """Say whether hashes of erased identifiers may stand in a former spelling."""
    return value_of(connection, SPELLED_FORMERLY) is not None


def _changed(hashes: Mapping[str, str | None]) -> dict[str, str | None]:
    return {old: new for old, new in hashes.items() if old != new}


def _rename(
    connection: sa.Connection, column: sa.Column[str], hashes: dict[str, str | None], **values: str
) -> None:
    mine = any_of(connection, column, hashes) & (identifier.c.cipher == ERASED_CIPHER)
    for old in set(connection.scalars(sa.select(column).where(mine))):
        if column is identifier.c.key_hash:
            drop_doubles(connection, old, hashes[old])
        update = sa.update(identifier).where(column == old, identifier.c.cipher == ERASED_CIPHER)
        connection.execute(update.values({column.name: hashes[old], **values}))


def drop_doubles(connection: sa.Connection, old: str, new: str | None) -> None:
    """Delete the erased rows under ``old`` of customers who hold ``new``: they are one identifier."""
    holders = connection.scalars(
        sa.select(identifier.c.customer_no).where(identifier.c.key_hash == new)
    ).all()
    double = (identifier.c.key_hash == old) & (identifier.c.cipher == ERASED_CIPHER)
    connection.execute(sa.delete(identifier).where(double, identifier.c.customer_no.in_(holders)))
