"""Suppressions by an operator's word, audited; and what a person's permissions look like (停止触达)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.outreach.consent import ALL
from koipond.store import gate_load
from koipond.store.audit import AuditEntry, write
from koipond.store.bulk import Row, any_of, upsert_rows
from koipond.store.instants import from_s, to_s
from koipond.store.people import members_of, roots_of
from koipond.store.tables import suppression


def suppress_by(
    connection: sa.Connection,
    customer_nos: Collection[int],
    reason: str,
    channel: str,
    note: str,
    *,
    by: str,
    now: datetime,
) -> int:
    """Suppress people, all customers of each; return how many were not yet."""
    members = members_of(connection, set(roots_of(connection, customer_nos).values()))
    rows: list[Row] = [(number, channel, reason, to_s(now), note) for number in sorted(members)]
    columns = ("customer_no", "channel", "reason", "at_s", "note")
    before = set(connection.scalars(_standing(connection, members, reason, channel)))
    upsert_rows(connection, suppression, columns, rows, "ON CONFLICT DO NOTHING")
    fresh = {members[number] for number in members.keys() - before}
    if fresh:
        detail = {"channel": channel, "reason": reason, "note": note, "people": len(fresh)}
        _audit(connection, "suppress", sorted(fresh), detail, by, now)
    return len(fresh)


def lift_by(
    connection: sa.Connection,
    customer_nos: Collection[int],
    reason: str | None,
    channel: str,
    *,
    by: str,
    now: datetime,
) -> int:
    """Take suppressions back, all but that of the erased; return how many. ``ALL`` channels, or just one."""
    members = members_of(connection, set(roots_of(connection, customer_nos).values()))
    mine = any_of(connection, suppression.c.customer_no, members) & (suppression.c.reason != "erased")
    if reason is not None:
        mine &= suppression.c.reason == reason
    if channel != ALL:
        mine &= suppression.c.channel == channel
    gone = connection.execute(sa.delete(suppression).where(mine)).rowcount
    if gone:
        detail = {"channel": channel, "reason": reason, "suppressions": gone}
        _audit(connection, "lift", sorted(set(members.values())), detail, by, now)
    return gone


def shown(connection: sa.Connection, customer_no: int) -> dict[str, Any]:
    """Return what the gate knows of a person, as plain values."""
    people = gate_load.find_people(connection, {customer_no})
    gate_load.load_permissions(connection, people, set())
    person = people[customer_no]
    return {
        "customer_no": person.root_no,
        "members": sorted(people),
        "staff": person.staff,
        "minor": person.minor,
        "reachable_by": sorted(person.addresses),
        "suppressed": [
            {"channel": place, "reason": reason} for place, reason in sorted(person.suppressed.items())
        ],
        "consents": [
            {
                "channel": place[0],
                "purpose": place[1],
                "granted": held.granted,
                "at": from_s(held.at_s).isoformat(),
            }
            for place, held in sorted(person.consents.items())
        ],
    }


def _standing(connection: sa.Connection, members: Collection[int], reason: str, channel: str) -> Any:
    return sa.select(suppression.c.customer_no).where(
        any_of(connection, suppression.c.customer_no, members),
        suppression.c.reason == reason,
        suppression.c.channel == channel,
    )


def _audit(
    connection: sa.Connection, act: str, numbers: list[int], detail: dict[str, Any], by: str, now: datetime
) -> None:
    subject = f"customers {', '.join(map(str, numbers))}"
    write(connection, AuditEntry(at=now, actor=by, action=act, subject=subject, detail=detail))
