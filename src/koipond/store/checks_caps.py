"""Frequency caps, checked afterwards (频次核查): of each customer, and of each inbox that several hold.

Caps are checked as each touch was admitted: it and the touches admitted before it, in the windows of the caps
it was admitted under. Later merges and changed caps are no breaks. Reading only.
"""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import Message
from koipond.outreach.caps import Slot, applies, window
from koipond.outreach.model import FrequencyCap
from koipond.store.bulk import any_of, chunks, group
from koipond.store.coholders import KINDS
from koipond.store.ends import DEAD
from koipond.store.people import ROOT
from koipond.store.tables import customer, identifier, outbox, touch

_BATCH = 20_000
_CHUNK = 2_000
_ORDER = touch.c.customer_no, touch.c.touch_no


def caps(connection: sa.Connection, place: ZoneInfo) -> Iterator[str]:
    """No touch shares a window of its caps with too many that were admitted before it."""
    rows = connection.execution_options(yield_per=_BATCH).execute(_held().order_by(*_ORDER))
    for _, touches in groupby(rows, key=lambda row: row.customer_no):
        before: list[Slot] = []
        for row in touches:
            slot = _slot(row)
            yield from _cap_breaks(row, slot, before, place)
            before.append(slot)


def _cap_breaks(row: Any, slot: Slot, before: Sequence[Slot], place: ZoneInfo) -> Iterator[str]:
    for cap in _read_caps(row.caps):
        if not applies(cap, slot.channel, slot.purpose):
            continue
        low, high = window(cap, slot.from_s, slot.from_s, place)
        near = [one.from_s for one in before if applies(cap, one.channel, one.purpose)]
        times = [slot.from_s, *(at for at in near if low <= at < high)]
        count = _most_in_window(cap, times)
        if count > cap.touches_max:
            yield Message(
                "touch {touch_key}: {count} touches under cap {key} of {touches_max}",
                touch_key=row.touch_key,
                count=count,
                key=cap.key,
                touches_max=cap.touches_max,
            )


def _most_in_window(cap: FrequencyCap, times: Sequence[int]) -> int:
    """Return the most of ``times`` that lie in one window together with the first of them."""
    if cap.window != "rolling_days":
        return len(times)
    span = cap.days * 86_400
    starts = [at for at in times if at <= times[0]]
    return max(sum(start <= at < start + span for at in times) for start in starts)


@lru_cache(maxsize=1_000)
def _read_caps(text: str) -> tuple[FrequencyCap, ...]:
    return tuple(FrequencyCap(**cap) for cap in json.loads(text))


def inbox_caps(connection: sa.Connection, place: ZoneInfo) -> Iterator[str]:
    """No touch shares a window of its caps with too many that went to the same address before it, under
    whatever customer. Who was not known to hold the address when it was admitted does not count."""
    held = identifier.c.address_hash.is_not(None)
    several = sa.func.min(identifier.c.customer_no) < sa.func.max(identifier.c.customer_no)
    address = identifier.c.address_hash
    shared = connection.scalars(sa.select(address).where(held).group_by(address).having(several)).all()
    who = sa.select(address, identifier.c.kind, ROOT, sa.func.min(identifier.c.seen_s))
    who = who.join(customer, customer.c.customer_no == identifier.c.customer_no)
    for part in chunks(sorted(shared), _CHUNK):
        mine = who.where(any_of(connection, address, part)).group_by(address, identifier.c.kind, ROOT)
        inboxes = group(connection.execute(mine).all(), lambda row: row[0])
        numbers = sorted({row[2] for found in inboxes.values() for row in found})
        query = _held().where(any_of(connection, touch.c.customer_no, numbers)).order_by(touch.c.touch_no)
        touches = group(connection.execute(query), lambda row: row.customer_no)
        for found in inboxes.values():
            since = {row[2]: row[3] for row in found}
            yield from _inbox_breaks(found[0][1], since, touches, place)


def _inbox_breaks(
    kind: str, since: dict[int, int], touches: dict[int, list[Any]], place: ZoneInfo
) -> Iterator[str]:
    """``since``: customer → since when it is known to hold the address of ``kind``."""
    rows = sorted((row for number in since for row in touches.get(number, ())), key=lambda row: row.touch_no)
    for at, row in enumerate(rows):
        if since[row.customer_no] > row.admitted_s:
            continue
        before = [
            _slot(one)
            for one in rows[:at]
            if one.customer_no == row.customer_no
            or (KINDS.get(one.channel) == kind and since[one.customer_no] <= row.admitted_s)
        ]
        yield from _cap_breaks(row, _slot(row), before, place)


def _held() -> sa.Select[Any]:
    start = sa.func.coalesce(outbox.c.sent_s, outbox.c.due_s)
    until = sa.func.coalesce(outbox.c.sent_s, outbox.c.expires_s)
    names = (
        "customer_no",
        "touch_no",
        "touch_key",
        "channel",
        "purpose",
        "strategy",
        "content",
        "admitted_s",
    )
    return (
        sa.select(*(touch.c[n] for n in names), start.label("from_s"), until.label("to_s"), touch.c.caps)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(outbox.c.state.not_in(DEAD))
    )


def _slot(row: Any) -> Slot:
    return Slot(row.channel, row.purpose, row.strategy, row.content, row.from_s, max(row.from_s, row.to_s))
