"""What an approval covers (审批范围): every definition and setting a plan was made under, and its numbers.

The digest is kept with the approval; a plan whose digest no longer fits what the store holds is not sent.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from koipond.kernel import Message
from koipond.store.definitions import rows_at
from koipond.store.tables import plan


def digest_of(connection: sa.Connection, row: Any) -> str:
    """Return the digest of what the plan in ``row`` (columns of table `plan`) stands on: 64 hex digits."""
    found = hashlib.sha256()
    parts = [str(row.plan_no), str(row.as_of_day), row.strategies, row.summary]
    for one in rows_at(connection, row.definition_version):
        parts += [one.kind, one.key, str(one.version), one.body]
    for part in parts:
        found.update(part.encode())
        found.update(b"\0")
    return found.hexdigest()


def approvals(connection: sa.Connection) -> Iterator[str]:
    """What was approved is what the store holds of it."""
    for row in connection.execute(sa.select(plan).where(plan.c.digest.is_not(None))).all():
        if digest_of(connection, row) != row.digest:
            yield Message("plan {key} is not what was approved any more", key=f"p{row.plan_no}")
