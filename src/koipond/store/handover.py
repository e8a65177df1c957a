"""What lists of people ask of the store (名单交接): who holds an address, and who may not be on a list.

Whoever said no to a channel, is suppressed there or shares the address with somebody who is, does not stand
on a list for that channel: what is sent from another tool is bound by the same noes (B01).
"""

from collections.abc import Collection

import sqlalchemy as sa

from koipond.ingest.spellings import former_spellings
from koipond.outreach.model import Reason
from koipond.store.bulk import any_of, chunks
from koipond.store.cipher import Lookup
from koipond.store.coholders import load_permissions
from koipond.store.engine import Database
from koipond.store.erased import spelled_formerly
from koipond.store.gate_load import find_people
from koipond.store.keys import KeyRing
from koipond.store.rotation import require_found
from koipond.store.tables import customer, identifier, suppression

CHUNK = 5_000


class StoredHandover:
    """Holders and noes of many customers of one store."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._db = database
        self._ring = ring
        self._lookups = tuple(Lookup(key) for key in ring.live)

    def holders(self, kind: str, values: Collection[str]) -> dict[str, list[int]]:
        """Return address of ``kind`` → everybody who holds it, in whatever source, verified or not.

        Raises RefusedError while identifiers stand under a key that nobody is looked up under.
        """
        found: dict[str, list[int]] = {}
        with self._db.read() as connection:
            require_found(connection, self._ring)
            for part in chunks(sorted(set(values)), CHUNK):
                spelled = {value: value for value in part}
                if spelled_formerly(connection):
                    spelled |= {old: value for value in part for old in former_spellings(kind, value)}
                named = {
                    lookup.address(kind, old): spelled[old] for lookup in self._lookups for old in spelled
                }
                mine = any_of(connection, identifier.c.address_hash, list(named))
                rows = sa.select(identifier.c.address_hash, identifier.c.customer_no).where(mine)
                for printed, number in connection.execute(rows.order_by(identifier.c.customer_no)):
                    found.setdefault(named[printed], []).append(number)
        return found

    def by_uid(self, uids: Collection[str]) -> dict[str, int]:
        """Return our id of a customer → his number; without those of nobody, or of somebody erased."""
        found: dict[str, int] = {}
        gone = sa.select(suppression.c.customer_no).where(suppression.c.reason == "erased")
        with self._db.read() as connection:
            for part in chunks(sorted(set(uids)), CHUNK):
                mine = any_of(connection, customer.c.customer_uid, list(part))
                rows = sa.select(customer.c.customer_uid, customer.c.customer_no).where(mine)
                rows = rows.where(customer.c.customer_no.not_in(gone))
                found |= {row[0]: row[1] for row in connection.execute(rows)}
        return found

    def barred(
        self, customer_nos: Collection[int], channels: Collection[str], purpose: str
    ) -> dict[int, Reason]:
        """Return customer → what forbids to reach them for ``purpose`` on any of ``channels``."""
        found: dict[int, Reason] = {}
        for part in chunks(sorted(customer_nos), CHUNK):
            with self._db.read() as connection:
                people = find_people(connection, part)
                load_permissions(connection, people, set())
            for number in part:
                reasons = (people[number].barred(one, purpose, False) for one in sorted(channels))
                reason = next((one for one in reasons if one is not None), None)
                if reason is not None:
                    found[number] = reason
        return found
