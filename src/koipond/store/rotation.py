"""A new key for every identifier (密钥轮换), in batches; a rotation that was stopped goes on where it was.

Look-up hashes depend on the key, so a process that still holds the old ring would not find whom it looks for.
The store therefore names the key in force, and `guard` sends such a process away before it creates anybody.
The key file is written first, the store second: a rotation killed between the two is one whose key in
force is `retiring` in the file, and the next process that writes moves the force on. An older store that is
brought back stands under a key of then: nobody is looked up in it before it stands under the key of now.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from koipond.kernel import BusyError, InputError, Message, RefusedError
from koipond.store import counters
from koipond.store.bulk import Row, any_of, update_rows
from koipond.store.cipher import ERASED_CIPHER, Lookup, Vault
from koipond.store.engine import Database
from koipond.store.keys import KeyRing, newest_ring, save_keys, with_new_key, with_retired
from koipond.store.tables import identifier, identity_link
from koipond.store.workspace_values import keep_value, value_of

BATCH = 5_000
_KEPT = identifier.c.cipher != ERASED_CIPHER
"""Identifiers that were not erased; of an erased one nothing but its hash is left, under the key of then."""
_IN_FORCE = "identifier_key"
_WHOLE = "identifier_key_whole"
"""Names the key that every identifier is known to stand under, so that nobody has to look at each row."""


def guard(connection: sa.Connection, ring: KeyRing) -> None:
    """Raise when somebody could be missed under the keys of ``ring``, and name its key as the one in force.

    The caller's transaction writes. A rotation that was stopped after its key was saved goes on here: both
    keys are looked up until `rotate` has rewritten every row. A store that was never rotated stands under the
    oldest key there ever was.
    """
    counters.take(connection, "customer_no", 0)  # until the commit: no rotation begins beside this one
    found = require_found(connection, ring)
    if (in_force(connection) or ring.oldest.key_id) != ring.active.key_id:
        _put_in_force(connection, ring)
    if found is not None and found <= {ring.active.key_id}:
        _put(connection, _WHOLE, ring.active.key_id)


def require_found(connection: sa.Connection, ring: KeyRing) -> set[str] | None:
    """Raise when a look-up under the live keys of ``ring`` could miss somebody who is known.

    RefusedError: identifiers stand under a key that is retired, BusyError: ``ring`` is older than the store.
    Returns the keys that identifiers stand under, None when that is known to be the active one.
    """
    force, active = in_force(connection) or ring.oldest.key_id, ring.active.key_id
    if all(key.key_id != force for key in ring.keys):
        raise BusyError("the keys were rotated since this process began; run the command again")
    if force == active and (len(ring.keys) == 1 or _read(connection, _WHOLE) == active):
        return None
    found = keys_in_use(connection)
    if strange := sorted(found - {key.key_id for key in ring.live}):
        raise RefusedError(
            "identifiers of this store stand under key '{strange}', which the key file has "
            "retired (was an older store brought back?): nobody of them would be recognised; "
            "put them under the key of now, run: koipond keys rotate",
            strange=", ".join(strange),
        )
    return found


def keys_in_use(connection: sa.Connection) -> set[str]:
    """Return the ids of the keys under which identifiers stand that were not erased."""
    return set(connection.scalars(sa.select(identifier.c.key_id).where(_KEPT).distinct()))


def stands_under(database: Database, ring: KeyRing) -> bool:
    """Say whether every identifier, and whatever is written next, stands under the active key of ``ring``."""
    active = ring.active.key_id
    with database.read() as connection:
        force = in_force(connection) or ring.oldest.key_id
        return force == active and keys_in_use(connection) <= {active}


def unfindable(connection: sa.Connection, ring: KeyRing) -> Iterator[str]:
    """Yield how many identifiers stand under each key that nobody is looked up under."""
    live = [key.key_id for key in ring.live]
    query = sa.select(identifier.c.key_id, sa.func.count()).where(_KEPT, identifier.c.key_id.not_in(live))
    for key_id, count in connection.execute(
        query.group_by(identifier.c.key_id).order_by(identifier.c.key_id)
    ):
        yield Message(
            "{count:,} identifiers stand under key {key_id}, which nobody is looked up under",
            count=count,
            key_id=key_id,
        )


def bring_under(database: Database, ring: KeyRing) -> None:
    """Rewrite every identifier under the active key of ``ring``; what was stopped goes on where it was."""
    with database.write() as connection:
        counters.take(connection, "customer_no", 0)  # whoever writes under the former key has committed
        _put_in_force(connection, ring)
    lookup, vault = Lookup(ring.active), Vault(ring)
    while True:
        with database.write() as connection:
            if not _rewrite(connection, lookup, vault):
                _put(connection, _WHOLE, ring.active.key_id)
                return


def in_force(connection: sa.Connection) -> str | None:
    """Return the id of the key that writes, None when it was never changed: then it is the oldest."""
    return _read(connection, _IN_FORCE)


def _read(connection: sa.Connection, what: str) -> str | None:
    found = value_of(connection, what)
    return None if found is None else str(found)


def _put_in_force(connection: sa.Connection, ring: KeyRing) -> None:
    _put(connection, _IN_FORCE, ring.active.key_id)


def _put(connection: sa.Connection, what: str, key_id: str) -> None:
    keep_value(connection, what, key_id)


def require_own(database: Database, ring: KeyRing) -> None:
    """Raise InputError when ``ring`` does not open the identifiers of the store: its keys are others."""
    with database.read() as connection:
        row = connection.execute(sa.select(identifier).where(_KEPT).limit(1)).one_or_none()
    if row is None:
        return
    try:
        Vault(ring).open(row.cipher, row.key_hash, row.key_id)
    except InputError as error:
        place = "KOIPOND_KEYS" if ring.file is None else str(ring.file)
        what = (
            Message("holds other keys") if ring.file is None or ring.file.exists() else Message("is missing")
        )
        raise InputError(
            "{place} {what}: the identifiers of this workspace do not open; restore your copy of its keys",
            place=place,
            what=what,
            code="wrong_keys",
        ) from error


def rotate(database: Database, ring: KeyRing) -> KeyRing:
    """Rewrite every identifier under a new key and return the ring to use from now on.

    Two processes that rotate at once do each part once. The old key stays in the file to open old backups.
    """
    with newest_ring(ring) as newest:
        ring = newest if len(newest.live) > 1 else _keep(with_new_key(newest))
    bring_under(database, ring)
    with newest_ring(ring) as newest:
        return _keep(with_retired(newest)) if newest.active == ring.active else newest


def _keep(ring: KeyRing) -> KeyRing:
    return ring if ring.file is None else save_keys(ring)


def _rewrite(connection: sa.Connection, lookup: Lookup, vault: Vault) -> int:
    """Rewrite some rows that stand under another key; return how many.

    All who hold one address are rewritten together: at no moment do co-holders miss each other.
    """
    rows = _under_other_keys(connection, lookup.key_id)
    if not rows:
        return 0
    values = [vault.open(row.cipher, row.key_hash, row.key_id) for row in rows]
    hashes = [lookup.hash(row.kind, row.scope, value) for row, value in zip(rows, values, strict=True)]
    addresses = [lookup.address(row.kind, value) for row, value in zip(rows, values, strict=True)]
    sealed = vault.seal_all(values, hashes)
    pairs = list(zip(rows, hashes, strict=True))
    _rename(connection, identifier, [(row.key_hash, row.customer_no, new) for row, new in pairs])
    columns = ("key_hash", "customer_no", "cipher", "key_id", "address_hash")
    fresh: list[Row] = [
        (new, row.customer_no, cipher, lookup.key_id, address)
        for (row, new), cipher, address in zip(pairs, sealed, addresses, strict=True)
    ]
    update_rows(connection, identifier, columns[:2], columns[2:], fresh)
    _move(connection, identity_link.c.key_hash, {row.key_hash: new for row, new in pairs})
    moved = {row.address_hash: new for row, new in zip(rows, addresses, strict=True) if row.address_hash}
    _move(connection, identifier.c.address_hash, moved)  # of the erased at the same address
    return len(rows)


def _under_other_keys(connection: sa.Connection, key_id: str) -> list[Any]:
    """Lock some rows to be rewritten, with all that hold one of their addresses."""
    mine = sa.select(identifier).where(identifier.c.key_id != key_id, _KEPT)
    rows = connection.execute(
        mine.order_by(identifier.c.address_hash, identifier.c.key_hash).limit(BATCH).with_for_update()
    ).all()
    seen = {(row.key_hash, row.customer_no) for row in rows}
    addresses = {row.address_hash for row in rows if row.address_hash}
    if not addresses:
        return list(rows)
    more = mine.where(any_of(connection, identifier.c.address_hash, addresses)).with_for_update()
    found = connection.execute(more).all()
    return [*rows, *(row for row in found if (row.key_hash, row.customer_no) not in seen)]


def _move(connection: sa.Connection, column: sa.Column[Any], renamed: Mapping[str, str | None]) -> None:
    """Give every row that holds an old hash in ``column`` the new one."""
    if not renamed:
        return
    update = sa.update(column.table).where(column == sa.bindparam("old"))
    values = [{"old": old, "new": new} for old, new in renamed.items()]
    connection.execute(update.values({column: sa.bindparam("new")}), values)


def _rename(connection: sa.Connection, table: sa.Table, rows: list[tuple[str, int, str]]) -> None:
    """Give rows of ``table``, found by (old hash, customer), their new hash."""
    update = sa.update(table).where(
        table.c.key_hash == sa.bindparam("old"), table.c.customer_no == sa.bindparam("who")
    )
    values = [{"old": old, "who": who, "new": new} for old, who, new in rows]
    connection.execute(update.values(key_hash=sa.bindparam("new")), values)
