"""A new key for every identifier (密钥轮换), in batches; a rotation that was stopped goes on where it was.

Look-up hashes depend on the key, so a process that still holds the old ring would not find whom it looks for.
The store therefore names the key in force, and `guard` sends such a process away before it creates anybody.
The key file is written first, the store second: a rotation killed between the two is one whose key in
force is `retiring` in the file, and the next process that writes moves the force on.
"""

import json

import sqlalchemy as sa

from koipond.kernel import BusyError, InputError, RefusedError, stable_json
from koipond.store.bulk import Row, update_rows, upsert_rows
from koipond.store.cipher import Lookup, Vault
from koipond.store.engine import Database
from koipond.store.keys import KeyRing, newest_ring, save_keys, with_new_key, with_retired
from koipond.store.tables import identifier, identity_link, workspace_setting

BATCH = 5_000
_IN_FORCE = "identifier_key"


def guard(connection: sa.Connection, ring: KeyRing) -> None:
    """Raise BusyError when identifiers are kept under a key that ``ring`` does not write with.

    The caller's transaction writes. A rotation that was stopped after its key was saved goes on here: both
    keys are looked up until `rotate` has rewritten every row.
    """
    found = in_force(connection)
    if found is None or found == ring.active.key_id:
        return
    state = next((key.state for key in ring.keys if key.key_id == found), None)
    if state == "retiring":
        _put_in_force(connection, ring)
    elif state == "retired":
        raise RefusedError(
            f"the identifiers of this store stand under key '{found}', which the key file has retired (was an"
            " older store brought back?); put them under the key of now with: koipond keys rotate"
        )
    else:
        raise BusyError("the keys were rotated since this process began; run the command again")


def in_force(connection: sa.Connection) -> str | None:
    """Return the id of the key that writes, None when it was never changed."""
    name = workspace_setting.c.name == _IN_FORCE
    found = connection.execute(sa.select(workspace_setting.c.value).where(name)).scalar_one_or_none()
    return None if found is None else str(json.loads(found))


def _put_in_force(connection: sa.Connection, ring: KeyRing) -> None:
    row = (_IN_FORCE, stable_json(ring.active.key_id))
    replace = "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    upsert_rows(connection, workspace_setting, ("name", "value"), [row], replace)


def require_own(database: Database, ring: KeyRing) -> None:
    """Raise InputError when ``ring`` does not open the identifiers of the store: its keys are others."""
    with database.read() as connection:
        row = connection.execute(sa.select(identifier).limit(1)).one_or_none()
    if row is None:
        return
    try:
        Vault(ring).open(row.cipher, row.key_hash, row.key_id)
    except InputError as error:
        place = "KOIPOND_KEYS" if ring.file is None else str(ring.file)
        what = "holds other keys" if ring.file is None or ring.file.exists() else "is missing"
        raise InputError(
            f"{place} {what}: the identifiers of this workspace do not open; restore your copy of its keys",
            code="wrong_keys",
        ) from error


def rotate(database: Database, ring: KeyRing) -> KeyRing:
    """Rewrite every identifier under a new key and return the ring to use from now on.

    Two processes that rotate at once do each part once. The old key stays in the file to open old backups.
    """
    with newest_ring(ring) as newest:
        ring = newest if len(newest.live) > 1 else _keep(with_new_key(newest))
    with database.write() as connection:
        _put_in_force(connection, ring)
    lookup, vault = Lookup(ring.active), Vault(ring)
    while True:
        with database.write() as connection:
            if not _rewrite(connection, lookup, vault):
                break
    with newest_ring(ring) as newest:
        return _keep(with_retired(newest)) if newest.active == ring.active else newest


def _keep(ring: KeyRing) -> KeyRing:
    return ring if ring.file is None else save_keys(ring)


def _rewrite(connection: sa.Connection, lookup: Lookup, vault: Vault) -> int:
    """Rewrite some rows that stand under another key; return how many."""
    query = sa.select(identifier).where(identifier.c.key_id != lookup.key_id).limit(BATCH)
    rows = connection.execute(query.with_for_update()).all()
    if not rows:
        return 0
    values = [vault.open(row.cipher, row.key_hash, row.key_id) for row in rows]
    hashes = [lookup.hash(row.kind, row.scope, value) for row, value in zip(rows, values, strict=True)]
    sealed = vault.seal_all(values, hashes)
    pairs = list(zip(rows, hashes, strict=True))
    _rename(connection, identifier, [(row.key_hash, row.customer_no, new) for row, new in pairs])
    columns = ("key_hash", "customer_no", "cipher", "key_id")
    fresh: list[Row] = [
        (new, row.customer_no, cipher, lookup.key_id)
        for (row, new), cipher in zip(pairs, sealed, strict=True)
    ]
    update_rows(connection, identifier, columns[:2], columns[2:], fresh)
    links = sa.update(identity_link).where(identity_link.c.key_hash == sa.bindparam("old"))
    renamed = {row.key_hash: new for row, new in pairs}
    connection.execute(
        links.values(key_hash=sa.bindparam("new")), [{"old": old, "new": new} for old, new in renamed.items()]
    )
    return len(rows)


def _rename(connection: sa.Connection, table: sa.Table, rows: list[tuple[str, int, str]]) -> None:
    """Give rows of ``table``, found by (old hash, customer), their new hash."""
    update = sa.update(table).where(
        table.c.key_hash == sa.bindparam("old"), table.c.customer_no == sa.bindparam("who")
    )
    values = [{"old": old, "who": who, "new": new} for old, who, new in rows]
    connection.execute(update.values(key_hash=sa.bindparam("new")), values)
