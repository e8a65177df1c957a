"""What a migration cannot do in SQL (升级补齐): hash older addresses, read consents anew, spell alike.

Done once, when a store is opened, in bounded chunks of one commit each: an opening that is killed goes on at
the next. Each is idempotent, so two processes may do them at once.
"""

import sqlalchemy as sa

from koipond.store import consent_log, counters
from koipond.store.bulk import update_rows
from koipond.store.cipher import ADDRESSES, ERASED_CIPHER, Lookup, Vault
from koipond.store.engine import Database
from koipond.store.keys import KeyRing
from koipond.store.respelling import respell
from koipond.store.tables import consent_log as log
from koipond.store.tables import identifier
from koipond.store.workspace_values import keep_value, value_of

CHUNK = 10_000
_DONE = "upkeep"
_ADDRESSED, _REVISION = "0006", "0007 spelled"


def bring_up(database: Database, ring: KeyRing) -> None:
    """Fill what rows of earlier releases lack, unless that was done."""
    with database.read() as connection:
        done = value_of(connection, _DONE)
    if done == _REVISION:
        return
    if done != _ADDRESSED:
        _hash_addresses(database, ring)
        _read_consents(database)
    respell(database, ring)
    with database.write() as connection:
        keep_value(connection, _DONE, _REVISION)


def _hash_addresses(database: Database, ring: KeyRing) -> None:
    vault, lookup, last = Vault(ring), Lookup(ring.active), ""
    names = ("key_hash", "customer_no", "kind", "cipher", "key_id")
    while True:
        query = (
            sa.select(*(identifier.c[name] for name in names))
            .where(identifier.c.key_hash >= last, identifier.c.kind.in_(ADDRESSES))
            .where(identifier.c.address_hash.is_(None), identifier.c.cipher != ERASED_CIPHER)
            .order_by(identifier.c.key_hash, identifier.c.customer_no)
            .limit(CHUNK)
        )
        with database.write() as connection:
            rows = connection.execute(query.with_for_update()).all()
            if not rows:
                return
            found = [
                (one.key_hash, one.customer_no, lookup.address(one.kind, vault.open(*_sealed(one))))
                for one in rows
            ]
            update_rows(connection, identifier, names[:2], ("address_hash",), list(found))
        last = found[-1][0]  # of which more may follow: those that are hashed do not come again


def _sealed(row: sa.Row[tuple[object, ...]]) -> tuple[bytes, str, str]:
    return row.cipher, row.key_hash, row.key_id


def _read_consents(database: Database) -> None:
    last = 0
    while True:
        query = sa.select(log.c.customer_no).distinct().where(log.c.customer_no > last)
        with database.write() as connection:
            counters.take(connection, consent_log.HEARD, 0)
            numbers = connection.scalars(query.order_by(log.c.customer_no).limit(CHUNK)).all()
            if not numbers:
                return
            consent_log.reread(connection, numbers)
        last = numbers[-1]
