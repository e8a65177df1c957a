"""Code lists (券码): codes of the brand's own shop, imported, one a customer, issued by the gate alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.kernel import InputError
from koipond.store.bulk import Row, chunks, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import to_s
from koipond.store.tables import offer_code

CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStock:
    """How many codes of a list there are."""

    list_key: str
    issued: int
    left: int


class StoredCodes:
    """Codes of one workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, list_key: str, codes: Sequence[str], expires_at: datetime | None = None) -> int:
        """Add ``codes`` to a list; return how many are new. A code that is known keeps its place and holder.

        Raises InputError for an empty code.
        """
        empty = [place + 1 for place, code in enumerate(codes) if not code.strip()]
        if empty:
            raise InputError(f"{list_key}: code {empty[0]} is empty; remove such lines")
        expires_s = None if expires_at is None else to_s(expires_at)
        rows: list[Row] = [(list_key, code.strip(), expires_s) for code in dict.fromkeys(codes)]
        fresh = 0
        for part in chunks(rows, CHUNK):
            with self._db.write() as connection:
                columns = ("list_key", "code", "expires_s")
                fresh += upsert_rows(connection, offer_code, columns, list(part), "ON CONFLICT DO NOTHING")
        return fresh

    def stock(self, now: datetime) -> list[CodeStock]:
        """Return how many codes of each list are issued, and how many are left and still good."""
        issued = offer_code.c.customer_no.is_not(None)
        good = sa.or_(offer_code.c.expires_s.is_(None), offer_code.c.expires_s > to_s(now))
        counts = [sa.func.sum(sa.case((what, 1), else_=0)) for what in (issued, sa.not_(issued) & good)]
        query = sa.select(offer_code.c.list_key, *counts).group_by(offer_code.c.list_key)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(offer_code.c.list_key)).all()
        return [CodeStock(list_key=key, issued=int(given), left=int(left)) for key, given, left in rows]

    def people(self, list_keys: Collection[str], now: datetime) -> dict[str, tuple[list[int], list[int]]]:
        """Return list → the customers whose code is good, and those whose code has expired."""
        found: dict[str, tuple[list[int], list[int]]] = {key: ([], []) for key in list_keys}
        mine = offer_code.c.customer_no.is_not(None) & offer_code.c.list_key.in_(sorted(found))
        query = sa.select(offer_code.c.list_key, offer_code.c.customer_no, offer_code.c.expires_s).where(mine)
        now_s = to_s(now)
        with self._db.read() as connection:
            for key, customer_no, expires_s in connection.execute(query):
                found[key][expires_s is not None and expires_s <= now_s].append(customer_no)
        return found

    def holders(self, list_key: str) -> dict[str, int]:
        """Return code → customer of the issued codes of a list, to find their redemptions."""
        issued = offer_code.c.customer_no.is_not(None), offer_code.c.list_key == list_key
        query = sa.select(offer_code.c.code, offer_code.c.customer_no).where(*issued)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
