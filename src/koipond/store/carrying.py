"""A no outlives a restore (恢复不丢拒绝): what forbids to reach people, told by the store that is put aside.

A backup knows nothing of who said no after it was made; some of that was said by one click or by an operator
and stands in no file that could be imported again. People are matched by our opaque id of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from koipond.kernel import Message
from koipond.store import consents
from koipond.store.bulk import any_of, upsert_rows
from koipond.store.consents import ConsentStatement, Purpose, Suppression
from koipond.store.instants import from_s
from koipond.store.tables import consent, customer, pause, suppression

SOURCE = "restore"
ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Rows of (customer_uid, channel, purpose, at_s), and of (customer_uid, channel, reason, at_s, note)."""

    noes: Sequence[tuple[str, str, str, int]] = ()
    suppressions: Sequence[tuple[str, str, str, int, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What the copy did not know. ``unknown``: people it has never heard of; ``erased``: customers whose
    identifiers the copy brought back."""

    noes: int = 0
    suppressions: int = 0
    unknown: int = 0
    erased: Sequence[int] = ()


def refusals_in(connection: sa.Connection) -> Refusals:
    """Return every no and every suppression in force."""
    said = (
        sa.select(customer.c.customer_uid, consent.c.channel, consent.c.purpose, consent.c.at_s)
        .join(customer, customer.c.customer_no == consent.c.customer_no)
        .where(~consent.c.granted)
    )
    barred = sa.select(
        customer.c.customer_uid,
        *(suppression.c[name] for name in ("channel", "reason", "at_s", "note")),
    ).join(customer, customer.c.customer_no == suppression.c.customer_no)
    return Refusals(
        noes=[tuple(row) for row in connection.execute(said)],
        suppressions=[tuple(row) for row in connection.execute(barred)],
    )


def refusals_if_readable(connection: sa.Connection) -> Refusals:
    """Return `refusals_in`, none when the store breaks off: it may be damaged, which is why a copy comes."""
    try:
        return refusals_in(connection)
    except sa.exc.DatabaseError:
        return Refusals()


def hold_back(connection: sa.Connection, now_s: int) -> None:
    """Pause everything: what waits in a copy may have gone out after the copy was made."""
    row = ("all", SOURCE, Message("what waits may have gone out after the backup"), now_s)
    upsert_rows(connection, pause, ("scope", "author", "reason", "since_s"), [row], "ON CONFLICT DO NOTHING")


def carry(connection: sa.Connection, found: Refusals, now_s: int) -> Carried:
    """Bring ``found`` into force in the store of ``connection``, in the caller's transaction."""
    uids = {row[0] for row in (*found.noes, *found.suppressions)}
    query = sa.select(customer.c.customer_uid, customer.c.customer_no)
    known = dict(
        tuple(row)
        for row in connection.execute(query.where(any_of(connection, customer.c.customer_uid, uids)))
    )
    noes = _new_noes(connection, found, known)
    consents.append(connection, noes, now_s)
    barred = _new_suppressions(connection, found, known)
    consents.suppress(connection, barred)
    return Carried(
        noes=len(noes),
        suppressions=len(barred),
        unknown=len(uids - known.keys()),
        erased=sorted({one.customer_no for one in barred if one.reason == ERASED}),
    )


def _new_noes(connection: sa.Connection, found: Refusals, known: dict[str, int]) -> list[ConsentStatement]:
    names = (consent.c[name] for name in ("customer_no", "channel", "purpose"))
    held = {tuple(row) for row in connection.execute(sa.select(*names).where(~consent.c.granted))}
    return [
        ConsentStatement(
            customer_no=known[uid],
            channel=channel,
            purpose=cast(Purpose, purpose),
            granted=False,
            at=from_s(at_s),
            source=SOURCE,
            proof=Message("the store that was put aside"),
        )
        for uid, channel, purpose, at_s in found.noes
        if uid in known and (known[uid], channel, purpose) not in held
    ]


def _new_suppressions(connection: sa.Connection, found: Refusals, known: dict[str, int]) -> list[Suppression]:
    names = (suppression.c[name] for name in ("customer_no", "channel", "reason"))
    held = {tuple(row) for row in connection.execute(sa.select(*names))}
    rows: list[Any] = [
        (known[uid], channel, reason, at_s, note)
        for uid, channel, reason, at_s, note in found.suppressions
        if uid in known and (known[uid], channel, reason) not in held
    ]
    return [
        Suppression(customer_no=number, reason=reason, at=from_s(at_s), channel=channel, note=note)
        for number, channel, reason, at_s, note in rows
    ]
