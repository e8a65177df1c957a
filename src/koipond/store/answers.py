"""Receipts and answers (回执): each counts once and moves the touch on; opt-outs hold at once."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from koipond.ingest.mapping import plain_name
from koipond.ingest.words import word_table
from koipond.outreach.ports import Response
from koipond.store import consents, ends
from koipond.store.bulk import Row, any_of, group, upsert_rows
from koipond.store.instants import from_s, to_s
from koipond.store.people import members_of, roots_of
from koipond.store.tables import touch, touch_event

# what came before each state; a late receipt never moves a touch back
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "delivered": ("sending", "unknown", "accepted"),
    "opened": ("sending", "unknown", "accepted", "delivered"),
    "clicked": ("sending", "unknown", "accepted", "delivered", "opened"),
    "replied": ("sending", "unknown", "accepted", "delivered", "opened", "clicked"),
    "complained": ("sending", "unknown", "accepted", "delivered", "opened", "clicked", "replied"),
}
_ARRIVED = ("unsubscribed", "unfriended")

_STOP = ("t", "td", "tt", "n")  # what text messages ask people to reply
_UNDELIVERED = ("sending", "unknown", "accepted")
_SUPPRESSES: Mapping[str, consents.SuppressionReason] = {
    "complained": "complaint",
    "unfriended": "unfriended",
    "bounced": "hard_bounce",
}


def record(connection: sa.Connection, responses: Sequence[Response], now_s: int) -> int:
    """Record ``responses``; return how many were new. Those to touches that are not ours are left out."""
    keys = {one.touch_key for one in responses}
    query = sa.select(touch.c.touch_key, touch.c.touch_no, touch.c.customer_no, touch.c.channel)
    found = {
        row.touch_key: row
        for row in connection.execute(query.where(any_of(connection, touch.c.touch_key, keys)))
    }
    ours = [(found[one.touch_key], one) for one in responses if one.touch_key in found]
    fresh = _log(connection, ours)
    by_kind: dict[str, list[int]] = {}
    for row, one in ours:
        by_kind.setdefault(one.kind, []).append(row.touch_no)
    for state, before in _BEFORE.items():
        ends.move(connection, by_kind.get(state, []), state, before)
    for kind in _ARRIVED:  # nobody answers what never reached him
        ends.move(connection, by_kind.get(kind, []), "accepted", ("unknown",))
    gone = ends.move(connection, by_kind.get("bounced", []), "failed", _UNDELIVERED, detail="bounced")
    ends.log(connection, gone, "failed", now_s, "bounced")
    ends.give_back(connection, gone)
    _opt_out(connection, ours, now_s)
    return fresh


def _log(connection: sa.Connection, ours: Sequence[tuple[Any, Response]]) -> int:
    """Write the events that are new and return how many; a provider may tell the same thing twice."""
    rows: dict[Row, str] = {}
    for row, one in ours:
        rows.setdefault((row.touch_no, one.kind, to_s(one.at)), one.detail)
    columns = ("touch_no", "kind", "at_s", "detail")
    flat = [(*place, detail) for place, detail in rows.items()]
    return upsert_rows(connection, touch_event, columns, flat, "ON CONFLICT DO NOTHING")


def _opt_out(connection: sa.Connection, ours: Sequence[tuple[Any, Response]], now_s: int) -> None:
    leaving = [(row, one) for row, one in ours if one.kind == "unsubscribed" or _says_stop(one)]
    members = _members(connection, {row.customer_no for row, _ in leaving})
    withdrawn = [
        consents.ConsentStatement(
            customer_no=number,
            channel=row.channel,
            purpose="marketing",
            granted=False,
            at=min(one.at, from_s(now_s)),
            source="unsubscribe" if one.kind == "unsubscribed" else "reply",
            proof=row.touch_key,
        )
        for row, one in leaving
        for number in members[row.customer_no]
    ]
    consents.append(connection, withdrawn, now_s)
    suppressed = [
        consents.Suppression(
            customer_no=row.customer_no,
            reason=_SUPPRESSES[one.kind],
            at=one.at,
            channel=row.channel,
            note=row.touch_key,
        )
        for row, one in ours
        if one.kind in _SUPPRESSES
    ]
    consents.suppress(connection, suppressed)


def _says_stop(one: Response) -> bool:
    """Say whether a reply is one of the words by which people leave: STOP, TD, 退订, berhenti …"""
    word = plain_name(one.detail) if one.kind == "replied" else ""
    return word in _STOP or word_table("consent").get(word) == "false"


def _members(connection: sa.Connection, customer_nos: Collection[int]) -> dict[int, list[int]]:
    """Return customer → all customers of the same person: a no stays with each when a merge is undone."""
    roots = roots_of(connection, customer_nos)
    members = group(members_of(connection, set(roots.values())).items(), itemgetter(1))
    return {number: sorted(one for one, _ in members[root]) for number, root in roots.items()}
