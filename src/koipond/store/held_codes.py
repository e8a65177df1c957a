"""The codes that customers hold, for rules over them (持券): who got which code of which list when."""

import pyarrow as pa
import sqlalchemy as sa

from koipond.segments.ports import CODE_SCHEMA
from koipond.store.code_keys import code_key
from koipond.store.engine import Database
from koipond.store.tables import offer_code


class StoredCodeBook:
    """The port `CodeBook` on a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def held(self) -> pa.Table:
        """Return every code that was issued, by its number."""
        names = ("customer_no", "list_key", "code_key", "issued_s", "expires_s")
        query = sa.select(*(offer_code.c[name] for name in names))
        query = query.where(offer_code.c.customer_no.is_not(None)).order_by(offer_code.c.code_no)
        with self._db.read() as connection:
            rows = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
        return pa.Table.from_pylist(rows, CODE_SCHEMA)

    def key(self, code: str) -> str:
        """Return ``code`` as a till reads it."""
        return code_key(code)
