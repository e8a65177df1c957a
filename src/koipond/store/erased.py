"""Hashes of erased identifiers (已删除标识): found and moved on by whoever names the same identifier again.

They stand under the key of their day: without the value nobody can hash them anew. So they are looked for
under their own keys too, and what is found gets its hash under the key in force.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from koipond.store.bulk import any_of
from koipond.store.cipher import ERASED_CIPHER, Lookup
from koipond.store.keys import KeyRing
from koipond.store.tables import identifier, workspace_setting

ERASED_KEYS = "erased_keys"


class Named(NamedTuple):
    """An identifier as a file names it, and its hash under the key in force."""

    key_hash: str
    kind: str
    scope: str
    value: str


def erased_keys(connection: sa.Connection) -> list[str]:
    """Return the ids of the keys under which hashes of erased identifiers stand."""
    query = sa.select(workspace_setting.c.value).where(workspace_setting.c.name == ERASED_KEYS)
    found = connection.execute(query).scalar_one_or_none()
    return [] if found is None else list(json.loads(found))


def erased_lookups(connection: sa.Connection, ring: KeyRing) -> list[Lookup]:
    """Return look-ups under those of these keys that nothing else is looked up under any more."""
    live = {key.key_id for key in ring.live}
    return [Lookup(ring.find(key_id)) for key_id in erased_keys(connection) if key_id not in live]


def move_on(connection: sa.Connection, ring: KeyRing, named: Iterable[Named]) -> None:
    """Give the erased identifiers among ``named`` their hashes under the key in force."""
    lookups = erased_lookups(connection, ring)
    if not lookups:
        return
    today, entries = Lookup(ring.active), list(named)
    for lookup in lookups:
        _rename(
            connection,
            identifier.c.key_hash,
            {lookup.hash(one.kind, one.scope, one.value): one.key_hash for one in entries},
            key_id=today.key_id,
        )
        addresses = {
            old: today.address(one.kind, one.value)
            for one in entries
            if (old := lookup.address(one.kind, one.value)) is not None
        }
        _rename(connection, identifier.c.address_hash, addresses)


def _rename(
    connection: sa.Connection, column: sa.Column[str], hashes: dict[str, str | None], **values: str
) -> None:
    mine = any_of(connection, column, hashes) & (identifier.c.cipher == ERASED_CIPHER)
    for old in set(connection.scalars(sa.select(column).where(mine))):
        update = sa.update(identifier).where(column == old, identifier.c.cipher == ERASED_CIPHER)
        connection.execute(update.values({column.name: hashes[old], **values}))
